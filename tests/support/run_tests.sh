#!/usr/bin/env bash
# Unit, integration and end-to-end tests on the ASan build, against servers it starts; the last line counts them all.
set -uo pipefail
cd "$(dirname "$0")/../.."

out=build/test
build=build/${TEST_VARIANT:-asan}
python=.local/venv/bin/python
rm -rf $out
mkdir -p $out/sanitizer
export ASAN_OPTIONS=log_path=$PWD/$out/sanitizer/asan:detect_leaks=1:abort_on_error=0
export LSAN_OPTIONS=suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=log_path=$PWD/$out/sanitizer/ubsan:print_stacktrace=1
export RUSHCAST_TEST_BUILD=$PWD/$build

passed=0 failed=0

# count NAME XML: adds a JUnit report's figures; a report that is missing is a failure.
count() {
    local figures
    if ! figures=$($python - "$2" <<'PYTHON'
import sys, xml.etree.ElementTree as tree
root = tree.parse(sys.argv[1]).getroot()
suites = root.iter("testsuite") if root.tag != "testsuite" else [root]
tests = bad = skipped = 0
for suite in suites:
    tests += int(suite.get("tests", 0))
    bad += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
    skipped += int(suite.get("skipped", 0) or 0) + int(suite.get("disabled", 0) or 0)
assert tests > 0, "no test was run"
print(tests - bad - skipped, bad + skipped)
PYTHON
    ); then
        echo "$1: no report was written" >&2
        failed=$((failed + 1))
        return
    fi
    local good bad
    read -r good bad <<<"$figures"
    printf '%-12s %s passed, %s failed or skipped\n' "$1" "$good" "$bad"
    passed=$((passed + good))
    failed=$((failed + bad))
}

# check NAME COMMAND...: one more test, passed when the command succeeds.
check() {
    local name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        echo "$name: FAILED" >&2
        failed=$((failed + 1))
    fi
}

check "openapi.yaml is what api/ gives" $python tests/support/bundle_openapi.py --check

echo "== unit tests"
"$build/unit-tests" -j2 --timeout 120 --xml=$out/unit.xml
count unit $out/unit.xml

echo "== integration tests"
tests/support/servers.sh "$build/integration-tests" -j1 --timeout 180 --xml=$out/integration.xml
count integration $out/integration.xml

echo "== end-to-end tests"
tests/support/servers.sh $python -m pytest -q -p no:cacheprovider --junitxml=$out/e2e.xml tests/e2e
count end-to-end $out/e2e.xml

for report in $out/sanitizer/*; do
    [ -e "$report" ] || break
    echo "== $report"
    head -n 60 "$report"
    failed=$((failed + 1))
done

echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
