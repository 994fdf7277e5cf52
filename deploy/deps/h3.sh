#!/bin/bash
# Builds the H3 C library into .local/deps: #include <h3/h3api.h>, libh3.a.
set -euo pipefail
name=h3
# shellcheck source=deploy/deps/common.sh
. "$(dirname "$0")/common.sh"

unpack_source
h3="$source_dir/src/h3lib"
IFS=. read -r major minor patch <"$h3/VERSION"
mkdir -p "$deps_dir/include/h3"
sed -e "s/@H3_VERSION_MAJOR@/$major/" -e "s/@H3_VERSION_MINOR@/$minor/" -e "s/@H3_VERSION_PATCH@/$patch/" \
    "$h3/src/h3lib/include/h3api.h.in" >"$deps_dir/include/h3/h3api.h"
build_static_library libh3.a "$h3"/src/h3lib/lib/*.c -- \
    -DBUILDING_H3 -DH3_PREFIX= -DH3_HAVE_VLA -I"$deps_dir/include/h3" -I"$h3/src/h3lib/include"
finish_build "$source_dir/LICENSE"
