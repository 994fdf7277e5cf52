#!/usr/bin/env bash
# The feature store against Feast (tests/bench/peers/feast) and Redis: online features over HTTP, the look-up below it,
# point-in-time joins, materialization. One JSON line a figure on standard output.
# RUSHCAST_BENCH_FEATURES (what to measure: "online lookup history materialize"), RUSHCAST_BENCH_ROUNDS (5),
# RUSHCAST_BENCH_SECONDS (3) and RUSHCAST_BENCH_HISTORY_ROWS (2160000) choose others.
set -euo pipefail
cd "$(dirname "$0")/../../.."

RUSHCAST_TEST_FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/rushcast-bench.XXXXXX")
export RUSHCAST_TEST_FOLDER PYTHONPATH=tests/e2e PYTHONDONTWRITEBYTECODE=1
export RUSHCAST_TEST_BUILD=${RUSHCAST_TEST_BUILD:-$PWD/build/release}
chmod 755 "$RUSHCAST_TEST_FOLDER" # Postgres may run as another user
trap 'rm -rf "$RUSHCAST_TEST_FOLDER"' EXIT
trap 'exit 130' INT TERM

.local/venv/bin/python tests/bench/features/bench.py
