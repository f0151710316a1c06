#!/usr/bin/env python3
"""Which scheme for which situation? Two jobs under every scheme in four simulated situations.

usage: bench/choosing.py [--jobs dense,sparse] [--situations NAMES] [--schemes NAMES]
                         [--program build/hemiola] [--data FOLDER]

dense: a net of 25 k weights on MNIST, 8 workers, 1.3 ms a step. sparse: factors of 20,000 users and
5,000 items, 8 workers. A table adds up what all workers did where averages take the mean, so the
dense job has an eighth of the rate under schemes of tables. Each cell is what was reached in the
same number of epochs, and the virtual time that it took. What was measured is kept in
bench-results/choosing.json.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench-results" / "choosing.json"
NODES = 8
SITUATIONS = {
    "even": ("eight even machines, 10 Gbit/s", ["--bandwidth", "10Gbit"]),
    "thin": ("a thin network, 100 Mbit/s and 1 ms", ["--bandwidth", "100Mbit", "--latency", "1ms"]),
    "stalls": ("one step in ten takes six times as long", ["--stall-chance", "0.1"]),
    "slow": ("one machine is always six times as slow", ["--slow-node", "3:6x"]),
}
SCHEMES = {
    "dense": ["bsp", "essp(3)", "async", "allreduce", "local(8)", "outer(8)", "groups(4, 3)",
              "gossip", "pushsum", "consensus", "backup"],
    "sparse": ["bsp", "essp(3)", "async", "async intent", "allreduce", "local(8)", "outer(8)",
               "gossip"],
}
# The metric, whether less is better, the stall of six steps, and the settings.
JOBS = {
    "dense": ("accuracy", "6.5ms",
              ["data.kind=images", "data.train={data}/mnist/train-images-idx3-ubyte.gz",
               "data.test={data}/mnist/t10k-images-idx3-ubyte.gz", "model.kind=dense",
               "model.hidden=32", "train.rate=0.1", "train.batch=64", "train.epochs=3"], "20us"),
    "sparse": ("rmse", "1.6ms",
               ["data.generator=ratings", "data.examples=1000000", "data.users=20000",
                "data.items=5000", "model.factors=8", "train.epochs=6"], "500ns"),
}


def simulate(args, job, situation, scheme):
    metric, stall, settings, cost = JOBS[job]
    if job == "dense" and scheme.split("(")[0].split()[0] in ("bsp", "essp", "async"):
        settings = [*settings, f"train.rate={0.1 / NODES}"]
    scheme, _, codec = scheme.partition(" + ")
    word, _, placement = scheme.partition(" ")
    if "(" in scheme:
        word, placement = scheme, ""
    with tempfile.TemporaryDirectory() as out:
        Path(out, "empty.toml").touch()
        extra = list(SITUATIONS[situation][1])
        if situation == "stalls":
            extra += ["--stall", stall]
        command = [args.program, "sim", out + "/empty.toml",
                   *[s.format(data=args.data) for s in settings], f"sync.scheme={word}",
                   "sync.copies=1",
                   *([f"sync.placement={placement}"] if placement else []),
                   f"sync.compress={codec or 'none'}",
                   "train.evaluate_every=0", "train.save=false", "--nodes", str(NODES),
                   "--workers", "1", "--cost-per-example", cost, *extra, "--out", out]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            sys.exit(f"{job} {situation} {scheme}: {run.stderr}")
        summary = json.loads(Path(out, "summary.json").read_text(encoding="utf-8"))
    return {"seconds": sum(e["seconds"] for e in summary["epochs"]),
            "quality": summary["final"]["metrics"][metric],
            "bytes_per_sample": summary["bytes_sent"] / summary["samples"]}


def print_table(kept, job, situations):
    metric = JOBS[job][0]
    print(f"\n| {job} | " + " | ".join(SITUATIONS[s][0] for s in situations) +
          " | bytes a sample |")
    print("|---" * (len(situations) + 2) + "|")
    for scheme in SCHEMES[job]:
        cells = []
        for situation in situations:
            found = kept.get(f"{job} {situation} {scheme}")
            cells.append(f"{found['seconds']:.3g} s, {metric} {found['quality']:.4g}"
                         if found else "-")
        even = kept.get(f"{job} {situations[0]} {scheme}")
        sent = f"{even['bytes_per_sample']:.0f}" if even else "-"
        print(f"| {scheme} | " + " | ".join(cells) + f" | {sent} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--situations", default=",".join(SITUATIONS))
    parser.add_argument("--schemes", help='between semicolons, as in "gossip; gossip + bf16"')
    parser.add_argument("--program", default=ROOT / "build" / "hemiola")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--again", action="store_true", help="only print what was kept")
    args = parser.parse_args()
    KEPT.parent.mkdir(exist_ok=True)
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    jobs, situations = args.jobs.split(","), args.situations.split(",")
    for job in jobs:
        if args.schemes:
            SCHEMES[job] = [scheme.strip() for scheme in args.schemes.split(";")]
        for situation in situations if not args.again else []:
            for scheme in SCHEMES[job]:
                kept[f"{job} {situation} {scheme}"] = simulate(args, job, situation, scheme)
                KEPT.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        print_table(kept, job, situations)
    return 0


if __name__ == "__main__":
    sys.exit(main())
