# Locates a libtorch (the `torch` folder of a Python wheel or an unpacked libtorch archive) by looking at files only:
# Python is asked where its torch stands, but torch is never imported. Used by FindLibTorch.cmake, and by
# scripts/setup.sh as `cmake [-DMNEME_TORCH_DIR=...] -P LocateLibTorch.cmake`, which prints the folder or fails.
#
# Looked at, in this order; the first two are exclusive (what a person named is used or refused, never passed over):
#   MNEME_TORCH_DIR, environment LIBTORCH, MNEME_TORCH_REMEMBERED (earlier configure), MNEME_TORCH_HINTS,
#   the torch package of MNEME_PYTHON (default: python3 of the PATH).
set(MNEME_TORCH_MIN 2.11)
set(MNEME_TORCH_LAST 2.15)

# Sets <prefix>_VERSION and <prefix>_PROBLEM (empty when the folder is usable) in the caller.
function(mneme_inspect_libtorch dir prefix)
  set(version "")
  set(problem "")
  if(EXISTS "${dir}/version.py")
    file(STRINGS "${dir}/version.py" line REGEX "^__version__" LIMIT_COUNT 1)
  elseif(EXISTS "${dir}/build-version")
    file(STRINGS "${dir}/build-version" line LIMIT_COUNT 1)
  endif()
  if("${line}" MATCHES "[0-9]+\\.[0-9]+\\.[0-9]+")
    set(version "${CMAKE_MATCH_0}")
  endif()
  string(REGEX MATCH "^[0-9]+\\.[0-9]+" minor "${version}")
  if(NOT EXISTS "${dir}/include/torch/csrc/api/include/torch/types.h" OR NOT EXISTS "${dir}/lib/libtorch_cpu.so")
    set(problem "it holds no libtorch (include/ and lib/libtorch_cpu.so are looked for)")
  elseif(version STREQUAL "")
    set(problem "its version is not stated (version.py or build-version is looked for)")
  elseif(minor VERSION_LESS MNEME_TORCH_MIN OR minor VERSION_GREATER MNEME_TORCH_LAST)
    set(problem "it is torch ${version}; versions ${MNEME_TORCH_MIN} to ${MNEME_TORCH_LAST} are supported")
  else()
    file(STRINGS "${dir}/lib/libc10.so" new_abi REGEX "torchCheckFail.*__cxx11" LIMIT_COUNT 1)
    if(NOT new_abi)
      set(problem "it is built with the old C++ ABI (pre-C++11 std::string); take the cxx11-ABI build or the PyPI wheel")
    endif()
  endif()
  set(${prefix}_VERSION "${version}" PARENT_SCOPE)
  set(${prefix}_PROBLEM "${problem}" PARENT_SCOPE)
endfunction()

# Sets LibTorch_DIR, LibTorch_VERSION and LibTorch_PROBLEM in the caller; the problem is empty on success.
function(mneme_locate_libtorch)
  if(NOT "${MNEME_TORCH_DIR}" STREQUAL "")
    set(candidates "MNEME_TORCH_DIR|${MNEME_TORCH_DIR}")
  elseif(NOT "$ENV{LIBTORCH}" STREQUAL "")
    set(candidates "environment LIBTORCH|$ENV{LIBTORCH}")
  else()
    set(candidates "")
    foreach(hint IN LISTS MNEME_TORCH_REMEMBERED MNEME_TORCH_HINTS)
      if(EXISTS "${hint}")
        list(APPEND candidates "known place|${hint}")
      endif()
    endforeach()
    find_program(MNEME_PYTHON NAMES python3 python DOC "Python whose torch package is used")
    if(MNEME_PYTHON)
      # From "/", because a folder named torch in the current folder would be found first.
      execute_process(
        COMMAND "${MNEME_PYTHON}" -c
                "import importlib.util as u; s = u.find_spec('torch'); print(list(s.submodule_search_locations)[0] if s else '')"
        WORKING_DIRECTORY / OUTPUT_VARIABLE dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
      if(NOT dir STREQUAL "")
        list(APPEND candidates "package of ${MNEME_PYTHON}|${dir}")
      endif()
    endif()
  endif()

  set(problems "")
  foreach(candidate IN LISTS candidates)
    string(REGEX MATCH "^([^|]*)\\|(.*)$" _ "${candidate}")
    set(how "${CMAKE_MATCH_1}")
    file(TO_CMAKE_PATH "${CMAKE_MATCH_2}" dir)
    mneme_inspect_libtorch("${dir}" found)
    if(found_PROBLEM STREQUAL "")
      set(LibTorch_DIR "${dir}" PARENT_SCOPE)
      set(LibTorch_VERSION "${found_VERSION}" PARENT_SCOPE)
      set(LibTorch_PROBLEM "" PARENT_SCOPE)
      return()
    endif()
    string(APPEND problems "\n  ${dir} (${how}): ${found_PROBLEM}.")
  endforeach()
  if(problems STREQUAL "")
    set(problems " None was named, and ${MNEME_PYTHON} has no torch package.")
  endif()
  set(LibTorch_DIR "" PARENT_SCOPE)
  set(LibTorch_VERSION "" PARENT_SCOPE)
  set(LibTorch_PROBLEM
      "no usable libtorch.${problems}\n  scripts/setup.sh fetches one; or name one: -DMNEME_TORCH_DIR=<folder that holds include/ and lib/>"
      PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  mneme_locate_libtorch()
  if(NOT LibTorch_PROBLEM STREQUAL "")
    message(FATAL_ERROR "Mneme: ${LibTorch_PROBLEM}")
  endif()
  execute_process(COMMAND "${CMAKE_COMMAND}" -E echo "${LibTorch_DIR}")
endif()
