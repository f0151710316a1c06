#!/bin/sh
# Clones the repository into a new folder and runs the two commands of the README there, timed;
# each must end well within 10 minutes. The data beside the repository, if any, are linked in.
#
# usage: tests/fresh_clone.sh [-k]     -k: keep the folder
set -eu
here="$(cd "$(dirname "$0")/.." && pwd)"
folder="$(mktemp -d)"
[ "${1:-}" = "-k" ] || trap 'rm -rf "$folder"' EXIT
git clone -q "$here" "$folder/hemiola"
[ ! -d "$here/../shared" ] || ln -s "$(cd "$here/../shared" && pwd)" "$folder/shared"
cd "$folder/hemiola"
failed=0

# As in the README, without what earlier builds have left in a cache.
timed() {
  start="$(date +%s)"
  CCACHE_DISABLE=1 "$@" >"$folder/output" 2>&1 || { failed=1; echo "FAILED: $*"; }
  echo "$*: $(($(date +%s) - start)) s; it ends with"
  tail -n 4 "$folder/output" | sed 's/^/    /'
}
timed scripts/demo.sh
timed scripts/test.sh
[ -s runs/demo/summary.json ] || { failed=1; echo "FAILED: the demo left no summary"; }
changed="$(git status --porcelain)"
[ -z "$changed" ] || { failed=1; echo "FAILED: left behind in the tree:" "$changed"; }
exit $failed
