#!/usr/bin/env bash
# Unit, integration and end-to-end tests on the ASan build, against servers it starts; the last line counts them all.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
. tests/support/counting.sh

out=build/test
build=build/${TEST_VARIANT:-asan}
rm -rf $out
watch_sanitizers $out/sanitizer
export RUSHCAST_TEST_BUILD=$PWD/$build

check "openapi.yaml is what api/ gives" $python tests/support/bundle_openapi.py --check

echo "== unit tests"
"$build/unit-tests" -j2 --timeout 120 --xml=$out/unit.xml
count unit $out/unit.xml
for target in "$build"/*_fuzz; do
    check "seeds of $target" "$target"
done

echo "== integration tests"
tests/support/servers.sh "$build/integration-tests" -j1 --timeout 180 --xml=$out/integration.xml
count integration $out/integration.xml

echo "== end-to-end tests"
tests/support/servers.sh $python -m pytest -q -p no:cacheprovider --junitxml=$out/e2e.xml tests/e2e
count end-to-end $out/e2e.xml

count_reports
tell_counts
