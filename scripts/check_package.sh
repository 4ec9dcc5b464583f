#!/usr/bin/env bash
# Proves that another project can use Mneme: installs BUILD (default build/release) into a temporary prefix, then
# configures, builds and runs the two user projects of tests/package.
set -euo pipefail
cd "$(dirname "$0")/.."
build=$(realpath "${1:-build/release}")
cached() { sed -n "s/^$1:[A-Z]*=//p" "$build/CMakeCache.txt"; }
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
# The same flags as the build's, so that ccache still has the torch-free objects.
cmake -G Ninja -S tests/package/add_subdirectory -B "$folder/add_subdirectory" -DCMAKE_BUILD_TYPE=Release \
  -DMNEME_TORCH_DIR="$(cached MNEME_TORCH_REMEMBERED)" -DMNEME_WERROR="$(cached MNEME_WERROR)" >/dev/null
cmake --build "$folder/add_subdirectory" -j "${JOBS:-$(nproc)}" >/dev/null
"$folder/add_subdirectory/user"
