#!/bin/bash
# maven.sh NAME copies the jars of deploy/NAME/pom.xml into .local/NAME/lib; what Maven keeps lies in .local/cache.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
lib="$root/.local/$1/lib"

rm -rf "$lib.new"
mvn --batch-mode --no-transfer-progress -Dstyle.color=never \
    "-Dmaven.repo.local=$root/.local/cache/maven" \
    -Dmaven.wagon.http.connectionTimeout=30000 -Dmaven.wagon.rto=60000 -f "$root/deploy/$1/pom.xml" \
    dependency:copy-dependencies "-DoutputDirectory=$lib.new"
rm -rf "$lib"
mv "$lib.new" "$lib"
