#include "mneme/core/files.hpp"

#include <fcntl.h>
#include <stdio.h>  // renameat2
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <system_error>
#include <utility>

#include "mneme/core/errors.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

constexpr mode_t kFileMode = 0666;  // the umask takes away what it should

std::string reason(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail(std::string const& action, fs::path const& path, int error = errno) {
  throw IoError("cannot " + action + " " + path.string() + ": " + reason(error));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(Descriptor const&) = delete;
  Descriptor& operator=(Descriptor const&) = delete;
  [[nodiscard]] int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

// Bytes written before an error; errno says which.
std::size_t write_all(int descriptor, std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    ssize_t const count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count >= 0) {
      done += static_cast<std::size_t>(count);
    } else if (errno != EINTR) {
      break;
    }
  }
  return done;
}

void sync_path(fs::path const& path) {
  Descriptor const file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail("open", path);
  // Some file systems cannot sync a folder and say EINVAL; then there is nothing to wait for.
  if (::fsync(file.get()) != 0 && errno != EINVAL) fail("sync", path);
}

fs::path parent_of(fs::path const& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// A name beside `path` that no other writer, thread or process, uses.
fs::path beside(fs::path const& path, std::string const& suffix) {
  static std::atomic<unsigned> count{0};
  return parent_of(path) /
         ("." + path.filename().string() + "." + std::to_string(::getpid()) + "-" + std::to_string(count++) + suffix);
}

void rename_path(fs::path const& from, fs::path const& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) fail("rename " + from.string() + " to", to);
}

bool swap_names(fs::path const& a, fs::path const& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return static_cast<void>(a), static_cast<void>(b), false;
#endif
}

std::string this_holder() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return "pid " + std::to_string(::getpid()) + " on host " + host.data();
}

std::string read_some(int descriptor) {
  std::array<char, 512> text{};
  ssize_t const count = ::pread(descriptor, text.data(), text.size(), 0);
  std::string holder(text.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  while (!holder.empty() && holder.back() == '\n') holder.pop_back();
  return holder.empty() ? "an unknown process" : holder;
}

}  // namespace

void write_file(fs::path const& path, std::string_view bytes) {
  fs::path const temporary = beside(path, ".tmp");
  try {
    Descriptor const file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
    if (file.get() < 0) fail("write", path);
    if (write_all(file.get(), bytes) != bytes.size()) fail("write", path);
    if (::fsync(file.get()) != 0) fail("sync", path);
    rename_path(temporary, path);
  } catch (IoError const&) {
    ::unlink(temporary.c_str());
    throw;
  }
  sync_path(parent_of(path));
}

void commit_folder(fs::path const& temporary, fs::path const& final) {
  std::error_code error;
  fs::recursive_directory_iterator entry(temporary, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) sync_path(entry->path());
  if (error) fail("read", temporary, error.value());
  sync_path(temporary);

  if (!fs::exists(final, error)) {
    rename_path(temporary, final);
  } else {
    fs::path old = temporary;  // which, once the names are swapped, is what the old folder is called
    if (!swap_names(temporary, final)) {
      old = beside(final, ".old");
      rename_path(final, old);
      rename_path(temporary, final);
    }
    sync_path(parent_of(final));
    fs::remove_all(old, error);
    if (error) fail("remove", old, error.value());
  }
  sync_path(parent_of(final));
}

void check_writable(fs::path const& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) fail("create the folder", folder, error.value());
  fs::path const probe = beside(folder / "probe", ".tmp");
  Descriptor const file(::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kFileMode));
  if (file.get() < 0) fail("write into", folder);
  bool const wrote = write_all(file.get(), "probe") == 5;
  int const why = errno;
  ::unlink(probe.c_str());
  if (!wrote) fail("write into", folder, why);
}

AppendLog::AppendLog(fs::path path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, kFileMode)) {
  if (descriptor_ < 0) fail("open", path_);
  struct stat status {};
  if (::fstat(descriptor_, &status) == 0) written_ = status.st_size;
}

AppendLog::~AppendLog() {
  write_all(descriptor_, buffer_);  // whoever must know that it failed has called flush
  ::close(descriptor_);
}

void AppendLog::append(std::string_view line) {
  constexpr std::size_t kMostBuffered = std::size_t{1} << 16;
  buffer_ += line;
  buffer_ += '\n';
  if (buffer_.size() >= kMostBuffered) flush();
}

void AppendLog::flush() {
  std::size_t const done = write_all(descriptor_, buffer_);
  int const why = errno;
  bool const all = done == buffer_.size();
  written_ += static_cast<std::int64_t>(done);
  buffer_.erase(0, done);
  if (!all) fail("write", path_, why);
}

void AppendLog::sync() {
  flush();
  if (::fsync(descriptor_) != 0) fail("sync", path_);
}

std::int64_t AppendLog::bytes() const { return written_ + static_cast<std::int64_t>(buffer_.size()); }

void AppendLog::truncate_to(std::int64_t bytes) {
  flush();
  auto const misfit = [&](std::string const& problem) {
    throw CheckpointError(path_.string() + ": the checkpoint was taken at byte " + std::to_string(bytes) + ", " +
                          problem + "; the file was changed since");
  };
  if (bytes < 0 || bytes > written_) misfit("the file has " + std::to_string(written_));
  char last = '\n';
  if (bytes > 0 && ::pread(descriptor_, &last, 1, bytes - 1) != 1) fail("read", path_);
  if (last != '\n') misfit("where no line ends");
  if (::ftruncate(descriptor_, bytes) != 0) fail("truncate", path_);
  written_ = bytes;
}

FolderLock::FolderLock(fs::path const& folder) : path_(folder / "lock"), descriptor_(-1) {
  while (descriptor_ < 0) {
    Descriptor file(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, kFileMode));
    if (file.get() < 0) fail("lock", path_);
    if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK)
        throw ConfigError("run is live: " + read_some(file.get()) + " holds " + path_.string() +
                          "; wait for it or stop it");
      fail("lock", path_);
    }
    // The former holder may have removed the file between open and flock: then this lock is on a file without a name.
    struct stat mine {
    }, named{};
    if (::fstat(file.get(), &mine) != 0) fail("lock", path_);
    if (::stat(path_.c_str(), &named) != 0 || mine.st_ino != named.st_ino || mine.st_dev != named.st_dev) continue;
    std::string const holder = this_holder() + "\n";
    if (::ftruncate(file.get(), 0) != 0 || write_all(file.get(), holder) != holder.size()) fail("write", path_);
    descriptor_ = file.release();
  }
}

FolderLock::~FolderLock() {
  ::unlink(path_.c_str());  // while it is still held
  ::close(descriptor_);
}

}  // namespace mneme
