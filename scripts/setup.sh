#!/usr/bin/env bash
# Brings what Mneme is built with: Debian/Ubuntu packages, and a libtorch where the machine has none.
#   scripts/setup.sh [GROUP...]     groups of the table below; "build" is always among them
#   scripts/setup.sh --clang        prints the clang++ to use for fuzzing (16 or later, with libFuzzer), or nothing
# MNEME_APT=0 forbids installing packages; MNEME_TORCH_DIR or LIBTORCH names the torch to use.
# Safe to run again and to interrupt. Exit code 2: something is missing, and the last line says what to run.
set -euo pipefail
cd "$(dirname "$0")/.."

# package | group | found by (:command, a header, or an absolute path) | what it is for
packages() {
  cat <<'TABLE'
g++                    build  :g++                               compiler
cmake                  build  :cmake                             build files
ninja-build            build  :ninja                             runs the build
ccache                 build  :ccache                            compiles nothing twice
python3                build  :python3                           finds a torch; end-to-end tests
zlib1g-dev             build  zlib.h                             gzip data files
libcurl4-openssl-dev   build  curl/curl.h                        mneme data get, MLflow
libcli11-dev           build  CLI/CLI.hpp                        command line
nlohmann-json3-dev     build  nlohmann/json.hpp                  JSON
libtomlplusplus-dev    build  toml++/toml.h                      experiment files
libstb-dev             build  stb/stb_image.h                    PNG and JPEG
libjs-chart.js         build  /usr/share/javascript/chart.js     charts of the report
libgtest-dev           build  gtest/gtest.h                      tests
libbenchmark-dev       bench  benchmark/benchmark.h              benchmarks
clang-format           check  :clang-format                      format check
clang-tidy             check  :clang-tidy                        static analysis
git                    check  :git                               lists the files to check
TABLE
}
recommended="dataset-fashion-mnist" # the full Fashion-MNIST; a sample is built in

say() { echo "setup: $*" >&2; }

found() {
  case $1 in
    :*) command -v "${1#:}" >/dev/null ;;
    /*) [ -e "$1" ] ;;
    *) compgen -G "/usr/include/$1" >/dev/null || compgen -G "/usr/include/*-linux-gnu/$1" >/dev/null ||
       compgen -G "/usr/local/include/$1" >/dev/null ;;
  esac
}

# The newest clang++ whose libFuzzer links.
find_clang() {
  local clang
  for clang in ${CLANGXX:-} clang++-{22,21,20,19,18,17,16} clang++; do
    command -v "$clang" >/dev/null || continue
    [ "$("$clang" -dumpversion | cut -d. -f1)" -ge 16 ] || continue
    [ -e "$("$clang" --print-file-name=libclang_rt.fuzzer-"$(uname -m)".a)" ] ||
      [ -e "$("$clang" --print-file-name=libclang_rt.fuzzer.a)" ] || continue
    echo "$clang"
    return
  done
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}
may_install() {
  [ "${MNEME_APT:-1}" != 0 ] && command -v apt-get >/dev/null && as_root true 2>/dev/null
}
apt_install() {
  local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 install -y --no-install-recommends "$@")
  as_root "${command[@]}" >&2 || { as_root apt-get -qq update >&2 && as_root "${command[@]}" >&2; }
}

install_packages() {
  local missing=() package group probe reason
  while read -r package group probe reason; do
    [[ " $* " == *" $group "* ]] || continue
    if ! found "$probe"; then
      say "missing: $package ($reason)"
      missing+=("$package")
    fi
  done < <(packages)
  if [[ " $* " == *" fuzz "* ]] && [ -z "$(find_clang)" ]; then
    say "missing: clang 16 or later with libFuzzer (fuzzers)"
    local version
    for version in 19 18 20 17 16; do
      apt-cache show "libclang-rt-$version-dev" >/dev/null 2>&1 || continue
      missing+=("clang-$version" "libclang-rt-$version-dev")
      break
    done
  fi
  if [ ${#missing[@]} -gt 0 ]; then
    if ! may_install || ! apt_install "${missing[@]}"; then
      say "these packages are needed. Run:"
      say "  sudo apt-get update && sudo apt-get install -y ${missing[*]}"
      exit 2
    fi
  fi
  # Tried once, never fatal.
  if [ ! -e "build/.tried-$recommended" ] && [ ! -d /usr/share/datasets/fashion-mnist ] && may_install; then
    mkdir -p build && touch "build/.tried-$recommended"
    apt_install "$recommended" || say "$recommended could not be installed; 'mneme data get fashion-mnist' fetches the data"
  fi
}

locate_torch() {
  local hints="$PWD/build/_torch/torch" cache
  for cache in build/*/CMakeCache.txt; do
    [ ! -e "$cache" ] || hints+=";$(sed -n 's/^MNEME_TORCH_REMEMBERED:INTERNAL=//p' "$cache")"
  done
  cmake "-DMNEME_TORCH_DIR=${MNEME_TORCH_DIR:-}" "-DMNEME_TORCH_HINTS=$hints" -P cmake/LocateLibTorch.cmake
}

fetch_torch() {
  if [ "$(uname -sm)" != "Linux x86_64" ]; then
    say "no pinned libtorch for $(uname -sm): install torch 2.11 to 2.15 and name it with MNEME_TORCH_DIR"
    exit 2
  fi
  if ! python3 -m pip --version >/dev/null 2>&1; then
    say "missing: python3-pip (fetches libtorch)"
    if ! may_install || ! apt_install python3-pip; then
      say "run: sudo apt-get install -y python3-pip"
      exit 2
    fi
  fi
  say "no libtorch found; fetching the pinned one into build/_torch (about 0.5 GB, 1.3 GB unpacked)"
  mkdir -p build
  find build -maxdepth 1 -name '_torch.*' -mmin +60 -exec rm -rf {} + # left by one that was killed
  unfinished=$(mktemp -d build/_torch.XXXXXX)
  trap 'rm -rf "$unfinished"' EXIT
  # --target needs neither a venv nor leave to touch the system's Python; the platform is named because the wheel is an
  # archive to us: any Python's pip may unpack it.
  PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --only-binary=:all: \
    --python-version 3.11 --implementation cp --abi cp311 --abi none \
    --platform manylinux_2_28_x86_64 --platform manylinux_2_25_x86_64 --platform manylinux2014_x86_64 \
    --require-hashes --requirement cmake/torch-requirements.txt --target "$unfinished" >&2 || {
    say "libtorch could not be fetched (see above). With a torch of your own: MNEME_TORCH_DIR=<its folder> make ..."
    exit 2
  }
  rm -rf build/_torch
  mv -T "$unfinished" build/_torch
}

if [ "${1:-}" = --clang ]; then
  find_clang
  exit
fi
install_packages build "$@"
if [ -n "${MNEME_TORCH_DIR:-}${LIBTORCH:-}" ]; then
  locate_torch >/dev/null || exit 2
elif [[ " $* " != *" no-torch "* ]] && ! locate_torch >/dev/null 2>&1; then
  fetch_torch
  locate_torch >/dev/null
fi
