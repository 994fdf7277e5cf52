#!/usr/bin/env bash
# Static analysis of all tracked files: layout of C code, shellcheck, clang-tidy. `make format` repairs the layout.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit

failed=0

format_c() {
    git ls-files -z '*.c' '*.h' | xargs -0 clang-format --dry-run -Werror
}

check_scripts() {
    git ls-files -z '*.sh' .ci/run | xargs -0 shellcheck --external-sources
}

# One process a file, the longest first, so that all cores are busy until the end.
analyse_c() {
    local flags
    flags=$(make -s lint-flags) || return
    # shellcheck disable=SC2086 # one word a flag
    git ls-files '*.c' | xargs ls -S | xargs -P "$(nproc)" -I '{}' clang-tidy --quiet '{}' -- $flags 2> >(
        grep -Ev 'warnings? (generated|treated as errors)\.?$' >&2
    )
}

echo "== layout of C code"
format_c || failed=1
echo "== scripts"
check_scripts || failed=1
echo "== C code"
analyse_c || failed=1
[ $failed -eq 0 ] && echo "nothing found"
exit $failed
