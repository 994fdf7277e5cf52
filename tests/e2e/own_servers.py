"""Servers for one test alone, to be killed and halted."""
import os
import pathlib
import signal
import subprocess

from platform_under_test import TOP, free_port, wait_until

NAMES = ["postgres", "redis", "kafka"]
READY_DEADLINE_S = 180  # a broker that was killed, on a machine with other things to do


def children(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = pathlib.Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == pid:
            found.append(int(entry))
    return found


class OwnServers:
    """In a folder that Postgres' user can enter. What was committed must outlive kill -9, so Postgres is a durable one."""

    def __init__(self, name, servers=NAMES):
        self.folder = pathlib.Path(os.environ["RUSHCAST_TEST_FOLDER"]) / name
        self.folder.mkdir()
        self.ports = {server: free_port() for server in servers}
        self.environment = {**os.environ, "RUSHCAST_POSTGRES_FAST": "", "RUSHCAST_STOP_WITH_PARENT": "1",
                            "RUSHCAST_KAFKA_CONTROLLER_PORT": str(free_port())}
        self.processes = {}
        for server in servers:
            self.script(server, "prepare", check=True)
            self.launch(server)
        for server in servers:
            self.wait(server)

    def words(self, server, action):
        return [TOP / f"deploy/local-stack/{server}.sh", action, self.folder / server, str(self.ports[server])]

    def script(self, server, action, check=False):
        return subprocess.run(self.words(server, action), env=self.environment, check=check, capture_output=True,
                              timeout=READY_DEADLINE_S).returncode == 0

    def launch(self, server):
        with (self.folder / f"{server}.log").open("ab") as log:
            self.processes[server] = subprocess.Popen(self.words(server, "run"), env=self.environment, stdout=log,
                                                      stderr=log)

    def wait(self, server):
        def ready():
            log = self.folder / f"{server}.log"
            assert self.processes[server].poll() is None, f"{server} ended: {log.read_text(errors='replace')[-3000:]}"
            return self.script(server, "ready")
        wait_until(f"{server} to answer", ready, READY_DEADLINE_S)

    def start(self, server):
        self.launch(server)
        self.wait(server)

    def kill(self, server):
        process = self.processes.pop(server)
        process.kill()
        process.wait()

    def halt(self, server):
        """Stops the server and its children as they are; returns what lets them go on."""
        pid = self.processes[server].pid
        pids = [pid, *children(pid)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)

        def resume():
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        return resume

    def stop_all(self):
        for server, process in self.processes.items():
            # An interrupt is Postgres' fast shutdown; Java programs may have been started to ignore one.
            process.send_signal(signal.SIGINT if server == "postgres" else signal.SIGTERM)
        for process in self.processes.values():
            process.wait(30)

    def addresses(self):
        """As tests/support/servers.sh gives those that all tests share."""
        forms = {"postgres": "host=127.0.0.1 port={} user=rushcast dbname=postgres", "redis": "127.0.0.1:{}",
                 "kafka": "127.0.0.1:{}"}
        return {f"RUSHCAST_TEST_{server.upper()}": forms[server].format(port) for server, port in self.ports.items()}
