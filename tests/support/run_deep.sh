#!/usr/bin/env bash
# The long tests: fuzzing (FUZZ_SECONDS for each target), processes that die while many orders flow
# (RUSHCAST_FAULT_EVENTS and the other settings of chaos_test.py), the end-to-end tests on the TSan build. The last line
# counts them all.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/support/counting.sh

out=build/deep
rm -rf $out
watch_sanitizers $out/sanitizer
input_max_bytes=4096 input_deadline_s=10 memory_max_mb=2048

# fuzz TARGET: an input that crashes it, hangs it or leaks is left in build/deep/.
fuzz() {
    local corpus=$out/corpus/$1
    mkdir -p "$corpus"
    "build/asan/$1" --seeds "$corpus" || return
    ASAN_OPTIONS='' UBSAN_OPTIONS=print_stacktrace=1 "build/fuzz/$1" -max_total_time="${FUZZ_SECONDS:-60}" \
        -max_len=$input_max_bytes -timeout=$input_deadline_s -rss_limit_mb=$memory_max_mb \
        -artifact_prefix="$out/$1-" "$corpus" >"$out/$1.log" 2>&1 || {
        tail -n 60 "$out/$1.log"
        return 1
    }
    tail -n 1 "$out/$1.log"
}

# e2e NAME VARIANT TEST...
e2e() {
    local name=$1 variant=$2
    shift 2
    RUSHCAST_TEST_BUILD=$PWD/build/$variant tests/support/servers.sh $python -m pytest -q -p no:cacheprovider \
        --junitxml="$out/$name.xml" "$@"
    count "$name" "$out/$name.xml"
}

echo "== fuzzing"
for target in build/fuzz/*_fuzz; do
    check "$target" fuzz "${target##*/}"
done

echo "== processes that die while orders flow"
RUSHCAST_FAULT_EVENTS=${RUSHCAST_FAULT_EVENTS:-200000} RUSHCAST_FAULT_KILLS=${RUSHCAST_FAULT_KILLS:-20} \
    e2e faults asan tests/e2e/outage_test.py tests/e2e/chaos_test.py

echo "== end-to-end tests with TSan"
# One thread inside XGBoost: its waiting in libgomp is what TSan cannot see, and what it then reports takes hours.
OMP_THREAD_LIMIT=1 RUSHCAST_TEST_PATIENCE=10 e2e threads tsan tests/e2e

count_reports
tell_counts
