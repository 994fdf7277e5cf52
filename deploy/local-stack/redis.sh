#!/bin/bash
# Redis 7 on one machine; see common.sh for how to call it.
# shellcheck source=deploy/local-stack/common.sh
. "$(dirname "$0")/common.sh"

prepare() {
    chmod 700 "$1"
}

run() {
    local dir="$1" port="$2" socket=()
    require_free_port "$port" RUSHCAST_REDIS_PORT
    if [ -n "$(socket_dir "$dir")" ]; then
        socket=(--unixsocket "$dir/redis.sock" --unixsocketperm 700)
    fi
    # Debian's redis-server is a link to this program, which goes by the name it is called with.
    ln -sf /usr/bin/redis-check-rdb "$dir/redis-server"
    # shellcheck disable=SC2046 # no word or one
    exec setpriv $(parent_death_option TERM) "$dir/redis-server" "$here/redis.conf" \
        --bind "$host" --port "$port" --dir "$dir" "${socket[@]}" >&2
}

ready() {
    [ "$(timeout $ready_timeout_s redis-cli -h "$host" -p "$2" ping 2>/dev/null)" = PONG ]
}

call_server_script "$@"
