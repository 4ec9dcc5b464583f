#!/usr/bin/env bash
# Fails when a C++ file of the repository is not as clang-format would write it; `scripts/check_format.sh --fix` writes.
set -euo pipefail
cd "$(dirname "$0")/.."
mode=(--dry-run -Werror)
[ "${1:-}" != --fix ] || mode=(-i)
git ls-files -z '*.cpp' '*.hpp' | xargs -0 --no-run-if-empty "${CLANG_FORMAT:-clang-format}" "${mode[@]}"
