#!/bin/bash
# The Debian packages of the project.
#   packages.sh missing MODE   prints the names of those not installed
#   packages.sh install MODE   installs them (as root); nothing is started and no database cluster is made
# Modes: run; test, which takes those of run too; bench, deep and lint, which take both.
set -euo pipefail

# mode|package|why
package_table="
run|gcc|compiler
run|libc6-dev|C library headers
run|make|the build
run|pkg-config|flags of the libraries below
run|libmicrohttpd-dev|HTTP server
run|libjansson-dev|JSON of requests and configuration
run|libpq-dev|Postgres client
run|libssl-dev|TLS of the Redis client
run|librdkafka-dev|Kafka client
run|libmongoc-dev|MongoDB client
run|libcurl4-openssl-dev|HTTP client
run|libzstd-dev|compression of raw batches
run|zlib1g-dev|reading .csv.gz and gzip bodies of backfills
run|libglib2.0-dev|time zone rules
run|libgeos-dev|polygon zones
run|libxgboost-dev|gradient boosting
run|tzdata|time zone data
run|ca-certificates|TLS for downloads
run|python3|runs pip, which downloads the libraries that Debian lacks
run|python3-venv|pip in a folder of its own
run|maven|resolves the jars of Kafka and of the Mongo-wire server
run|openjdk-17-jdk-headless|runs both, compiles the latter's main
run|postgresql-15|warehouse, private instance in .local/
run|redis-tools|online store; redis-server is a link to this package's program, whose service is not needed
run|util-linux|setpriv, flock
test|libcriterion-dev|unit and integration tests
test|curl|tests by hand and of streamed answers
bench|nginx-light|peer of the forecast API
bench|wrk|load generator
deep|clang|fuzz targets, which it links with libFuzzer
deep|libclang-rt-dev|libFuzzer
lint|clang-format|layout of C code
lint|clang-tidy|static analysis of C code
lint|shellcheck|static analysis of scripts
"
policy_file=/usr/sbin/policy-rc.d
cluster_conf_dir=/etc/postgresql-common/createcluster.d
cluster_conf=$cluster_conf_dir/rushcast-install.conf
policy_mark="Made by the set-up of Rushcast"
lock_timeout_s=300
stall_timeout_s=30

modes_of() {
    case "$1" in
    run) echo "run" ;;
    test) echo "run|test" ;;
    bench) echo "run|test|bench" ;;
    deep) echo "run|test|deep" ;;
    lint) echo "run|test|lint" ;;
    *)
        echo "packages.sh: unknown mode '$1'" >&2
        return 2
        ;;
    esac
}

missing_packages() {
    local modes wanted installed
    modes="$(modes_of "$1")"
    wanted="$(awk -F'|' -v modes="^($modes)\$" '$1 ~ modes { print $2 }' <<<"$package_table" | sort)"
    # shellcheck disable=SC2086 # one word a package
    installed="$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' $wanted 2>/dev/null |
        sed -n 's/^installed //p' | sort -u || true)"
    comm -23 <(echo "$wanted") <(echo "$installed")
}

# Without this a package would start its server on the default port, and Postgres would get a cluster there.
# An existing policy is the administrator's and stays.
keep_services_down() {
    trap restore_services EXIT
    trap 'exit 130' INT TERM HUP
    if [ ! -e $policy_file ] || grep -q "$policy_mark" $policy_file; then
        printf '#!/bin/sh\n# %s for the time of one apt-get install.\nexit 101\n' "$policy_mark" >$policy_file
        chmod 755 $policy_file
        policy_made=yes
    fi
    if [ ! -d $cluster_conf_dir ]; then
        mkdir -p $cluster_conf_dir
        cluster_conf_dir_made=yes
    fi
    echo 'create_main_cluster = false' >$cluster_conf
}

restore_services() {
    if [ "${policy_made:-}" = yes ]; then
        rm -f $policy_file
    fi
    rm -f $cluster_conf
    if [ "${cluster_conf_dir_made:-}" = yes ]; then
        rmdir --ignore-fail-on-non-empty $cluster_conf_dir
    fi
}

# apt_get ARGUMENTS...: writes "status:package:percent:text" lines to file descriptor 3.
apt_get() {
    apt-get -o DPkg::Lock::Timeout=$lock_timeout_s -o Acquire::Retries=2 -o Acquire::http::Timeout=$stall_timeout_s \
        -o APT::Status-Fd=3 -q -y "$@"
}

# A service that came with one of our packages must not start at the next boot either.
disable_new_services() {
    if grep -qx nginx-light <<<"$1"; then
        update-rc.d nginx disable
    fi
}

install_packages() {
    local missing
    missing="$(missing_packages "$1")"
    if [ -z "$missing" ]; then
        return 0
    fi
    export DEBIAN_FRONTEND=noninteractive
    keep_services_down
    # An installation that was cut short must be completed before the next.
    dpkg --configure -a
    apt_get update
    # shellcheck disable=SC2086 # one word a package
    apt_get install --fix-broken --no-install-recommends $missing
    disable_new_services "$missing"
}

if ! { true >&3; } 2>/dev/null; then
    exec 3>/dev/null
fi
case "${1:-}" in
missing) missing_packages "${2:?mode}" ;;
install) install_packages "${2:?mode}" ;;
*)
    sed -n '2,5s/^# //p' "$0" >&2
    exit 2
    ;;
esac
