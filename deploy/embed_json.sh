#!/usr/bin/env bash
# Writes the JSON files of a folder, or the queries beside them, as C texts to standard output.
# Usage, from the top of the tree:
#   embed_json.sh array HEADER NAME FOLDER    const char *const NAME[] with all of them and size_t NAME_count
#   embed_json.sh texts HEADER PREFIX FOLDER  const char PREFIX<file name, _ for ->[] for each
#   embed_json.sh queries TYPE NAME FOLDER    const TYPE NAME[] with {file name, text} of all its .sql and NAME_count
set -euo pipefail
form=$1 header=$2 name=$3 folder=$4

literal() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"; }

count=0
if [ "$form" = queries ]; then
    echo "const $header ${name}[] = {"
    for file in "$folder"/*.sql; do
        [ -e "$file" ] || continue
        echo "    {\"$(basename "$file")\","
        literal "$file"
        echo '    },'
        count=$((count + 1))
    done
    echo '    {0},'
    echo '};'
    echo "const size_t ${name}_count = $count;"
    exit
fi

echo "#include \"$header\""
[ "$form" = texts ] || echo "const char *const ${name}[] = {"
for file in "$folder"/*.json; do
    if [ "$form" = texts ]; then
        base=$(basename "$file" .json)
        echo "const char $name${base//-/_}[] ="
        literal "$file"
        echo '    ;'
    else
        literal "$file"
        echo '    ,'
    fi
    count=$((count + 1))
done
if [ "$form" = array ]; then
    echo '};'
    echo "const size_t ${name}_count = $count;"
fi
