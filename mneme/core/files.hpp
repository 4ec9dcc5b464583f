// Files that survive a crash: a file or folder is there as a whole or not at all, a log can be cut back to where a
// checkpoint was taken, and a run folder has one writer. POSIX. All failures to write are IoError with path and reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace mneme {

/// Replaces `path` by `bytes` in one step: temporary name in the same folder, sync, rename, sync of the folder. Readers
/// see the old or the new content, also after a power cut. The temporary file does not outlive a failure.
void write_file(std::filesystem::path const& path, std::string_view bytes);

/// Gives the finished folder `temporary` its name `final`, both in the same file system: all its files are synced, then
/// it is renamed, then the parent is synced. A folder that is already there is replaced in one step where the file
/// system can swap names (else it is set aside for a moment) and removed.
void commit_folder(std::filesystem::path const& temporary, std::filesystem::path const& final);

/// Creates `folder` where it is missing and writes a probe into it, so that a run fails before the first hour of work.
void check_writable(std::filesystem::path const& folder);

/// A log of lines that only grows, except that a resumed run cuts off what came after its checkpoint.
/// Lines are buffered; `flush` hands them to the operating system, `sync` waits for the disk. One writer, one thread.
class AppendLog {
 public:
  /// Opens or creates; what is there stays.
  explicit AppendLog(std::filesystem::path path);
  ~AppendLog();
  AppendLog(AppendLog const&) = delete;
  AppendLog& operator=(AppendLog const&) = delete;

  /// Adds `line` and a line break. `line` has none itself.
  void append(std::string_view line);
  void flush();
  void sync();
  /// Length of the file once flushed: what a checkpoint keeps for `truncate_to`.
  [[nodiscard]] std::int64_t bytes() const;
  /// Cuts to the first `bytes` bytes. Throws CheckpointError when the file is shorter or no line ends there: then it is
  /// not the file that the checkpoint was taken with.
  void truncate_to(std::int64_t bytes);

 private:
  std::filesystem::path path_;
  int descriptor_;
  std::int64_t written_ = 0;
  std::string buffer_;
};

/// Holds `folder`/lock for the lifetime of the object; the operating system lets go when the process dies, however it
/// dies. Throws ConfigError "run is live: pid ... on host ..." when somebody else, or this process, holds it.
class FolderLock {
 public:
  explicit FolderLock(std::filesystem::path const& folder);
  ~FolderLock();
  FolderLock(FolderLock const&) = delete;
  FolderLock& operator=(FolderLock const&) = delete;

 private:
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace mneme
