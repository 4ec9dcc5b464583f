// The wish to stop, from a signal handler to the training loop.
#pragma once

#include <atomic>

namespace mneme {

/// The signal that asked this process to stop, or 0. The library only reads it, between steps; whoever owns the process
/// installs handlers that store into it. A store is safe in a signal handler.
inline std::atomic<int>& interrupt_signal() noexcept {
  static constinit std::atomic<int> signal{0};
  static_assert(std::atomic<int>::is_always_lock_free);
  return signal;
}

}  // namespace mneme
