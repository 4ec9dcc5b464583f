#!/usr/bin/env bash
# Runs every fuzzer in a folder, one after the other: scripts/run_fuzzers.sh FOLDER [libFuzzer options].
# Inputs that found something new are kept in FOLDER/corpus/<name>, so that a later run goes on from there.
set -euo pipefail
folder=$1
shift
failed=0
for fuzzer in "$folder"/*_fuzz; do
  name=$(basename "$fuzzer")
  mkdir -p "$folder/corpus/$name"
  echo "fuzz: $name $*"
  log=$folder/$name.log
  if "$fuzzer" -timeout=10 -rss_limit_mb=2048 -artifact_prefix="$folder/$name-" "$@" "$folder/corpus/$name" >"$log" 2>&1; then
    tail -n 1 "$log"
  else
    tail -n 40 "$log"
    failed=1
  fi
done
exit $failed
