#!/usr/bin/env python3
"""All-reduce beside Open MPI and Gloo, in turns, so that a busy machine slows all alike.

usage: bench/allreduce.py [--build DIR] [--rounds N] [--nodes 2,4] [--bytes LIST]

Each process is bound to a core, as far as there are cores: whether the system puts two that talk
on one core is luck. Prints, for each number of processes, a table: our median time, the bytes a
second that all nodes carry together (2 (n - 1) D in a round), the share of what our transport
streams between the same processes, and our speed as a multiple of each peer's (of times taken in
the same turn; the median of the turns). Needs Debian's openmpi-bin, libopenmpi-dev and libgloo-dev;
a peer that is not there is left out, and said.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench-results"
PEERS = ["mpi shared memory", "mpi tcp", "gloo ring", "gloo halving"]


def build(name, compiler, *libraries):
    """The peer's program, or nothing."""
    program = OUT / f"allreduce_{name}"
    source = ROOT / f"bench/peers/allreduce_{name}.cc"
    command = [compiler, "-std=c++20", "-O3", f"-I{ROOT}", str(source), "-o", str(program),
               *libraries]
    if not shutil.which(compiler):
        print(f"left out: {name}, for there is no {compiler}")
        return None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"left out: {name}, for its program does not compile:\n{done.stderr[-500:]}")
        return None
    return program


def rounds_in(text):
    """Median microseconds by size."""
    lines = [line.split() for line in text.splitlines() if line.startswith("ROUND ")]
    return {int(size): (float(median), float(least)) for _, size, median, least, _ in lines}


def run_ours(program, nodes, sizes, *more):
    command = [program, "--nodes", str(nodes), "--bytes", ",".join(map(str, sizes)), *more]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [line for line in text.splitlines() if " stream to all at " in line]
    rate = float(found[0].split(" at ")[1].split()[0]) if found else None
    return rounds_in(text), rate


def run_mpi(program, nodes, sizes, *more):
    bound = [] if nodes > os.cpu_count() else ["--bind-to", "core"]
    command = ["mpirun", "--allow-run-as-root", "--oversubscribe", *bound, *more, "-n", str(nodes),
               str(program), *map(str, sizes)]
    return rounds_in(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run_gloo(program, nodes, sizes, algorithm):
    with tempfile.TemporaryDirectory() as folder:
        ranks = [subprocess.Popen(["taskset", "-c", str(rank % os.cpu_count()), program, algorithm,
                                   str(rank), str(nodes), folder, *map(str, sizes)],
                                  stdout=subprocess.PIPE, text=True) for rank in range(nodes)]
        texts = [rank.communicate()[0] for rank in ranks]
    return rounds_in(texts[0])


def turn(programs, nodes, sizes):
    """Times by who and size, and our streaming rate in GB/s."""
    ours, mpi, gloo = programs
    times = {}
    times["ours"], rate = run_ours(ours, nodes, sizes)
    times["ours tcp"], _ = run_ours(ours, nodes, sizes, "--tcp")
    if mpi:
        times["mpi shared memory"] = run_mpi(mpi, nodes, sizes)
        times["mpi tcp"] = run_mpi(mpi, nodes, sizes, "--mca", "btl", "tcp,self")
    if gloo:
        times["gloo ring"] = run_gloo(gloo, nodes, sizes, "ring")
        times["gloo halving"] = run_gloo(gloo, nodes, sizes, "halving_doubling")
    return times, rate


def size_text(size):
    return f"{size >> 20} MB" if size >= 1 << 20 else f"{size >> 10} KB"


def table(nodes, sizes, turns):
    peers = [peer for peer in PEERS if peer in turns[0][0]]
    rate = statistics.median(rate for _, rate in turns)
    print(f"\n{nodes} processes; our transport streams {rate:.2f} GB/s between them (median)\n")
    print("| size | ours | least | GB/s | of streaming | over tcp | "
          + " | ".join(f"x {p}" for p in peers) + " |")
    print("|---" * (6 + len(peers)) + "|")
    for size in sizes:
        def median(who, size=size):
            return statistics.median(times[who][size][0] for times, _ in turns)

        carried = [2e-3 * (nodes - 1) * size / times["ours"][size][0] for times, _ in turns]
        share = statistics.median(c / r for c, (_, r) in zip(carried, turns))
        least = min(times["ours"][size][1] for times, _ in turns)
        cells = [size_text(size), f"{median('ours'):.0f} us", f"{least:.0f} us",
                 f"{statistics.median(carried):.2f}", f"{share:.2f}",
                 f"{median('ours tcp'):.0f} us"]
        for peer in peers:
            ratio = statistics.median(t[peer][size][0] / t["ours"][size][0] for t, _ in turns)
            cells.append(f"{ratio:.2f}")
        print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--nodes", default="2,4")
    parser.add_argument("--bytes", default=",".join(str(1024 * 4 ** i) for i in range(9)))
    arguments = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    ours = ROOT / arguments.build / "bench/allreduce"
    if not ours.exists():
        sys.exit(f"there is no {ours}: build bench_allreduce first")
    programs = ours, build("mpi", "mpicxx"), build("gloo", "c++", "-lgloo", "-lpthread")
    sizes = [int(size) for size in arguments.bytes.split(",")]
    for nodes in map(int, arguments.nodes.split(",")):
        turns = [turn(programs, nodes, sizes) for _ in range(arguments.rounds)]
        table(nodes, sizes, turns)


if __name__ == "__main__":
    main()
