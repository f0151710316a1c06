#!/usr/bin/env python3
"""Does every scheme reach the quality of one node? Trains the same jobs under each scheme on 1 and
4 nodes and prints the table of docs/results.md.

    bench/schemes.py [--data ../shared/data] [--job NAME]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCHEMES = ["shared", "bsp strict", "bsp", "ssp(3)", "essp(3)", "async"]


def jobs(data):
    return {
        "ml-1m": ("rmse", "examples/movielens.toml",
                  [f"data.train={data}/ml-1m/ratings.tsv.zst"]),
        "a9a": ("log_loss", "examples/a9a.toml",
                [f"data.train={data}/a9a/a9a.zst", f"data.test={data}/a9a/a9a.t.zst"]),
        "sparse-1M": ("log_loss", "examples/sparse.toml", []),
    }


def train(job, settings, scheme, nodes):
    """The summary of a run, or the error that it ended with."""
    with tempfile.TemporaryDirectory() as out:
        command = [f"{ROOT}/build/hemiola", "train", f"{ROOT}/{job}", f"sync.scheme={scheme}",
                   "sync.copies=1", "--nodes", str(nodes), "--out", out, "--quiet", *settings]
        run = subprocess.run(command, capture_output=True, text=True, timeout=600)
        if run.returncode != 0:
            return run.stderr.strip()
        with open(f"{out}/summary.json", encoding="utf-8") as file:
            return json.load(file)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=f"{ROOT}/../shared/data")
    parser.add_argument("--job")
    arguments = parser.parse_args()
    missed = 0
    for name, (metric, job, settings) in jobs(os.path.abspath(arguments.data)).items():
        if arguments.job not in (None, name):
            continue
        print(f"\n| {name} | nodes | {metric} | against one node | seconds | "
              "staleness mean / max |")
        print("|---|---|---|---|---|---|")
        reference = None
        for scheme in SCHEMES:
            for nodes in (1, 4):
                if scheme == "shared" and nodes > 1:
                    continue
                result = train(job, settings, scheme, nodes)
                if isinstance(result, str):
                    print(f"| {scheme} | {nodes} | {result} | | | |")
                    missed += 1
                    continue
                value = result["final"]["metrics"][metric]
                reference = reference or value
                change = value / reference - 1
                missed += change > 0.01
                stale = result["staleness"]
                print(f"| {scheme} | {nodes} | {value:.4f} | {change:+.2%} | "
                      f"{result['seconds']:.2f} | {stale['mean']:.2f} / {stale['max']} |",
                      flush=True)
    print(f"\n{missed} beyond 1 %")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
