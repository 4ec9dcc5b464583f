#include "mneme/data/catalogue.hpp"

#include <algorithm>
#include <set>

#include "mneme/core/errors.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

bool is_hash(std::string const& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

// A slip in a number here would make every download or load fail on the user's machine.
TEST(Catalogue, EveryEntryIsConsistent) {
  std::set<std::string> names;
  for (auto const& entry : catalogue()) {
    SCOPED_TRACE(entry.name);
    EXPECT_TRUE(names.insert(entry.name).second);
    for (auto const& alias : entry.aliases) EXPECT_TRUE(names.insert(alias).second) << alias;
    if (!entry.class_names.empty()) {
      EXPECT_EQ(static_cast<int>(entry.class_names.size()), entry.classes);
    }
    EXPECT_GT(entry.classes, 1);
    EXPECT_FALSE(entry.title.empty() || entry.licence.empty() || entry.citation.empty() || entry.homepage.empty());
    EXPECT_FALSE(entry.folders.empty());
    std::int64_t const area = entry.height * entry.width * entry.channels;
    for (auto const* split : {"train", "test"}) {
      std::int64_t const all = entry.train_count + entry.test_count;
      std::int64_t const own = std::string(split) == "train" ? entry.train_count : entry.test_count;
      std::int64_t const count = entry.cut_from_one ? all : own;
      std::int64_t bytes = 0;
      for (auto const& file : files_of(entry, split)) bytes += file.content_bytes;
      if (entry.format == SetFormat::kIdx) {
        EXPECT_EQ(bytes, 16 + count * area + 8 + count) << split;
      }
      if (entry.format == SetFormat::kCifar10) {
        EXPECT_EQ(bytes, count * (area + 1)) << split;
      }
      if (entry.format == SetFormat::kCifar100) {
        EXPECT_EQ(bytes, count * (area + 2)) << split;
      }
    }
    for (auto const* file : files_of(entry)) {
      auto const archive = std::find_if(entry.archives.begin(), entry.archives.end(),
                                        [&](auto const& a) { return a.name == file->archive; });
      bool const vouched = archive != entry.archives.end() && is_hash(archive->sha256) && !archive->urls.empty();
      EXPECT_EQ(vouched, !file->archive.empty()) << file->name;
      EXPECT_TRUE(is_hash(file->sha256) || is_hash(file->content_sha256) || vouched) << file->name;
      EXPECT_GT(file->content_bytes, 0) << file->name;
      for (auto const& url : file->urls) EXPECT_TRUE(url.ends_with("/" + file->name)) << url;
      if (!file->urls.empty()) {
        EXPECT_TRUE(is_hash(file->sha256) && file->bytes > 0) << file->name;
      }
    }
  }
}

TEST(Catalogue, FindsByNameAndAlias) {
  EXPECT_EQ(find_dataset("mnist").train_count, 60'000);
  EXPECT_EQ(find_dataset("fashion").name, "fashion-mnist");
  expect_mentions(message_of<ConfigError>([] { find_dataset("mnits"); }), {"mnits", "mnist", "usps"});
}

TEST(Catalogue, SharedFilesAreListedOnce) {
  EXPECT_EQ(files_of(find_dataset("kmnist")).size(), 4u);
  EXPECT_EQ(files_of(find_dataset("kmnist-8k")).size(), 2u);
  EXPECT_EQ(files_of(find_dataset("cifar10")).size(), 6u);
}

}  // namespace
}  // namespace mneme
