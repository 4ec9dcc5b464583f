#include "mneme/data/catalogue.hpp"

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
    EXPECT_EQ(static_cast<int>(entry.class_names.size()), entry.classes);
    EXPECT_FALSE(entry.title.empty() || entry.licence.empty() || entry.citation.empty() || entry.homepage.empty());
    EXPECT_FALSE(entry.folders.empty());
    std::int64_t const area = entry.height * entry.width * entry.channels;
    std::int64_t const train = entry.cut_from_one ? entry.train_count + entry.test_count : entry.train_count;
    std::int64_t const test = entry.cut_from_one ? train : entry.test_count;
    EXPECT_EQ(entry.train_images.content_bytes, 16 + train * area);
    EXPECT_EQ(entry.train_labels.content_bytes, 8 + train);
    EXPECT_EQ(entry.test_images.content_bytes, 16 + test * area);
    EXPECT_EQ(entry.test_labels.content_bytes, 8 + test);
    for (auto const* file : files_of(entry)) {
      EXPECT_TRUE(is_hash(file->sha256) || is_hash(file->content_sha256)) << file->name;
      EXPECT_EQ(file->urls.empty() && file->archive.empty(), file->bytes == 0) << file->name;
      for (auto const& url : file->urls) EXPECT_TRUE(url.ends_with("/" + file->name)) << url;
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
}

}  // namespace
}  // namespace mneme
