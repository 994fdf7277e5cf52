#!/bin/bash
# Builds hiredis with TLS into .local/deps: #include <hiredis/hiredis.h>, <hiredis/hiredis_ssl.h>, libhiredis.a (needs
# -lssl -lcrypto).
set -euo pipefail
name=hiredis
# shellcheck source=deploy/deps/common.sh
. "$(dirname "$0")/common.sh"

unpack_source
hiredis="$source_dir/vendor/hiredis"
mkdir -p "$deps_dir/include/hiredis"
cp "$hiredis"/{hiredis,hiredis_ssl,read,sds,alloc}.h "$deps_dir/include/hiredis/"
build_static_library libhiredis.a "$hiredis"/{alloc,hiredis,net,read,sds,sockcompat,ssl,dict,async}.c -- \
    -D_GNU_SOURCE -I"$hiredis"
finish_build "$hiredis/COPYING"
