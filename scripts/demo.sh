#!/bin/sh
# Installs what is missing, builds the program, makes a knowledge graph of WordNet, learns it, and
# asks what was learnt. Arguments go to `hemiola train`.
set -eu
cd "$(dirname "$0")/.."
scripts/setup.sh
scripts/build.sh hemiola
build/hemiola data wordnet --out runs/wordnet
build/hemiola train examples/wordnet.toml --workers 2 --out runs/demo "$@"

# Facts that were kept for testing: the model has not seen them.
ask() {
  echo
  echo "$1 $2 ..."
  build/hemiola predict runs/demo --head "$1" --relation "$2" --top 3
}
ask everest.n.01 instance_hypernym
ask kenya.n.01 instance_hypernym
ask passport.n.02 synset_domain_topic_of
