"""Runs whose view an etcd keeps, of three members that are killed."""

import os
import shutil
import signal
import socket
import subprocess
import time

import pytest

from conftest import PACE, end, nodes_of, wait_until

JOB = ["--nodes", "3", "data.kind=synthetic", "data.generator=numbers", "data.examples=40000",
       "model.kind=count", "train.evaluate_every=0", "sync.scheme=async", "sync.copies=2",
       *PACE]
EPOCHS = 130
AWAY = 20  # seconds that all members are gone


class Etcd:
    def __init__(self, folder):
        self.folder = folder
        held = [socket.socket() for _ in range(6)]
        for s in held:
            s.bind(("127.0.0.1", 0))
        urls = [f"http://127.0.0.1:{s.getsockname()[1]}" for s in held]
        for s in held:
            s.close()
        self.urls, self.peers = urls[:3], urls[3:]
        self.members = [self.start(m) for m in range(3)]

    def start(self, m):
        return subprocess.Popen(
            ["etcd", f"--name=m{m}", f"--data-dir={self.folder}/m{m}", "--log-level=error",
             f"--listen-client-urls={self.urls[m]}", f"--advertise-client-urls={self.urls[m]}",
             f"--listen-peer-urls={self.peers[m]}",
             f"--initial-advertise-peer-urls={self.peers[m]}",
             "--initial-cluster=" + ",".join(f"m{i}={p}" for i, p in enumerate(self.peers))],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self, m):
        end(self.members[m])

    def restart(self, m):
        self.members[m] = self.start(m)

    def stop(self):
        for m in range(3):
            self.kill(m)


@pytest.fixture(name="etcd")
def etcd_of_three(hemiola):
    if not shutil.which("etcd"):
        pytest.skip("etcd is not here: apt-get install etcd-server")
    etcd = Etcd(hemiola.folder)
    yield etcd
    etcd.stop()


def epochs_done(hemiola):
    history = hemiola.folder / "runs/count/metrics.jsonl"
    return len(history.read_text().splitlines()) if history.exists() else 0


def test_training_goes_on_while_members_of_etcd_die_and_nodes_too(hemiola, etcd):
    (hemiola.folder / "count.toml").touch()
    run = hemiola.start("train", "count.toml", *JOB, "cluster.etcd=" + ",".join(etcd.urls),
                        f"train.epochs={EPOCHS}", "--quiet")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 3)
        etcd.kill(0)
        os.kill(nodes_of(run.pid)[0], signal.SIGKILL)  # the one that leads
        before = epochs_done(hemiola)
        wait_until(lambda: epochs_done(hemiola) >= before + 5)

        wait_until(lambda: len(nodes_of(run.pid)) == 3)
        for m in (1, 2):
            etcd.kill(m)
        before, since = epochs_done(hemiola), time.monotonic()
        wait_until(lambda: epochs_done(hemiola) >= before + 5)
        wait_until(lambda: time.monotonic() - since >= AWAY, seconds=2 * AWAY)
        assert run.poll() is None, run.communicate()[1]
        for m in range(3):
            etcd.restart(m)
        os.kill(nodes_of(run.pid)[2], signal.SIGKILL)
        before = epochs_done(hemiola)
        wait_until(lambda: epochs_done(hemiola) >= before + 5)
        said = run.communicate(timeout=300)[1]
        assert run.returncode == 0, said
        assert said.count("was ended by signal 9 (Killed); started again as process") == 2, said
        assert "the keeper of views does not answer" in said, said
        summary = hemiola.summary("runs/count")
        assert summary["samples"] == 40_000 * EPOCHS
        assert summary["final"]["metrics"]["missing"] == 0, said
    finally:
        end(run)


def test_an_etcd_that_is_not_there_is_told_before_the_run(hemiola):
    assert "no etcd answers, which `cluster.etcd` says keeps the view" in hemiola.refused(
        "train", hemiola.job, "--nodes", "2", "cluster.etcd=http://127.0.0.1:9",
        "cluster.join_timeout_s=1")
