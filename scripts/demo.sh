#!/bin/sh
# Installs what is missing, builds the program, and trains a small recommender.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh hemiola
build/hemiola train examples/ratings.toml --out runs/demo "$@"
