#!/bin/bash
# Fetches the Mongo-wire server's jars and compiles its main into .local/mongo.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"

"$root/deploy/maven.sh" mongo
mkdir -p "$root/.local/mongo/classes"
for compiler in /usr/lib/jvm/java-17-openjdk-*/bin/javac; do
    "$compiler" -cp "$root/.local/mongo/lib/*" -d "$root/.local/mongo/classes" "$root/deploy/mongo/MongoServer.java"
    break
done
