#include "mneme/data/catalogue_rows.hpp"
#include "mneme/io/cifar.hpp"

namespace mneme {
namespace {

constexpr std::int64_t kSide = 32, kChannels = 3;

void describe_images(CatalogueEntry& entry, std::vector<std::string> class_names, std::int64_t train_count,
                     std::int64_t test_count) {
  entry.class_names = std::move(class_names);
  entry.classes = static_cast<int>(entry.class_names.size());
  entry.height = entry.width = kSide;
  entry.channels = kChannels;
  entry.train_count = train_count;
  entry.test_count = test_count;
}

/// What both sets of CIFAR have in common.
CatalogueEntry cifar(std::string const& name, CatalogueFile const& archive) {
  CatalogueEntry entry;
  entry.name = name;
  entry.licence = "none stated by the author; research use by custom";
  entry.citation = "A. Krizhevsky. Learning multiple layers of features from tiny images. University of Toronto, 2009.";
  entry.homepage = "https://www.cs.toronto.edu/~kriz/cifar.html";
  entry.archives = {archive};
  return entry;
}

CatalogueEntry cifar10() {
  constexpr std::int64_t kBytes = 30'730'000;
  auto const archive = mirrored({"https://www.cs.toronto.edu/~kriz/"},
                                {.name = "cifar-10-binary.tar.gz",
                                 .bytes = 170'052'171,
                                 .sha256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"});
  auto entry = cifar("cifar10", archive);
  entry.title = "CIFAR-10 colour images of animals and vehicles";
  entry.aliases = {"cifar-10"};
  entry.format = SetFormat::kCifar10;
  for (int batch = 1; batch <= 5; ++batch)
    entry.train.push_back(
        {.name = "data_batch_" + std::to_string(batch) + ".bin", .content_bytes = kBytes, .archive = archive.name});
  entry.test = {{.name = "test_batch.bin", .content_bytes = kBytes, .archive = archive.name}};
  describe_images(entry, cifar_class_names(CifarLabels::kTen), 50'000, 10'000);
  entry.folders = {"cifar10", "cifar-10-batches-bin", "CIFAR10/cifar-10-batches-bin"};
  return entry;
}

CatalogueEntry cifar100() {
  auto const archive = mirrored({"https://www.cs.toronto.edu/~kriz/"},
                                {.name = "cifar-100-binary.tar.gz",
                                 .bytes = 168'513'733,
                                 .sha256 = "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"});
  auto entry = cifar("cifar100", archive);
  entry.title = "CIFAR-100 colour images in 100 fine classes";
  entry.aliases = {"cifar-100"};
  entry.format = SetFormat::kCifar100;
  entry.train = {{.name = "train.bin",
                  .content_sha256 = "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
                  .content_bytes = 153'700'000,
                  .archive = archive.name}};
  entry.test = {{.name = "test.bin",
                 .content_sha256 = "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
                 .content_bytes = 30'740'000,
                 .archive = archive.name}};
  describe_images(entry, cifar_class_names(CifarLabels::kFine), 50'000, 10'000);
  entry.folders = {"cifar100", "cifar-100-binary", "CIFAR100/cifar-100-binary"};
  return entry;
}

CatalogueEntry cifar100_coarse() {
  auto entry = cifar100();
  entry.name = "cifar100-coarse";
  entry.title = "CIFAR-100 colour images in 20 coarse classes";
  entry.aliases = {};
  entry.format = SetFormat::kCifar100Coarse;
  describe_images(entry, cifar_class_names(CifarLabels::kCoarse), 50'000, 10'000);
  return entry;
}

CatalogueEntry svhn() {
  std::vector<std::string> const mirrors{"http://ufldl.stanford.edu/housenumbers/"};
  auto const file = [&](std::string const& name, std::int64_t bytes, std::string const& sha256) {
    return mirrored(mirrors,
                    {.name = name, .bytes = bytes, .sha256 = sha256, .content_sha256 = sha256, .content_bytes = bytes});
  };
  CatalogueEntry entry;
  entry.name = "svhn";
  entry.title = "SVHN colour images of house numbers' digits, cropped";
  entry.licence = "non-commercial use only";
  entry.citation =
      "Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng. Reading digits in natural images with unsupervised "
      "feature learning. NIPS Workshop on Deep Learning and Unsupervised Feature Learning, 2011.";
  entry.homepage = "http://ufldl.stanford.edu/housenumbers/";
  entry.note = "non-commercial use only";
  entry.format = SetFormat::kSvhn;
  entry.train = {
      file("train_32x32.mat", 182'040'794, "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8")};
  entry.test = {file("test_32x32.mat", 64'275'384, "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b")};
  describe_images(entry, characters("0123456789"), 73'257, 26'032);
  entry.folders = {"svhn", "SVHN"};
  return entry;
}

CatalogueEntry svhn_gray() {
  constexpr std::int64_t kImageHeader = 16, kLabelHeader = 8, kTrain = 15'847, kTest = 3'952;
  auto entry = svhn();
  entry.name = "svhn-gray";
  entry.title = "SVHN-gray (derived): digits cut from test images of SVHN's format 1, in gray";
  entry.note =
      "not SVHN's own cut, and not comparable with published figures: idx files are made from the gray test images, "
      "each "
      "digit the square around its box, 32 x 32; images whose number is divisible by 5 test, the others train. "
      "Non-commercial use only";
  entry.format = SetFormat::kIdx;
  entry.train = {{.name = "svhn-gray-train-images-idx3-ubyte.gz",
                  .content_sha256 = "49f59a3628179cef59116351f89828b71c82cfa856c68dc71c611d19331263a9",
                  .content_bytes = kImageHeader + kTrain * kSide * kSide},
                 {.name = "svhn-gray-train-labels-idx1-ubyte.gz",
                  .content_sha256 = "8d6be0bb01c72b8dffcc7dc27a82b9be0d9a331e6f217e6dd4e2fb37b81c8d96",
                  .content_bytes = kLabelHeader + kTrain}};
  entry.test = {{.name = "svhn-gray-test-images-idx3-ubyte.gz",
                 .content_sha256 = "95853f5c2989f808e95c7cca78dd6b2f5c791f241337595ef421d0bcee7af029",
                 .content_bytes = kImageHeader + kTest * kSide * kSide},
                {.name = "svhn-gray-test-labels-idx1-ubyte.gz",
                 .content_sha256 = "b2d87eb3179abe8d4e7cf15e1635e6d625d32d7d375e73d71a95a61558918653",
                 .content_bytes = kLabelHeader + kTest}};
  entry.channels = 1;
  entry.train_count = kTrain;
  entry.test_count = kTest;
  entry.folders = {"svhn-gray", "svhn_gray_derived"};
  return entry;
}

}  // namespace

std::vector<CatalogueEntry> colour_rows() { return {cifar10(), cifar100(), cifar100_coarse(), svhn(), svhn_gray()}; }

}  // namespace mneme
