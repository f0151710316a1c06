"""Runs that go on from their checkpoints: what they come to, and what they say."""
import os
import random
import re
import shutil
import signal
import time

import pytest

from conftest import PACE, children, end, nodes_of, wait_until

EPOCHS = 6
EVERY = ["checkpoint.every=1 epoch", f"train.epochs={EPOCHS}"]
FULL = ["sync.strict=true", "train.optimizer=adagrad"]
# Where a resumed run is promised to come to the same bits.
EXACT = {
    "bsp strict": ["--nodes", "3", *FULL, "sync.scheme=bsp"],
    "bsp strict, 2 workers": ["--nodes", "2", "--workers", "2", *FULL, "sync.scheme=bsp"],
    "allreduce": ["--nodes", "3", *FULL, "sync.scheme=allreduce"],
    "allreduce, coded": ["--nodes", "3", *FULL, "sync.scheme=allreduce",
                         "sync.compress=quantise(4)"],
    "local": ["--nodes", "3", *FULL, "sync.scheme=local(8)"],
    "local, coded": ["--nodes", "2", *FULL, "sync.scheme=local(8)", "sync.compress=topk(0.1)"],
    "outer": ["--nodes", "2", *FULL, "sync.scheme=outer(16)", "sync.outer_momentum=0.9"],
    "one worker": ["train.optimizer=adagrad"],
}


def model_of(hemiola, out):
    """The bits of a run's model."""
    folder = hemiola.folder / out / "model"
    return {p.name: p.read_bytes() for p in folder.glob("*.safetensors")}


def metrics_of(hemiola, out):
    return [(e["epoch"], e["loss"], e["metrics"]) for e in hemiola.summary(out)["epochs"]]


def rmse_of(summary):
    return summary["final"]["metrics"]["rmse"]


def checkpoints_of(hemiola, out):
    return sorted((hemiola.folder / out / "checkpoints").glob("ckpt-*"))


@pytest.mark.parametrize("words", EXACT.values(), ids=EXACT.keys())
def test_a_run_that_is_resumed_comes_to_the_same_bits(hemiola, words):
    hemiola.train(*words, *EVERY, "--out", "whole")
    hemiola.train(*words, *EVERY, "train.epochs=2", "--out", "parts")
    # The last epoch of the first part may differ in nothing but that it is its last.
    for upto in (4, EPOCHS):
        done = hemiola.train(*words, *EVERY, f"train.epochs={upto}", "--out", "parts", "--resume")
        assert f"of {upto}" in done.stdout + done.stderr
    assert model_of(hemiola, "parts") == model_of(hemiola, "whole")
    assert metrics_of(hemiola, "parts") == metrics_of(hemiola, "whole")


# What is drawn, too, is what an uninterrupted run draws: negatives, dropped words, order of blocks.
DRAWING = {
    "kge": ("""
[data]
kind = "triples"
train = "facts.txt"
test = "facts.txt"
[model]
kind = "kge"
dim = 8
""", ["bsp", "allreduce", "local(4)"]),
    "word2vec": ("""
[data]
kind = "text"
train = "text.txt"
min_count = 1
[model]
kind = "word2vec"
dim = 8
""", ["bsp", "allreduce"]),
}


@pytest.mark.parametrize("model, scheme", [(m, s) for m, (_, schemes) in DRAWING.items()
                                           for s in schemes])
def test_what_is_drawn_is_the_same_after_resuming(hemiola, model, scheme):
    chance = random.Random(model)
    names = [f"n{i}" for i in range(60)]
    hemiola.write("facts.txt", "".join(
        f"{chance.choice(names)}\tr{chance.randrange(3)}\t{chance.choice(names)}\n"
        for _ in range(1500)))
    hemiola.write("text.txt", " ".join(chance.choice(names) for _ in range(6000)))
    hemiola.job = hemiola.write("job.toml", DRAWING[model][0])
    words = ["--nodes", "2", "sync.strict=true", f"sync.scheme={scheme}", "train.epochs=6",
             "checkpoint.every=1 epoch", "checkpoint.keep=9", "train.evaluate_every=0"]
    hemiola.train(*words)
    whole = model_of(hemiola, "runs/job")
    for later in checkpoints_of(hemiola, "runs/job")[1:]:
        shutil.rmtree(later)
    done = hemiola.train(*words, "--resume")
    assert "of 6" in done.stdout and len(hemiola.summary()["epochs"]) == 6
    assert model_of(hemiola, "runs/job") == whole


LONG = ["--nodes", "3", "train.epochs=40", "data.examples=200000", "checkpoint.every=1 epoch",
        "sync.copies=1"]


def epochs_of(hemiola, out="runs/job"):
    history = hemiola.folder / out / "metrics.jsonl"
    return len(history.read_text().splitlines()) if history.exists() else 0


def good_epoch(hemiola):
    """Of the newest checkpoint that is whole; 0: there is none."""
    listed = hemiola.run("inspect", "runs/job").stdout.split("runs/job/checkpoints/")
    whole = [text for text in listed if "whole: all" in text]
    return int(re.search(r"epoch (\d+)", whole[-1])[1]) if whole else 0


def kill_all(run):
    """Whoever dies first must not be started again."""
    processes = [run.pid, *children(run.pid)]
    for pid in processes:
        try:
            os.kill(pid, signal.SIGSTOP)
        except ProcessLookupError:
            pass
    for pid in processes + children(run.pid):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    run.communicate(timeout=20)


@pytest.mark.parametrize("scheme", [["sync.scheme=bsp", "sync.strict=true"],
                                    ["sync.scheme=essp(2)", "sync.placement=intent"],
                                    ["sync.scheme=allreduce", "sync.strict=true"],
                                    ["sync.scheme=gossip"]],
                         ids=lambda s: s[0].removeprefix("sync.scheme="))
def test_a_job_whose_every_process_is_killed_again_and_again_ends_as_if_nothing_had_been(
        hemiola, scheme):
    words = [*LONG, *scheme]
    hemiola.train(*words, "--out", "calm")
    chance = random.Random(scheme[0])
    run = None
    try:
        for kills in range(5):
            done = good_epoch(hemiola)
            resume = ["--resume"] if done else []
            run = hemiola.start("train", hemiola.job, *words, *resume)
            if kills == 4:
                break
            until = done + chance.randrange(5)
            wait_until(lambda: until == done or epochs_of(hemiola) > until
                       or run.poll() is not None, seconds=60)
            time.sleep(chance.uniform(0, 0.3))
            if run.poll() is not None and kills > 0:
                break
            kill_all(run)
        said = run.communicate(timeout=120)[1]
        assert run.returncode == 0, said
    finally:
        end(run)
    then, calm = hemiola.summary(), hemiola.summary("calm")
    assert [e["epoch"] for e in then["epochs"]] == list(range(1, 41))
    assert then["samples"] == calm["samples"]
    if "sync.strict=true" in scheme:
        assert model_of(hemiola, "runs/job") == model_of(hemiola, "calm")
    else:
        assert abs(rmse_of(then) - rmse_of(calm)) < 0.02 * rmse_of(calm)


@pytest.mark.parametrize("scheme", [["async"], ["essp(2)"], ["async", "sync.placement=relocate"]],
                         ids=" ".join)
def test_what_a_run_began_with_survives_a_death_right_behind_the_start(hemiola, scheme):
    (hemiola.folder / "count.toml").touch()
    words = ["count.toml", "--nodes=3", "data.kind=synthetic", "data.generator=numbers",
             "data.examples=20000", "model.kind=count", "checkpoint.every=1 epoch",
             "train.evaluate_every=0", "sync.scheme=" + scheme[0], *scheme[1:], *PACE]
    done = hemiola.run("train", *words, "train.epochs=3")
    assert done.returncode == 0, done.stderr
    (hemiola.folder / "runs/count/metrics.jsonl").unlink()
    run = hemiola.start("train", *words, "train.epochs=12", "--resume")
    try:
        wait_until(lambda: epochs_of(hemiola, "runs/count") >= 3)
        os.kill(nodes_of(run.pid)[2], signal.SIGKILL)
        said = run.communicate(timeout=60)[1]
        assert run.returncode == 0, said
        summary = hemiola.summary("runs/count")
        assert summary["final"]["metrics"]["missing"] == 0, said
        assert summary["survived"]["nodes_lost"] == 1, said
        assert summary["survived"]["rows_lost"] == 0, said
    finally:
        end(run)


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def test_inspect_says_what_is_there_and_which_file_is_bad(hemiola):
    hemiola.train("--nodes", "2", "checkpoint.every=2 epochs")
    done = hemiola.run("inspect", "runs/job")
    assert done.returncode == 0, done.stderr
    for part in ["  epoch 4, loss ", "2 nodes x 1 worker, 54000 examples an epoch",
                 "runs/job/model\n  job: a model of mf, written 20", "700 x 5"]:
        assert part in done.stdout, done.stdout
    assert done.stdout.count("whole: all checksums are right") >= 2
    flip(hemiola.folder / "runs/job/model/factors.1.safetensors", 3000)
    for folder in ["runs/job", "runs/job/model/"]:
        done = hemiola.run("inspect", folder)
        assert done.returncode == 1
        assert ("NOT GOOD: runs/job/model/factors.1.safetensors is damaged: its checksum is not "
                "that in the manifest") in done.stdout
    flip(checkpoints_of(hemiola, "runs/job")[-1] / "manifest.json", 200)
    done = hemiola.run("inspect", str(checkpoints_of(hemiola, "runs/job")[-1]))
    assert done.returncode == 1 and "manifest.json" in done.stdout
    assert "there is no folder" in hemiola.refused("inspect", "elsewhere")


def test_damaged_checkpoints_are_named_and_the_one_before_them_is_used(hemiola):
    words = ["--nodes", "2", "sync.scheme=bsp", "sync.strict=true", "checkpoint.every=1 epoch",
             "checkpoint.keep=4"]
    hemiola.train(*words, "--out", "calm")
    # A run for each: one that is due while the one before it is still being written is left out.
    for epochs in range(1, 5):
        hemiola.train(*words, f"train.epochs={epochs}", *(["--resume"] if epochs > 1 else []))
    one, two, three, four = checkpoints_of(hemiola, "runs/job")
    flip(two / "node-0.safetensors", 900)
    shard = three / "node-1.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    (four / "manifest.json").unlink()
    done = hemiola.train(*words, "--resume")
    for part in [f"a checkpoint is not used: runs/job/checkpoints/{two.name}/node-0.safetensors is "
                 "damaged: its checksum",
                 f"{three.name}/node-1.safetensors is damaged: it has",
                 f"{four.name} is not whole: it has no manifest.json"]:
        assert part in done.stderr, done.stderr
    assert f"resumes from runs/job/checkpoints/{one.name}, epoch 1 of 4" in done.stdout
    assert model_of(hemiola, "runs/job") == model_of(hemiola, "calm")
    # Those that were passed over are gone, the one that served is not.
    names = [p.name for p in checkpoints_of(hemiola, "runs/job")]
    assert names[0] == one.name and names[1] == "ckpt-000005" and len(names) <= 4
    for path in checkpoints_of(hemiola, "runs/job"):
        (path / "manifest.json").unlink()
    assert "no checkpoint to resume from that is whole" in hemiola.run(
        "train", hemiola.job, *words, "--resume").stderr


def test_a_run_goes_on_with_fewer_nodes_and_then_with_more(hemiola):
    for scheme in [["sync.scheme=bsp", "sync.strict=true"], ["sync.scheme=allreduce"]]:
        words = ["checkpoint.every=1 epoch", *scheme, "--out", scheme[0]]
        hemiola.train("--nodes", "4", "train.epochs=3", *words)
        done = hemiola.train("--nodes", "3", "train.epochs=6", *words, "--resume")
        assert "epoch 3 of 6; " in done.stdout and ("3 nodes read it" in done.stdout or
                                                    "now there are 3" in done.stdout)
        hemiola.train("--nodes", "6", "train.epochs=9", *words, "--resume")
        losses = [e["loss"] for e in hemiola.summary(scheme[0])["epochs"]]
        assert len(losses) == 9 and losses == sorted(losses, reverse=True)
        hemiola.train("--nodes", "4", "train.epochs=9", *scheme, "--out", "calm")
        there, calm = (rmse_of(hemiola.summary(out)) for out in (scheme[0], "calm"))
        assert abs(there - calm) < 0.03 * calm


def test_another_job_is_refused_by_the_name_of_the_setting(hemiola):
    hemiola.train()
    assert "model.factors = 4, but this job has 5" in hemiola.refused(
        "train", hemiola.job, "model.factors=5", "--resume")
    assert "no checkpoint in runs/other/checkpoints" in hemiola.refused(
        "train", hemiola.job, "--resume", "--out", "runs/other")


@pytest.mark.parametrize("victim", [0, 1])
def test_with_one_copy_the_rows_of_a_dead_node_come_from_the_last_checkpoint(hemiola, victim):
    run = hemiola.start("train", hemiola.job, *LONG, "sync.scheme=bsp")
    try:
        wait_until(lambda: epochs_of(hemiola) >= 4)
        os.kill(nodes_of(run.pid)[victim], signal.SIGKILL)
        said = run.communicate(timeout=120)[1]
        assert run.returncode == 0, said
        found = re.findall(r"(\d+) rows of table `factors` were nowhere but on nodes that are gone "
                           r"\(at home on rank (\d)\): they are taken from the checkpoint of "
                           r"epoch (\d+) ", said)
        # 700 rows on three nodes, and each of the two that are left takes a part.
        assert sum(int(rows) for rows, _, _ in found) in (233, 234), said
        assert {int(home) for _, home, _ in found} == {victim}
        assert {int(epoch) for _, _, epoch in found} < set(range(1, 40))
        assert "back to their initial values" not in said
        losses = [e["loss"] for e in hemiola.summary()["epochs"]]
        assert len(losses) == 40
        # What was lost is a few epochs of a third of the rows.
        worst = max(after / before for before, after in zip(losses[2:], losses[3:]))
        assert worst < 1.05, losses
    finally:
        end(run)
