#include "mneme/data/catalogue_rows.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kSide = 28;

/// One of the six ways in which EMNIST is dealt out. All are members of one archive, so that the archive's hash vouches
/// for files whose own is not known.
CatalogueEntry variant(std::string const& name, std::string const& what, std::string_view classes,
                       std::int64_t train_count, std::int64_t test_count) {
  CatalogueFile const archive{.name = "gzip.zip",
                              .urls = {"https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip"},
                              .bytes = 561'753'746,
                              .sha256 = "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e"};
  CatalogueEntry entry;
  entry.name = "emnist-" + name;
  entry.title = "EMNIST " + what;
  entry.licence = "derived from NIST Special Database 19, a work of the US government";
  entry.citation =
      "G. Cohen, S. Afshar, J. Tapson, A. van Schaik. EMNIST: an extension of MNIST to handwritten letters. "
      "arXiv:1702.05373, 2017.";
  entry.homepage = "https://www.nist.gov/itl/products-and-services/emnist-dataset";
  entry.note = "the download is one archive of 562 MB with all variants, of which this one's files are kept";
  entry.archives = {archive};
  constexpr std::int64_t kImageHeader = 16, kLabelHeader = 8;
  for (auto const& [split, count] : {std::pair("train", train_count), std::pair("test", test_count)}) {
    std::string const stem = entry.name + "-" + split;
    auto& files = std::string_view(split) == "train" ? entry.train : entry.test;
    files = {{.name = stem + "-images-idx3-ubyte.gz",
              .content_bytes = kImageHeader + count * kSide * kSide,
              .archive = archive.name},
             {.name = stem + "-labels-idx1-ubyte.gz", .content_bytes = kLabelHeader + count, .archive = archive.name}};
  }
  entry.transposed = true;
  entry.class_names = characters(classes);
  entry.classes = static_cast<int>(entry.class_names.size());
  entry.height = entry.width = kSide;
  entry.train_count = train_count;
  entry.test_count = test_count;
  entry.folders = {entry.name, "emnist", "EMNIST", "EMNIST/raw"};
  return entry;
}

void set_hashes(CatalogueFile& file, std::int64_t bytes, std::string sha256, std::string content_sha256) {
  file.bytes = bytes;
  file.sha256 = std::move(sha256);
  file.content_sha256 = std::move(content_sha256);
}

CatalogueEntry letters() {
  auto entry =
      variant("letters", "Letters, handwritten letters of both cases", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", 124'800, 20'800);
  entry.aliases = {"emnist"};
  entry.label_offset = 1;
  set_hashes(entry.train[0], 30'804'864, "6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f",
             "7a786db773b2096a7b9a3f3275388a27711f4451548c3ca8be96f09ae94371ae");
  set_hashes(entry.train[1], 79'283, "9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c",
             "e8e94c3f4353d5532fd9604b939cb4c76e7847945b9b0d9ff7884d881dead6bc");
  set_hashes(entry.test[0], 5'039'157, "50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d",
             "d5895e82d14765b22a84342337bc5c25f1affd61cc97d3821d4e65504bbf8dbc");
  set_hashes(entry.test[1], 144, "924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb",
             "22dbcde0a929a7f166bdac863b9195b2994d840a1e082f8f6daaeac5606376a6");
  return entry;
}

}  // namespace

std::vector<CatalogueEntry> emnist_rows() {
  constexpr std::string_view kDigits = "0123456789";
  // Merged: small letters that look like their capitals are one class with them.
  constexpr std::string_view kMerged = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt";
  return {letters(),
          variant("byclass", "ByClass, digits and letters as they are found",
                  "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", 697'932, 116'323),
          variant("bymerge", "ByMerge, digits and letters, cases that look alike merged", kMerged, 697'932, 116'323),
          variant("balanced", "Balanced, as ByMerge with equally many of each class", kMerged, 112'800, 18'800),
          variant("digits", "Digits, equally many of each", kDigits, 240'000, 40'000),
          variant("mnist", "MNIST, digits dealt out as in MNIST", kDigits, 60'000, 10'000)};
}

}  // namespace mneme
