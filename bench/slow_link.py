#!/usr/bin/env python3
"""All-reduce of 16 MB over a link of 1 Gbit/s: floats as they are against a codec.

usage: sudo bench/slow_link.py [--build DIR] [--rate 1gbit] [--codec 'quantise(4)'] [--turns N]

Makes two network namespaces joined by a pair of virtual interfaces, both shaped by `tc tbf`, runs
bench/allreduce with a process in each, and takes all down again. The two kinds take turns; the
ratio is the median over the turns. Needs root, iproute2.
"""
import argparse
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SPACES = ["hemiola-slow-0", "hemiola-slow-1"]
BYTES = 16 << 20


def sh(command):
    subprocess.run(command, shell=True, check=True)


def build_link(rate):
    for space in SPACES:
        sh(f"ip netns add {space}")
    sh(f"ip link add veth0 netns {SPACES[0]} type veth peer name veth1 netns {SPACES[1]}")
    for i, space in enumerate(SPACES):
        inside = f"ip netns exec {space}"
        sh(f"{inside} ip address add 10.77.0.{i + 1}/24 dev veth{i}")
        sh(f"{inside} ip link set veth{i} up")
        sh(f"{inside} ip link set lo up")
        # No more than a bucket of 128 KB above the rate; a queue of at most 20 ms.
        sh(f"{inside} tc qdisc add dev veth{i} root tbf rate {rate} burst 128kb latency 20ms")


def take_down():
    for space in SPACES:
        subprocess.run(["ip", "netns", "delete", space], stderr=subprocess.DEVNULL, check=False)


def seconds(program, codec):
    """Median time of a round."""
    command = [program, "--nodes", "2", "--bytes", str(BYTES), "--netns", ",".join(SPACES),
               "--codec", codec]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return next(float(line.split()[2]) * 1e-6 for line in text.splitlines()
                if line.startswith("ROUND"))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--rate", default="1gbit")
    parser.add_argument("--codec", default="quantise(4)")
    parser.add_argument("--turns", type=int, default=3)
    arguments = parser.parse_args()
    program = ROOT / arguments.build / "bench/allreduce"
    if not program.exists():
        sys.exit(f"there is no {program}: build bench_allreduce first")
    take_down()
    try:
        build_link(arguments.rate)
        turns = [(seconds(program, "none"), seconds(program, arguments.codec))
                 for _ in range(arguments.turns)]
    finally:
        take_down()
    dense, coded = (statistics.median(times) for times in zip(*turns))
    ratio = statistics.median(a / b for a, b in turns)
    print(f"16 MB over {arguments.rate}: dense {1e3 * dense:.1f} ms, {arguments.codec} "
          f"{1e3 * coded:.1f} ms")
    print(f"RESULT slow_link_codec_over_dense {ratio:.3g} x >=3")


if __name__ == "__main__":
    main()
