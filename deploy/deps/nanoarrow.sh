#!/bin/bash
# Builds nanoarrow with its IPC reader and writer (zstd bodies too) into .local/deps:
# #include <nanoarrow/nanoarrow.h>, <nanoarrow/nanoarrow_ipc.h>, libnanoarrow.a (needs -lzstd).
set -euo pipefail
name=nanoarrow
# shellcheck source=deploy/deps/common.sh
. "$(dirname "$0")/common.sh"

unpack_source
arrow="$source_dir/subprojects/arrow-nanoarrow/src"
flatcc=("$source_dir"/subprojects/flatcc-*)
version="$(sed -n "s/^ *version: '\([0-9.]*\)',/\1/p" "$arrow/../meson.build")"
IFS=. read -r major minor patch <<<"$version"

include="$deps_dir/include/nanoarrow"
mkdir -p "$include/common"
sed -e "s/@NANOARROW_VERSION_MAJOR@/$major/" -e "s/@NANOARROW_VERSION_MINOR@/$minor/" \
    -e "s/@NANOARROW_VERSION_PATCH@/$patch/" -e "s/@NANOARROW_VERSION@/$version/" -e '/@NANOARROW_NAMESPACE_DEFINE@/d' \
    "$arrow/nanoarrow/nanoarrow_config.h.in" >"$include/nanoarrow_config.h"
cp "$arrow/nanoarrow/nanoarrow.h" "$arrow/nanoarrow/nanoarrow_ipc.h" "$include/"
cp "$arrow"/nanoarrow/common/inline_*.h "$include/common/"

build_static_library libnanoarrow.a "$arrow"/nanoarrow/common/*.c "$arrow"/nanoarrow/ipc/*.c \
    "${flatcc[0]}"/src/runtime/{builder,emitter,refmap,verifier}.c -- \
    -DNANOARROW_IPC_WITH_ZSTD -I"$deps_dir/include" -I"$arrow" -I"${flatcc[0]}/include"
finish_build "${flatcc[0]}/LICENSE"
