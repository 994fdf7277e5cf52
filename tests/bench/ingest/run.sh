#!/usr/bin/env bash
# How fast ingest takes order events in, exactly once, against COPY BINARY of the same rows and against a Python consumer
# with the same guarantees; a burst; and how soon an event is seen. One JSON line a figure on standard output.
# RUSHCAST_BENCH_EVENTS (1000000), RUSHCAST_BENCH_ROUNDS (5), RUSHCAST_BENCH_BURST (1000000), RUSHCAST_BENCH_STEADY_S (10)
# and RUSHCAST_BENCH_INGEST (what to measure: "copy python burst latency") choose others.
set -euo pipefail
cd "$(dirname "$0")/../../.."

RUSHCAST_TEST_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/rushcast-bench.XXXXXX")
export RUSHCAST_TEST_FOLDER PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1
export RUSHCAST_TEST_BUILD=${RUSHCAST_TEST_BUILD:-$PWD/build/release}
chmod 755 "$RUSHCAST_TEST_FOLDER" # Postgres may run as another user
trap 'rm -rf "$RUSHCAST_TEST_FOLDER"' EXIT
trap 'exit 130' INT TERM

.local/venv/bin/python tests/bench/ingest/bench.py
