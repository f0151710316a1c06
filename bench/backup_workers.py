#!/usr/bin/env python3
"""What do backup workers buy? Ten workers, of which one in ten steps takes six times as long.

usage: bench/backup_workers.py [--jobs NAMES] [--epochs N] [--real] [--set SETTING]...
                               [--program build/hemiola]

Trains each job under `consensus` (everybody waits for all neighbours) and under `backup` (the
slowest neighbours are left out, their number chosen anew in every round) on the same random graph
of degree 4. In the simulator, with real gradients and steps of 20 ms, give or take 30 %; with
--real in ten processes on this machine whose delays are slept.

Data: ../shared/data/mnist and ../shared/data/cifar10, or --data FOLDER that holds both.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NODES = 10
BATCH = 64
STEP_MS = 20
SLOW = 6
SPREAD = 0.3
MODELS = {"softmax": 'model.hidden=', "2nn": "model.hidden=256, 128"}
# The rate, and what it is multiplied by each epoch.
RATES = {"mnist-softmax": (0.1, 1), "mnist-2nn": (0.1, 1), "cifar10-softmax": (0.03, 0.8),
         "cifar10-2nn": (0.1, 0.8)}
TARGETS = {"mnist-softmax": 0.90, "mnist-2nn": 0.94, "cifar10-softmax": 0.35, "cifar10-2nn": 0.42}


def files(data, kind):
    if kind == "mnist":
        folder = data / "mnist"
        return [f"data.train={folder}/train-images-idx3-ubyte.gz",
                f"data.test={folder}/t10k-images-idx3-ubyte.gz"]
    folder = data / "cifar10"
    train = sorted(folder.rglob("data_batch_*.bin"))
    test = sorted(folder.rglob("test_batch*.bin"))
    if not train or not test:
        return None
    return ["data.train=" + ",".join(map(str, train)), f"data.test={test[0]}"]


def run(args, job, scheme):
    kind, model = job.split("-")
    found = files(args.data, kind)
    if found is None or not Path(found[0].split("=")[1].split(",")[0]).exists():
        return None
    with tempfile.TemporaryDirectory() as out:
        command = [args.program, "train" if args.real else "sim", out + "/empty.toml",
                   "data.kind=images", *found, "model.kind=dense", MODELS[model],
                   f"train.batch={BATCH}", f"train.rate={RATES[job][0]}",
                   f"train.decay={RATES[job][1]}", f"train.epochs={args.epochs}",
                   "train.save=false", f"sync.scheme={scheme}", "sync.topology=random(4)",
                   *args.set, "--nodes", str(NODES), "--workers", "1",
                   "--stall-chance", str(1 / NODES), "--stall", f"{STEP_MS * (SLOW - 1)}ms",
                   "--out", out]
        if not args.real:
            command += ["--cost-per-example", f"{STEP_MS * 1000 / BATCH}us",
                        "--spread", str(SPREAD)]
        Path(out, "empty.toml").touch()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        return json.loads(Path(out, "summary.json").read_text(encoding="utf-8"))


def time_to(summary, target):
    """Seconds of training until the accuracy is there, between epochs by a straight line."""
    spent, before = 0, (0, 0)
    for epoch in summary["epochs"]:
        spent += epoch["seconds"]
        now = (spent, epoch["metrics"]["accuracy"])
        if now[1] >= target:
            share = (target - before[1]) / (now[1] - before[1])
            return before[0] + share * (now[0] - before[0])
        before = now
    return None


def figures(summary, target):
    seconds = sum(epoch["seconds"] for epoch in summary["epochs"])
    return {"round": seconds / sum(summary["rounds"].values()), "target": time_to(summary, target),
            "accuracy": summary["final"]["metrics"]["accuracy"],
            "rate": summary["samples"] / seconds}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", default=",".join(TARGETS))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--real", action="store_true")
    parser.add_argument("--set", action="append", default=[], help="sync.compress=bf16, for both")
    parser.add_argument("--program", default=ROOT / "build" / "hemiola")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    args = parser.parse_args()
    print("| job | scheme | a round | samples/s | time to target | accuracy at the end |")
    print("|---|---|---|---|---|---|")
    for job in args.jobs.split(","):
        target = TARGETS[job]
        both = {}
        for scheme in ("consensus", "backup"):
            summary = run(args, job, scheme)
            if summary is None:
                print(f"skipped {job}: its data are not in {args.data}")
                break
            both[scheme] = f = figures(summary, target)
            reached = f"{f['target']:.2f} s to {target}" if f["target"] else f"never {target}"
            print(f"| {job} | {scheme} | {1e3 * f['round']:.1f} ms | {f['rate']:.0f} | {reached} | "
                  f"{f['accuracy']:.4f} |", flush=True)
        if len(both) < 2:
            continue
        full, part = both["consensus"], both["backup"]
        print(f"RESULT backup_{job}_round_cut {1 - part['round'] / full['round']:.3g} >=0.55")
        if full["target"] and part["target"]:
            print(f"RESULT backup_{job}_to_target {full['target'] / part['target']:.3g} x >=1.5")
        print(f"RESULT backup_{job}_accuracy_off {abs(full['accuracy'] - part['accuracy']):.3g} "
              "<=0.005", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
