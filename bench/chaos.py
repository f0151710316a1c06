#!/usr/bin/env python3
"""What does it cost that nodes are killed all the time?

usage: bench/chaos.py [--jobs kge,2nn,count] [--every 15] [--seconds 300] [--nodes 4]
                      [--data ../shared/data] [--program build/hemiola]

Trains each job twice on nodes of one worker, on this machine: undisturbed, for about so many
seconds, and the same epochs while a node that chance picks is killed with SIGKILL every 15 seconds.
Goodput is the time of the one over that of the other, from the begin of training to the end of the
last epoch. A pause is what an epoch in which a node was killed or came again took longer than the
median of the others. The count job adds up whole numbers: none may be missing at the end.
"""

import argparse
import json
import pathlib
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SURVIVES = ["train.save=false", "sync.copies=2"]


def jobs(data):
    mnist = data / "mnist"
    return {
        "kge": ("ComplEx on FB15k-237, async, intent", "mrr",
                ROOT / "examples/fb15k237-complex.toml",
                [f"data.{part}={data}/fb15k-237/{part}.txt.zst"
                 for part in ("train", "valid", "test")]
                + ["sync.scheme=async", "sync.placement=intent"]),
        "2nn": ("2NN on MNIST, allreduce", "accuracy", ROOT / "examples/mnist-2nn.toml",
                [f"data.train={mnist}/train-images-idx3-ubyte.gz",
                 f"data.test={mnist}/t10k-images-idx3-ubyte.gz", "sync.scheme=allreduce"]),
        "count": ("count of 400 k numbers, async, relocate", "missing", None,
                  ["data.kind=synthetic", "data.generator=numbers", "data.examples=400000",
                   "model.kind=count", "sync.scheme=async", "sync.placement=relocate"]),
    }


def nodes_of(launcher):
    """The processes of its nodes."""
    found = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
            words = (stat.parent / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(fields[1]) == launcher and fields[0] != "Z" and b"node" in words:
            found.append(int(stat.parent.name))
    return found


class Job:
    def __init__(self, name, args, folder):
        self.says, self.metric, self.file, self.settings = jobs(args.data)[name]
        if self.file is None:
            self.file = folder / "count.toml"
            self.file.touch()
        self.args = args
        self.out = folder / name

    def start(self, epochs):
        command = [self.args.program, "train", self.file, *self.settings, *SURVIVES,
                   "train.evaluate_every=0", f"train.epochs={epochs}", "--nodes",
                   str(self.args.nodes), "--workers", "1", "--quiet", "--out", self.out]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                text=True)

    def history(self):
        try:
            lines = (self.out / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
        except OSError:
            return []
        return [json.loads(line) for line in lines]

    def end(self, run):
        said = run.communicate()[1]
        if run.returncode != 0:
            sys.exit(f"chaos.py: {said.strip()}")
        return json.loads((self.out / "summary.json").read_text(encoding="utf-8"))

    def run(self, epochs, kills):
        """The summary, how long it trained by this clock, and when since then nodes were killed."""
        (self.out / "metrics.jsonl").unlink(missing_ok=True)
        run = self.start(epochs)
        killed, lines, begun, ended = [], 0, None, None
        chance = random.Random(1)
        while run.poll() is None:
            time.sleep(0.02)
            history = self.history()
            if len(history) > lines:
                lines, ended = len(history), time.monotonic()
                begun = begun or ended - history[0]["elapsed"]
            due = (len(killed) + 1) * self.args.every
            if not kills or begun is None or lines >= epochs or time.monotonic() - begun < due:
                continue
            nodes = nodes_of(run.pid)
            if nodes:
                subprocess.run(["kill", f"-{signal.SIGKILL.value}", str(chance.choice(nodes))],
                               check=False)
                killed.append(time.monotonic() - begun)
        return self.end(run), ended - begun, killed


def pauses(summary, killed, reach=5.0):
    """By kill: how much longer the slowest epoch soon after it was than the median epoch."""
    epochs = summary["epochs"][:-1]
    usual = statistics.median(e["seconds"] for e in epochs)
    found = []
    for moment in killed:
        near = [e["seconds"] for e in epochs
                if e["elapsed"] >= moment and e["elapsed"] - e["seconds"] <= moment + reach]
        if near:
            found.append(max(near) - usual)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", default="kge,2nn,count")
    parser.add_argument("--every", type=float, default=15)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--data", type=pathlib.Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--program", default=ROOT / "build/hemiola")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in args.jobs.split(","):
            job = Job(name, args, pathlib.Path(folder))
            job.out.mkdir()
            short = job.run(3, False)[1] / 3
            epochs = max(4, round(args.seconds / short))
            calm, calm_seconds, _ = job.run(epochs, False)
            chaos, chaos_seconds, killed = job.run(epochs, True)
            survived = chaos["survived"]
            found = pauses(chaos, killed)
            print(f"{job.says}: {args.nodes} nodes, {epochs} epochs", flush=True)
            print(f"  undisturbed {calm_seconds:.1f} s, {job.metric} "
                  f"{calm['final']['metrics'][job.metric]:.4g}")
            print(f"  {len(killed)} nodes killed: {chaos_seconds:.1f} s, {job.metric} "
                  f"{chaos['final']['metrics'][job.metric]:.4g}, "
                  f"{chaos['view_changes']} changes of the view, in which all stood still for "
                  f"{survived['seconds_paused']:.1f} s, {survived['longest_pause']:.2f} s at most; "
                  f"{survived['blocks_again']} blocks done again, "
                  f"{survived['rows_lost']} rows lost")
            print(f"  goodput {calm_seconds / chaos_seconds:.3f}", end="")
            if found:
                print(f", pause {statistics.median(found):.2f} s in the median, "
                      f"{max(found):.2f} s at most", end="")
            print(flush=True)


if __name__ == "__main__":
    main()
