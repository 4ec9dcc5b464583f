#!/usr/bin/env bash
# Proves that another project can use Mneme: installs BUILD (default build/release) into a temporary prefix, then
# configures, builds and runs the two user projects of tests/package.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build/release}")
torch=$(sed -n 's/^MNEME_TORCH_REMEMBERED:INTERNAL=//p' "$build/CMakeCache.txt")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "package: find_package"
cmake --install "$build" --prefix "$folder/prefix" >/dev/null
cmake -G Ninja -S tests/package/find_package -B "$folder/find_package" -DCMAKE_PREFIX_PATH="$folder/prefix" >/dev/null
cmake --build "$folder/find_package" >/dev/null
"$folder/find_package/user"
if [ -x "$folder/prefix/bin/mneme" ]; then
  "$folder/prefix/bin/mneme" --version
fi

echo "package: add_subdirectory"
# The library's objects come from ccache where the release build made them; the compiler's flags are the same.
cmake -G Ninja -S tests/package/add_subdirectory -B "$folder/add_subdirectory" -DCMAKE_BUILD_TYPE=Release \
  -DMNEME_TORCH_DIR="$torch" >/dev/null
cmake --build "$folder/add_subdirectory" -j "${JOBS:-$(nproc)}"
"$folder/add_subdirectory/user"
