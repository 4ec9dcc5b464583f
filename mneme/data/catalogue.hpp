// data: data sets by name: where they come from, how they are found, checked and loaded. These files need no torch;
// the resident Dataset beside them does.
//
// The catalogue: every public data set that Mneme knows, with sources, sizes and hashes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

struct CatalogueFile {
  std::string name;                    // as published, with .gz where it has one
  std::vector<std::string> urls = {};  // in the order to try; empty when it comes from an archive or by hand
  std::int64_t bytes = 0;              // as published; 0 if unknown
  std::string sha256 = {};             // as published; empty if unknown
  std::string content_sha256 = {};     // of the decompressed file; empty if unknown
  std::int64_t content_bytes = 0;      // of the decompressed file
  std::string archive = {};            // name of the entry's archive that holds it; empty: the file stands alone
};

/// How the files of a set are read; the readers are in io/.
enum class SetFormat : std::uint8_t { kIdx, kCifar10, kCifar100, kCifar100Coarse, kSvhn, kOmniglot };

struct CatalogueEntry {
  std::string name, title, licence, citation, homepage;
  std::string note = {};  // what a user should know before comparing or publishing; may be empty
  std::vector<std::string> aliases = {};
  SetFormat format = SetFormat::kIdx;
  std::vector<CatalogueFile> train, test;    // idx: images, then labels; otherwise in the order of their rows
  std::vector<CatalogueFile> archives = {};  // zip and .tar.gz files that hold some of the files above
  int label_offset = 0;                      // idx: the stored label of class 0
  bool transposed = false;                   // idx, as stored; loading turns the images upright
  bool cut_from_one = false;  // both splits come from the same files: the first train_count rows, then test_count
  int train_drawings = 0;     // omniglot: drawings 1 to this of each character train, the others test
  int classes = 0;
  std::int64_t height = 0, width = 0, channels = 1, train_count = 0, test_count = 0;
  std::vector<std::string> class_names;  // empty: the files name them
  std::vector<std::string> folders;  // sub-folders of a data folder that may hold the files; downloads go to the first
};

std::span<CatalogueEntry const> catalogue();

/// By name or alias. ConfigError with the nearest and all known names otherwise.
CatalogueEntry const& find_dataset(std::string_view name);

/// The files of a split. ConfigError unless it is "train" or "test".
std::vector<CatalogueFile> const& files_of(CatalogueEntry const& entry, std::string const& split);

/// The files of both splits, each once.
std::vector<CatalogueFile const*> files_of(CatalogueEntry const& entry);

}  // namespace mneme
