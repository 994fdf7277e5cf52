#!/bin/bash
# A Mongo-wire server on one machine; see common.sh for how to call it.
# Keeps its data in DIR/mongo.h2; with RUSHCAST_MONGO_MEMORY=1 (tests) nowhere.
# shellcheck source=deploy/local-stack/common.sh
. "$(dirname "$0")/common.sh"

prepare() {
    chmod 700 "$1"
}

run() {
    local dir="$1" port="$2" backend=(h2 "$1/mongo.h2") java
    java="$(find_java)"
    require_free_port "$port" RUSHCAST_MONGO_PORT
    if [ "${RUSHCAST_MONGO_MEMORY:-}" = 1 ]; then
        backend=(memory)
    fi
    cd "$dir"
    # shellcheck disable=SC2046 # no word or one
    exec setpriv $(parent_death_option TERM) "$java" -Xms32m -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 \
        -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
        -cp "$local_dir/mongo/classes:$local_dir/mongo/lib/*" MongoServer "$host" "$port" "${backend[@]}" >&2
}

# The server listens only once its store is open.
ready() {
    timeout $ready_timeout_s bash -c "exec 3<>/dev/tcp/$host/$2" 2>/dev/null
}

call_server_script "$@"
