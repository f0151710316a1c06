#!/usr/bin/env python3
"""What does it cost in CPU time to train on four processes instead of one?

usage: bench/placement_cost.py [--data ../shared/data] [--jobs kge,word2vec,traffic] [--nodes 4]
                               [--program build/hemiola]

Trains on 1 node of N workers and on N nodes of 1 worker, all on this machine. CPU seconds of an
epoch are those of a run of three less those of a run of one, over two: loading drops out. Local is
the share of the accesses to rows that did not have to wait for another node.
"""

import argparse
import bz2
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEXT_BYTES = 20_000_000
SPREAD = ["sync.scheme=async", "sync.updates=lockfree", "sync.sampling=local", "sync.copies=1"]


def graph(data, name):
    return ["data.kind=triples", *(f"data.{part}={data}/{name}/{part}.txt.zst"
                                   for part in ("train", "valid", "test")),
            "model.kind=kge", "train.evaluate_on=none"]


def jobs(data):
    return {
        "kge": graph(data, "fb15k-237"),
        "word2vec": ["data.kind=text", "data.train={folder}/text.txt", "model.kind=word2vec"],
    }


def make_text(data, folder):
    with bz2.open(data / "wiki100m" / "wiki100m.bz2") as file:
        (folder / "text.txt").write_bytes(file.read(TEXT_BYTES))


def summary(program, folder, settings, nodes, workers):
    (folder / "empty.toml").touch()
    settings = [s.format(folder=folder) for s in settings]
    command = [program, "train", folder / "empty.toml", *settings, "train.evaluate_every=0",
               "train.save=false", "--nodes", str(nodes), "--workers", str(workers), "--quiet",
               "--out", folder / "out"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"placement_cost.py: {run.stderr.strip()}")
    return json.loads((folder / "out" / "summary.json").read_text(encoding="utf-8"))


def epoch(program, folder, settings, nodes, workers):
    """CPU seconds of an epoch, and the summary of three."""
    one, three = (summary(program, folder, [*settings, f"train.epochs={epochs}"], nodes, workers)
                  for epochs in (1, 3))
    return (three["cpu_seconds"] - one["cpu_seconds"]) / 2, three


def share_local(rows):
    return 1 - rows["missed"] / (rows["local"] + rows["remote"])


def cost(args, folder, name, settings):
    # Their evaluation is none, but for that of a text's last epoch, which drops out.
    alone, _ = epoch(args.program, folder, [*settings, "sync.updates=lockfree"], 1, args.nodes)
    print(f"{name}: 1 node of {args.nodes} workers: {alone:.2f} CPU s an epoch", flush=True)
    for placement in ("intent", "nups"):
        spread = [*settings, *SPREAD, f"sync.placement={placement}"]
        cpu, run = epoch(args.program, folder, spread, args.nodes, 1)
        rows = run["rows"]
        accesses = rows["local"] + rows["remote"]
        print(f"{name}: {args.nodes} nodes, {placement}: {cpu:.2f} CPU s; {accesses / 1e6:.1f} M "
              f"accesses, {rows['moved'] / 1e6:.2f} M times a row moved, "
              f"{run['messages'] / 1e6:.2f} M messages, "
              f"{run['bytes_sent'] / run['samples']:.0f} B sent for an example", flush=True)
        print(f"RESULT placement_cost_{name}_{placement}_cpu {cpu / alone:.4g} x <=1.25")
        local = 100 * share_local(rows)
        print(f"RESULT placement_cost_{name}_{placement}_local {local:.4g} % >=98", flush=True)


def traffic(args, folder):
    settings = [*graph(args.data, "wn18"), "model.dim=100", "model.negatives=10",
                "model.sharing=own", "train.state=row", "train.epochs=3", *SPREAD]
    for placement in ("intent", "nups"):
        run = summary(args.program, folder, [*settings, f"sync.placement={placement}"], 2, 1)
        sent = run["bytes_sent"] / run["samples"] / 1000
        print(f"RESULT placement_cost_wn18_2_nodes_{placement}_sent {sent:.4g} kB/triple <=1.0",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--data", type=Path, default=ROOT / ".." / "shared" / "data")
    parser.add_argument("--jobs", default="kge,word2vec,traffic")
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--program", default=ROOT / "build" / "hemiola")
    args = parser.parse_args()
    args.data = Path(os.path.abspath(args.data))
    if not args.data.is_dir():
        print(f"skipped: there is no {args.data}; say where the data are with --data")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for job in args.jobs.split(","):
            if job == "traffic":
                traffic(args, folder)
                continue
            if job == "word2vec":
                make_text(args.data, folder)
            cost(args, folder, job, jobs(args.data)[job])
    return 0


if __name__ == "__main__":
    sys.exit(main())
