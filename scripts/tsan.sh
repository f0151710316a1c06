#!/bin/sh
# Builds the tests named (NAME stands for NAME_test; default: those where threads meet) with the
# thread sanitizer and runs them. Reports go beside those of scripts/test.sh.
#
#   scripts/tsan.sh [--build] [NAME ...]     --build: does not run them
set -eu
cd "$(dirname "$0")/.."
runs=yes
if [ "${1:-}" = "--build" ]; then
  runs=no
  shift
fi
[ $# -gt 0 ] || set -- net table real_oracle
mkdir -p build/tests
launcher=""
if command -v ccache >/dev/null; then launcher="-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"; fi
# shellcheck disable=SC2086
cmake --preset tsan $launcher >/dev/null
if [ $runs = no ]; then
  # shellcheck disable=SC2046
  exec cmake --build --preset tsan --target $(printf '%s_test ' "$@")
fi
failed=0
for name in "$@"; do
  report="$PWD/build/tests/tsan_$name.xml"
  rm -f "$report"
  # Without randomised addresses: the sanitizer of GCC 12 does not know every layout.
  cmake --build --preset tsan --target "${name}_test" &&
    setarch -R "build-tsan/${name}_test" --gtest_brief=1 --gtest_output="xml:$report" ||
    failed=1
  # A report that the sanitizer cut short must not be missed by the tally.
  [ -e "$report" ] || echo "thread sanitizer: ${name}_test did not end" >"$report"
done
exit $failed
