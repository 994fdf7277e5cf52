# shellcheck shell=bash
# Counts the tests of several kinds; sourced by the scripts that run them, from the top folder.
python=.local/venv/bin/python
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

# watch_sanitizers FOLDER: all sanitizers report into that folder from now on; count_reports counts each as a failure.
watch_sanitizers() {
    sanitizer_reports=$PWD/$1
    mkdir -p "$sanitizer_reports"
    export ASAN_OPTIONS=log_path=$sanitizer_reports/asan:detect_leaks=1:abort_on_error=0
    export LSAN_OPTIONS=suppressions=$PWD/tests/support/lsan.supp:print_suppressions=0
    export UBSAN_OPTIONS=log_path=$sanitizer_reports/ubsan:print_stacktrace=1
    export TSAN_OPTIONS=log_path=$sanitizer_reports/tsan:suppressions=$PWD/tests/support/tsan.supp
}

count_reports() {
    local report
    for report in "$sanitizer_reports"/*; do
        [ -e "$report" ] || break
        echo "== $report"
        head -n 60 "$report"
        failed=$((failed + 1))
    done
}

# tell_counts: the last line; succeeds when all has passed.
tell_counts() {
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ] && [ $passed -gt 0 ]
}
