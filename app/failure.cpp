#include "failure.hpp"

#include <c10/util/Exception.h>

#include <new>

#include "mneme/core/errors.hpp"
#include "terminal.hpp"

namespace mneme::app {

int report_failure(std::exception const& failure, std::string const& where) {
  auto const prefix = where.empty() ? "" : where + ": ";
  if (auto const* stopped = dynamic_cast<Stopped const*>(&failure)) {
    say(prefix + "stopped: " + stopped->what());
    return stopped->signal() != 0 ? 128 + stopped->signal() : static_cast<int>(ExitCode::kStopped);
  }
  if (auto const* known = dynamic_cast<Error const*>(&failure)) {
    complain(prefix + known->what());
    return static_cast<int>(known->exit_code());
  }
  auto const* torch = dynamic_cast<c10::Error const*>(&failure);
  std::string const text = torch != nullptr ? torch->what_without_backtrace() : failure.what();
  bool const full = dynamic_cast<std::bad_alloc const*>(&failure) != nullptr ||
                    dynamic_cast<c10::OutOfMemoryError const*>(&failure) != nullptr ||
                    text.find("Allocator") != std::string::npos;
  if (full)
    complain(prefix +
             "the memory does not suffice. Use a smaller batch (-s train.batch=...) or fewer jobs, or a smaller net");
  else
    complain(prefix + text + "\nThis is a fault of mneme: please report it with the command line above it.");
  return static_cast<int>(ExitCode::kBug);
}

}  // namespace mneme::app
