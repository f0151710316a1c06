#!/usr/bin/env python3
"""Trains gensim's word2vec with the settings of bench/word2vec_single_node.cc.

usage: bench/word2vec_peer.py speed [BENCH]          one thread, the first 15 MB; with the path of
                                                     word2vec_single_node, also the ratio to it
       bench/word2vec_peer.py train EPOCHS FILE [SEED]   all of wiki100m, vectors saved as text

Needs Debian's python3-gensim.
"""

import bz2
import re
import subprocess
import sys
import time
from pathlib import Path

from gensim.models.word2vec import Word2Vec

WIKI = Path("../shared/data/wiki100m/wiki100m.bz2")
SETTINGS = dict(vector_size=100, window=5, negative=5, sample=1e-4, min_count=5, sg=1, hs=0,
                alpha=0.025, min_alpha=0.025 * 1e-4)
SENTENCE = 10_000  # gensim cuts off what is longer


def sentences(size=None):
    """The text, of which `size` bytes, in pieces that gensim takes whole."""
    with bz2.open(WIKI, "rt") as file:
        words = file.read(size if size else -1).split()
    return [words[i:i + SENTENCE] for i in range(0, len(words), SENTENCE)]


def train(text, epochs, seed=1):
    """A trained model, CPU seconds of training and words of the text."""
    model = Word2Vec(workers=1, epochs=epochs, seed=seed, **SETTINGS)
    model.build_vocab(text)
    start, wall = time.process_time(), time.time()
    model.train(text, total_examples=model.corpus_count, epochs=epochs)
    seconds = time.process_time() - start
    print(f"gensim: {seconds:.1f} CPU s, {time.time() - wall:.1f} s", flush=True)
    return model, seconds, sum(len(s) for s in text)


def speed(bench):
    """Words a second and CPU, ours beside gensim's."""
    _, seconds, words = train(sentences(15_000_000), 1)
    rate = words / seconds / 1000
    print(f"RESULT gensim_own {rate:.4g} k_words/s/core -")
    if bench:
        out = subprocess.run([bench], capture_output=True, text=True, check=True).stdout
        print(out, end="")
        for name, ours in re.findall(r"RESULT word2vec_(\w+) (\S+) k_words", out):
            print(f"RESULT word2vec_{name}_over_gensim {float(ours) / rate:.4g} x >=1")


def main(args):
    if args[:1] == ["speed"]:
        speed(args[1] if len(args) > 1 else None)
    elif args[:1] == ["train"] and len(args) in (3, 4):
        model, _, _ = train(sentences(), int(args[1]), *map(int, args[3:]))
        model.wv.save_word2vec_format(args[2], binary=False)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
