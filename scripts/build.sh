#!/bin/sh
# Builds the release in build/: everything, or the targets named.
set -eu
cd "$(dirname "$0")/.."
launcher=""
if command -v ccache >/dev/null; then launcher="-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"; fi
mkdir -p build
# shellcheck disable=SC2086
cmake --preset release $launcher >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
[ $# -gt 0 ] || set -- all
cmake --build build --target "$@"
