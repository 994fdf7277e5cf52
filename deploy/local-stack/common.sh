# shellcheck shell=bash
# What the server scripts share. Each is called as
#   SERVER.sh prepare DIR PORT   makes what the server needs in DIR; does nothing when that is there
#   SERVER.sh run DIR PORT       becomes the server (same process id), in the foreground, log on standard error
#   SERVER.sh ready DIR PORT     succeeds when the server answers
# on 127.0.0.1. With RUSHCAST_STOP_WITH_PARENT=1 a running server stops when the process that started it ends.
set -euo pipefail

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck disable=SC2034 # read by the scripts that source this file
local_dir="$(cd "$here/../.." && pwd)/.local"
host=127.0.0.1
# shellcheck disable=SC2034 # read by the scripts that source this file
ready_timeout_s=2
socket_path_max=100

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# require_free_port PORT VARIABLE: fails with the name of the variable that chooses another port.
require_free_port() {
    if { exec {probe}<>"/dev/tcp/$host/$1"; } 2>/dev/null; then
        exec {probe}>&-
        fail "port $1 is in use; $2 chooses another"
    fi
}

# parent_death_option SIGNAL: words for setpriv, empty unless the server is to stop with its parent.
parent_death_option() {
    if [ "${RUSHCAST_STOP_WITH_PARENT:-}" = 1 ]; then
        echo "--pdeathsig=$1"
    fi
}

# socket_dir DIR: where a unix socket may be, empty when its path would be too long for the system.
socket_dir() {
    if [ "${#1}" -le $socket_path_max ]; then
        echo "$1"
    fi
}

find_java() {
    local home
    for home in /usr/lib/jvm/java-17-openjdk-*; do
        if [ -x "$home/bin/java" ]; then
            echo "$home/bin/java"
            return 0
        fi
    done
    fail "Java 17 is not installed; deploy/install.sh run installs it"
}

# call_server_script ACTION DIR PORT: runs the function of that name of the script that sourced this file.
call_server_script() {
    if [ $# -ne 3 ] || ! [[ "$1" =~ ^(prepare|run|ready)$ ]] || ! [[ "$3" =~ ^[0-9]+$ ]]; then
        echo "usage: ${0##*/} prepare|run|ready DIR PORT" >&2
        exit 2
    fi
    if [ "$1" = prepare ]; then
        mkdir -p "$2"
    elif [ ! -d "$2" ]; then
        fail "there is no folder $2; call prepare first"
    fi
    "$1" "$(cd "$2" && pwd)" "$3"
}
