#!/usr/bin/env bash
# Starts private Postgres, Redis, Kafka and Mongo-wire servers on free ports in a temporary folder, runs a command with
# their addresses in RUSHCAST_TEST_{POSTGRES,REDIS,KAFKA,MONGO}, and stops them. Usage: servers.sh COMMAND [ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/../.."

ready_deadline_s=60
stop_deadline_s=15
folder=$(mktemp -d "${TMPDIR:-/tmp}/rushcast-test.XXXXXX")
chmod 755 "$folder"
pids=()
signals=()

stop() {
    local i killer
    for i in "${!pids[@]}"; do
        kill -"${signals[$i]}" "${pids[$i]}" 2>/dev/null || true
    done
    (sleep $stop_deadline_s && kill -KILL "${pids[@]}") >/dev/null 2>&1 &
    killer=$!
    for i in "${!pids[@]}"; do
        wait "${pids[$i]}" 2>/dev/null || true
    done
    kill "$killer" 2>/dev/null || true
    rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

# free_ports COUNT: outside the range that the system gives to outgoing connections.
free_ports() {
    .local/venv/bin/python - "$1" <<'PYTHON'
import random, socket, sys
found = {}
while len(found) < int(sys.argv[1]):
    port, s = random.SystemRandom().randrange(20000, 32000), socket.socket()
    try:
        s.bind(("127.0.0.1", port))
        found[port] = s
    except OSError:
        pass
print(*found)
PYTHON
}

read -r postgres redis kafka controller mongo <<<"$(free_ports 5)"
export RUSHCAST_POSTGRES_FAST=1 RUSHCAST_MONGO_MEMORY=1 RUSHCAST_STOP_WITH_PARENT=1
export RUSHCAST_KAFKA_CONTROLLER_PORT=$controller

# start NAME PORT SIGNAL: the signal ends it soon.
start() {
    local name=$1 port=$2 script=deploy/local-stack/$1.sh
    "$script" prepare "$folder/$name" "$port" >"$folder/$name.log" 2>&1 || {
        cat "$folder/$name.log" >&2
        echo "servers.sh: $name can't be prepared" >&2
        exit 1
    }
    "$script" run "$folder/$name" "$port" >>"$folder/$name.log" 2>&1 &
    pids+=($!)
    signals+=("$3")
}

# Interrupt is Postgres' fast shutdown. Java programs would ignore one where this script was started to ignore it.
start postgres "$postgres" INT
start redis "$redis" TERM
start kafka "$kafka" TERM
start mongo "$mongo" TERM
deadline=$((SECONDS + ready_deadline_s))
for server in "postgres $postgres" "redis $redis" "kafka $kafka" "mongo $mongo"; do
    read -r name port <<<"$server"
    until deploy/local-stack/"$name".sh ready "$folder/$name" "$port" >/dev/null 2>&1; do
        if [ $SECONDS -ge $deadline ]; then
            tail -n 30 "$folder/$name.log" >&2
            echo "servers.sh: $name does not answer after $ready_deadline_s s" >&2
            exit 1
        fi
        sleep 0.1
    done
done

export RUSHCAST_TEST_POSTGRES="host=127.0.0.1 port=$postgres user=rushcast dbname=postgres"
export RUSHCAST_TEST_REDIS=127.0.0.1:$redis
export RUSHCAST_TEST_KAFKA=127.0.0.1:$kafka
export RUSHCAST_TEST_MONGO=mongodb://127.0.0.1:$mongo
export RUSHCAST_TEST_FOLDER=$folder
"$@"
