#!/bin/bash
# Postgres 15 on one machine; see common.sh for how to call it.
# Databases: rushcast (the platform), company (the simulated source). Roles: rushcast (superuser of this instance only),
# analyst. Postgres refuses to run as root: then it runs as its package's user, and where that user cannot enter DIR the
# data lies in that user's home; DIR/location holds the path.
# RUSHCAST_POSTGRES_FAST=1 gives up durability (tests).
# shellcheck source=deploy/local-stack/common.sh
. "$(dirname "$0")/common.sh"

programs=/usr/lib/postgresql/15/bin
service_user=postgres
orphans_wait_s=10

# as_server COMMAND...: replaces this process, as the user that Postgres may run as.
as_server() {
    if [ "$(id -u)" -eq 0 ]; then
        # shellcheck disable=SC2046 # no word or one
        exec setpriv --reuid=$service_user --regid=$service_user --init-groups $(parent_death_option INT) "$@"
    fi
    # shellcheck disable=SC2046 # no word or one
    exec setpriv $(parent_death_option INT) "$@"
}

# processes_in FOLDER: ids of the Postgres processes that work in that data folder.
processes_in() {
    local process name
    for process in /proc/[0-9]*; do
        if [ "$process/cwd" -ef "$1" ] && read -r name 2>/dev/null <"$process/comm" && [ "$name" = postgres ]; then
            echo "${process#/proc/}"
        fi
    done
}

# discard_leftover PLACE: removes what an earlier folder of the same path, gone since, has left.
discard_leftover() {
    if [ -n "$(processes_in "$1/data")" ]; then
        fail "a server of a folder that is gone still runs on $1"
    fi
    rm -rf "$1"
}

# server_home DIR: the folder that holds data and socket, made if it is missing.
server_home() {
    local dir="$1" place
    if [ "$(id -u)" -ne 0 ]; then
        chmod 700 "$dir" 2>/dev/null || fail "$dir belongs to another user; start as that user or remove it"
        echo "$dir"
        return 0
    fi
    place="$dir"
    if [ -f "$dir/location" ]; then
        place="$(cat "$dir/location")"
    elif ! (as_server test -x "$dir"); then
        place="$(getent passwd $service_user | cut -d: -f6)/rushcast-$(printf %s "$dir" | sha256sum | cut -c1-12)"
        discard_leftover "$place"
        echo "$place" >"$dir/location"
    fi
    if [ "$place" != "$dir" ]; then
        echo "postgres.sh: user $service_user cannot enter $dir, so the data lies in $place" >&2
        mkdir -p "$place"
    fi
    chown $service_user: "$place"
    chmod 700 "$place"
    echo "$place"
}

create_cluster() {
    local new="$1/data.new" database
    rm -rf "$new"
    (as_server "$programs/initdb" --pgdata="$new" --username=rushcast --auth=trust --encoding=UTF8 \
        --locale=C.UTF-8 --lc-collate=C --no-instructions) >&2
    {
        for database in rushcast company; do
            echo "CREATE DATABASE $database;"
        done
        echo "CREATE ROLE analyst LOGIN;"
    } | (as_server "$programs/postgres" --single -D "$new" postgres) >/dev/null
    mv "$new" "$1/data"
}

# After kill -9 the lock file stays and its process id may be another's by now; children take a moment to notice.
clear_stale_lock() {
    local data="$1" lock="$1/postmaster.pid" pid deadline=$((SECONDS + orphans_wait_s)) left
    if [ ! -f "$lock" ]; then
        return 0
    fi
    pid="$(head -n 1 "$lock")"
    while left="$(processes_in "$data")" && [ -n "$left" ]; do
        if [ $SECONDS -ge $deadline ]; then
            if grep -qx "$pid" <<<"$left"; then
                fail "already running on $data as process $pid"
            fi
            fail "processes of an earlier server still use $data: $(tr '\n' ' ' <<<"$left")"
        fi
        sleep 0.2
    done
    rm -f "$lock"
}

prepare() {
    local home
    home="$(server_home "$1")"
    if [ ! -d "$home/data" ]; then
        create_cluster "$home"
    fi
}

run() {
    local home port="$2" sockets settings=()
    home="$(server_home "$1")"
    if [ ! -d "$home/data" ]; then
        fail "no database in $home; call prepare first"
    fi
    clear_stale_lock "$home/data"
    require_free_port "$port" RUSHCAST_POSTGRES_PORT
    sockets="$(socket_dir "$home")"
    if [ "${RUSHCAST_POSTGRES_FAST:-}" = 1 ]; then
        settings=(-c fsync=off -c synchronous_commit=off -c full_page_writes=off)
    fi
    # In a container or chroot /dev/shm may be closed to ordinary users.
    if ! (as_server test -w /dev/shm); then
        settings+=(-c dynamic_shared_memory_type=sysv)
    fi
    # Copied, since the user that runs Postgres may not be able to read the project's folder.
    install -m 644 "$here/postgresql.conf" "$here/pg_hba.conf" "$home/"
    cd "$home"
    as_server "$programs/postgres" -D "$home/data" -c config_file="$home/postgresql.conf" \
        -c hba_file="$home/pg_hba.conf" -c ident_file="$home/data/pg_ident.conf" \
        -c listen_addresses="$host" -c port="$port" -c unix_socket_directories="$sockets" "${settings[@]}" >&2
}

ready() {
    "$programs/pg_isready" -q -t $ready_timeout_s -h "$host" -p "$2"
}

call_server_script "$@"
