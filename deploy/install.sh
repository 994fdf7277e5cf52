#!/bin/bash
# Sets up what Rushcast needs: Debian packages, and in .local/ what Debian 12 does not have. Does only what is missing.
#   install.sh run     to build and run the platform
#   install.sh test    and to test it
#   install.sh bench   and its benchmarks' peers
#   install.sh deep    and to fuzz it
#   install.sh lint    and to check style
set -euo pipefail

root="$(cd "$(dirname "$0")/.." && pwd)"
local_dir="$root/.local"
log_dir="$local_dir/log"
stamp_dir="$local_dir/installed"
attempts_max=3
report_every_s=5
lock_wait_s=1800
jdk_package=openjdk-17-jre-headless

# modes|step|what|files that decide whether it must be done again|what it leaves in .local/
step_table="
all|venv|Python environment||venv/bin/python
all|h3|H3 library|deploy/deps/h3.sh deploy/deps/common.sh deploy/deps/sources.txt|deps/lib/libh3.a
all|hiredis|hiredis library|deploy/deps/hiredis.sh deploy/deps/common.sh deploy/deps/sources.txt|deps/lib/libhiredis.a
all|nanoarrow|nanoarrow library|deploy/deps/nanoarrow.sh deploy/deps/common.sh deploy/deps/sources.txt|deps/lib/libnanoarrow.a
all|yyjson|yyjson library|deploy/deps/yyjson.sh deploy/deps/common.sh deploy/deps/sources.txt|deps/lib/libyyjson.a
all|kafka|Kafka|deploy/kafka/pom.xml deploy/local-stack/kafka.sh deploy/local-stack/kafka.properties|kafka/formatted
all|mongo|Mongo-wire server|deploy/mongo/pom.xml deploy/mongo/MongoServer.java|mongo/classes/MongoServer.class
test bench deep lint|python-tests|Python packages of the tests|tests/requirements.txt|venv/bin/pytest
test deep|feast-0.67.0|Feast's SDK 0.67.0|tests/feast-requirements-0.67.0.txt|feast-0.67.0/venv/bin/feast
test deep|feast-0.63.0|Feast's SDK 0.63.0|tests/feast-requirements-0.63.0.txt|feast-0.63.0/venv/bin/feast
bench|python-peers|Python packages of the benchmarks' peers|tests/bench/peers/requirements.txt|peers/venv/bin/python
bench|feast|Feast, peer of the feature store|tests/bench/peers/feast/requirements.txt|peers/feast/bin/feast
"

do_step() {
    case "$1" in
    venv) rm -rf "$local_dir/venv" && /usr/bin/python3 -m venv "$local_dir/venv" ;;
    h3 | hiredis | nanoarrow | yyjson) "$root/deploy/deps/$1.sh" ;;
    kafka | mongo) "$root/deploy/$1/install.sh" ;;
    python-tests) pip_install "$local_dir/venv" "$root/tests/requirements.txt" ;;
    feast-*)
        rm -rf "${local_dir:?}/$1" && /usr/bin/python3 -m venv "$local_dir/$1/venv" &&
            pip_install "$local_dir/$1/venv" "$root/tests/feast-requirements-${1#feast-}.txt"
        ;;
    python-peers)
        /usr/bin/python3 -m venv "$local_dir/peers/venv" &&
            pip_install "$local_dir/peers/venv" "$root/tests/bench/peers/requirements.txt"
        ;;
    feast)
        /usr/bin/python3 -m venv "$local_dir/peers/feast" &&
            pip_install "$local_dir/peers/feast" "$root/tests/bench/peers/feast/requirements.txt"
        ;;
    esac
}

pip_install() {
    "$1/bin/python" -m pip install --disable-pip-version-check --no-input --progress-bar off --retries 2 --timeout 60 \
        --cache-dir "$local_dir/cache/pip" --requirement "$2"
}

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

# stop_reporting: ends the background job that says how far a step is.
stop_reporting() {
    if [ -n "${reporter:-}" ]; then
        kill "$reporter" 2>/dev/null || true
        wait "$reporter" 2>/dev/null || true
        reporter=
    fi
}

# report_progress WHAT LOG: a line every few seconds with the last thing that happened.
report_progress() {
    local began=$SECONDS
    while sleep "$report_every_s" >/dev/null 2>&1; do
        echo "       $1: $((SECONDS - began)) s; $(how_far "$2")"
    done
}

# how_far LOG: apt's own percentage where there is one, or the last line of the log.
how_far() {
    local status
    status="$(tail -n 1 "$1.status" 2>/dev/null | awk -F: '
        $1 == "dlstatus" { printf "downloading, %d %%", $3 }
        $1 == "pmstatus" { printf "installing, %d %%", $3 }')"
    if [ -n "$status" ]; then
        echo "$status"
    else
        tail -n 1 "$1" | tr -d '\r' | cut -c 1-90
    fi
}

# show_step WHAT STEP COMMAND...: runs it with its output in .local/log/install-STEP.log and says how long it took.
show_step() {
    local what="$1" step="$2" log="$log_dir/install-$2.log" began=$SECONDS attempt
    shift 2
    step_number=$((step_number + 1))
    echo "[$step_number/$step_count] $what"
    : >"$log"
    rm -f "$log.status"
    report_progress "$what" "$log" {lock}>&- &
    reporter=$!
    for ((attempt = 1; ; attempt++)); do
        if "$@" >>"$log" 2>&1 </dev/null; then
            break
        fi
        if [ $attempt -ge $attempts_max ]; then
            stop_reporting
            tail -n 5 "$log" | sed 's/^/       | /' >&2
            fail "step '$step' ($what) failed $attempts_max times; its log is ${log#"$root/"}"
        fi
        echo "       attempt $attempt of $attempts_max failed, trying again in $((attempt * 3)) s"
        sleep $((attempt * 3))
    done
    stop_reporting
    echo "[$step_number/$step_count] $what: done in $((SECONDS - began)) s"
}

# state_of FILES: one word that changes when one of them does, or when Java does (Kafka's class archive fits one Java).
state_of() {
    local files=() file
    for file in $1; do
        files+=("$root/$file")
    done
    {
        cat /dev/null "${files[@]}"
        if [ "$2" = kafka ]; then
            dpkg-query -W -f='${Version}' $jdk_package
        fi
    } | sha256sum | cut -c 1-64
}

# is_done STEP FILES RESULT
is_done() {
    [ -e "$local_dir/$3" ] && [ -f "$stamp_dir/$1" ] && [ "$(cat "$stamp_dir/$1")" = "$(state_of "$2" "$1")" ]
}

# How a package can be installed here: as root, by sudo, or not at all.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

may_install_packages() {
    [ "$(id -u)" -eq 0 ] || { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; }
}

# shellcheck disable=SC2016 # the inner shell expands it
install_packages() {
    as_root bash -c 'exec "$0" install "$1" 3>"$2"' "$root/deploy/packages.sh" "$mode" "$log_dir/install-packages.log.status"
}

case "${1:-}" in
run | test | bench | deep | lint) mode="$1" ;;
*)
    sed -n '2,7s/^# //p' "$0" >&2
    exit 2
    ;;
esac

mkdir -p "$log_dir" "$stamp_dir"
exec {lock}>"$local_dir/install.lock"
if ! flock -n $lock; then
    echo "Another set-up is running in this folder; waiting for it"
    flock -w $lock_wait_s $lock || fail "another set-up holds $local_dir/install.lock"
fi
trap stop_reporting EXIT
trap 'exit 130' INT TERM HUP

missing="$("$root/deploy/packages.sh" missing "$mode" | tr '\n' ' ')"
to_do=()
while IFS='|' read -r modes step what files result; do
    if [ -z "$step" ] || { [ "$modes" != all ] && ! [[ " $modes " == *" $mode "* ]]; }; then
        continue
    fi
    if [ "$step" = python-peers ] && [ ! -f "$root/$files" ]; then
        continue
    fi
    if ! is_done "$step" "$files" "$result"; then
        to_do+=("$step|$what|$files")
    fi
done <<<"$step_table"

step_number=0
step_count=${#to_do[@]}
if [ -n "$missing" ]; then
    may_install_packages || fail "these Debian packages are missing, and installing them takes root or sudo:
  apt-get install --no-install-recommends $missing"
    step_count=$((step_count + 1))
    show_step "Debian packages ($(wc -w <<<"$missing"))" packages install_packages
fi
for entry in "${to_do[@]}"; do
    IFS='|' read -r step what files <<<"$entry"
    show_step "$what" "$step" do_step "$step"
    state_of "$files" "$step" >"$stamp_dir/$step"
done
