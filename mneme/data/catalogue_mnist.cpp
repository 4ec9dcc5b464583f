#include "mneme/data/catalogue_rows.hpp"

namespace mneme {
namespace {

CatalogueEntry mnist() {
  std::vector<std::string> const mirrors{"https://ossci-datasets.s3.amazonaws.com/mnist/",
                                         "https://storage.googleapis.com/cvdf-datasets/mnist/",
                                         "http://yann.lecun.com/exdb/mnist/"};
  CatalogueEntry entry;
  entry.name = "mnist";
  entry.title = "MNIST handwritten digits";
  entry.licence = "none stated by the authors; commonly given as CC BY-SA 3.0";
  entry.citation =
      "Y. LeCun, L. Bottou, Y. Bengio, P. Haffner. Gradient-based learning applied to document "
      "recognition. Proceedings of the IEEE 86(11), 1998.";
  entry.homepage = "http://yann.lecun.com/exdb/mnist/";
  entry.train = {
      mirrored(mirrors, {.name = "train-images-idx3-ubyte.gz",
                         .bytes = 9'912'422,
                         .sha256 = "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                         .content_sha256 = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                         .content_bytes = 47'040'016}),
      mirrored(mirrors, {.name = "train-labels-idx1-ubyte.gz",
                         .bytes = 28'881,
                         .sha256 = "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                         .content_sha256 = "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                         .content_bytes = 60'008})};
  entry.test = {mirrored(mirrors, {.name = "t10k-images-idx3-ubyte.gz",
                                   .bytes = 1'648'877,
                                   .sha256 = "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                                   .content_sha256 = "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                                   .content_bytes = 7'840'016}),
                mirrored(mirrors, {.name = "t10k-labels-idx1-ubyte.gz",
                                   .bytes = 4'542,
                                   .sha256 = "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                                   .content_sha256 = "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                                   .content_bytes = 10'008})};
  entry.classes = 10;
  entry.height = entry.width = 28;
  entry.train_count = 60'000;
  entry.test_count = 10'000;
  entry.class_names = characters("0123456789");
  entry.folders = {"mnist", "MNIST", "MNIST/raw"};
  return entry;
}

CatalogueEntry fashion_mnist() {
  std::vector<std::string> const mirrors{"https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
                                         "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"};
  CatalogueEntry entry;
  entry.name = "fashion-mnist";
  entry.title = "Fashion-MNIST articles of clothing";
  entry.licence = "MIT, Copyright (c) 2017 Zalando SE";
  entry.citation =
      "H. Xiao, K. Rasul, R. Vollgraf. Fashion-MNIST: a novel image dataset for benchmarking machine "
      "learning algorithms. arXiv:1708.07747, 2017.";
  entry.homepage = "https://github.com/zalandoresearch/fashion-mnist";
  entry.aliases = {"fashion", "fmnist"};
  entry.train = {
      mirrored(mirrors, {.name = "train-images-idx3-ubyte.gz",
                         .bytes = 26'421'880,
                         .sha256 = "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                         .content_sha256 = "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                         .content_bytes = 47'040'016}),
      mirrored(mirrors, {.name = "train-labels-idx1-ubyte.gz",
                         .bytes = 29'515,
                         .sha256 = "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                         .content_sha256 = "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                         .content_bytes = 60'008})};
  entry.test = {mirrored(mirrors, {.name = "t10k-images-idx3-ubyte.gz",
                                   .bytes = 4'422'102,
                                   .sha256 = "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                                   .content_sha256 = "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                                   .content_bytes = 7'840'016}),
                mirrored(mirrors, {.name = "t10k-labels-idx1-ubyte.gz",
                                   .bytes = 5'148,
                                   .sha256 = "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                                   .content_sha256 = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                                   .content_bytes = 10'008})};
  entry.classes = 10;
  entry.height = entry.width = 28;
  entry.train_count = 60'000;
  entry.test_count = 10'000;
  entry.class_names = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                       "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  entry.folders = {"fashion-mnist", "FashionMNIST", "FashionMNIST/raw"};
  return entry;
}

CatalogueEntry kmnist() {
  std::vector<std::string> const mirrors{"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"};
  CatalogueEntry entry;
  entry.name = "kmnist";
  entry.title = "KMNIST cursive Japanese characters";
  entry.licence =
      "CC BY-SA 4.0: 'KMNIST Dataset' (created by CODH), adapted from 'Kuzushiji Dataset' (created by NIJL "
      "and others), doi:10.20676/00000341";
  entry.citation =
      "T. Clanuwat, M. Bober-Irizar, A. Kitamoto, A. Lamb, K. Yamamoto, D. Ha. Deep learning for classical "
      "Japanese literature. arXiv:1812.01718, 2018.";
  entry.homepage = "http://codh.rois.ac.jp/kmnist/";
  entry.note = "where only the test files are at hand, kmnist-8k splits those";
  entry.train = {mirrored(mirrors, {.name = "train-images-idx3-ubyte.gz",
                                    .bytes = 18'165'135,
                                    .sha256 = "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
                                    .content_bytes = 47'040'016}),
                 mirrored(mirrors, {.name = "train-labels-idx1-ubyte.gz",
                                    .bytes = 29'497,
                                    .sha256 = "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
                                    .content_bytes = 60'008})};
  entry.test = {mirrored(mirrors, {.name = "t10k-images-idx3-ubyte.gz",
                                   .bytes = 3'041'136,
                                   .sha256 = "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
                                   .content_sha256 = "76fbd229ce87db80dd281af5e6670de4ad0e42fb30a7bd643972994c47c1f42e",
                                   .content_bytes = 7'840'016}),
                mirrored(mirrors, {.name = "t10k-labels-idx1-ubyte.gz",
                                   .bytes = 5'120,
                                   .sha256 = "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
                                   .content_sha256 = "a11dc742be8e781a40a92f53d6a4957e7b7d36df2faa097659131ebfd8fd60c6",
                                   .content_bytes = 10'008})};
  entry.classes = 10;
  entry.height = entry.width = 28;
  entry.train_count = 60'000;
  entry.test_count = 10'000;
  entry.class_names = {"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"};
  entry.folders = {"kmnist", "KMNIST", "KMNIST/raw"};
  return entry;
}

CatalogueEntry kmnist_8k() {
  CatalogueEntry entry = kmnist();
  entry.name = "kmnist-8k";
  entry.title = "KMNIST, test files only: 8,000 to train, 2,000 to test";
  entry.note =
      "the first 80 % of KMNIST's test files train, the last 20 % test; results are not comparable with "
      "published ones";
  entry.train = entry.test;
  entry.cut_from_one = true;
  entry.train_count = 8'000;
  entry.test_count = 2'000;
  return entry;
}

CatalogueEntry notmnist_8k() {
  std::vector<std::string> const mirrors{
      "https://raw.githubusercontent.com/davidflanagan/notMNIST-to-MNIST/c58c29ff93d7b8c809c449b380a232f9f39909fd/"};
  CatalogueEntry entry;
  entry.name = "notmnist-8k";
  entry.title = "notMNIST, glyphs A to J of many fonts: 8,000 to train, 2,000 to test";
  entry.licence = "none stated for the glyphs; these files were posted with the author's permission, MIT repository";
  entry.citation = "Y. Bulatov. notMNIST dataset. 2011.";
  entry.homepage = "https://github.com/davidflanagan/notMNIST-to-MNIST";
  entry.note =
      "the first 80 % of the 10,000 glyphs of the test files train, the last 20 % test; results are not comparable "
      "with published ones";
  entry.aliases = {"notmnist"};
  entry.test = {mirrored(mirrors, {.name = "t10k-images-idx3-ubyte.gz",
                                   .bytes = 3'172'375,
                                   .sha256 = "70ae9e06201f2827e5b0a3781a3169d735dd2efc69996b9eeaee7f10ed4044d7",
                                   .content_sha256 = "8e7f38ae95cc8f48e0986175ffc9137e5007ebcf3d8fdf6656c904eb9dab198b",
                                   .content_bytes = 7'840'016}),
                mirrored(mirrors, {.name = "t10k-labels-idx1-ubyte.gz",
                                   .bytes = 5'118,
                                   .sha256 = "1fa03836e01c862542f8eb83463bb951bebec6fcb3efa28dad748c6b38a9021b",
                                   .content_sha256 = "5f8e6012f2ce730700d8d05fca098bc47f71d25b890e4bec7ac5ebfd614a4001",
                                   .content_bytes = 10'008})};
  entry.train = entry.test;
  entry.cut_from_one = true;
  entry.classes = 10;
  entry.height = entry.width = 28;
  entry.train_count = 8'000;
  entry.test_count = 2'000;
  entry.class_names = characters("ABCDEFGHIJ");
  entry.folders = {"notmnist-8k", "notmnist", "notMNIST"};
  return entry;
}

CatalogueEntry usps() {
  CatalogueEntry entry;
  entry.name = "usps";
  entry.title = "USPS handwritten digits";
  entry.licence =
      "none stated; US Postal Service, distributed for research with Hastie, Tibshirani and Friedman's book";
  entry.citation =
      "J. J. Hull. A database for handwritten text recognition research. IEEE Transactions on Pattern "
      "Analysis and Machine Intelligence 16(5), 1994.";
  entry.homepage = "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html";
  entry.note =
      "published as text, which is not read: idx files are made from its values v in [-1, 1], given with three "
      "decimals, as pixel = floor(round(1000 (v + 1)) * 255 / 2000), labels 0 to 9 in the published order";
  entry.train = {{.name = "usps-train-images-idx3-ubyte.gz",
                  .content_sha256 = "6da02a70b8cb3130e66bc025c1de0280b0a4cfc90de5bbbb66f7b70940271041",
                  .content_bytes = 1'866'512},
                 {.name = "usps-train-labels-idx1-ubyte.gz",
                  .content_sha256 = "ca21dd4e5a91233d38069e4f468988d3b56f6ce37e1a579a5ad1bd02395488c6",
                  .content_bytes = 7'299}};
  entry.test = {{.name = "usps-test-images-idx3-ubyte.gz",
                 .content_sha256 = "169fa3f2e7368cad2aac78265461653fb457cf57757f6fd705f68a7e5c291593",
                 .content_bytes = 513'808},
                {.name = "usps-test-labels-idx1-ubyte.gz",
                 .content_sha256 = "9d60836db74a1ffe67829f9a2546bd594d5d321f778dbca1578c041da94483a2",
                 .content_bytes = 2'015}};
  entry.classes = 10;
  entry.height = entry.width = 16;
  entry.train_count = 7'291;
  entry.test_count = 2'007;
  entry.class_names = characters("0123456789");
  entry.folders = {"usps", "USPS"};
  return entry;
}

}  // namespace

std::vector<CatalogueEntry> mnist_rows() {
  return {mnist(), fashion_mnist(), kmnist(), kmnist_8k(), notmnist_8k(), usps()};
}

}  // namespace mneme
