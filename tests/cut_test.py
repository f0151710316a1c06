"""Nodes in network namespaces that a link is taken from: each side of a cut does what it should."""

import os
import shutil
import subprocess
import time

import pytest

from conftest import PACE, end

SPACES = [f"hemiola-cut-{n}" for n in range(3)]
SWITCH = "hemiola-cut-switch"
ADDRESS = "10.78.0.{}"
JOB = ["data.kind=synthetic", "data.generator=numbers", "data.examples=40000", "model.kind=count",
       "train.evaluate_every=0", "sync.scheme=async", "sync.copies=2", "cluster.workers=1",
       *PACE]


def ip(*words, check=True):
    return subprocess.run(["ip", *words], check=check, capture_output=True).returncode == 0


def take_down():
    for space in (SWITCH, *SPACES):
        ip("netns", "delete", space, check=False)


@pytest.fixture(name="network")
def network_of_three():
    if os.geteuid() != 0 or not shutil.which("ip") or not ip("netns", "add", SWITCH, check=False):
        pytest.skip("needs root, iproute2 and network namespaces")
    try:
        ip("-n", SWITCH, "link", "add", "bridge", "type", "bridge")
        ip("-n", SWITCH, "link", "set", "bridge", "up")
        for n, space in enumerate(SPACES):
            ip("netns", "add", space)
            ip("link", "add", "own", "netns", space, "type", "veth", "peer", "name", f"port{n}",
               "netns", SWITCH)
            ip("-n", space, "address", "add", ADDRESS.format(n + 1) + "/24", "dev", "own")
            ip("-n", space, "link", "set", "own", "up")
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", SWITCH, "link", "set", f"port{n}", "master", "bridge")
            ip("-n", SWITCH, "link", "set", f"port{n}", "up")
        yield
    finally:
        take_down()


def set_link(n, state):
    ip("-n", SWITCH, "link", "set", f"port{n}", state)


def deafen(n, *others):
    """What the others send does not arrive at the node any more; nobody is told."""
    if not shutil.which("nft"):
        pytest.skip("nft is not here: apt-get install nftables")
    from_others = ", ".join(ADDRESS.format(o + 1) for o in others)
    rules = ("table inet cut { chain in { type filter hook input priority 0;"
             f" ip saddr {{ {from_others} }} drop; }}; }}")
    subprocess.run(["ip", "netns", "exec", SPACES[n], "nft", rules], check=True)


@pytest.fixture(name="etcd_at_1")
def etcd_beside_node_1(hemiola, network):
    if not shutil.which("etcd"):
        pytest.skip("etcd is not here: apt-get install etcd-server")
    url = f"http://{ADDRESS.format(2)}:2379"
    etcd = subprocess.Popen(["ip", "netns", "exec", SPACES[1], "etcd", "--listen-client-urls", url,
                             "--advertise-client-urls", url, "--data-dir", hemiola.folder / "etcd",
                             "--log-level", "error"])
    yield url
    end(etcd)


class Cluster:
    """Three nodes that were started by hand, each in a namespace of its own."""

    def __init__(self, hemiola, *settings):
        self.folder = hemiola.folder
        (self.folder / "job.toml").write_text("")
        secret = self.folder / "secret"
        secret.write_text("a secret of this test")
        secret.chmod(0o600)
        self.nodes = []
        for n, space in enumerate(SPACES):
            env = {"RANK": str(n), "WORLD_SIZE": "3", "MASTER_ADDR": ADDRESS.format(1),
                   "MASTER_PORT": "29517"}
            self.nodes.append(subprocess.Popen(
                ["ip", "netns", "exec", space, hemiola.program, "train", "job.toml", *JOB,
                 "cluster.secret_file=secret", *settings, "--quiet", "--out", f"out{n}"],
                cwd=self.folder, env=hemiola.environment(env), text=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE))

    def epochs(self):
        """That some node has recorded: the one that leads does."""
        histories = self.folder.glob("out*/metrics.jsonl")
        return max((len(h.read_text().splitlines()) for h in histories), default=0)

    def await_epochs(self, count, seconds=30):
        until = time.monotonic() + seconds
        while self.epochs() < count:
            assert time.monotonic() < until, f"{self.epochs()} epochs, not {count}"
            time.sleep(0.05)

    def ended(self, n, seconds):
        """What a node said that ends within so long, and its exit status."""
        said = self.nodes[n].communicate(timeout=seconds)[1]
        return said, self.nodes[n].returncode

    def stop(self):
        for node in self.nodes:
            end(node)


def test_who_is_cut_from_the_leader_ends_and_says_so_and_the_others_go_on(hemiola, network):
    cluster = Cluster(hemiola, "train.epochs=40")
    try:
        cluster.await_epochs(5)
        set_link(2, "down")
        said, status = cluster.ended(2, seconds=15)
        assert status != 0 and "node 0 was lost: node 0 is silent for" in said, said
        assert "it kept the view" in said, said
        said, status = cluster.ended(0, seconds=120)
        assert status == 0, said
        assert "node 2 is silent for" in said and "going on with 2 nodes" in said, said
        # Each has a folder of its own here.
        assert "no checkpoints are written: the node of rank 1 does not see" in said, said
        assert "those of the nodes of rank 1 are not in out0/model" in said, said
    finally:
        cluster.stop()


def test_a_leader_that_is_cut_off_alone_does_not_train_on_what_it_has(hemiola, network):
    cluster = Cluster(hemiola, "train.epochs=20000")
    try:
        cluster.await_epochs(5)
        set_link(0, "down")
        said, status = cluster.ended(0, seconds=20)
        assert status == 1 and "this side is cut off" in said, said
        for n in (1, 2):
            assert cluster.ended(n, seconds=20)[1] != 0
    finally:
        cluster.stop()


@pytest.mark.parametrize("cut", [lambda: set_link(0, "down"), lambda: deafen(0, 1, 2)],
                         ids=["link", "firewall"])
def test_with_etcd_the_side_that_has_it_goes_on_whoever_led(hemiola, etcd_at_1, cut):
    cluster = Cluster(hemiola, f"cluster.etcd={etcd_at_1}", "train.epochs=36")
    try:
        cluster.await_epochs(5)
        cut()
        said, status = cluster.ended(0, seconds=30)  # 2 s of silence, and a lease of 10 s
        assert status == 1 and "this side is cut off" in said, said
        assert "the keeper of views has not answered for" in said, said
        said, status = cluster.ended(1, seconds=120)
        assert status == 0 and "going on with 2 nodes" in said, said
    finally:
        cluster.stop()


def test_of_two_who_cannot_talk_to_each_other_one_goes_though_both_have_etcd(hemiola, etcd_at_1):
    cluster = Cluster(hemiola, f"cluster.etcd={etcd_at_1}", "train.epochs=36")
    try:
        cluster.await_epochs(5)
        deafen(2, 0)  # one way is enough
        said, status = cluster.ended(2, seconds=30)
        assert status == 1 and "was taken out of the job" in said, said
        said, status = cluster.ended(0, seconds=120)
        assert status == 0 and "going on with 2 nodes" in said, said
    finally:
        cluster.stop()
