#!/usr/bin/env bash
# Writes <out>/feature_views.c: every services/feature-store/views/*.json as text, for feature_view.h.
# Usage: embed_views.sh OUT_DIR (from the top of the tree)
set -euo pipefail
out=$1 count=0
{
    echo '#include "services/feature-store/feature_view.h"'
    echo 'const char *const feature_view_declarations[] = {'
    for file in services/feature-store/views/*.json; do
        sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$file"
        echo '    ,'
        count=$((count + 1))
    done
    echo '};'
    echo "const size_t feature_view_declarations_count = $count;"
} >"$out/feature_views.c.new"
mv "$out/feature_views.c.new" "$out/feature_views.c"
