#!/bin/sh
# Runs every fuzzer (tests/*_fuzz.cc) for the given number of seconds, 30 unless told.
set -eu
cd "$(dirname "$0")/.."
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzzers
for program in build-fuzz/*_fuzz; do
  echo "== $program"
  "$program" -max_total_time="${1:-30}" -print_final_stats=1 -artifact_prefix=build-fuzz/
done
