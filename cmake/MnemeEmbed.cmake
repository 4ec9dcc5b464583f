# mneme_embed(<target> <name> <file> [<name> <file>]...)
# Puts files into the target's read-only data; mneme/core/embedded.hpp finds them by name. The assembler's .incbin does
# the copying, so that a file of megabytes costs nothing to compile. An edited file rebuilds the object.
function(mneme_embed target)
  set(blobs "")
  set(table "")
  set(files "")
  set(pairs ${ARGN})
  set(index 0)
  while(pairs)
    list(POP_FRONT pairs name file)
    list(APPEND files "${file}")
    set(symbol "mneme_embedded_${index}")
    string(APPEND blobs "MNEME_EMBED(${symbol}, \"${file}\")\n")
    string(APPEND table "    {\"${name}\", ${symbol}, ${symbol}_end},\n")
    math(EXPR index "${index} + 1")
  endwhile()
  set(source "${PROJECT_BINARY_DIR}/generated/embedded_files.cpp")
  file(CONFIGURE OUTPUT "${source}" @ONLY CONTENT [[
// Made by cmake/MnemeEmbed.cmake.
#include "mneme/core/embedded.hpp"

// clang-format off
#define MNEME_EMBED(symbol, path)                                                                     \
  __asm__(".section .rodata\n.balign 16\n"                                                            \
          ".globl " #symbol "\n.hidden " #symbol "\n" #symbol ":\n.incbin \"" path "\"\n"             \
          ".globl " #symbol "_end\n.hidden " #symbol "_end\n" #symbol "_end:\n.byte 0\n.previous\n"); \
  extern "C" const char symbol[];                                                                     \
  extern "C" const char symbol##_end[];

@blobs@
namespace mneme::detail {
EmbeddedEntry const kEmbedded[] = {
@table@    {nullptr, nullptr, nullptr},
};
}  // namespace mneme::detail
]])
  set_source_files_properties("${source}" PROPERTIES OBJECT_DEPENDS "${files}" SKIP_PRECOMPILE_HEADERS ON)
  target_sources(${target} PRIVATE "${source}")
endfunction()
