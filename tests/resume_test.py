"""Runs that go on from their checkpoints: what they come to, and what they say."""
import json
import os
import random
import re
import signal
import time

import pytest

from conftest import children, end, nodes_of, wait_until

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


def checkpoints_of(hemiola, out):
    return sorted((hemiola.folder / out / "checkpoints").glob("ckpt-*"))


def newest_manifest(hemiola, out):
    return json.loads((checkpoints_of(hemiola, out)[-1] / "manifest.json").read_text())


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
