#!/usr/bin/env python3
"""Trains the nets of bench/dense_single_node.cc with PyTorch, in steps of 64, on one thread.

usage: bench/dense_peer.py [BENCH]    with the path of dense_single_node, also the ratios to it

Both sides count CPU seconds, and take the best of several passes; they take turns, so that a busy
machine slows both. Ours shuffles and normalises bytes; PyTorch gets floats that lie ready, in
order. Needs Debian's python3-torch.
"""

import re
import subprocess
import sys
import time

import torch
from torch import nn

BATCH = 64
ROUNDS = 3


def cnn(channels, side):
    return nn.Sequential(
        nn.Conv2d(channels, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * (side // 4) ** 2, 128), nn.ReLU(), nn.Linear(128, 10))


def nets():
    """Name, net, shape of an image, steps to time."""
    yield "softmax", nn.Sequential(nn.Flatten(), nn.Linear(784, 10)), (1, 28, 28), 1500
    yield "mlp", nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128),
                               nn.ReLU(), nn.Linear(128, 10)), (1, 28, 28), 500
    yield "cnn", cnn(1, 28), (1, 28, 28), 20
    yield "cnn_colour", cnn(3, 32), (3, 32, 32), 15


def speed(net, shape, steps):
    """Samples a CPU second."""
    optimizer = torch.optim.SGD(net.parameters(), 1e-4)
    loss = nn.CrossEntropyLoss()
    images, labels = torch.rand(BATCH, *shape), torch.randint(0, 10, (BATCH,))
    start = 0
    for step in range(steps + 3):
        if step == 3:
            start = time.process_time()
        optimizer.zero_grad()
        loss(net(images), labels).backward()
        optimizer.step()
    return BATCH * steps / (time.process_time() - start)


def run_ours(bench):
    out = subprocess.run([bench], capture_output=True, text=True, check=True).stdout
    return {name: float(value) for name, value in
            re.findall(r"RESULT dense_(\S+) (\S+) samples/s/core", out)}


def main(args):
    if len(args) > 1:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    ours, peer = {}, {}
    for _ in range(ROUNDS):
        for name, net, shape, steps in nets():
            peer[name] = max(peer.get(name, 0), speed(net, shape, steps))
        for name, value in (run_ours(args[0]) if args else {}).items():
            ours[name] = max(ours.get(name, 0), value)
    for name, value in peer.items():
        print(f"RESULT torch_{name} {value:.4g} samples/s/core -")
    for name, value in ours.items():
        print(f"RESULT dense_{name} {value:.4g} samples/s/core -")
        for plain in peer:
            if re.fullmatch(plain + "(_momentum|_latched|_by_pointer)?", name):
                print(f"RESULT dense_{name}_over_torch {value / peer[plain]:.3g} x >=1")


if __name__ == "__main__":
    main(sys.argv[1:])
