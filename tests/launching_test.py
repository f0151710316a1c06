"""Every way to launch a run that examples/launch/ and docs/launching.md tell of: for real where
what it takes is on this machine, else with a stand-in."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

from conftest import PACE, ROOT, alive, end, free_port, nodes_of, wait_until
from etcd_test import Etcd

LAUNCH = ROOT / "examples/launch"
SMALL = ["data.examples=60000", "train.epochs=5"]
LONG = ["data.examples=300000", "train.epochs=100000", "train.evaluate_every=0"]


def needs(*programs, package):
    for program in programs:
        if not shutil.which(program):
            pytest.skip(f"{program} is not here: apt-get install {package}")


@pytest.fixture(name="path")
def path_with_hemiola(hemiola):
    """An environment in which `hemiola` is found."""
    folder = hemiola.folder / "bin"
    folder.mkdir()
    (folder / "hemiola").symlink_to(hemiola.program)
    return {"PATH": f"{folder}:{os.environ['PATH']}:/usr/sbin"}


def epochs_done(hemiola, out="runs/job"):
    history = hemiola.folder / out / "metrics.jsonl"
    return len(history.read_text().splitlines()) if history.exists() else 0


def whole(summary, nodes, epochs=5):
    assert summary["nodes"] == nodes
    assert [e["epoch"] for e in summary["epochs"]] == list(range(1, epochs + 1))
    return summary


# ---- Slurm

SLURM_CONF = """ClusterName=hemiola
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SlurmdParameters=config_overrides
KillWait=20
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=test Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Slurm:
    """A slurmctld and a slurmd of our own."""

    def __init__(self, folder, environment):
        for name in ("state", "spool"):
            (folder / name).mkdir(parents=True)
        conf = folder / "slurm.conf"
        conf.write_text(SLURM_CONF.format(host=socket.gethostname().split(".")[0], folder=folder,
                                          ports=[free_port(), free_port()]))
        self.environment = {**environment, "SLURM_CONF": str(conf), "HOME": str(folder)}
        self.daemons = [self.daemon(folder, "slurmctld", "-D", "-c"),
                        self.daemon(folder, "slurmd", "-D")]
        wait_until(lambda: "idle" in self.run("sinfo", "-h", "-o", "%T").stdout)

    def daemon(self, folder, *words):
        with open(folder / f"{words[0]}.log", "w", encoding="utf-8") as log:
            return subprocess.Popen(words, env=self.environment, stdout=log, stderr=log)

    def run(self, *words, **more):
        return subprocess.run(words, env=self.environment, text=True, capture_output=True,
                              timeout=120, check=False, **more)

    def state(self, job):
        said = self.run("scontrol", "show", "job", job).stdout
        found = re.search(r"JobState=(\w+)", said)
        return found.group(1) if found else "gone"

    def stop(self):
        self.run("scancel", "--signal=KILL", "--user=root")
        time.sleep(0.5)
        for daemon in self.daemons:
            end(daemon)


@pytest.fixture(name="slurm")
def slurm_of_our_own(hemiola, path):
    needs("slurmctld", "slurmd", "sbatch", package="slurm-wlm")
    if os.geteuid() != 0:
        pytest.skip("a slurmd of our own needs to be root")
    slurm = Slurm(hemiola.folder / "slurm", path)
    yield slurm
    slurm.stop()


def submit(slurm, hemiola, *words):
    done = slurm.run("sbatch", "--parsable", str(LAUNCH / "slurm.sbatch"), *words,
                     cwd=hemiola.folder)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_slurm_runs_a_job_on_the_nodes_that_it_gives(hemiola, slurm):
    job = submit(slurm, hemiola, hemiola.job, *SMALL)
    wait_until(lambda: slurm.state(job) not in ("PENDING", "RUNNING", "COMPLETING"))
    said = (hemiola.folder / f"hemiola-{job}.log").read_text()
    assert slurm.state(job) == "COMPLETED", said
    assert "Slurm has started 4 nodes" in said, said
    whole(hemiola.summary(), nodes=4)


def test_a_run_of_slurm_s_goes_on_without_a_task_and_ends_in_order_when_told_to(hemiola, slurm):
    job = submit(slurm, hemiola, hemiola.job, *LONG)
    wait_until(lambda: epochs_done(hemiola) >= 2)
    ours = [pid for pid in descendants(slurm.daemons[1].pid, "hemiola") if rank_of(pid) == 2]
    assert len(ours) == 1
    os.kill(ours[0], signal.SIGKILL)
    before = epochs_done(hemiola)
    wait_until(lambda: epochs_done(hemiola) >= before + 3)
    assert slurm.run("scancel", "--signal=TERM", job).returncode == 0
    wait_until(lambda: slurm.state(job) not in ("RUNNING", "COMPLETING"))
    said = (hemiola.folder / f"hemiola-{job}.log").read_text()
    assert "node 2 was lost" in said and "going on with 3 nodes" in said, said
    assert hemiola.summary()["ended_early"], said
    assert (hemiola.folder / "runs/job/model").exists()


def children_of(pid):
    try:
        tasks = pathlib.Path(f"/proc/{pid}/task")
        return [int(c) for t in tasks.iterdir() for c in (t / "children").read_text().split()]
    except OSError:
        return []


def descendants(pid, name):
    """Slurm's step daemons leave their parent, so all processes are looked at."""
    found = []
    for comm in pathlib.Path("/proc").glob("[0-9]*/comm"):
        try:
            if comm.read_text().strip() == name and rank_of(int(comm.parent.name)) is not None:
                found.append(int(comm.parent.name))
        except OSError:
            continue
    assert alive(pid)
    return found


def rank_of(pid):
    """As Slurm has told the process."""
    try:
        entries = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    found = [e for e in entries if e.startswith(b"SLURM_PROCID=")]
    return int(found[0].split(b"=")[1]) if found else None


# ---- mpirun, torchrun

def launched(hemiola, path, script, *words, **more):
    done = subprocess.run([LAUNCH / script, hemiola.job, *words], cwd=hemiola.folder, text=True,
                          env={**hemiola.environment(), **path, **more}, capture_output=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_mpirun_starts_the_nodes(hemiola, path):
    needs("mpirun", package="openmpi-bin")
    said = launched(hemiola, path, "mpirun.sh", *SMALL, NODES="3",
                    MPIRUN="mpirun --allow-run-as-root --oversubscribe")
    assert "Open MPI has started 3 nodes" in said, said
    whole(hemiola.summary(), nodes=3)


def test_torchrun_starts_the_nodes(hemiola, path):
    needs("torchrun", package="python3-torch")
    # Debian 12's torchrun cannot leave streams alone under its Python.
    streams = f"--redirects=1 --tee=1 --log_dir={hemiola.folder}/streams"
    said = launched(hemiola, path, "torchrun.sh", *SMALL, NODES="3",
                    TORCHRUN=f"torchrun {streams} --master_port={free_port()}")
    assert "torchrun has started 3 nodes" in said, said
    whole(hemiola.summary(), nodes=3)


def as_torchrun(hemiola, rank, size, port, *words):
    environment = {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank),
                   "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return hemiola.start("train", hemiola.job, *words, env=environment)


def test_a_process_that_is_asked_to_leave_does_so_whoever_started_it(hemiola):
    port = free_port()
    nodes = [as_torchrun(hemiola, rank, 3, port, *LONG) for rank in range(3)]
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        nodes[1].send_signal(signal.SIGTERM)
        said = nodes[1].communicate(timeout=20)[1]
        assert nodes[1].returncode == 0 and "node 1 has left, as it was asked to" in said, said
        before = epochs_done(hemiola)
        wait_until(lambda: epochs_done(hemiola) >= before + 2)
        for node in (nodes[0], nodes[2]):
            node.send_signal(signal.SIGTERM)
        said = [node.communicate(timeout=20)[1] for node in (nodes[0], nodes[2])]
        assert nodes[0].returncode == 130, said
        assert "node 1 leaves: going on with 2 nodes" in said[0] and "lost" not in said[0], said
        assert hemiola.summary()["ended_early"]
    finally:
        for node in nodes:
            end(node)


# ---- ssh

STAND_IN = """#!/bin/sh
# As ssh: options, a host, and a command, which its shell runs. What it is asked is noted.
while [ "${1#-}" != "$1" ]; do shift; done
echo "$1" >> "$NOTES"
shift
exec sh -c "$*"
"""


def test_hosts_are_reached_over_ssh(hemiola, path):
    ssh = pathlib.Path(hemiola.write("ssh", STAND_IN))
    ssh.chmod(0o755)
    notes = hemiola.folder / "notes"
    said = launched(hemiola, path, "ssh.sh", *SMALL, "--ssh", f"{ssh} -x", NOTES=str(notes),
                    HOSTS="localhost,127.0.0.1")
    assert sorted(notes.read_text().split()) == ["127.0.0.1", "localhost"]
    assert "result:" in said, said
    whole(hemiola.summary(), nodes=2)


def test_a_run_over_ssh_takes_a_lost_node_in_again_and_ends_in_order(hemiola, path):
    ssh = pathlib.Path(hemiola.write("ssh", STAND_IN.replace("exec sh", "sh")))
    ssh.chmod(0o755)
    run = subprocess.Popen([hemiola.program, "run", hemiola.job, *LONG, "--hosts=localhost",
                            "--nodes=3", "--ssh", str(ssh)],
                           cwd=hemiola.folder, text=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.PIPE,
                           env={**hemiola.environment(), **path,
                                "NOTES": str(hemiola.folder / "notes")})
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        sshs = children_of(run.pid)
        assert len(sshs) == 3
        far = children_of(sshs[2])
        os.kill(sshs[2], signal.SIGKILL)  # as if the connection broke: the far end sees that
        wait_until(lambda: not any(alive(pid) for pid in far))
        before = epochs_done(hemiola)
        wait_until(lambda: epochs_done(hemiola) >= before + 3)
        run.send_signal(signal.SIGINT)
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 130, said
        assert re.search(r"node 2 on localhost \(process \d+\) was ended by signal 9", said), said
        again = r"^ +2 +\d+ +localhost +[\d.]+ s +1 +ended early, in order$"
        assert re.search(again, said, re.M), said
        assert hemiola.summary()["ended_early"]
    finally:
        end(run)


def test_a_host_that_ssh_cannot_reach_is_named(hemiola):
    false = shutil.which("false")
    said = hemiola.run("run", hemiola.job, "--hosts=localhost", "--nodes=2", "--ssh", false).stderr
    assert "hemiola: node 0 on localhost ended with status 1" in said, said
    assert "is no value for --hosts" in hemiola.refused("run", hemiola.job, "--hosts=a,-oX=y")


# ---- Kubernetes

class Pods:
    """What the controller of an indexed Job does, with processes for pods."""

    def __init__(self, hemiola, container, replace):
        self.hemiola, self.replace = hemiola, replace
        self.words = [self.here(w) for w in container["command"][1:] + container["args"]]
        self.pods = {}
        self.said = []
        self.told = []

    def here(self, word):
        for there, here in self.replace.items():
            word = word.replace(there, here)
        return word

    def start(self, index):
        self.pods[index] = self.hemiola.start(*self.words, env={"JOB_COMPLETION_INDEX": str(index)})

    def delete(self, index):
        """As scaling down does: SIGTERM, and time to act on it."""
        pod = self.pods.pop(index)
        pod.send_signal(signal.SIGTERM)
        self.said.append(pod.communicate(timeout=60)[1])
        return pod.returncode

    def kill(self, index):
        end(self.pods[index])

    def join(self):
        codes = {}
        for index, pod in self.pods.items():
            told, said = pod.communicate(timeout=120)
            self.told.append(told)
            self.said.append(said)
            codes[index] = pod.returncode
        return codes

    def end(self):
        for pod in self.pods.values():
            end(pod)


def manifest():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not here: apt-get install python3-yaml")
    parts = list(yaml.safe_load_all((LAUNCH / "kubernetes.yaml").read_text()))
    return {(p["kind"], p["metadata"]["name"]): p for p in parts}


def test_the_manifest_of_kubernetes_holds_together():
    parts = manifest()
    job = parts["Job", "hemiola"]["spec"]
    assert job["completionMode"] == "Indexed" and job["completions"] == job["parallelism"]
    pod = job["template"]["spec"]
    container, = pod["containers"]
    assert f"--nodes={job['completions']}" in container["args"]
    # Pods are reached by name through a service without an address, also before they are ready.
    service = parts["Service", pod["subdomain"]]["spec"]
    assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"]
    assert service["selector"] == {"job-name": "hemiola"}
    assert any(a.startswith(f"--rendezvous=tcp:hemiola-0.{pod['subdomain']}:")
               for a in container["args"])
    etcd = parts["StatefulSet", "hemiola-etcd"]["spec"]
    assert ("Service", etcd["serviceName"]) in parts
    assert etcd["selector"]["matchLabels"] == etcd["template"]["metadata"]["labels"]
    assert parts["Service", etcd["serviceName"]]["spec"]["selector"] == \
        etcd["selector"]["matchLabels"]
    mounted = {v["name"] for v in pod["volumes"]}
    assert {m["name"] for m in container["volumeMounts"]} == mounted
    for volume in pod["volumes"]:
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in parts
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in parts


def test_pods_of_the_manifest_die_come_again_and_change_in_number(hemiola):
    needs("etcd", package="etcd-server")
    parts = manifest()
    container, = parts["Job", "hemiola"]["spec"]["template"]["spec"]["containers"]
    job = parts["ConfigMap", "hemiola-job"]["data"]["job.toml"]
    hemiola.write("job.toml", job.replace("1_000_000", "40_000").replace("20", "40"))
    secret = pathlib.Path(hemiola.write("secret", "0123456789abcdef0123456789abcdef"))
    secret.chmod(0o400)
    etcd = Etcd(hemiola.folder)
    pods = Pods(hemiola, container, {
        "hemiola-0.hemiola:29400": f"127.0.0.1:{free_port()}",
        "http://hemiola-etcd-0.hemiola-etcd:2379": etcd.urls[0], "/job/job.toml": hemiola.job,
        "/secret/secret": str(secret), "/run/hemiola": str(hemiola.folder / "runs/job")})
    pods.words += ["train.evaluate_every=0", "train.batch=64", *PACE]
    try:
        for index in range(4):
            pods.start(index)
        wait_until(lambda: epochs_done(hemiola) >= 2)
        pods.kill(0)  # the one that leads
        wait_until(lambda: epochs_done(hemiola) >= 6)
        pods.start(0)
        wait_until(lambda: epochs_done(hemiola) >= 10)
        for index in (4, 5):
            pods.start(index)
        wait_until(lambda: epochs_done(hemiola) >= 20)
        assert [pods.delete(index) for index in (5, 4, 3)] == [0, 0, 0], pods.said
        assert set(pods.join().values()) == {0}, pods.said
        summary = hemiola.summary()
        assert [e["epoch"] for e in summary["epochs"]] == list(range(1, 41))
        # A death, three that joined, three that left; some at once.
        assert summary["view_changes"] >= 4
        once = summary["epochs"][0]["samples"]
        assert all(e["samples"] == once for e in summary["epochs"])
        # Whoever leads in the end says how it went.
        assert sum("result:" in text for text in pods.told) == 1, pods.told
        assert any("node 5 has left, as it was asked to" in text for text in pods.said), pods.said
    finally:
        pods.end()
        etcd.stop()


def test_a_leader_that_slept_through_the_end_of_the_job_does_not_go_on_alone(hemiola):
    needs("etcd", package="etcd-server")
    etcd = Etcd(hemiola.folder)
    port = free_port()
    words = [*SMALL, "train.epochs=12", f"cluster.etcd={etcd.urls[0]}"]
    nodes = [as_torchrun(hemiola, rank, 2, port, *words, *PACE) for rank in range(2)]
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2, of=nodes)
        nodes[0].send_signal(signal.SIGSTOP)
        said = nodes[1].communicate(timeout=60)[1]
        assert nodes[1].returncode == 0 and "going on with 1 node" in said, said
        summary = hemiola.summary()
        nodes[0].send_signal(signal.SIGCONT)
        said = nodes[0].communicate(timeout=20)[1]
        assert "the job has ended while node 0 was away" in said, said
        assert hemiola.summary() == summary
    finally:
        for node in nodes:
            end(node)
        etcd.stop()


def test_a_node_joins_by_hand_where_etcd_keeps_the_view(hemiola):
    needs("etcd", package="etcd-server")
    etcd = Etcd(hemiola.folder)
    port = free_port()
    words = [*LONG, "cluster.max_nodes=3", f"cluster.etcd={etcd.urls[0]}"]
    nodes = [as_torchrun(hemiola, rank, 2, port, *words) for rank in range(2)]
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        nodes.append(hemiola.start("join", hemiola.job, *words, "--node=2", "cluster.nodes=2",
                                   f"cluster.rendezvous=tcp:127.0.0.1:{port + 1}"))
        before = epochs_done(hemiola)
        wait_until(lambda: epochs_done(hemiola) >= before + 3)
        time.sleep(5)  # who is not let in yet is interrupted, and does not leave
        nodes[2].send_signal(signal.SIGINT)
        said = nodes[2].communicate(timeout=20)[1]
        assert nodes[2].returncode == 0 and "node 2 has left" in said, said
        before = epochs_done(hemiola)
        wait_until(lambda: epochs_done(hemiola) >= before + 2)
    finally:
        for node in nodes:
            end(node)
        etcd.stop()


def test_a_job_whose_every_process_has_died_begins_anew_where_etcd_keeps_the_view(hemiola):
    needs("etcd", package="etcd-server")
    etcd = Etcd(hemiola.folder)
    port = free_port()
    words = [*SMALL, f"cluster.etcd={etcd.urls[0]}"]
    nodes = [as_torchrun(hemiola, rank, 2, port, *words, *PACE) for rank in range(2)]
    try:
        wait_until(lambda: epochs_done(hemiola) >= 1, of=nodes)
        for node in nodes:
            node.send_signal(signal.SIGSTOP)
        for node in nodes:
            end(node)
        nodes = [as_torchrun(hemiola, rank, 2, port, *words) for rank in range(2)]
        said = [node.communicate(timeout=120)[1] for node in nodes]
        assert [node.returncode for node in nodes] == [0, 0], said
        assert "for its view to be forgotten" in said[0], said
        whole(hemiola.summary(), nodes=2)
    finally:
        for node in nodes:
            end(node)
        etcd.stop()
