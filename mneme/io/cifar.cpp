#include "mneme/io/cifar.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kChannels = 3, kSide = 32;
constexpr std::size_t kPicture = 3072;

struct Layout {
  std::size_t label_bytes;
  std::size_t label_at;
  [[nodiscard]] std::size_t record() const { return label_bytes + kPicture; }
};

Layout layout_of(CifarLabels labels) {
  if (labels == CifarLabels::kTen) return {1, 0};
  return {2, labels == CifarLabels::kFine ? std::size_t{1} : 0};
}

/// Why bytes that are no whole records may be what they are.
std::string other_set(std::size_t size, CifarLabels labels) {
  bool const ten = labels == CifarLabels::kTen;
  auto const other = layout_of(ten ? CifarLabels::kFine : CifarLabels::kTen).record();
  if (size % other != 0) return {};
  return std::string("; its size fits the records of ") + (ten ? "CIFAR-100" : "CIFAR-10");
}

void append_records(LabelledData& data, std::span<std::uint8_t const> bytes, std::string const& name,
                    CifarLabels labels) {
  auto const layout = layout_of(labels);
  std::size_t const count = bytes.size() / layout.record();
  if (bytes.empty() || bytes.size() % layout.record() != 0) {
    throw_damaged(name, count * layout.record(),
                  bytes.empty() ? "has no records"
                                : "ends within record " + std::to_string(count) + ", counted from 0: a record has " +
                                      std::to_string(layout.record()) + " bytes" + other_set(bytes.size(), labels));
  }
  auto const classes = data.class_names.size();
  data.pixels.reserve(data.pixels.size() + count * kPicture);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t const at = i * layout.record();
    std::size_t const label = bytes[at + layout.label_at];
    if (label >= classes) {
      throw_damaged(name, at + layout.label_at,
                    "the label of record " + std::to_string(i) + " is " + std::to_string(label) + ", outside 0.." +
                        std::to_string(classes - 1) + other_set(bytes.size(), labels));
    }
    data.labels.push_back(static_cast<std::int64_t>(label));
    auto const picture = bytes.subspan(at + layout.label_bytes, kPicture);
    data.pixels.insert(data.pixels.end(), picture.begin(), picture.end());
  }
  data.shape = {static_cast<std::int64_t>(data.labels.size()), kChannels, kSide, kSide};
}

std::vector<fs::path> records_of(fs::path const& folder, std::string const& split) {
  std::vector<fs::path> files;
  std::error_code error;
  for (auto const& entry : fs::directory_iterator(folder, error)) {
    auto const name = entry.path().filename().string();
    bool const records = name.ends_with(".bin") || name.ends_with(".bin.gz");
    if (records && name.starts_with("test") == (split == "test")) files.push_back(entry.path());
  }
  if (error) throw DataError(folder.string() + ": the folder cannot be read: " + error.message());
  if (files.empty())
    throw DataError(folder.string() + ": holds no records to " + split + (split == "test" ? "" : " on") +
                    "; expected *.bin files, those of the test set beginning with 'test'");
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<std::string> const& cifar_class_names(CifarLabels labels) {
  static std::vector<std::string> const ten{"airplane", "automobile", "bird",  "cat",  "deer",
                                            "dog",      "frog",       "horse", "ship", "truck"};
  static std::vector<std::string> const fine{
      "apple",      "aquarium_fish", "baby",         "bear",       "beaver",      "bed",         "bee",
      "beetle",     "bicycle",       "bottle",       "bowl",       "boy",         "bridge",      "bus",
      "butterfly",  "camel",         "can",          "castle",     "caterpillar", "cattle",      "chair",
      "chimpanzee", "clock",         "cloud",        "cockroach",  "couch",       "crab",        "crocodile",
      "cup",        "dinosaur",      "dolphin",      "elephant",   "flatfish",    "forest",      "fox",
      "girl",       "hamster",       "house",        "kangaroo",   "keyboard",    "lamp",        "lawn_mower",
      "leopard",    "lion",          "lizard",       "lobster",    "man",         "maple_tree",  "motorcycle",
      "mountain",   "mouse",         "mushroom",     "oak_tree",   "orange",      "orchid",      "otter",
      "palm_tree",  "pear",          "pickup_truck", "pine_tree",  "plain",       "plate",       "poppy",
      "porcupine",  "possum",        "rabbit",       "raccoon",    "ray",         "road",        "rocket",
      "rose",       "sea",           "seal",         "shark",      "shrew",       "skunk",       "skyscraper",
      "snail",      "snake",         "spider",       "squirrel",   "streetcar",   "sunflower",   "sweet_pepper",
      "table",      "tank",          "telephone",    "television", "tiger",       "tractor",     "train",
      "trout",      "tulip",         "turtle",       "wardrobe",   "whale",       "willow_tree", "wolf",
      "woman",      "worm"};
  static std::vector<std::string> const coarse{"aquatic_mammals",
                                               "fish",
                                               "flowers",
                                               "food_containers",
                                               "fruit_and_vegetables",
                                               "household_electrical_devices",
                                               "household_furniture",
                                               "insects",
                                               "large_carnivores",
                                               "large_man-made_outdoor_things",
                                               "large_natural_outdoor_scenes",
                                               "large_omnivores_and_herbivores",
                                               "medium_mammals",
                                               "non-insect_invertebrates",
                                               "people",
                                               "reptiles",
                                               "small_mammals",
                                               "trees",
                                               "vehicles_1",
                                               "vehicles_2"};
  switch (labels) {
    case CifarLabels::kFine:
      return fine;
    case CifarLabels::kCoarse:
      return coarse;
    default:
      return ten;
  }
}

CifarRecords::CifarRecords(CifarLabels labels) : labels_(labels) { data_.class_names = cifar_class_names(labels); }

void CifarRecords::add(std::span<std::uint8_t const> bytes, std::string const& name) {
  append_records(data_, bytes, name, labels_);
  hash_.update(bytes);
}

LabelledData CifarRecords::take() {
  data_.sha256 = hash_.hex();
  return std::move(data_);
}

LabelledData parse_cifar(std::span<std::uint8_t const> bytes, std::string const& name, CifarLabels labels) {
  CifarRecords records(labels);
  records.add(bytes, name);
  return records.take();
}

LabelledData read_cifar(fs::path const& path, std::string const& split, CifarLabels labels) {
  CifarRecords records(labels);
  for (auto const& file : fs::is_directory(path) ? records_of(path, split) : std::vector{path})
    records.add(read_file_decompressed(file), file.string());
  return records.take();
}

}  // namespace mneme
