#!/usr/bin/env bash
# `rushcast backtest` against the usual simple tools on the real histories of ../shared/data: six weekly cutoffs, 168
# hours ahead, scored by ../shared/bench/score.py. One JSON line a figure on standard output: per set, and the geometric
# mean over the sets. RUSHCAST_BENCH_SETS and RUSHCAST_BENCH_FORECAST_PEERS choose others.
set -euo pipefail
cd "$(dirname "$0")/../../.."

shared=../shared
sets=${RUSHCAST_BENCH_SETS:-babs2014 jonas_dc_taxi jonas_dc_bike}
peers=${RUSHCAST_BENCH_FORECAST_PEERS:-snaive,mean4,median6}
python=.local/peers/venv/bin/python
# What whoever uses such a set knows of it: where it is. Those from Washington carry the local clock already.
declare -A places=([babs2014]="--timezone America/Los_Angeles" [jonas_dc_taxi]="--country US" [jonas_dc_bike]="--country US")

if [ ! -d "$shared/data" ] || [ ! -d "$shared/bench" ]; then
    echo "There is no $shared beside this folder: nothing to measure." >&2
    exit 0
fi
folder=$(mktemp -d "${TMPDIR:-/tmp}/rushcast-bench.XXXXXX")
trap 'rm -rf "$folder"' EXIT

for set in $sets; do
    history=$shared/data/${set}_hourly.csv.gz
    # shellcheck disable=SC2086 # options and their values
    build/rushcast backtest --history "$history" --horizon 168 --cutoffs 6 --step 168 ${places[$set]:-} \
        --forecasts "$folder/rushcast.csv" >"$folder/$set.summary.json"
    "$python" "$shared/bench/peers.py" --history "$history" --models "$peers" --forecasts "$folder/peers.csv" >&2
    "$python" "$shared/bench/score.py" --history "$history" "$folder/rushcast.csv" "$folder/peers.csv" \
        | tee "$folder/$set.scores.jsonl" >&2
done
# shellcheck disable=SC2086 # names of sets
"$python" tests/bench/accuracy/compare.py "$folder" $sets
