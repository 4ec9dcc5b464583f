#!/usr/bin/env bash
# clang-tidy (checks: .clang-tidy) over the torch-free sources, and over those with torch that the last commit changed:
# scripts/check_tidy.sh [TORCH_FREE_BUILD [TORCH_BUILD]]; the builds must be configured.
# After MNEME_TIDY_SECONDS (default 240) no further file is begun, so that a slow machine checks fewer and still ends:
# changed files come first, the rest in random order: what one run has no time for, another has.
set -euo pipefail
cd "$(dirname "$0")/.."
free=${1:-build/asan} torch=${2:-build/release}
tidy=clang-tidy
for version in 22 21 20 19 18 17 16; do
  if command -v "clang-tidy-$version" >/dev/null; then
    tidy=clang-tidy-$version
    break
  fi
done

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# Both builds' commands in one file, without g++'s precompiled header; prints the files to check.
mapfile -t files < <(python3 - "$scratch" "$free" "$torch" <<'PYTHON'
import json, pathlib, random, re, subprocess, sys
scratch, *builds = sys.argv[1:]
entries = {}
for build in builds:
    commands = pathlib.Path(build, "compile_commands.json")
    for entry in json.loads(commands.read_text()) if commands.exists() else []:
        entry["command"] = re.sub(r" -include \S*cmake_pch\.hxx| -Winvalid-pch| -fpch-preprocess", "", entry["command"])
        entries.setdefault(entry["file"], (build, entry))
pathlib.Path(scratch, "compile_commands.json").write_text(json.dumps([entry for _, entry in entries.values()]))
root = pathlib.Path.cwd()
git = subprocess.run(["git", "diff", "--name-only", "HEAD~1", "--", "mneme", "app"], capture_output=True, text=True)
changed = {str(root / name) for name in git.stdout.split()}
ours = [(file, build) for file, (build, _) in entries.items()
        if file.startswith((f"{root}/mneme/", f"{root}/app/"))]
first = [file for file, _ in ours if file in changed]
rest = [file for file, build in ours if file not in changed and build == builds[0]]
random.shuffle(rest)
for file in first + rest:
    print(file)
PYTHON
)
export tidy scratch until=$(($(date +%s) + ${MNEME_TIDY_SECONDS:-240}))
status=0
# shellcheck disable=SC2016
checked=$(printf '%s\0' "${files[@]}" | xargs -0 -P "${JOBS:-$(nproc)}" -I {} bash -c '
  [ "$(date +%s)" -lt "$until" ] || exit 0
  "$tidy" --quiet -p "$scratch" --extra-arg=-Wno-unknown-warning-option "$1" >"$scratch/$$.log" 2>&1 || {
    cat "$scratch/$$.log" >&2
    exit 1
  }
  echo "$1"' _ {} | wc -l) || status=1
echo "$tidy: $checked of ${#files[@]} files clean"
exit $status
