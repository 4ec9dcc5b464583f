// Files: if these fail, a crash leaves half a file, two processes write one run, or a resumed log has lines twice.
#include "mneme/core/files.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <optional>

#include "message_of.hpp"
#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

std::string content(fs::path const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// No file of this process can grow beyond `bytes`, as if the disk were full; a device such as /dev/full is not
// everywhere what it should be.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit const limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(FileSizeLimit const&) = delete;
  FileSizeLimit& operator=(FileSizeLimit const&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = std::signal(SIGXFSZ, SIG_IGN);  // the write fails and the process goes on
};

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "mneme_files_XXXXXX";
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] long entries() const {
    return std::distance(fs::directory_iterator(folder_), fs::directory_iterator());
  }

  fs::path folder_;
};

TEST_F(Files, WriteFileReplacesAndLeavesNothingElse) {
  fs::path const path = folder_ / "a";
  write_file(path, "old");
  write_file(path, std::string_view("n\0w", 3));
  EXPECT_EQ(content(path), std::string("n\0w", 3));
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, WriteFileTakesABareName) {
  fs::path const before = fs::current_path();
  fs::current_path(folder_);
  write_file("bare", "x");
  fs::current_path(before);
  EXPECT_EQ(content(folder_ / "bare"), "x");
}

TEST_F(Files, AFailedWriteNamesThePathAndRemovesItsTemporary) {
  fs::create_directories(folder_ / "taken" / "full");
  std::string const message = message_of<IoError>([&] { write_file(folder_ / "taken", "x"); });
  EXPECT_NE(message.find((folder_ / "taken").string()), std::string::npos) << message;
  EXPECT_NE(message.find("Is a directory"), std::string::npos) << message;
  EXPECT_EQ(entries(), 1);
  EXPECT_NE(message_of<IoError>([&] { write_file(folder_ / "no" / "x", "x"); }).find("No such file"),
            std::string::npos);
}

TEST_F(Files, CommitFolderReplacesAnOldOne) {
  for (std::string const text : {"first", "second"}) {
    fs::create_directories(folder_ / "tmp" / "sub");
    std::ofstream(folder_ / "tmp" / "sub" / "a") << text;
    if (text == "first") std::ofstream(folder_ / "tmp" / "only_first") << "x";
    commit_folder(folder_ / "tmp", folder_ / "final");
    EXPECT_EQ(content(folder_ / "final" / "sub" / "a"), text);
    EXPECT_EQ(entries(), 1);
  }
  EXPECT_FALSE(fs::exists(folder_ / "final" / "only_first"));
  EXPECT_THROW(commit_folder(folder_ / "missing", folder_ / "final"), IoError);
  EXPECT_EQ(content(folder_ / "final" / "sub" / "a"), "second");
}

TEST_F(Files, CheckWritableCreatesTheFolderAndLeavesItEmpty) {
  check_writable(folder_ / "a" / "b");
  EXPECT_TRUE(fs::is_empty(folder_ / "a" / "b"));
  write_file(folder_ / "file", "");
  EXPECT_THROW(check_writable(folder_ / "file"), IoError);
  EXPECT_THROW(check_writable(folder_ / "file" / "below"), IoError);
}

TEST_F(Files, AppendLogContinuesWhereItWas) {
  fs::path const path = folder_ / "log";
  {
    AppendLog log(path);
    log.append("one");
    EXPECT_EQ(log.bytes(), 4);
    EXPECT_EQ(content(path), "");  // buffered
    log.flush();
    EXPECT_EQ(content(path), "one\n");
    log.append("two");
  }
  AppendLog log(path);
  EXPECT_EQ(log.bytes(), 8);
  log.append("three");
  log.sync();
  EXPECT_EQ(content(path), "one\ntwo\nthree\n");
}

TEST_F(Files, AppendLogCutsBackToACheckpoint) {
  fs::path const path = folder_ / "log";
  std::ofstream(path) << "one\ntwo\nhalf a li";
  AppendLog log(path);
  log.truncate_to(8);
  log.append("three");
  log.flush();
  EXPECT_EQ(content(path), "one\ntwo\nthree\n");
  EXPECT_THROW(log.truncate_to(15), CheckpointError);  // longer than the file
  EXPECT_THROW(log.truncate_to(-1), CheckpointError);
  EXPECT_THROW(log.truncate_to(6), CheckpointError);  // inside of a line
  EXPECT_EQ(content(path), "one\ntwo\nthree\n");
  log.append("buffered");
  log.truncate_to(0);
  EXPECT_EQ(log.bytes(), 0);
  EXPECT_EQ(content(path), "");
}

TEST_F(Files, AFullDiskIsAnIoErrorAndLosesNothing) {
  fs::path const path = folder_ / "log";
  AppendLog log(path);
  log.append("one");
  log.flush();
  log.append("two");
  std::string message;
  {
    FileSizeLimit const full(5);  // "one\nt" still fits
    message = message_of<IoError>([&] { log.flush(); });
  }
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
  EXPECT_EQ(log.bytes(), 8);  // still in the buffer
  log.flush();
  EXPECT_EQ(content(path), "one\ntwo\n");  // with room again: each byte once
}

TEST_F(Files, ASecondHolderIsToldWhoHoldsTheLock) {
  std::optional<FolderLock> lock(folder_);
  std::string const holder = "pid " + std::to_string(::getpid()) + " on host ";
  EXPECT_TRUE(content(folder_ / "lock").starts_with(holder));
  EXPECT_TRUE(message_of<ConfigError>([&] { FolderLock second(folder_); }).starts_with("run is live: " + holder));
  EXPECT_TRUE(fs::exists(folder_ / "lock"));  // the refused one has not taken it away
  lock.reset();
  EXPECT_EQ(entries(), 0);
  EXPECT_NO_THROW(FolderLock third(folder_));
  EXPECT_THROW(FolderLock nowhere(folder_ / "missing"), IoError);
}

TEST_F(Files, ADeadHolderDoesNotBlock) {
  pid_t const child = ::fork();
  if (child == 0) {
    FolderLock const lock(folder_);
    ::_exit(0);  // no destructor, as if killed
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(fs::exists(folder_ / "lock"));  // left behind
  EXPECT_NO_THROW(FolderLock lock(folder_));
}

}  // namespace
}  // namespace mneme
