"""Feast with its repository in the bench's folder: its SDK for offline work, its own Python feature server online."""
import json
import pathlib
import subprocess

from platform_under_test import TOP, free_port

FOLDER = TOP / ".local/peers/feast/bin"
DEFINITIONS = TOP / "tests/bench/peers/feast"
CALL_DEADLINE_S = 900

# The registry is read once and never again while serving; Redis and Postgres are the same servers as ours.
CONFIGURATION = """
project: bench
provider: local
registry: {{path: {folder}/registry.db, cache_ttl_seconds: 0}}
online_store: {{type: redis, connection_string: "127.0.0.1:{redis_port},db=1"}}
offline_store:
    type: postgres
    host: 127.0.0.1
    port: {postgres_port}
    database: {database}
    user: rushcast
    password: ""
    sslmode: disable
entity_key_serialization_version: 3
"""


class FeastPeer:
    def __init__(self, folder, postgres_port, database, redis_port):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir()
        (self.folder / "feature_store.yaml").write_text(CONFIGURATION.format(
            folder=self.folder, postgres_port=postgres_port, database=database, redis_port=redis_port))
        self.server = None

    def call(self, *arguments):
        """Seconds of one call of the SDK."""
        done = subprocess.run([FOLDER / "python", DEFINITIONS / "peer.py", self.folder, *map(str, arguments)],
                              capture_output=True, text=True, timeout=CALL_DEADLINE_S)
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return json.loads([line for line in done.stdout.splitlines() if line.startswith('{"seconds"')][-1])["seconds"]

    def serve(self):
        """As its documentation says for speed: uvicorn with uvloop, no access log, the registry's cache kept."""
        port = free_port()
        with (self.folder / "serve.log").open("ab") as log:
            self.server = subprocess.Popen(
                [FOLDER / "feast", "--chdir", self.folder, "serve", "--port", str(port), "--workers", "1",
                 "--max-requests", "0", "--registry_ttl_sec", "86400", "--no-access-log"], stdout=log, stderr=log)
        return f"http://127.0.0.1:{port}"

    def stop(self):
        if self.server is not None:
            self.server.terminate()
            self.server.wait(30)
