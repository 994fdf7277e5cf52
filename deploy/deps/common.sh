# shellcheck shell=bash
# What the builds of the C libraries share; sourced by deploy/deps/<name>.sh, which set `name` first.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
local_dir="$(cd "$here/../.." && pwd)/.local"
deps_dir="$local_dir/deps"
work_dir="$local_dir/cache/build/${name:?}"

# unpack_source: downloads the pinned source distribution of $name, checks its hash and sets $source_dir.
unpack_source() {
    local backends="$work_dir/backends" download="$local_dir/cache/sources"
    rm -rf "$work_dir"
    mkdir -p "$backends/scikit_build_core" "$backends/setuptools" "$work_dir/source" "$work_dir/objects" "$download"
    cp "$here/metadata_backend.py" "$backends/scikit_build_core/build.py"
    cp "$here/metadata_backend.py" "$backends/setuptools/build_meta.py"
    cp "$here/metadata_backend.py" "$backends/mesonpy.py"
    touch "$backends/scikit_build_core/__init__.py" "$backends/setuptools/__init__.py"
    grep "^$name==" "$here/sources.txt" >"$work_dir/requirement.txt"

    rm -f "$download/$name"-*.tar.gz
    PYTHONPATH="$backends" "$local_dir/venv/bin/python" -m pip download --disable-pip-version-check --require-hashes --no-deps \
        --no-binary :all: --no-build-isolation --use-pep517 --cache-dir "$local_dir/cache/pip" --dest "$download" \
        --requirement "$work_dir/requirement.txt"
    tar -xzf "$download/$name"-*.tar.gz -C "$work_dir/source" --strip-components=1
    # shellcheck disable=SC2034 # read by the scripts that source this file
    source_dir="$work_dir/source"
}

# build_static_library LIBRARY SOURCES... -- FLAGS...: compiles into .local/deps/lib/LIBRARY.
build_static_library() {
    local library="$1" sources=()
    shift
    while [ "$1" != -- ]; do
        sources+=("$1")
        shift
    done
    shift
    # shellcheck disable=SC2016 # the inner shell expands these, once for each source
    printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -I{} sh -c '
        source="$1" objects="$2"; shift 2
        exec gcc -std=gnu11 -O2 -g -fPIC -DNDEBUG "$@" -c "$source" -o "$objects/$(basename "$source" .c).o"
    ' sh {} "$work_dir/objects" "$@"
    mkdir -p "$deps_dir/lib"
    rm -f "$work_dir/$library"
    ar rcs "$work_dir/$library" "$work_dir/objects"/*.o
    mv "$work_dir/$library" "$deps_dir/lib/$library"
}

# finish_build: keeps the licence beside the library and drops what is only needed to build it.
finish_build() {
    mkdir -p "$deps_dir/licences"
    cp "$1" "$deps_dir/licences/$name"
    rm -rf "$work_dir"
}
