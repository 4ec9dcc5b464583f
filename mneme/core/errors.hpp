// core: errors, options, registries, configuration, files that survive a crash. No torch here.
//
// Errors: every failure that a caller may meet is one of the classes below. A message says what was asked, what was
// found and what to do. The library throws; it never prints, exits or aborts.
#pragma once

#include <stdexcept>
#include <string>

namespace mneme {

/// Process exit codes of the `mneme` command; each error class maps to one of them.
enum class ExitCode : int {
  kOk = 0,
  kUsage = 2,
  kData = 3,
  kCheckpoint = 4,
  kDiverged = 5,
  kIo = 6,
  kBug = 70,
  kStopped = 75,
};

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  [[nodiscard]] virtual ExitCode exit_code() const noexcept { return ExitCode::kBug; }
};

/// A setting that the user can mend: unknown key, value out of range, strategies that do not go together.
class ConfigError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kUsage; }
};

/// An input file is missing, short or corrupt. The message names the file and, where known, the byte offset.
class DataError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kData; }
};

/// An output could not be written (folder read-only, disk full).
class IoError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kIo; }
};

/// A checkpoint does not fit the run that it is loaded into, or is damaged.
class CheckpointError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kCheckpoint; }
};

/// A value became infinite or not a number; names event, step and term.
class NumericError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kDiverged; }
};

/// A run ended early, on a signal or at its time limit, after a checkpoint: it can be resumed.
class Stopped : public Error {
 public:
  Stopped(std::string const& what, int signal) : Error(what), signal_(signal) {}
  /// The signal that asked for it; 0 for a time limit.
  [[nodiscard]] int signal() const noexcept { return signal_; }
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kStopped; }

 private:
  int signal_;
};

/// Something was read that the stream hides (task id at test, boundaries of a boundary-free stream).
class VisibilityError : public Error {
 public:
  using Error::Error;
  [[nodiscard]] ExitCode exit_code() const noexcept override { return ExitCode::kUsage; }
};

}  // namespace mneme
