// The process itself: memory, signals, threads, and the words that it was called with.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mneme::app {

/// Called first in main. Buffers of a training step stay in the heap instead of being mapped and unmapped every step;
/// the first SIGINT or SIGTERM asks the run to stop after a checkpoint, the second ends the process at once.
void prepare_process(int argc, char** argv);

/// The command line, argv[0] included.
[[nodiscard]] std::vector<std::string> const& arguments();

/// Threads of torch, before it computes anything. Several threads must not spin while they wait (two spinning threads
/// on a busy two-core machine are many times slower than one); OpenMP takes that wish only from the environment in
/// which it is loaded, so the process then starts itself anew, once.
void use_threads(std::int64_t threads);

/// Ends this process with SIGTERM when the one that started it dies.
void die_with_parent();

/// This program with other arguments, in a process group of its own (a terminal's Ctrl-C reaches only its parent, which
/// passes it on), standard output going to standard error. Returns the process id. Throws Error.
int start_self(std::vector<std::string> const& arguments);

/// Waits for one process of start_self; passes on a signal that asks this one to stop. Returns its id and what a shell
/// would call its exit status.
struct Ended {
  int process;
  int status;
};
[[nodiscard]] Ended wait_for_any(std::vector<int> const& processes);

}  // namespace mneme::app
