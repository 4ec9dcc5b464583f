// The binary records of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): one label byte (CIFAR-10) or two (CIFAR-100: coarse,
// then fine), then 3,072 bytes of a picture [3, 32, 32], row-major. A file is records and nothing else.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "mneme/io/labelled.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {

/// CIFAR-10's ten classes; CIFAR-100's hundred fine or its twenty coarse ones.
enum class CifarLabels { kTen, kFine, kCoarse };

/// In the published order, which is that of the labels.
std::vector<std::string> const& cifar_class_names(CifarLabels labels);

/// The records of several files as one set.
class CifarRecords {
 public:
  explicit CifarRecords(CifarLabels labels);
  /// Appends the records of a file; throws as parse_cifar.
  void add(std::span<std::uint8_t const> bytes, std::string const& name);
  /// `sha256` is over the bytes of all files.
  LabelledData take();

 private:
  CifarLabels labels_;
  LabelledData data_;
  Sha256 hash_;
};

/// Pictures [N, 3, 32, 32]. `name` is for messages. DataError (file and offset) on a file that ends within a record or
/// holds none, and on a label out of range; what a file of the other set looks like is said.
LabelledData parse_cifar(std::span<std::uint8_t const> bytes, std::string const& name, CifarLabels labels);

/// One file, gzip or not, or the records of a folder: its *.bin files sorted by name, of which those that begin with
/// "test" are the split "test" and the others "train". DataError where there are none.
LabelledData read_cifar(std::filesystem::path const& path, std::string const& split, CifarLabels labels);

}  // namespace mneme
