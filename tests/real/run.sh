#!/usr/bin/env bash
# Checks on the real data sets of ../shared/data, with the release build and real servers.
set -euo pipefail
cd "$(dirname "$0")/../.."

if [ ! -d ../shared/data ]; then
    echo "There is no ../shared/data beside this folder: nothing to check."
    exit 0
fi
export RUSHCAST_TEST_BUILD=$PWD/build/release PYTHONPATH=$PWD/tests/e2e
exec tests/support/servers.sh .local/venv/bin/python -m pytest -q -p no:cacheprovider tests/real
