"""Runs whose processes are killed and frozen while they train."""
import os
import pathlib
import re
import signal
import time

import pytest

from conftest import PACE, children, end, nodes_of, wait_until

EPOCHS = 40
SLOW = ["--nodes", "3", f"train.epochs={EPOCHS}", "data.examples=20000", "sync.copies=2",
        "train.batch=64", "train.evaluate_every=0", *PACE]
SCHEMES = [["sync.scheme=bsp"], ["sync.scheme=essp(2)"],
           ["sync.scheme=async", "sync.placement=intent"], ["sync.scheme=allreduce"],
           ["sync.scheme=gossip"], ["sync.scheme=backup"]]


def epochs_done(hemiola, out="runs/job"):
    history = hemiola.folder / out / "metrics.jsonl"
    return len(history.read_text().splitlines()) if history.exists() else 0


def finish(hemiola, run, samples):
    said = run.communicate(timeout=120)[1]
    assert run.returncode == 0, said
    summary = hemiola.summary()
    assert [e["epoch"] for e in summary["epochs"]] == list(range(1, EPOCHS + 1))
    # Each block counts once in each epoch, whoever died.
    assert summary["samples"] == samples, said
    return said, summary


@pytest.fixture(name="undisturbed")
def undisturbed_run(hemiola):
    hemiola.train(*SLOW[2:], "train.epochs=1", "--quiet", "--out", "once")
    return hemiola.summary("once")["samples"] * EPOCHS


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s[0].removeprefix("sync.scheme="))
def test_a_run_goes_on_when_any_node_is_killed_and_takes_it_in_again(hemiola, undisturbed, scheme):
    run = hemiola.start("train", hemiola.job, *SLOW, *scheme)
    try:
        for victim in (0, 2):  # the one that leads, and another
            wait_until(lambda: epochs_done(hemiola) >= 2 + 5 * victim)
            os.kill(nodes_of(run.pid)[victim], signal.SIGKILL)
        said, summary = finish(hemiola, run, undisturbed)
        assert said.count("was ended by signal 9 (Killed); started again as process") == 2, said
        assert summary["view_changes"] >= 2
        assert summary["survived"]["nodes_lost"] == 2, said
        assert 0 < summary["survived"]["longest_pause"] < 5, said
    finally:
        end(run)


def test_a_leader_that_is_killed_before_all_have_met_is_started_again_where_they_wait(hemiola):
    run = hemiola.start("train", hemiola.job, *SLOW[2:], "--nodes=4", "sync.scheme=async")
    try:
        wait_until(lambda: len(nodes_of(run.pid)) >= 1)
        os.kill(nodes_of(run.pid)[0], signal.SIGKILL)
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 0, said
        assert "node 0 (process" in said and "started again" in said, said
    finally:
        end(run)


def test_a_frozen_node_is_left_behind_and_told_so_when_it_wakes(hemiola, undisturbed):
    run = hemiola.start("train", hemiola.job, *SLOW, "sync.scheme=bsp")
    frozen = None
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        frozen = nodes_of(run.pid)[1]
        os.kill(frozen, signal.SIGSTOP)
        before, begun = epochs_done(hemiola), time.monotonic()
        wait_until(lambda: epochs_done(hemiola) >= before + 2)
        assert time.monotonic() - begun < 8  # 2 s of silence, and a loaded machine
        os.kill(frozen, signal.SIGCONT)
        said, _ = finish(hemiola, run, undisturbed)
        assert "node 1 is silent for" in said and "going on with 2 nodes" in said, said
        assert "node 1 was taken out of the job while it was away" in said, said
    finally:
        if frozen:
            try:
                os.kill(frozen, signal.SIGCONT)
            except ProcessLookupError:
                pass
        end(run)


def test_the_run_goes_on_without_the_keeper_of_views_and_with_the_next_one(hemiola, undisturbed):
    run = hemiola.start("train", hemiola.job, *SLOW, "sync.scheme=essp(2)")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        keeper = [p for p in children(run.pid) if p not in nodes_of(run.pid)]
        os.kill(keeper[0], signal.SIGKILL)
        wait_until(lambda: epochs_done(hemiola) >= 5)
        os.kill(nodes_of(run.pid)[1], signal.SIGKILL)
        said, _ = finish(hemiola, run, undisturbed)
        assert "the keeper of views was ended; it is started again" in said, said
        assert "going on with 2 nodes" in said, said
    finally:
        end(run)


def test_with_fewer_than_the_least_nodes_the_job_ends_and_says_so(hemiola):
    run = hemiola.start("train", hemiola.job, *SLOW, "cluster.min_nodes=3")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 1)
        os.kill(nodes_of(run.pid)[2], signal.SIGKILL)
        said = run.communicate(timeout=30)[1]
        assert run.returncode == 1
        # Who was killed is the reason; the leader's own sentence may come too late to be heard.
        assert "wants at least 3" in said or "node 2 (process" in said, said
    finally:
        end(run)


COUNT = ["--nodes", "4", "data.kind=synthetic", "data.generator=numbers", "data.examples=40000",
         "model.kind=count", "train.evaluate_every=0", "sync.copies=2", *PACE]


COUNT_SCHEMES = [["async"], ["essp(2)"], ["ssp(1)", "sync.placement=relocate"],
                 ["async", "sync.placement=intent"]]


def counted(scheme):
    return ["sync.scheme=" + scheme[0], *scheme[1:]]


@pytest.mark.parametrize("scheme", COUNT_SCHEMES, ids=" ".join)
def test_nothing_that_counts_as_done_is_lost_with_its_node(hemiola, scheme):
    (hemiola.folder / "count.toml").touch()
    run = hemiola.start("train", "count.toml", *COUNT, *counted(scheme), f"train.epochs={EPOCHS}")
    try:
        history = hemiola.folder / "runs/count/metrics.jsonl"
        for kill, victim in enumerate((1, 0, 3, 2)):
            wait_until(lambda: history.exists() and
                       len(history.read_text().splitlines()) >= 3 + 8 * kill)
            wait_until(lambda: len(nodes_of(run.pid)) == 4)
            os.kill(nodes_of(run.pid)[victim], signal.SIGKILL)
        said = run.communicate(timeout=120)[1]
        assert run.returncode == 0, said
        summary = hemiola.summary("runs/count")
        assert summary["samples"] == 40_000 * EPOCHS, said
        # What a dead node had done of a block is there twice. Nothing is missing.
        assert summary["final"]["metrics"]["missing"] == 0, said
        assert summary["survived"]["nodes_lost"] == 4, said
        assert summary["survived"]["rows_lost"] == 0, said
    finally:
        end(run)


def hemiola_nodes(hemiola, verb, *words):
    done = hemiola.run(verb, "job.toml", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s[0].removeprefix("sync.scheme="))
def test_a_run_goes_on_while_nodes_leave_and_others_come(hemiola, undisturbed, scheme):
    run = hemiola.start("train", hemiola.job, *SLOW[2:], "--nodes=4", "--max-nodes=6", *scheme,
                        "sync.copies=1")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        assert "node 1 is asked to leave" in hemiola_nodes(hemiola, "leave", "--node", "1")
        wait_until(lambda: len(nodes_of(run.pid)) == 3)
        wait_until(lambda: epochs_done(hemiola) >= 10)
        said = hemiola_nodes(hemiola, "join", "--nodes", "3")
        assert [f"node {n} (process" in said for n in (1, 4, 5)] == [True] * 3, said
        wait_until(lambda: epochs_done(hemiola) >= 20)
        assert len(nodes_of(run.pid)) == 6
        refused = hemiola.run("join", "job.toml")
        assert refused.returncode == 1 and "at most 6 nodes" in refused.stderr
        said, summary = finish(hemiola, run, undisturbed)
        assert "node 1 leaves: going on with 3 nodes" in said, said
        assert "node 1 has left" in said and "lost" not in said, said
        assert "rows" not in said, said  # of tables, that would have gone back
        assert re.search(r"^ +1 +\d+ +here +[\d.]+ s +0 +left$", said, re.M), said
        calm = hemiola.start("train", hemiola.job, *SLOW[2:], "--nodes=4", *scheme, "--out", "calm")
        assert calm.wait(timeout=120) == 0
        now, then = summary["final"]["loss"], hemiola.summary("calm")["final"]["loss"]
        assert now < then * 1.1 + 0.001, (now, then)
    finally:
        end(run)


@pytest.mark.parametrize("scheme", COUNT_SCHEMES, ids=" ".join)
def test_nothing_is_lost_when_nodes_leave_with_the_only_copy(hemiola, scheme):
    (hemiola.folder / "count.toml").touch()
    run = hemiola.start("train", "count.toml", *COUNT, "sync.copies=1", f"train.epochs={EPOCHS}",
                        "--max-nodes=6", *counted(scheme))
    try:
        history = hemiola.folder / "runs/count/metrics.jsonl"
        for turn, leavers in enumerate(((0,), (2, 3), (1,))):
            wait_until(lambda: history.exists() and
                       len(history.read_text().splitlines()) >= 3 + 8 * turn)
            words = [f"--node={node}" for node in leavers]
            assert hemiola.run("leave", "count.toml", *words).returncode == 0
            wait_until(lambda: len(nodes_of(run.pid)) == 4 - len(leavers))
            words = f"--nodes={len(leavers)}"
            assert hemiola.run("join", "count.toml", words).returncode == 0
        said = run.communicate(timeout=120)[1]
        assert run.returncode == 0, said
        summary = hemiola.summary("runs/count")
        assert summary["samples"] == 40_000 * EPOCHS, said
        assert summary["final"]["metrics"]["missing"] == 0, said
        assert "left" in said and "lost" not in said, said
    finally:
        end(run)


def test_who_would_leave_too_few_is_refused_and_a_signal_ends_the_run_in_order(hemiola):
    run = hemiola.start("train", hemiola.job, *SLOW, "--min-nodes=3")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        refused = hemiola.run("leave", "job.toml", "--node", "2")
        assert refused.returncode == 1 and "the job wants at least 3" in refused.stderr
        assert hemiola.refused("leave", "job.toml", "--node", "7").startswith("there is no node 7")
        os.kill(nodes_of(run.pid)[2], signal.SIGTERM)
        said = run.communicate(timeout=30)[1]
        assert run.returncode == 130, said
        assert hemiola.summary()["ended_early"]
        assert "no job of this machine's runs" in hemiola.refused("join", "job.toml")
    finally:
        end(run)


def test_a_node_that_cannot_come_in_does_not_end_the_run(hemiola):
    ratings = "".join(f"{u}\t{i}\t{(u + i) % 5}\n" for u in range(60) for i in range(50))
    file = hemiola.write("ratings.tsv", ratings)
    run = hemiola.start("train", hemiola.job, "data.kind=ratings", f"data.train={file}",
                        "--nodes=2", "--max-nodes=3", "train.epochs=120", "train.batch=64",
                        "train.evaluate_every=0", *PACE)
    try:
        wait_until(lambda: epochs_done(hemiola) >= 2)
        os.remove(file)
        assert hemiola.run("join", "job.toml").returncode == 0
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 0, said
        assert re.search(r"node 2 \(process \d+\).*stays away", said) or (
            "ratings.tsv" in said and "stays away" in said), said
        assert len(hemiola.summary()["epochs"]) == 120
    finally:
        end(run)


def kill_all_at_once(run):
    nodes = nodes_of(run.pid)
    for signal_ in (signal.SIGSTOP, signal.SIGKILL):
        for node in nodes:
            os.kill(node, signal_)


def test_where_all_nodes_die_at_once_the_job_goes_on_from_its_last_checkpoint(hemiola, undisturbed):
    run = hemiola.start("train", hemiola.job, *SLOW, "sync.scheme=essp(2)",
                        "checkpoint.every=2 epochs")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 8)
        kill_all_at_once(run)
        said, _ = finish(hemiola, run, undisturbed)
        assert "all nodes that were at work have died" in said, said
        resumed = hemiola.summary()["resumed"]
        assert resumed["epoch"] >= 4, resumed
    finally:
        end(run)


def test_where_all_nodes_die_before_any_checkpoint_the_job_begins_again(hemiola, undisturbed):
    hemiola.train(*SLOW[2:], "train.epochs=1", "--quiet")  # what another run wrote is not its own
    run = hemiola.start("train", hemiola.job, *SLOW, "sync.scheme=bsp")
    try:
        wait_until(lambda: epochs_done(hemiola) >= 3)
        kill_all_at_once(run)
        said, _ = finish(hemiola, run, undisturbed)
        assert "the job begins again, for there is no checkpoint yet" in said, said
    finally:
        end(run)


@pytest.mark.parametrize("node", [0, 2])
def test_a_worker_that_throws_takes_only_its_node_with_it(hemiola, undisturbed, node):
    run = hemiola.start("train", hemiola.job, *SLOW, "sync.scheme=essp(2)", f"--throw={node}:60")
    try:
        said, summary = finish(hemiola, run, undisturbed)
        assert f"node {node}, worker {node}: step 60 throws, as --throw asks; it stays away" in said
        assert "failed" in said and "Traceback" not in said, said
        assert summary["survived"]["nodes_lost"] == 1, said
    finally:
        end(run)


def test_a_worker_that_throws_ends_the_job_where_too_few_would_be_left(hemiola):
    run = hemiola.run("train", hemiola.job, *SLOW[2:], "--nodes=2", "--min-nodes=2", "--throw=1:60")
    assert run.returncode == 1
    assert "node 1, worker 1: step 60 throws, as --throw asks; 1 node is left" in run.stderr


BIG = ["--nodes=4", "data.users=150000", "data.items=100000", "model.factors=32",
       "data.examples=40000", "train.batch=64", "train.evaluate_every=0", "train.save=false",
       "sync.scheme=async", "checkpoint.every=2 s", *PACE]


def peak_megabytes(pid):
    """The most memory that the process has ever had."""
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0


def role_of(pid):
    """By its own words; one that has only begun, or has ended, has none."""
    try:
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    return "node" if b"node" in words else "keeper" if b"keep-views" in words else None


def peaks_of(hemiola, epochs, kills):
    """By role, over all processes that there ever were; nodes are killed in turn."""
    out = f"peaks-{kills}"
    run = hemiola.start("train", hemiola.job, *BIG, f"train.epochs={epochs}", "--out", out)
    peaks = {"launcher": 0, "keeper": 0, "node": 0}
    killed = 0
    try:
        while run.poll() is None:
            nodes = nodes_of(run.pid)
            for pid in [run.pid, *children(run.pid)]:
                role = "launcher" if pid == run.pid else role_of(pid)
                if role:
                    peaks[role] = max(peaks[role], peak_megabytes(pid))
            done = epochs_done(hemiola, out)
            if killed < kills and len(nodes) == 4 and done >= 3 + 6 * killed:
                os.kill(nodes[killed % 4], signal.SIGKILL)
                killed += 1
            time.sleep(0.03)
        assert run.returncode == 0 and killed == kills, run.communicate()[1]
        return peaks
    finally:
        end(run)


def test_no_process_takes_more_memory_the_more_nodes_die(hemiola):
    calm = peaks_of(hemiola, 10, 0)
    storm = peaks_of(hemiola, 40, 5)
    # While a view changes the rows of before and of after are there, and messages between them.
    assert storm["node"] < 2.2 * calm["node"] + 32, (calm, storm)
    assert storm["launcher"] < 1.2 * calm["launcher"] + 2, (calm, storm)
    assert storm["keeper"] < 1.2 * calm["keeper"] + 2, (calm, storm)
