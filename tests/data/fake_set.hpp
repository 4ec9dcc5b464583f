// A tiny data set of two classes with everything that the catalogue says of a real one.
#pragma once

#include <string>

#include "mneme/data/catalogue.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"
#include "tests/io/make_files.hpp"

namespace mneme::test {

inline std::string const kTrainImages = make_idx({4, 1, 2}, "abcdefgh");
inline std::string const kTrainLabels = make_idx({4}, std::string("\0\x01\x01\0", 4));
inline std::string const kTestImages = make_idx({1, 1, 2}, "yz");
inline std::string const kTestLabels = make_idx({1}, "\x01");

inline CatalogueFile fake_file(std::string const& name, std::string const& content) {
  std::string const packed = gzipped(content);
  return {.name = name,
          .bytes = static_cast<std::int64_t>(packed.size()),
          .sha256 = sha256_hex(as_bytes(packed)),
          .content_sha256 = sha256_hex(as_bytes(content)),
          .content_bytes = static_cast<std::int64_t>(content.size())};
}

inline CatalogueEntry fake_set() {
  CatalogueEntry entry;
  entry.name = "fake-set";
  entry.train = {fake_file("train-images.gz", kTrainImages), fake_file("train-labels.gz", kTrainLabels)};
  entry.test = {fake_file("test-images.gz", kTestImages), fake_file("test-labels.gz", kTestLabels)};
  entry.classes = 2;
  entry.height = 1;
  entry.width = 2;
  entry.train_count = 4;
  entry.test_count = 1;
  entry.class_names = {"no", "yes"};
  entry.folders = {"fake-set", "Fake/raw"};
  return entry;
}

}  // namespace mneme::test
