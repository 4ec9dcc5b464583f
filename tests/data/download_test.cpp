#include "mneme/data/download.hpp"

#include "mneme/core/errors.hpp"
#include "mneme/data/locate.hpp"
#include "tests/data/fake_set.hpp"
#include "tests/data/http_server.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

using namespace test;
namespace fs = std::filesystem;

/// An entry of which only the test images have to be fetched; the other files are there already.
class Download : public testing::Test {
 protected:
  Download() {
    for (auto const& [name, content] : {std::pair{"train-images.gz", kTrainImages},
                                        {"train-labels.gz", kTrainLabels},
                                        {"test-labels.gz", kTestLabels}}) {
      folder_.put(fs::path("fake-set") / name, gzipped(content));
    }
  }

  void get(std::vector<std::string> urls, DownloadObserver const& observer = {}) {
    entry_.test.front().urls = std::move(urls);
    download_dataset(entry_, folder_.path(), observer);
  }

  [[nodiscard]] std::string downloaded() const { return contents(folder_.path() / "fake-set/test-images.gz"); }
  [[nodiscard]] bool partial_left() const { return fs::exists(folder_.path() / "fake-set/test-images.gz.part"); }
  void put_part(std::string_view bytes) { folder_.put("fake-set/test-images.gz.part", bytes); }

  TemporaryFolder folder_;
  CatalogueEntry entry_ = fake_set();
  std::string const good_ = gzipped(kTestImages);
};

TEST_F(Download, FetchesChecksAndIsFoundByLocate) {
  std::int64_t received = 0, total = 0;
  std::string file;
  TemporaryFolder source;
  get({"file://" + source.put("f", good_).string()}, [&](std::string const& name, DownloadProgress progress) {
    file = name;
    received = progress.received;
    total = progress.total;
  });
  EXPECT_EQ(downloaded(), good_);
  EXPECT_FALSE(partial_left());
  EXPECT_EQ(file, "test-images.gz");
  EXPECT_EQ(received, static_cast<std::int64_t>(good_.size()));
  EXPECT_EQ(total, static_cast<std::int64_t>(good_.size()));
  EXPECT_EQ(load_dataset(entry_, "test", {{folder_.path()}}).count(), 1);
}

TEST_F(Download, NothingIsFetchedTwice) {
  HttpServer server({{"/f", {good_}}});
  get({server.url("/f")});
  get({server.url("/f")});
  EXPECT_EQ(server.requests().size(), 1u);
}

// A file that is there but damaged must be replaced, not trusted for its name.
TEST_F(Download, DamagedFileIsReplaced) {
  folder_.put("fake-set/test-images.gz", "damaged");
  HttpServer server({{"/f", {good_}}});
  get({server.url("/f")});
  EXPECT_EQ(downloaded(), good_);
}

TEST_F(Download, NextMirrorIsTriedAfterAFailure) {
  std::string wrong = good_;
  wrong.back() ^= 1;
  HttpServer server({{"/wrong", {wrong}}, {"/long", {good_ + std::string(1000, 'x')}}, {"/good", {good_}}});
  get({server.url("/missing"), server.url("/wrong"), server.url("/long"), server.url("/good")});
  EXPECT_EQ(downloaded(), good_);
  EXPECT_FALSE(partial_left());
}

TEST_F(Download, EveryMirrorsFaultIsTold) {
  std::string wrong = good_;
  wrong.back() ^= 1;
  HttpServer server({{"/wrong", {wrong}}});
  auto const message = message_of<DataError>([&] { get({server.url("/missing"), server.url("/wrong")}); });
  expect_mentions(message, {"test-images.gz", server.url("/missing"), "404", server.url("/wrong"),
                            sha256_hex(as_bytes(wrong)), entry_.test.front().sha256});
  EXPECT_FALSE(partial_left());
}

// An interrupted download of 562 MB must not begin again.
TEST_F(Download, PartialFileIsContinued) {
  put_part(good_.substr(0, 10));
  HttpServer server({{"/f", {good_}}});
  get({server.url("/f")});
  EXPECT_EQ(downloaded(), good_);
  ASSERT_EQ(server.requests().size(), 1u);
  expect_mentions(server.requests()[0], {"Range: bytes=10-", "Accept-Encoding: identity"});
}

TEST_F(Download, BrokenConnectionIsContinuedFromTheNextMirror) {
  HttpServer server({{"/cut", {good_, true, 12}}, {"/good", {good_}}});
  get({server.url("/cut"), server.url("/good")});
  EXPECT_EQ(downloaded(), good_);
  ASSERT_EQ(server.requests().size(), 2u);
  expect_mentions(server.requests()[1], {"Range: bytes=12-"});
}

TEST_F(Download, ServerWithoutRangesBeginsAgain) {
  put_part(good_.substr(0, 10));
  HttpServer server({{"/f", {good_, false}}});
  get({server.url("/f")});
  EXPECT_EQ(downloaded(), good_);
}

// The beginning came from elsewhere: only the whole hash can tell, and then the same mirror deserves a second try.
TEST_F(Download, DamagedPartialFileIsFetchedAgain) {
  put_part("not the beginning");
  HttpServer server({{"/f", {good_}}});
  get({server.url("/f")});
  EXPECT_EQ(downloaded(), good_);
  EXPECT_EQ(server.requests().size(), 2u);
}

// Killed between the last byte and the rename: no request is needed, and a wrong file of full length is dropped.
TEST_F(Download, CompletePartialFileIsChecked) {
  HttpServer server({{"/f", {good_}}});
  put_part(good_);
  get({server.url("/f")});
  EXPECT_EQ(downloaded(), good_);
  EXPECT_TRUE(server.requests().empty());
  fs::remove(folder_.path() / "fake-set/test-images.gz");
  put_part(std::string(good_.size() + 5, 'x'));
  get({server.url("/f")});
  EXPECT_EQ(downloaded(), good_);
}

// Another gzip of the same content (Debian's), or a server that decompresses on the way, is as good.
TEST_F(Download, SameContentInAnotherWrappingIsAccepted) {
  std::string const other = gzipped(kTestImages.substr(0, 5)) + gzipped(kTestImages.substr(5));
  entry_.test.front().bytes = static_cast<std::int64_t>(other.size());
  HttpServer server({{"/other", {other}}, {"/plain", {kTestImages}}});
  get({server.url("/other")});
  EXPECT_EQ(downloaded(), other);
  fs::remove(folder_.path() / "fake-set/test-images.gz");
  entry_.test.front().bytes = static_cast<std::int64_t>(good_.size());
  get({server.url("/plain")});
  EXPECT_EQ(contents(folder_.path() / "fake-set/test-images"), kTestImages);
}

// KMNIST's training files: the published hash is known, that of the content is not. A size alone must not pass for it.
TEST_F(Download, SizeDoesNotServeWhereTheHashIsKnown) {
  std::string other = kTestImages;
  other.back() ^= 1;
  entry_.test.front().content_sha256.clear();
  HttpServer server({{"/other", {gzipped(other)}}, {"/good", {good_}}});
  get({server.url("/other"), server.url("/good")});
  EXPECT_EQ(downloaded(), good_);
}

TEST_F(Download, ObserverCancelsAndThePartIsKept) {
  HttpServer server({{"/f", {good_}}});
  put_part(good_.substr(0, 10));
  EXPECT_THROW(get({server.url("/f")}, [](auto const&, auto) { throw std::logic_error("stop"); }), std::logic_error);
  EXPECT_TRUE(partial_left());
}

TEST_F(Download, ArchiveIsUnpackedAndRemoved) {
  std::string const zip = make_zip({{"gzip/test-images.gz", good_}, {"gzip/other.gz", "x"}});
  HttpServer server({{"/a.zip", {zip}}});
  entry_.test.front().archive = "a.zip";
  entry_.archives = {{.name = "a.zip",
                      .urls = {server.url("/a.zip")},
                      .bytes = static_cast<std::int64_t>(zip.size()),
                      .sha256 = sha256_hex(as_bytes(zip))}};
  get({});
  EXPECT_EQ(downloaded(), good_);
  EXPECT_FALSE(fs::exists(folder_.path() / "fake-set/a.zip"));
  get({});
  EXPECT_EQ(server.requests().size(), 1u);
}

// CIFAR comes as .tar.gz, and of its files only a size is known: the archive's hash vouches for them.
TEST_F(Download, TarArchiveIsUnpackedAndSizesServeWhereNoHashIsKnown) {
  std::string const tar = gzipped(make_tar({{"d/test-images", kTestImages}, {"d/readme", "x"}}));
  HttpServer server({{"/a.tar.gz", {tar}}});
  entry_.test.front() = {
      .name = "test-images", .content_bytes = static_cast<std::int64_t>(kTestImages.size()), .archive = "a.tar.gz"};
  entry_.archives = {{.name = "a.tar.gz",
                      .urls = {server.url("/a.tar.gz")},
                      .bytes = static_cast<std::int64_t>(tar.size()),
                      .sha256 = sha256_hex(as_bytes(tar))}};
  get({});
  EXPECT_EQ(contents(folder_.path() / "fake-set/test-images"), kTestImages);
  EXPECT_FALSE(fs::exists(folder_.path() / "fake-set/a.tar.gz"));
  get({});
  EXPECT_EQ(server.requests().size(), 1u) << "fetched again although the file is there";
  folder_.put("fake-set/test-images", "short");
  get({});
  EXPECT_EQ(contents(folder_.path() / "fake-set/test-images"), kTestImages) << "another size is another file";
  entry_.test.front().name = "other";
  expect_mentions(message_of<DataError>([&] { get({}); }), {"a.tar.gz", "no member 'other'"});
}

TEST_F(Download, SetWithoutSourceSaysWhatToDo) {
  expect_mentions(message_of<DataError>([&] { get({}); }), {"fake-set", "no download", "test-images.gz"});
}

TEST_F(Download, UnwritableFolderIsAnOutputError) {
  auto const blocked = folder_.put("blocked", "a file where a folder should be");
  EXPECT_THROW(download_dataset(entry_, blocked), IoError);
}

}  // namespace
}  // namespace mneme
