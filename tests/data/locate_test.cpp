#include "mneme/data/locate.hpp"

#include <stdlib.h>

#include "mneme/core/errors.hpp"
#include "mneme/io/image_file.hpp"
#include "tests/data/fake_set.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;

/// Sets an environment variable for the length of a test.
class Environment {
 public:
  Environment(char const* name, std::string const& value) : name_(name) {
    if (char const* old = getenv(name)) old_ = old;
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }
  Environment(Environment const&) = delete;
  Environment& operator=(Environment const&) = delete;

 private:
  char const* name_;
  std::optional<std::string> old_;
};

void put_test_split(TemporaryFolder const& folder, std::string const& place) {
  folder.put(place + "/test-images.gz", gzipped(kTestImages));
  folder.put(place + "/test-labels.gz", gzipped(kTestLabels));
}

TEST(DataSearch, OrderIsExplicitThenEnvironmentThenCacheThenSystem) {
  Environment const list("MNEME_DATA", "/first::/second");
  Environment const cache("XDG_CACHE_HOME", "/cache");
  std::vector<std::filesystem::path> const expected{"/given", "/first", "/second", "/cache/mneme/data",
                                                    "/usr/share/datasets"};
  EXPECT_EQ(DataSearch::standard({"/given"}).folders, expected);
}

TEST(DataSearch, CacheFollowsHomeWithoutXdg) {
  Environment const cache("XDG_CACHE_HOME", "");
  Environment const home("HOME", "/home/me");
  EXPECT_EQ(user_data_folder(), "/home/me/.cache/mneme/data");
}

// Each of these is how one of the usual sources lays out its files; one that is not found is downloaded again.
TEST(Locate, FindsEveryUsualLayout) {
  for (std::string const place : {".", "fake-set", "fake_set", "Fake/raw"}) {
    TemporaryFolder folder;
    put_test_split(folder, place);
    auto const found = locate(fake_set(), "test", {{"/nonexistent", folder.path()}});
    ASSERT_TRUE(found) << place;
    EXPECT_EQ(found->front(), (folder.path() / place / "test-images.gz").lexically_normal());
    EXPECT_FALSE(locate(fake_set(), "train", {{folder.path()}}));
  }
}

TEST(Locate, DecompressedFilesAreTakenToo) {
  TemporaryFolder folder;
  folder.put("test-images", kTestImages);
  folder.put("test-labels.gz", gzipped(kTestLabels));
  EXPECT_EQ(load_dataset(fake_set(), "test", {{folder.path()}}).pixels, bytes_of("yz"));
}

// MNIST and Fashion-MNIST have the same file names: --data .../fashion-mnist must not be taken for MNIST.
TEST(Locate, FolderNamedAfterAnotherSetIsLeftAlone) {
  TemporaryFolder folder;
  folder.put("fashion-mnist/t10k-images-idx3-ubyte.gz", "x");
  folder.put("fashion-mnist/t10k-labels-idx1-ubyte.gz", "x");
  DataSearch const search{{folder.path() / "fashion-mnist"}};
  EXPECT_FALSE(locate(find_dataset("mnist"), "test", search));
  EXPECT_TRUE(locate(find_dataset("fashion-mnist"), "test", search));
  DataSearch const slash{{folder.path() / "fashion-mnist" / ""}};
  EXPECT_FALSE(locate(find_dataset("mnist"), "test", slash));
}

TEST(LoadDataset, GivesImagesLabelsAndTheHashOfBoth) {
  TemporaryFolder folder;
  folder.put("fake-set/train-images.gz", gzipped(kTrainImages));
  folder.put("fake-set/train-labels.gz", gzipped(kTrainLabels));
  auto const data = load_dataset(fake_set(), "train", {{folder.path()}});
  EXPECT_EQ(data.shape, (std::vector<std::int64_t>{4, 1, 1, 2}));
  EXPECT_EQ(data.pixels, bytes_of("abcdefgh"));
  EXPECT_EQ(data.labels, (std::vector<std::int64_t>{0, 1, 1, 0}));
  EXPECT_EQ(data.class_names, (std::vector<std::string>{"no", "yes"}));
  EXPECT_EQ(data.sha256, sha256_hex(as_bytes(kTrainImages + kTrainLabels)));
}

TEST(LoadDataset, OneFileCanServeBothSplits) {
  TemporaryFolder folder;
  folder.put("train-images.gz", gzipped(kTrainImages));
  folder.put("train-labels.gz", gzipped(kTrainLabels));
  CatalogueEntry entry = fake_set();
  entry.cut_from_one = true;
  entry.test = entry.train;
  entry.train_count = 3;
  EXPECT_EQ(load_dataset(entry, "train", {{folder.path()}}).pixels, bytes_of("abcdef"));
  EXPECT_EQ(load_dataset(entry, "test", {{folder.path()}}).pixels, bytes_of("gh"));
  entry.test_count = 2;
  expect_mentions(message_of<DataError>([&] { load_dataset(entry, "test", {{folder.path()}}); }), {"5 images", "4"});
}

// Another set under the same name, or a changed pixel, would make a result that nobody can repeat.
TEST(LoadDataset, OtherContentIsRefusedWithBothHashes) {
  TemporaryFolder folder;
  std::string const other = make_idx({1, 1, 2}, "y!");
  folder.put("test-images.gz", gzipped(other));
  folder.put("test-labels.gz", gzipped(kTestLabels));
  auto const load = [&](bool verify) { return load_dataset(fake_set(), "test", {{folder.path()}}, verify); };
  expect_mentions(message_of<DataError>([&] { load(true); }),
                  {"test-images.gz", sha256_hex(as_bytes(kTestImages)), sha256_hex(as_bytes(other))});
  EXPECT_EQ(load(false).pixels, bytes_of("y!"));
}

// Where only the hash of the published file is known, that one is checked.
TEST(LoadDataset, PublishedHashServesWhereTheContentHashIsUnknown) {
  TemporaryFolder folder;
  put_test_split(folder, ".");
  CatalogueEntry entry = fake_set();
  entry.test.front().content_sha256.clear();
  EXPECT_EQ(load_dataset(entry, "test", {{folder.path()}}).count(), 1);
  entry.test.front().sha256 = std::string(64, '0');
  expect_mentions(message_of<DataError>([&] { load_dataset(entry, "test", {{folder.path()}}); }),
                  {entry.test.front().sha256});
}

// Where no hash is known at all, a file of another size is another file.
TEST(LoadDataset, SizeServesWhereNoHashIsKnown) {
  TemporaryFolder folder;
  put_test_split(folder, ".");
  CatalogueEntry entry = fake_set();
  entry.test.front().sha256.clear();
  entry.test.front().content_sha256.clear();
  EXPECT_EQ(load_dataset(entry, "test", {{folder.path()}}).count(), 1);
  entry.test.front().content_bytes += 1;
  expect_mentions(message_of<DataError>([&] { load_dataset(entry, "test", {{folder.path()}}); }),
                  {"test-images.gz", "should have 19 bytes", "found 18"});
}

/// A record of CIFAR-100 with one pixel value.
std::string cifar_record(char coarse, char fine, char pixel) {
  return {coarse + std::string(1, fine) + std::string(3072, pixel)};
}

// Each format is read by its own reader, whatever the files are called.
TEST(LoadDataset, ReadsEveryFormat) {
  TemporaryFolder folder;
  CatalogueEntry entry = fake_set();
  entry.class_names.clear();
  entry.train = {{.name = "one.bin"}, {.name = "two.bin"}};
  folder.put("one.bin", cifar_record(19, 3, 'a'));
  folder.put("two.bin.gz", gzipped(cifar_record(2, 99, 'b')));
  auto const load = [&](SetFormat format, std::string const& split) {
    entry.format = format;
    return load_dataset(entry, split, {{folder.path()}});
  };
  EXPECT_EQ(load(SetFormat::kCifar100, "train").labels, (std::vector<std::int64_t>{3, 99}));
  EXPECT_EQ(load(SetFormat::kCifar100Coarse, "train").labels, (std::vector<std::int64_t>{19, 2}));
  expect_mentions(message_of<DataError>([&] { load(SetFormat::kCifar10, "train"); }), {"one.bin"});
  expect_mentions(message_of<DataError>([&] { load(SetFormat::kSvhn, "train"); }), {"one.bin", "MAT-file"});
  std::vector<ZipPart> drawings;
  std::vector<std::uint8_t> const pixels(4, 100);
  write_png(folder.path() / "p.png", 2, 2, 1, pixels);
  for (std::string const number : {"01", "02", "03"})
    drawings.push_back({"a/Greek/character01/0001_" + number + ".png", contents(folder.path() / "p.png")});
  folder.put("a.zip", make_zip(drawings));
  entry.train = entry.test = {{.name = "a.zip"}};
  entry.train_drawings = 2;
  entry.height = 2;
  EXPECT_EQ(load(SetFormat::kOmniglot, "train").count(), 2);
  EXPECT_EQ(load(SetFormat::kOmniglot, "test").count(), 1);
}

TEST(LoadDataset, MissingFilesAreNamedWithTheWayToGetThem) {
  TemporaryFolder folder;
  folder.put("kmnist/t10k-images-idx3-ubyte.gz", "x");
  folder.put("kmnist/t10k-labels-idx1-ubyte.gz", "x");
  auto const message = message_of<DataError>([&] {
    load_dataset("kmnist", "train", DataSearch{{folder.path(), "/other"}});
  });
  expect_mentions(message, {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "`mneme data get kmnist`",
                            "kmnist-8k", folder.path().string(), "/other"});
  expect_mentions(message_of<DataError>([] { load_dataset("usps", "test", DataSearch{}); }),
                  {"no download", "usps-test-images-idx3-ubyte.gz", "no folder"});
}

TEST(LoadDataset, UnknownNamesAreRefused) {
  EXPECT_THROW(load_dataset("nmist", "train", DataSearch{}), ConfigError);
  expect_mentions(message_of<ConfigError>([] { load_dataset("mnist", "validation", DataSearch{}); }), {"'validation'"});
}

// On the real files where they are at hand: counts, class balance and an upright letter.
TEST(LoadDataset, RealSetsAreWhatTheCatalogueSays) {
  if (getenv("MNEME_DATA") == nullptr) GTEST_SKIP() << "MNEME_DATA is not set";
  int found = 0;
  for (auto const& entry : catalogue()) {
    for (std::string const split : {"train", "test"}) {
      if (!locate(entry, split, DataSearch::standard())) continue;
      SCOPED_TRACE(entry.name + " " + split);
      auto const data = load_dataset(entry, split, DataSearch::standard());
      std::int64_t const count = split == "train" ? entry.train_count : entry.test_count;
      EXPECT_EQ(data.shape, (std::vector<std::int64_t>{count, entry.channels, entry.height, entry.width}));
      EXPECT_EQ(data.labels.size(), static_cast<std::size_t>(count));
      ++found;
    }
  }
  if (found == 0) GTEST_SKIP() << "no catalogued set below MNEME_DATA";
}

}  // namespace
}  // namespace mneme
