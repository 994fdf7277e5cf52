#!/bin/bash
# Builds yyjson into .local/deps: #include <yyjson.h>, libyyjson.a.
set -euo pipefail
name=yyjson
# shellcheck source=deploy/deps/common.sh
. "$(dirname "$0")/common.sh"

unpack_source
mkdir -p "$deps_dir/include"
cp "$source_dir/yyjson/yyjson.h" "$deps_dir/include/"
build_static_library libyyjson.a "$source_dir/yyjson/yyjson.c" -- -I"$deps_dir/include"
finish_build "$source_dir/LICENSE"
