#!/usr/bin/env bash
# GET /forecast of 10,000 geos at random against a bare libmicrohttpd that holds the same bodies: 32 keep-alive
# connections, the same number of event loops, alternating rounds, medians. One JSON line a figure on standard output.
set -euo pipefail
cd "$(dirname "$0")/../../.."

geos=${RUSHCAST_BENCH_GEOS:-10000} connections=32 rounds=${RUSHCAST_BENCH_ROUNDS:-7} seconds=${RUSHCAST_BENCH_SECONDS:-4}
threads=2
pg_port=${RUSHCAST_BENCH_POSTGRES_PORT:-21650} our_port=${RUSHCAST_BENCH_PORT:-21651} bare_port=$((${RUSHCAST_BENCH_PORT:-21651} + 1))
export RUSHCAST_BENCH_GEOS=$geos
programs=build/release
folder=$(mktemp -d "${TMPDIR:-/tmp}/rushcast-bench.XXXXXX")
chmod 755 "$folder"
pids=()

stop() {
    for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
        kill -INT "${pids[i]}" 2>/dev/null || true
        wait "${pids[i]}" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

# await COMMAND...: until it succeeds, for a minute.
await() {
    for ((i = 0; i < 600; i++)); do
        if "$@" >/dev/null 2>&1; then
            return 0
        fi
        sleep 0.1
    done
    echo "forecast bench: gave up waiting for: $*" >&2
    cat "$folder"/*.log >&2
    exit 1
}

set -m
export RUSHCAST_POSTGRES_FAST=1 RUSHCAST_STOP_WITH_PARENT=1
deploy/local-stack/postgres.sh prepare "$folder/pg" "$pg_port" >"$folder/pg.log" 2>&1
deploy/local-stack/postgres.sh run "$folder/pg" "$pg_port" >>"$folder/pg.log" 2>&1 &
pids+=($!)
await deploy/local-stack/postgres.sh ready "$folder/pg" "$pg_port"

conninfo="host=127.0.0.1 port=$pg_port user=rushcast dbname=rushcast"
cutoff=$(date -u -d '-1 hour' +%Y-%m-%dT%H:00:00Z)
our_url=http://127.0.0.1:$our_port bare_url=http://127.0.0.1:$bare_port
RUSHCAST_POSTGRES=$conninfo RUSHCAST_FORECAST_API_PORT=$our_port RUSHCAST_HTTP_THREADS=$threads \
    RUSHCAST_INGEST_URL=http://127.0.0.1:9 RUSHCAST_NOW="$(date -u +%Y-%m-%dT%H:30:00Z)" \
    $programs/rushcast-forecast-api >"$folder/api.log" 2>&1 &
pids+=($!)
await curl -sf "$our_url/geos"

psql -q "$conninfo" -v ON_ERROR_STOP=1 -v geos="$geos" <<'SQL'
INSERT INTO forecast.geo (geo, name, kind, timezone, country, lat, lon, parent, geo_version, revision)
SELECT geo, 'Buenos Aires ' || geo, 'cell', 'America/Argentina/Buenos_Aires', 'AR', -34.6, -58.4, NULL, 1, 1
FROM (SELECT '87' || lpad(n::text, 7, '0') || 'ffffff' AS geo FROM generate_series(0, :geos - 1) AS n) AS cells
SQL
$programs/bench/forecast/forecast_set "$geos" "$cutoff" >"$folder/set.arrow"
begun=$(date +%s.%N)
curl -sSf -o /dev/null -X PUT -T "$folder/set.arrow" "$our_url/forecast-sets/bench"
curl -sSf -o /dev/null -X POST "$our_url/forecast-sets/bench/publish"
last=$(printf '87%07dffffff' $((geos - 1)))
await curl -sf "$our_url/forecast?geo=$last"
publish_seconds=$(echo "$(date +%s.%N) - $begun" | bc)

curl -sSf -H 'Accept: application/x-ndjson' "$our_url/forecasts" >"$folder/answers.ndjson"
$programs/bench/forecast/bare_mhd "$bare_port" "$threads" <"$folder/answers.ndjson" >"$folder/bare.log" 2>&1 &
pids+=($!)
await curl -sf "$bare_url/forecast?geo=$last"
cmp <(curl -sS "$our_url/forecast?geo=$last") <(curl -sS "$bare_url/forecast?geo=$last")

# round URL SECONDS: requests a second; fails when any answer was not 200.
round() {
    local out
    out=$(wrk -t1 -c"$connections" -d"${2}s" -s tests/bench/forecast/random_geo.lua "$1")
    if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
        echo "forecast bench: $out" >&2
        exit 1
    fi
    awk '/Requests\/sec/ {print $2}' <<<"$out"
}

median() { sort -n | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

round "$our_url" 2 >/dev/null # every body is serialized once, outside of the measurement on both sides
round "$our_url" 2 >/dev/null
round "$bare_url" 2 >/dev/null
for ((i = 0; i < rounds; i++)); do
    round "$our_url" "$seconds" >>"$folder/ours"
    round "$bare_url" "$seconds" >>"$folder/bare"
done
ours=$(median <"$folder/ours") bare=$(median <"$folder/bare")
versions="{\"libmicrohttpd\": \"$(pkg-config --modversion libmicrohttpd)\", \"wrk\": \"$(dpkg-query -W -f '${Version}' wrk)\"}"
commit=$(git rev-parse --short HEAD)
printf '{"bench": "forecast_vs_mhd", "ours": %s, "other": %s, "unit": "requests/s", "ratio": %.3f, "n": %d, "versions": %s, "commit": "%s"}\n' \
    "$ours" "$bare" "$(echo "$ours / $bare" | bc -l)" "$rounds" "$versions" "$commit"
echo "forecast bench: $geos geos stored, published and served after $publish_seconds s" >&2
