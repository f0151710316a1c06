#!/bin/sh
# Installs what is missing, builds everything, and runs all tests. The last line is the tally.
set -u
cd "$(dirname "$0")/.."
scripts/setup.sh && scripts/build.sh || exit 1
rm -rf build/tests
mkdir -p build/tests
ctest --test-dir build --output-on-failure -j "$(nproc)" --output-junit tests/ctest.xml \
  >build/tests/ctest.log 2>&1 || grep -vE ' Passed +[0-9.]+ sec$|^ +Start ' build/tests/ctest.log
.venv/bin/python -m pytest -q tests --junitxml build/tests/pytest.xml "$@"
.venv/bin/python scripts/tally.py build/tests/ctest.xml build/tests/pytest.xml
