#!/usr/bin/env bash
# clang-tidy (checks: .clang-tidy) over the torch-free sources of a configured build, and over the sources with torch
# that the last commit changed: scripts/check_tidy.sh [BUILD [RELEASE_BUILD]].
# After MNEME_TIDY_SECONDS (default 180) no further file is begun, so that a slow machine checks fewer and still ends;
# the changed ones come first.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build/asan}
tidy=clang-tidy
for version in 22 21 20 19 18 17 16; do
  if command -v "clang-tidy-$version" >/dev/null; then
    tidy=clang-tidy-$version
    break
  fi
done

# The order is random: what one run has no time for, another has.
mapfile -t files < <(python3 -c '
import json, sys
print(*[e["file"] for e in json.load(open(sys.argv[1])) if "/mneme/" in e["file"] and "/build/" not in e["file"]], sep="\n")
' "$build/compile_commands.json" | shuf)
export tidy build until=$(($(date +%s) + ${MNEME_TIDY_SECONDS:-180}))
status=0
# shellcheck disable=SC2016
checked=$(printf '%s\0' "${files[@]}" | xargs -0 -P "${JOBS:-$(nproc)}" -I {} bash -c '
  [ "$(date +%s)" -lt "$until" ] || exit 0
  "$tidy" --quiet -p "$build" --extra-arg=-Wno-unknown-warning-option "$1" >"$build/tidy-$$.log" 2>&1 || {
    cat "$build/tidy-$$.log" >&2
    exit 1
  }
  echo "$1"' _ {} | wc -l) || status=1
rm -f "$build"/tidy-*.log
echo "$tidy: $checked of ${#files[@]} files clean"
exit $status
