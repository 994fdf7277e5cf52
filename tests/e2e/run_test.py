"""`rushcast run` as its user starts, stops and breaks it."""
import os
import re
import signal
import socket
import subprocess
import threading

import pytest
import requests

from platform_under_test import BUILD, TOP, free_port, wait_until

PORTS = ["FORECAST_API", "INGEST", "FEATURE_STORE", "TRAINER", "POSTGRES", "REDIS", "KAFKA", "KAFKA_CONTROLLER", "MONGO"]
START_DEADLINE_S = 300


class Stack:
    """One folder and set of ports, used by one run after another."""

    def __init__(self, folder):
        self.folder, self.process, self.output = folder, None, ""
        self.ports = {name: free_port() for name in PORTS}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("RUSHCAST_")}
        self.environment = {**inherited, "RUSHCAST_LOCAL": str(folder), "RUSHCAST_POSTGRES_FAST": "1",
                            **{f"RUSHCAST_{name}_PORT": str(port) for name, port in self.ports.items()}}

    def start(self):
        self.output = ""
        self.process = subprocess.Popen([BUILD / "rushcast", "run", "--weeks", "3"], env=self.environment, cwd=TOP,
                                        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self.read, args=(self.process,), daemon=True).start()
        wait_until("the first forecast", self.runs, START_DEADLINE_S)

    def read(self, process):
        for line in process.stdout:
            self.output += line

    def runs(self):
        assert self.process.poll() is None, self.output
        return "Rushcast runs." in self.output

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)

    def forecast(self):
        url = f"http://127.0.0.1:{self.ports['FORECAST_API']}/forecast?geo=all&hours=168"
        return requests.get(url, timeout=10).json()

    def orders(self):
        try:
            return requests.get(f"http://127.0.0.1:{self.ports['INGEST']}/watermark", timeout=10).json().get("orders", 0)
        except requests.RequestException:
            return 0

    def processes(self, pattern=""):
        """Ids of the processes that were told one of our ports or our folder."""
        found = []
        for entry in os.listdir("/proc"):
            try:
                words = open(f"/proc/{entry}/environ", "rb").read() + open(f"/proc/{entry}/cmdline", "rb").read()
            except (OSError, ValueError):
                continue
            if str(self.folder).encode() in words and int(entry) != os.getpid():
                found.append(int(entry))
        return [pid for pid in found if re.search(pattern, command(pid))]


def command(pid):
    try:
        return open(f"/proc/{pid}/cmdline").read().replace("\0", " ")
    except OSError:
        return ""


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    for parent in [folder, *folder.parents[:2]]:
        parent.chmod(0o755)
    stack = Stack(folder)
    yield stack
    if stack.process and stack.process.poll() is None:
        stack.process.kill()


def test_prints_a_forecast_and_stops_all_it_started(stack):
    stack.start()
    assert "p10 to p90" in stack.output
    answer = stack.forecast()
    assert answer["quality"] == "fresh" and len(answer["forecast"]) == 168
    assert stack.interrupt() == 0
    wait_until("all processes to be gone", lambda: not stack.processes(), 30)


def test_goes_on_with_what_is_there_also_after_kill_9(stack):
    stack.start()
    orders = stack.orders()
    assert orders > 1000
    os.kill(stack.processes(r"postgres.* -D ")[0], signal.SIGKILL)
    wait_until("Postgres to be started again", lambda: "postgres was ended by signal 9" in stack.output, 30)
    assert len(stack.forecast()["forecast"]) == 168
    wait_until("ingest to be back", lambda: stack.orders() >= orders, 60)
    stack.process.kill()
    stack.process.wait()
    wait_until("what it started to end with it", lambda: not stack.processes(), 30)
    stack.start()
    assert stack.orders() >= orders
    assert stack.interrupt() == 0


def test_a_port_in_use_names_the_variable(stack):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = {**stack.environment, "RUSHCAST_REDIS_PORT": str(taken.getsockname()[1])}
        done = subprocess.run([BUILD / "rushcast", "run"], env=environment, cwd=TOP, text=True, capture_output=True,
                              timeout=60)
    assert done.returncode == 1 and "RUSHCAST_REDIS_PORT" in done.stderr
