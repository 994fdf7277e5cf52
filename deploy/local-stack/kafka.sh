#!/bin/bash
# Kafka on one machine, broker and controller in one process; see common.sh for how to call it.
# The controller's port is RUSHCAST_KAFKA_CONTROLLER_PORT, by default PORT + 1. Topics are made with 8 partitions when
# something is produced to them first.
#   kafka.sh archive   writes the class archive (faster start) and the formatted storage that `prepare` copies
# shellcheck source=deploy/local-stack/common.sh
. "$(dirname "$0")/common.sh"

kafka_dir="$local_dir/kafka"
class_archive="$kafka_dir/classes.jsa"
formatted_storage="$kafka_dir/formatted"
class_path="$kafka_dir/lib/*"
archive_start_timeout_s=60

java_options=(-Xms64m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:-UsePerfData
    "-Dlog4j2.configurationFile=$here/kafka-log4j2.properties" -Dlog4j2.disableJmx=true)

# broker_options DIR PORT: the overrides of kafka.properties, one word a line.
broker_options() {
    local controller="${RUSHCAST_KAFKA_CONTROLLER_PORT:-$(($2 + 1))}"
    printf '%s\n' \
        --override "log.dirs=$1/data" \
        --override "listeners=CLIENT://$host:$2,CONTROLLER://$host:$controller" \
        --override "advertised.listeners=CLIENT://$host:$2" \
        --override "controller.quorum.voters=1@$host:$controller"
}

prepare() {
    if [ -f "$1/data/meta.properties" ]; then
        return 0
    fi
    if [ ! -d "$formatted_storage" ]; then
        fail "Kafka is not installed; deploy/install.sh run installs it"
    fi
    rm -rf "$1/data" "$1/data.new"
    cp -r "$formatted_storage" "$1/data.new"
    mv "$1/data.new" "$1/data"
}

run() {
    local dir="$1" port="$2" java options
    java="$(find_java)"
    if [ ! -f "$dir/data/meta.properties" ]; then
        fail "no storage in $dir; call prepare first"
    fi
    require_free_port "$port" RUSHCAST_KAFKA_PORT
    require_free_port "${RUSHCAST_KAFKA_CONTROLLER_PORT:-$((port + 1))}" RUSHCAST_KAFKA_CONTROLLER_PORT
    mapfile -t options < <(broker_options "$dir" "$port")
    cd "$dir"
    # shellcheck disable=SC2046 # no word or one
    exec setpriv $(parent_death_option TERM) "$java" "-XX:SharedArchiveFile=$class_archive" -Xshare:auto -Xlog:cds=off \
        -Xlog:cds+dynamic=off "${java_options[@]}" -cp "$class_path" kafka.Kafka "$here/kafka.properties" \
        "${options[@]}" >&2
}

# Asks for metadata (version 1, no topic): the answer counts the brokers that take part already.
ready() {
    local brokers
    brokers="$(timeout $ready_timeout_s bash -c "exec 3<>/dev/tcp/$host/$2
        printf '\0\0\0\016\0\003\0\001\0\0\0\001\377\377\0\0\0\0' >&3
        head -c 12 <&3 | od -An -tu1 -j8 | tr -d ' \n'" 2>/dev/null)" || return 1
    [ -n "$brokers" ] && [ "$brokers" -gt 0 ]
}

# free_port: a port that nothing listens on now.
free_port() {
    local port
    for ((port = 20000 + RANDOM % 10000; ; port++)); do
        if ! { exec {probe}<>"/dev/tcp/$host/$port"; } 2>/dev/null; then
            echo "$port"
            return 0
        fi
        exec {probe}>&-
    done
}

# Starts a broker once on a fresh storage, so that its classes are known, and stops it.
archive() {
    local scratch="$kafka_dir/scratch" port java options broker deadline format
    java="$(find_java)"
    port="$(free_port)"
    rm -rf "$scratch" "$formatted_storage" "$formatted_storage.new" "$class_archive"
    mkdir -p "$scratch"
    mapfile -t options < <(RUSHCAST_KAFKA_CONTROLLER_PORT="$(free_port)" broker_options "$scratch" "$port")
    {
        cat "$here/kafka.properties"
        printf '%s\n' "${options[@]}" | grep -v '^--override$'
    } >"$scratch/kafka.properties"
    format=("$java" "${java_options[@]}" -cp "$class_path" kafka.tools.StorageTool)
    "${format[@]}" format --cluster-id "$("${format[@]}" random-uuid)" --config "$scratch/kafka.properties"
    cp -r "$scratch/data" "$formatted_storage.new"

    "$java" "-XX:ArchiveClassesAtExit=$class_archive.new" "${java_options[@]}" -cp "$class_path" kafka.Kafka \
        "$scratch/kafka.properties" &
    broker=$!
    # shellcheck disable=SC2064 # the id of now
    trap "kill -9 $broker 2>/dev/null || true" EXIT
    deadline=$((SECONDS + archive_start_timeout_s))
    until ready "$scratch" "$port"; do
        if [ $SECONDS -ge $deadline ] || ! kill -0 $broker 2>/dev/null; then
            fail "the broker did not start within $archive_start_timeout_s s"
        fi
        sleep 0.2
    done
    kill -TERM $broker
    wait $broker || true
    mv "$class_archive.new" "$class_archive"
    mv "$formatted_storage.new" "$formatted_storage"
    rm -rf "$scratch"
}

if [ "${1:-}" = archive ]; then
    archive
else
    call_server_script "$@"
fi
