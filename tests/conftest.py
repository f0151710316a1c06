"""The program under test, and how the tests here run it."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def pytest_addoption(parser):
    parser.addoption("--program", default=str(ROOT / "build" / "hemiola"),
                     help="the hemiola that is tested")


SMALL_JOB = """
[data]
kind = "synthetic"
generator = "ratings"
examples = 60_000
users = 400
items = 300

[model]
kind = "mf"
factors = 4

[train]
epochs = 4
"""


# Each step takes a worker a millisecond, so that a run lasts as long on a fast machine as on a slow
# one.
PACE = ["--stall-chance=1", "--stall=1ms"]


class Hemiola:
    """Runs the program in a folder of its own."""

    def __init__(self, program, folder):
        self.program = program
        self.folder = folder
        self.job = self.write("job.toml", SMALL_JOB)

    def write(self, name, text):
        path = self.folder / name
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(text)
        return str(path)

    def environment(self, more=None):
        # What a launcher of this machine may have set must not reach the program.
        base = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TERM")}
        return {**base, **(more or {})}

    def run(self, *words, env=None, timeout=120):
        return subprocess.run([self.program, *words], cwd=self.folder, text=True,
                              capture_output=True, timeout=timeout, env=self.environment(env))

    def start(self, *words, env=None, **more):
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more}
        return subprocess.Popen([self.program, *words], cwd=self.folder, text=True,
                                env=self.environment(env), **pipes)

    def train(self, *words, **more):
        done = self.run("train", self.job, *words, **more)
        assert done.returncode == 0, done.stderr
        return done

    def summary(self, out="runs/job"):
        return json.loads((self.folder / out / "summary.json").read_text())

    def refused(self, *words, status=1, env=None, timeout=60):
        """The one sentence with which the program refuses."""
        done = self.run(*words, env=env, timeout=timeout)
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        lines = done.stderr.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("hemiola: "), done.stderr
        return lines[0].removeprefix("hemiola: ")


@pytest.fixture
def hemiola(request, tmp_path):
    program = pathlib.Path(request.config.getoption("--program")).resolve()
    if not program.exists():
        pytest.fail(f"{program} is not built; run scripts/build.sh hemiola")
    return Hemiola(str(program), tmp_path)


def children(pid):
    """Processes that this process has started."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return sorted(found)


def nodes_of(pid):
    """Of its children, the nodes of the job; the keeper of views is none."""
    found = []
    for child in children(pid):
        try:
            words = pathlib.Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"node" in words:
            found.append(child)
    return found


def alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(condition, seconds=60, of=()):
    """Of processes that must not end before."""
    until = time.monotonic() + seconds
    while not condition():
        for process in of:
            assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def free_port():
    """The next one is free too: it is where the nodes of torchrun meet."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def end(process):
    """Whatever a test has left of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()
