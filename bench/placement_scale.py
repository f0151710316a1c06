#!/usr/bin/env python3
"""How does training scale with the nodes, by where rows are? Simulated: 10 Gbit/s, 50 us.

usage: bench/placement_scale.py [--jobs kge,word2vec,mf] [--placements NAMES] [--nodes 8,16,64]
                                [--program build/hemiola] [--again] [--plot]

Trains each job in the simulator on 1, 8, 16 and 64 nodes of 8 workers under each placement. Its
data are made here, with keys drawn by a power law of exponent 1.1. The speed-up is the time of the
last epoch on one node over that on many; what an example costs is the same everywhere.

What was measured is kept in bench-results/placement_scale.json and not measured again, so that it
can be done in parts; --again measures all. --plot only draws docs/img/placement_scale.svg and
prints the tables again.
"""

import argparse
import itertools
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import scale_plot

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "bench-results" / "placement_scale.json"
DATA = ROOT / "bench-results" / "placement_scale"
PLOT = ROOT / "docs" / "img" / "placement_scale.svg"
PLACEMENTS = {"intent": "intent", "nups": "nups", "relocate": "relocate",
              "replicate": "replicate all", "static": "static"}
WORKERS = 8
SKEW = 1.1

# cost: CPU time of an example on one core, measured by `hemiola train` with one worker.
# none: (placement, nodes) that are left out, since every node would hold the whole model.
JOBS = {
    "kge": {
        "cost": "37us",
        "settings": ["data.kind=triples", "data.train={data}/triples.txt",
                     "data.valid={data}/few.txt", "data.test={data}/few.txt", "model.kind=kge",
                     "model.dim=100", "model.negatives=100", "model.sharing=own",
                     "train.batch=64", "train.rate=0.003", "train.evaluate_on=none"],
        "none": [("replicate", 64)],
        "says": "ComplEx, 100 complex numbers, 100 + 100 own negatives, AdaGrad",
    },
    "word2vec": {
        "cost": "1us",
        "settings": ["data.kind=text", "data.train={data}/text.txt", "data.min_count=1",
                     "model.kind=word2vec", "model.dim=100", "train.batch=256", "train.rate=0.002",
                     "sync.updates=lockfree"],
        "none": [("replicate", 64)],
        "says": "skip-gram, 100 floats, window 5, 5 negatives",
    },
    "mf": {
        "cost": "100ns",
        "settings": ["data.kind=synthetic", "data.generator=ratings", "data.examples=20000000",
                     "data.users=200000", "data.items=20000", f"data.skew={SKEW}",
                     "data.test_share=0.001", "model.kind=mf", "model.factors=64"],
        "none": [("replicate", 64)],
        "says": "64 factors and biases, AdaGrad",
    },
}


def power_law(keys):
    return list(itertools.accumulate((rank + 1) ** -SKEW for rank in range(keys)))


def make_triples(folder, entities=60_000, relations=500, triples=2**19):
    chance = random.Random(1)
    names = list(range(entities))
    chance.shuffle(names)

    def draw(keys):
        return chance.choices(range(keys), cum_weights=power_law(keys), k=triples)

    with open(folder / "triples.txt", "w", encoding="ascii") as file:
        for head, relation, tail in zip(draw(entities), draw(relations), draw(entities)):
            file.write(f"e{names[head]}\tr{relation}\te{names[tail]}\n")
    (folder / "few.txt").write_text("e0\tr0\te1\n")


def make_text(folder, vocabulary=100_000, words=8_000_000, line=1000):
    chance = random.Random(2)
    law = power_law(vocabulary)
    with open(folder / "text.txt", "w", encoding="ascii") as file:
        for _ in range(words // line):
            drawn = chance.choices(range(vocabulary), cum_weights=law, k=line)
            file.write(" ".join(f"w{word}" for word in drawn) + "\n")


def make_data():
    if (DATA / "made").exists():
        return
    DATA.mkdir(parents=True, exist_ok=True)
    make_triples(DATA)
    make_text(DATA)
    (DATA / "made").touch()


def command(program, job, placement, nodes):
    spec = JOBS[job]
    with_jobs = [s.format(data=DATA) for s in spec["settings"]]
    spread = ["sync.scheme=async", "sync.sampling=local", "sync.copies=1",
              f"sync.placement={placement}"]
    return [program, "sim", DATA / "empty.toml", *with_jobs, *(spread if nodes > 1 else []),
            "train.epochs=2", "train.evaluate_every=0", "train.save=false", "--nodes", str(nodes),
            "--workers", str(WORKERS), "--latency", "50us", "--bandwidth", "10Gbit",
            "--cost-per-example", spec["cost"]]


def simulate(program, job, placement, nodes):
    """Figures of one run, or the sentence that it ended with."""
    (DATA / "empty.toml").touch()
    with tempfile.TemporaryDirectory() as out:
        run = subprocess.run([*command(program, job, placement, nodes), "--out", out],
                             capture_output=True, text=True, check=False)
        if run.returncode != 0:
            return {"error": run.stderr.strip()}
        summary = json.loads(Path(out, "summary.json").read_text(encoding="utf-8"))
    busy = [line for line in run.stdout.splitlines() if line.startswith("loops were busy")]
    rows = summary["rows"]
    return {"seconds": summary["epochs"][-1]["seconds"], "loss": summary["final"]["loss"],
            "samples": summary["epochs"][-1]["samples"],
            "missed": rows.get("missed", 0) / max(1, rows["local"] + rows["remote"]),
            "bytes_per_sample": summary["bytes_sent"] / summary["samples"],
            "time": summary["time"], "busy": busy[0] if busy else ""}


def one_node(kept, job):
    return kept.get(f"{job} one 1", {}).get("seconds")


def speed_up(kept, job, placement, nodes):
    """None: not run, or it failed."""
    one, many = one_node(kept, job), kept.get(f"{job} {placement} {nodes}", {}).get("seconds")
    return one / many if one and many else None


def print_table(kept, job, counts):
    print(f"\n| {job} | " + " | ".join(f"{n} nodes" for n in counts) +
          f" | missed, bytes an example at {counts[-1]} |")
    print("|---" * (len(counts) + 2) + "|")
    for placement, name in PLACEMENTS.items():
        cells = []
        for nodes in counts:
            found = speed_up(kept, job, placement, nodes)
            cells.append(f"{found:.1f}" if found else "-")
        last = kept.get(f"{job} {placement} {counts[-1]}", {})
        share = f"{last['missed']:.2%}, {last['bytes_per_sample']:.0f}" if "missed" in last else "-"
        print(f"| {name} | " + " | ".join(cells) + f" | {share} |")


def print_results(kept, job):
    intent, static = speed_up(kept, job, "intent", 16), speed_up(kept, job, "static", 16)
    if intent:
        print(f"RESULT placement_scale_{job}_intent_16_over_linear {intent / 16:.4g} x >=0.8")
    if intent and static:
        print(f"RESULT placement_scale_{job}_intent_over_static_16 {intent / static:.4g} x >=8")


def run_all(kept, args, jobs, placements, counts):
    make_data()
    for job in jobs:
        wanted = [("one", 1)] + [(p, n) for n in counts for p in placements]
        for placement, nodes in wanted:
            if (placement, nodes) in JOBS[job]["none"]:
                continue
            if "seconds" in kept.get(f"{job} {placement} {nodes}", {}) and not args.again:
                continue
            print(f"{job} {placement} {nodes}: ", end="", flush=True)
            found = simulate(args.program, job, placement, nodes)
            kept[f"{job} {placement} {nodes}"] = found
            KEPT.write_text(json.dumps(kept, indent=1), encoding="utf-8")
            if "error" in found:
                print(found["error"])
                continue
            print(f"{found['seconds']:.4g} s, loss {found['loss']:.4g}; {found['busy']}",
                  flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--jobs", default=",".join(JOBS))
    parser.add_argument("--placements", default=",".join(PLACEMENTS))
    parser.add_argument("--nodes", default="8,16,64")
    parser.add_argument("--program", default=ROOT / "build" / "hemiola")
    parser.add_argument("--again", action="store_true", help="measure also what is kept")
    parser.add_argument("--plot", action="store_true", help="only draw what was measured before")
    args = parser.parse_args()
    jobs, placements = args.jobs.split(","), args.placements.split(",")
    counts = [int(n) for n in args.nodes.split(",")]
    KEPT.parent.mkdir(exist_ok=True)
    kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
    if not args.plot:
        run_all(kept, args, jobs, placements, counts)
    for job in jobs:
        print_table(kept, job, counts)
    for job in jobs:
        print_results(kept, job)
    panels = [(job, {name: [(n, speed_up(kept, job, p, n)) for n in counts]
                     for p, name in PLACEMENTS.items()}) for job in JOBS]
    PLOT.parent.mkdir(parents=True, exist_ok=True)
    PLOT.write_text(scale_plot.draw(panels), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
