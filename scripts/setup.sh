#!/bin/sh
# Installs what building and testing need and what is missing, on Debian 12 or newer.
# Says nothing and changes nothing when all is there.
#
#   scripts/setup.sh          compiler, build tools, libraries, WordNet's files for the demo,
#                             Fashion-MNIST, and .venv with pytest
#   scripts/setup.sh --dev    also what `make format`, `make fuzz` and `make bench` use, and the
#                             launchers of others that runs are tested under
set -eu
cd "$(dirname "$0")/.."

packages="build-essential cmake ninja-build ccache
  libgtest-dev libcli11-dev libtomlplusplus-dev nlohmann-json3-dev
  libssl-dev libcurl4-openssl-dev zlib1g-dev libzstd-dev libbz2-dev libboost-context-dev
  python3 python3-venv wordnet-base dataset-fashion-mnist
  etcd-server iproute2 nftables"
if [ "${1:-}" = "--dev" ]; then
  packages="$packages make clang-14 clang-format-14 liblinear-tools slurm-wlm openmpi-bin"
elif [ $# -gt 0 ]; then
  echo "setup.sh: unknown argument '$1'; the only one is --dev" >&2
  exit 2
fi

installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Installs those of its arguments that are missing; without the right to, says what to do.
need() {
  missing=""
  for package in "$@"; do
    installed "$package" || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" != 0 ]; then
    echo "setup.sh: some packages are missing. Install them as root, then run this again:" >&2
    echo "  apt-get install$missing" >&2
    exit 1
  fi
  echo "setup.sh: installing$missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # shellcheck disable=SC2086
  apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

if ! command -v dpkg-query >/dev/null; then
  echo "setup.sh: this system has no dpkg. Install by hand what stands for:" $packages >&2
  exit 1
fi
# shellcheck disable=SC2086
need $packages

# pytest in a virtual environment of the tree; Debian's own where no package index is reached.
# The interpreter is called by its path, so that another python3 in PATH does not get in the way.
has_pytest() { .venv/bin/python -c 'import pytest' 2>/dev/null; }
if ! has_pytest; then
  echo "setup.sh: making .venv with pytest"
  rm -rf .venv
  /usr/bin/python3 -m venv .venv
  if ! .venv/bin/python -m pip install -q --retries 1 --timeout 20 pytest pyyaml \
    >.venv/pip.log 2>&1; then
    need python3-pytest python3-yaml
    rm -rf .venv
    /usr/bin/python3 -m venv --system-site-packages --without-pip .venv
    has_pytest || { echo "setup.sh: pytest cannot be had; pip and apt both failed" >&2; exit 1; }
  fi
fi
