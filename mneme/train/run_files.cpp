#include "mneme/train/run_files.hpp"

#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

std::filesystem::path with_folder(std::filesystem::path const& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder / "samples", error);
  if (error) throw IoError(folder.string() + ": cannot be made: " + error.message());
  return folder;
}

}  // namespace

RunFiles::RunFiles(std::filesystem::path const& where, double checkpoint_seconds)
    : folder(with_folder(where)),
      metrics(folder / "metrics.jsonl"),
      log(folder / "log.txt"),
      samples(folder / "samples" / "index.jsonl"),
      checkpoints(folder / "checkpoints", checkpoint_seconds) {}

}  // namespace mneme
