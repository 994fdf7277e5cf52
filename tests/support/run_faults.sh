#!/usr/bin/env bash
# kill -9 of ingest, Postgres and Kafka at random moments while order events flow; afterwards every count must be exact.
# RUSHCAST_FAULT_SEED (1), RUSHCAST_FAULT_EVENTS (1000000), RUSHCAST_FAULT_KILLS (20) choose others, RUSHCAST_TEST_BUILD
# another build than build/release.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/support/counting.sh

out=build/faults
rm -rf $out
watch_sanitizers $out/sanitizer
export RUSHCAST_FAULT_EVENTS=${RUSHCAST_FAULT_EVENTS:-1000000} RUSHCAST_FAULT_KILLS=${RUSHCAST_FAULT_KILLS:-20}
export RUSHCAST_TEST_BUILD=${RUSHCAST_TEST_BUILD:-$PWD/build/release}

tests/support/servers.sh $python -m pytest -q -s -p no:cacheprovider --junitxml=$out/faults.xml tests/e2e/chaos_test.py
count faults $out/faults.xml

count_reports
tell_counts
