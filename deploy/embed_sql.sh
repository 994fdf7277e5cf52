#!/usr/bin/env bash
# Writes <out>/<name>_sql.{h,c}: every FOLDER/sql/*.sql as a PgStatement, every FOLDER/migrations/*.sql as a row of a
# table; <name> is the folder's last part. Usage: embed_sql.sh FOLDER OUT_DIR (from the top of the tree)
set -euo pipefail
folder=$1 out=$2
name=$(basename "$folder")
prefix=${name//-/_}

literal() { sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"; }

header=$out/${prefix}_sql.h source=$out/${prefix}_sql.c
{
    echo '#pragma once'
    echo '#include "common/migrations.h"'
    for file in "$folder"/sql/*.sql; do
        [ -e "$file" ] && echo "extern const PgStatement sql_$(basename "$file" .sql);"
    done
    echo "extern const PgStatement *const ${prefix}_statements[];"
    echo "extern const size_t ${prefix}_statements_count;"
    echo "extern const Migration ${prefix}_migrations[];"
    echo "extern const size_t ${prefix}_migrations_count;"
} >"$header.new"
{
    echo "#include \"gen/${prefix}_sql.h\""
    statements=0
    for file in "$folder"/sql/*.sql; do
        [ -e "$file" ] || continue
        statement=$(basename "$file" .sql)
        printf 'const PgStatement sql_%s = {.name = "%s", .sql =\n' "$statement" "$statement"
        literal "$file"
        echo '};'
        statements=$((statements + 1))
    done
    echo "const PgStatement *const ${prefix}_statements[] = {"
    for file in "$folder"/sql/*.sql; do
        [ -e "$file" ] && echo "    &sql_$(basename "$file" .sql),"
    done
    echo '    NULL,'
    echo '};'
    echo "const size_t ${prefix}_statements_count = $statements;"
    migrations=0
    echo "const Migration ${prefix}_migrations[] = {"
    for file in "$folder"/migrations/*.sql; do
        [ -e "$file" ] || continue
        printf '    {.name = "%s", .sql =\n' "$(basename "$file" .sql)"
        literal "$file"
        echo '    },'
        migrations=$((migrations + 1))
    done
    echo '    {.name = NULL},'
    echo '};'
    echo "const size_t ${prefix}_migrations_count = $migrations;"
} >"$source.new"
mv "$header.new" "$header"
mv "$source.new" "$source"
