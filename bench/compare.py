#!/usr/bin/env python3
"""Runs benches one after another and holds their figures against their budgets.

usage: bench/compare.py [NAME...] [--build DIR]     default: every program in build/bench

A bench prints, among text for people, lines of the form

    RESULT name value unit budget

where budget is <=1.3, >=0.7, 0.85..1.15, or - for none. A ratio has the unit x. What was printed is
kept in bench-results/NAME.txt and all figures in bench-results/results.tsv; a second run shows the
figure before it. Exit code 1: a budget was missed or a bench failed.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench-results"
LINE = re.compile(r"RESULT (\S+) (\S+) (\S+) (\S+)")


def within(value, budget):
    """Whether a budget as written holds; a figure that is no number keeps none."""
    if budget == "-":
        return True
    if budget.startswith("<="):
        return value <= float(budget[2:])
    if budget.startswith(">="):
        return value >= float(budget[2:])
    low, _, high = budget.partition("..")
    return float(low) <= value <= float(high)


def results_in(text):
    """(name, value, unit, budget as written, whether it is kept) of each RESULT line."""
    for line in text.splitlines():
        found = LINE.fullmatch(line.strip())
        if found:
            name, value, unit, budget = found.groups()
            yield name, float(value), unit, budget, within(float(value), budget)


def earlier():
    try:
        lines = (RESULTS / "results.tsv").read_text().splitlines()
    except FileNotFoundError:
        return {}
    return {name: float(value) for name, value, *_ in (line.split("\t") for line in lines)}


def run(program):
    print(f"== {program.name}", flush=True)
    done = subprocess.run([program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="", flush=True)
    (RESULTS / f"{program.name}.txt").write_text(done.stdout)
    return done.returncode, list(results_in(done.stdout))


def table(rows, before):
    print(f"\n{'figure':40} {'value':>10} {'before':>10} unit   budget")
    for name, value, unit, budget, kept in rows:
        was = f"{before[name]:10.4g}" if name in before else " " * 10
        verdict = "" if kept else "   MISSED"
        print(f"{name:40} {value:10.4g} {was} {unit:6} {budget}{verdict}")


def main():
    parser = argparse.ArgumentParser(description="runs benches against their budgets")
    parser.add_argument("names", nargs="*", help="benches to run; all unless given")
    parser.add_argument("--build", default="build", help="build directory, default: build")
    args = parser.parse_args()
    folder = ROOT / args.build / "bench"
    programs = [folder / n for n in args.names] or sorted(
        p for p in folder.glob("*") if p.is_file() and p.stat().st_mode & 0o100)
    missing = [p for p in programs if not p.is_file()]
    if missing or not programs:
        sys.exit(f"compare.py: no bench {missing[0] if missing else folder}; "
                 "build them first: scripts/build.sh")
    RESULTS.mkdir(exist_ok=True)
    before, rows, failed = earlier(), [], []
    for program in programs:
        code, found = run(program)
        rows += found
        if code != 0:
            failed.append(f"{program.name} ended with exit code {code}")
    table(rows, before)
    all_rows = before | {name: value for name, value, *_ in rows}
    (RESULTS / "results.tsv").write_text("".join(f"{n}\t{v}\n" for n, v in all_rows.items()))
    failed += [f"{name} misses its budget" for name, *_, kept in rows if not kept]
    for line in failed:
        print(line)
    print(f"{len(rows) - sum(not r[-1] for r in rows)} within budget, {len(failed)} to look at")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
