#!/usr/bin/env bash
# Runs every fuzzer in a folder, JOBS at a time: scripts/run_fuzzers.sh FOLDER [libFuzzer options].
# Each begins with the inputs in fuzz/seeds/<name>, where there are some. Inputs that reached something new are kept in
# FOLDER/corpus/<name>: a later run goes on from there. An input that broke something is left as
# FOLDER/<name>-crash-<hash>.
set -euo pipefail
seeds=$(realpath "$(dirname "$0")/../fuzz/seeds")
export seeds
folder=$1
shift

run_one() {
  local folder=$1 name=$2
  shift 2
  mkdir -p "$folder/corpus/$name"
  local corpora=("$folder/corpus/$name")
  if [ -d "$seeds/$name" ]; then corpora+=("$seeds/$name"); fi
  if "$folder/$name" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$folder/$name-" "$@" "${corpora[@]}" \
    >"$folder/$name.log" 2>&1; then
    echo "$name: $(tail -n 1 "$folder/$name.log")"
  else
    tail -n 40 "$folder/$name.log"
    echo "$name: FAILED"
    exit 1
  fi
}
export -f run_one

cd "$folder" && compgen -G '*_fuzz' | xargs -P "${JOBS:-$(nproc)}" -I {} bash -c 'run_one . {} "$@"' _ "$@"
