"""What a user sees of the program: runs of every kind, their output and their end."""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import time

import pytest

from conftest import alive, children, end, free_port, nodes_of, wait_until

SCHEMES = ["bsp", "bsp strict", "ssp(3)", "essp(3)", "async"]
AVERAGES = ["allreduce", "local(4)", "outer(4)", "groups(2, 2)", "gossip", "pushsum", "consensus",
            "backup", "backup(search)"]
LONG = ["train.epochs=1000000", "data.examples=200000", "--quiet"]


def trains(hemiola):
    """The first epoch is behind."""
    history = hemiola.folder / "runs/job/metrics.jsonl"
    return history.exists() and history.stat().st_size > 0


def test_a_run_shows_its_settings_its_epochs_its_quality_and_where_the_summary_is(hemiola):
    done = hemiola.train()
    lines = done.stdout.splitlines()
    assert lines[0].startswith("hemiola ")
    assert lines[1].startswith("[job]     name = \"job\"  seed = 1")
    epochs = [line for line in lines if line.startswith("epoch ")]
    assert len(epochs) == 4 and "rmse" in epochs[-1]
    assert lines[-4].startswith("result:  mf under shared") and "rmse" in lines[-4]
    assert lines[-2] == "summary: runs/job/summary.json"
    assert lines[-1].startswith("model:   runs/job/model  ")
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("scheme", AVERAGES)
def test_replicas_learn_and_agree_under_every_scheme_of_averages(hemiola, scheme):
    done = hemiola.train("sync.scheme=" + scheme, "--nodes", "2", "--workers", "2")
    summary = hemiola.summary()
    epochs = summary["epochs"]
    assert epochs[-1]["loss"] < epochs[0]["loss"]
    assert 0 <= epochs[-1]["spread"] < 5
    assert sum(summary["rounds"].values()) > 0 and "rounds:" in done.stdout
    if scheme == "allreduce":
        assert epochs[-1]["spread"] == 0


def test_the_summary_has_every_key_and_the_history_a_line_per_epoch(hemiola):
    hemiola.train("--out", "here", "job.name=mine", "--workers", "2")
    summary = hemiola.summary("here")
    for key in ["job", "model", "sync", "world", "seed", "nodes", "workers", "samples", "seconds",
                "cpu_seconds", "time", "rows", "bytes_sent", "messages", "staleness",
                "view_changes", "epochs", "final"]:
        assert key in summary
    assert set(summary["time"]) >= {"compute", "wait_rows", "wait_clock", "average", "idle"}
    assert (summary["job"], summary["model"], summary["world"]) == ("mine", "mf", "net")
    assert (summary["nodes"], summary["workers"]) == (1, 2)
    assert summary["samples"] == 4 * 54_000
    history = (hemiola.folder / "here" / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in history] == summary["epochs"]
    assert summary["final"]["loss"] == summary["epochs"][-1]["loss"]
    assert sorted(p.name for p in (hemiola.folder / "here").iterdir()) == [
        "checkpoints", "metrics.jsonl", "model", "summary.json"]


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_json_is_all_that_stands_on_standard_output(hemiola, nodes):
    done = hemiola.train("--json", "--nodes", nodes)
    assert json.loads(done.stdout) == hemiola.summary()
    assert "epoch 4/4" in done.stderr


@pytest.mark.parametrize("nodes", ["1", "2"])
def test_quiet_says_nothing(hemiola, nodes):
    done = hemiola.train("--quiet", "--nodes", nodes)
    assert done.stdout == "" and done.stderr == ""


@pytest.mark.parametrize("env,bold", [({}, True), ({"NO_COLOR": "1"}, False)])
def test_on_a_terminal_there_is_one_live_line_and_colour_unless_it_is_unwanted(hemiola, env, bold):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [hemiola.program, "train", hemiola.job, "data.examples=400000", "train.epochs=60"],
        cwd=hemiola.folder, stdout=theirs, stderr=theirs, env=hemiola.environment(env))
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(ours)
    assert process.wait() == 0
    live = re.findall(r"\repoch \d+/60 [^\n\r]*samples/s[^\n\r]*1 node  staleness", shown.decode())
    assert live
    assert (b"\x1b[1m" in shown) == bold


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("model", ["mf", "linear"])
def test_four_nodes_reach_the_quality_of_one_under_every_scheme(hemiola, scheme, model):
    job, measure = [], "rmse"
    if model == "linear":
        job = ["model.kind=linear", "data.generator=clicks", "data.features=2000"]
        measure = "log_loss"
    hemiola.train(*job, "--out", "one", "train.epochs=8")
    hemiola.train(*job, "--out", "four", "train.epochs=8", "--nodes", "4", f"sync.scheme={scheme}")
    one = hemiola.summary("one")["final"]["metrics"][measure]
    four = hemiola.summary("four")
    assert four["final"]["metrics"][measure] < 1.02 * one
    assert four["sync"] == scheme and four["nodes"] == 4 and four["bytes_sent"] > 0
    assert four["samples"] == hemiola.summary("one")["samples"]


def test_strict_runs_are_equal_bit_by_bit(hemiola):
    losses = []
    for out in ["once", "again"]:
        hemiola.train("--out", out, "--nodes", "3", "sync.scheme=bsp strict")
        losses.append([(e["loss"], e["metrics"]) for e in hemiola.summary(out)["epochs"]])
    assert losses[0] == losses[1]


def test_nodes_can_talk_over_tcp(hemiola):
    hemiola.train("--nodes", "2", "cluster.transport=tcp")
    assert hemiola.summary()["bytes_sent"] > 0


LAUNCHERS = {
    "torchrun": lambda r, n, port: (
        {"RANK": r, "WORLD_SIZE": n, "LOCAL_RANK": r, "MASTER_ADDR": "127.0.0.1",
         "MASTER_PORT": port}, []),
    "open mpi": lambda r, n, port: (
        {"OMPI_COMM_WORLD_RANK": r, "OMPI_COMM_WORLD_SIZE": n, "OMPI_COMM_WORLD_LOCAL_RANK": r,
         "OMPI_COMM_WORLD_LOCAL_SIZE": n, "PMIX_NAMESPACE": "prte-" + port}, []),
    "slurm": lambda r, n, port: (
        {"SLURM_PROCID": r, "SLURM_NTASKS": n, "SLURM_LOCALID": r, "SLURM_JOB_ID": port,
         "SLURM_STEP_ID": "0", "SLURM_STEP_NODELIST": "localhost"}, []),
    "kubernetes": lambda r, n, port: (
        {"JOB_COMPLETION_INDEX": r}, ["--nodes", n, "--rendezvous", "tcp:127.0.0.1:" + port]),
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_nodes_that_a_launcher_has_started_find_each_other(hemiola, launcher):
    port = str(free_port())
    nodes = []
    for rank in range(3):
        env, words = LAUNCHERS[launcher](str(rank), "3", port)
        nodes.append(hemiola.start("train", hemiola.job, *words, env=env))
    said = [node.communicate(timeout=60) for node in nodes]
    assert [node.returncode for node in nodes] == [0, 0, 0], said
    assert hemiola.summary()["nodes"] == 3
    assert "epoch 4/4" in said[0][0]
    assert said[1] == said[2] == ("", "")


def test_the_simulator_gives_the_same_run_for_the_same_seed(hemiola):
    words = ["sim", hemiola.job, "--nodes", "8", "--workers", "2", "--cost-per-example", "100ns",
             "--stall-chance", "0.1", "--slow-node", "3:6x", "--json"]
    once, again, other = (
        json.loads(hemiola.run(*words, "--seed", seed).stdout) for seed in ["5", "5", "6"])
    for run in (once, again, other):
        del run["load_seconds"]
    assert once == again != other
    assert once["world"] == "sim" and once["workers"] == 16
    assert once["seconds"] > 0 and once["time"]["idle"] > 0


def test_a_setting_may_follow_a_slow_node(hemiola):
    done = hemiola.run("sim", hemiola.job, "--nodes", "2", "--slow-node", "1:4x", "train.epochs=1",
                       "--cost-per-example", "100ns", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["epochs"]) == 1


def test_what_was_calibrated_is_used_by_the_simulator(hemiola):
    done = hemiola.run("sim", hemiola.job, "--nodes", "2", "--quiet")
    assert done.returncode == 0 and "hemiola calibrate" in done.stderr
    done = hemiola.run("calibrate", hemiola.job, "--nodes", "2", "--quiet")
    assert done.returncode == 0 and "ns per example" in done.stdout, done.stderr
    done = hemiola.run("sim", hemiola.job, "--nodes", "2", "--quiet")
    assert done.returncode == 0 and done.stderr == ""


def test_all_settings_are_listed_with_their_effect(hemiola):
    listing = hemiola.run("options").stdout
    for section in ["job", "data", "model", "train", "sync", "cluster"]:
        assert f"[{section}]" in listing
    assert re.search(r"epochs +10 +passes over the training data", listing)


def ended_early(hemiola):
    """The result stands, of as many epochs as the history has."""
    summary = hemiola.summary()
    history = (hemiola.folder / "runs/job/metrics.jsonl").read_text().splitlines()
    assert summary["ended_early"]
    assert [json.loads(line) for line in history] == summary["epochs"]
    assert summary["final"]["loss"] == summary["epochs"][-1]["loss"]
    assert summary["samples"] == sum(e["samples"] for e in summary["epochs"])


def sockets_of(pid):
    """The folder of the sockets that the process listens at."""
    own = {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    for line in pathlib.Path("/proc/net/unix").read_text().splitlines()[1:]:
        words = line.split()
        if len(words) == 8 and f"socket:[{words[6]}]" in own:
            return os.path.dirname(words[7])
    return None


IN_ORDER = [["sync.scheme=bsp"], ["sync.scheme=bsp", "sync.strict=true"], ["sync.scheme=ssp(2)"],
            ["sync.scheme=async", "sync.placement=intent"], ["sync.scheme=allreduce"],
            ["sync.scheme=gossip"], ["cluster.on_loss=end"], ["train.save=false"]]


@pytest.mark.parametrize("settings", IN_ORDER, ids=" ".join)
def test_the_first_interrupt_ends_a_run_in_order(hemiola, settings):
    run = hemiola.start("train", hemiola.job, "--nodes", "4", *LONG, *settings)
    try:
        wait_until(lambda: trains(hemiola))
        nodes = nodes_of(run.pid)
        assert len(nodes) == 4
        folder = sockets_of(nodes[0])
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=10) == 130
        assert not any(alive(pid) for pid in nodes)
        said = run.stderr.read()
        assert said.count("hemiola: ending in order") == 1, said
        assert said.count("hemiola: interrupted; all nodes have ended") == 1, said
        ended_early(hemiola)
        model = hemiola.folder / "runs/job/model"
        assert model.exists() == ("train.save=false" not in settings)
        assert folder and not os.path.exists(folder)
    finally:
        end(run)


def test_the_first_interrupt_ends_a_run_of_one_process_in_order(hemiola):
    run = hemiola.start("train", hemiola.job, *LONG[:-1], stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: trains(hemiola))
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=10) == 130
        ended_early(hemiola)
        assert "ended early, with" in run.stdout.read()
    finally:
        end(run)


def test_an_interrupt_before_the_start_ends_all_at_once(hemiola):
    run = hemiola.start("train", hemiola.job, "--nodes", "3", "data.examples=20000000")
    try:
        wait_until(lambda: len(nodes_of(run.pid)) == 3)
        run.send_signal(signal.SIGTERM)
        assert run.wait(timeout=5) == 130
        assert run.stderr.read().count("hemiola: interrupted") == 1
    finally:
        end(run)


@pytest.mark.parametrize("nodes", [1, 3])
def test_a_second_interrupt_ends_a_run_now(hemiola, nodes):
    # Blocks that take minutes: nobody comes to the end of one.
    run = hemiola.start("train", hemiola.job, "--nodes", str(nodes), "train.epochs=1",
                        "--stall-chance=1", "--stall=60s", stdin=subprocess.DEVNULL)
    try:
        wait_until(lambda: (hemiola.folder / "runs/job/metrics.jsonl").exists())
        time.sleep(1)
        run.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(timeout=1)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=2) == 130
        said = run.stderr.read()
        assert "a second signal ends it now" in said and "hemiola: interrupted" in said, said
        assert not (hemiola.folder / "runs/job/summary.json").exists()
    finally:
        end(run)


def test_a_killed_node_is_named_within_two_seconds(hemiola):
    run = hemiola.start("train", hemiola.job, "--nodes", "4", "cluster.on_loss=end", *LONG)
    try:
        wait_until(lambda: trains(hemiola))
        nodes = nodes_of(run.pid)
        os.kill(nodes[2], signal.SIGKILL)
        begun = time.monotonic()
        assert run.wait(timeout=10) == 1
        assert time.monotonic() - begun < 2
        said = run.stderr.read()
        lines = said.splitlines()
        assert re.fullmatch(r"hemiola: node \d \(process %d\) was ended by signal 9 \(Killed\)"
                            % nodes[2], lines[0]), said
        assert lines[1].split() == "node process host after restarts how it ended".split()
        how = {int(line.split()[1]): line.split(maxsplit=6)[6] for line in lines[2:]}
        assert how == {pid: "signal 9 (Killed)" if pid == nodes[2] else "ended by the launcher"
                       for pid in nodes}, said
        assert not any(alive(pid) for pid in nodes)
    finally:
        end(run)


def test_a_node_that_is_killed_before_all_are_there_ends_the_job_too(hemiola):
    run = hemiola.start("train", hemiola.job, "--nodes", "4", "cluster.on_loss=end", *LONG)
    try:
        wait_until(lambda: len(nodes_of(run.pid)) == 4)
        nodes = nodes_of(run.pid)
        os.kill(nodes[3], signal.SIGKILL)
        assert run.wait(timeout=2) == 1
        assert "was ended by signal 9" in run.stderr.read()
        assert not any(alive(pid) for pid in nodes)
    finally:
        end(run)


def test_nodes_do_not_outlive_a_launcher_that_is_killed(hemiola):
    run = hemiola.start("train", hemiola.job, "--nodes", "3", *LONG)
    try:
        wait_until(lambda: trains(hemiola))
        nodes = nodes_of(run.pid)
        run.kill()
        wait_until(lambda: not any(alive(pid) for pid in nodes), seconds=2)
    finally:
        end(run)


def test_a_frozen_node_is_waited_for_by_name_and_the_job_goes_on_when_it_wakes(hemiola):
    run = hemiola.start("train", hemiola.job, "--nodes", "3", "train.epochs=300", "--quiet",
                        "sync.scheme=bsp", "cluster.on_loss=end", stdin=subprocess.DEVNULL)
    frozen = None
    try:
        wait_until(lambda: trains(hemiola))
        frozen = nodes_of(run.pid)[1]
        os.kill(frozen, signal.SIGSTOP)
        line = run.stderr.readline()  # comes within 10 s, or the test's time is up
        assert "node 1" in line, line
        os.kill(frozen, signal.SIGCONT)
        assert run.wait(timeout=60) == 0
        assert len(hemiola.summary()["epochs"]) == 300
    finally:
        if frozen:
            os.kill(frozen, signal.SIGCONT) if alive(frozen) else None
        end(run)


def test_an_interrupt_ends_a_job_with_a_frozen_node_too(hemiola):
    run = hemiola.start("train", hemiola.job, "--nodes", "3", *LONG)
    try:
        wait_until(lambda: trains(hemiola))
        nodes = nodes_of(run.pid)
        os.kill(nodes[1], signal.SIGSTOP)
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=10) == 130
        assert not any(alive(pid) for pid in nodes)
    finally:
        end(run)
