#include "process.hpp"

#include <ATen/Parallel.h>
#include <fcntl.h>
#include <malloc.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"

namespace mneme::app {
namespace {

char** g_argv = nullptr;
std::vector<std::string> g_arguments;
constexpr char const* kSelf = "/proc/self/exe";
constexpr char const* kWaitPolicy = "OMP_WAIT_POLICY";

extern "C" void ask_to_stop(int signal) { mneme::interrupt_signal().store(signal); }

void handle(int signal) {
  struct sigaction action {};
  action.sa_handler = ask_to_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // the second one kills
  sigaction(signal, &action, nullptr);
}

}  // namespace

void prepare_process(int argc, char** argv) {
  g_argv = argv;
  g_arguments.assign(argv, argv + argc);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the highest that glibc takes
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  handle(SIGINT);
  handle(SIGTERM);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an output that cannot be written, and said so
}

std::vector<std::string> const& arguments() { return g_arguments; }

void use_threads(std::int64_t threads) {
  if (threads > 1 && std::getenv(kWaitPolicy) == nullptr) {
    ::setenv(kWaitPolicy, "PASSIVE", 1);
    ::execv(kSelf, g_argv);  // on failure the run is slower, not wrong
  }
  at::set_num_threads(static_cast<int>(threads));
}

void die_with_parent() {
  auto const parent = ::getppid();
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::raise(SIGTERM);
}

int start_self(std::vector<std::string> const& arguments) {
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), g_arguments.empty() ? "mneme" : g_arguments.front());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::setenv(kWaitPolicy, "PASSIVE", 0);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, STDERR_FILENO, STDOUT_FILENO);
  pid_t process = 0;
  int const error = ::posix_spawn(&process, kSelf, &files, &attributes, argv.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw Error(std::string("cannot start another process: ") + std::strerror(error));
  return process;
}

Ended wait_for_any(std::vector<int> const& processes) {
  static int passed_on = 0;  // the same signal is passed on once: a second one would kill before the checkpoint
  for (;;) {
    int const signal = interrupt_signal().load();
    if (signal != 0 && signal != passed_on) {
      for (int const process : processes) ::kill(process, signal);
      passed_on = signal;
    }
    int status = 0;
    for (int const process : processes)
      if (::waitpid(process, &status, WNOHANG) == process)
        return {process, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
    ::usleep(20'000);
  }
}

}  // namespace mneme::app
