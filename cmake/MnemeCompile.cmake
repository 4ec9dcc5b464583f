# How Mneme's own targets are compiled: warnings, sanitizers, ccache. Nothing here reaches a target that links Mneme.
option(MNEME_WERROR "Treat warnings of Mneme's own code as errors" OFF)
set(MNEME_SANITIZE "" CACHE STRING "Sanitizers for the whole build, e.g. address,undefined")

# -ffp-contract=off keeps a*b+c in two roundings, so that the same seed gives the same bits whether or not the processor
# has a fused multiply-add.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  set(MNEME_WARNINGS_OFF -Wno-restrict -Wno-stringop-overflow)  # false alarms of g++ 12 about "text" + string
  set(MNEME_EXAMPLE_WARNINGS_OFF -Wno-array-bounds -Wno-maybe-uninitialized)  # and about temporaries with strings
endif()
function(mneme_compile_settings target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(
    ${target} PRIVATE -Wall -Wextra -Wpedantic -ffp-contract=off $<$<BOOL:${MNEME_WERROR}>:-Werror>
                      ${MNEME_WARNINGS_OFF})
endfunction()

if(MNEME_SANITIZE)
  add_compile_options(-fsanitize=${MNEME_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${MNEME_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # Once instrumented, the standard library's own code looks to g++ as if it read before it wrote.
    add_compile_options(-Wno-maybe-uninitialized)
  endif()
endif()

# libFuzzer steers by coverage, so everything under test must be instrumented, not the fuzzers alone.
function(mneme_instrument_for_fuzzing)
  if(NOT CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "Mneme: MNEME_BUILD_FUZZ needs clang for libFuzzer, the compiler is ${CMAKE_CXX_COMPILER};\n"
                        "  use: cmake --preset fuzz [-DCMAKE_CXX_COMPILER=clang++-19]")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endfunction()

# Both settings are those of this folder and below, so a project that adds Mneme keeps its own.
find_program(MNEME_CCACHE ccache DOC "Compiler cache; NOTFOUND compiles without")
if(MNEME_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What ccache's manual asks for with precompiled headers.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "${MNEME_CCACHE}")
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fpch-preprocess)
  else()
    add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
