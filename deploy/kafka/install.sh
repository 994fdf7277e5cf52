#!/bin/bash
# Fetches Kafka's jars into .local/kafka and prepares its class archive and formatted storage.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"

"$root/deploy/maven.sh" kafka
"$root/deploy/local-stack/kafka.sh" archive
