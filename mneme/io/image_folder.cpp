#include "mneme/io/image_folder.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <string>
#include <vector>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

bool is_picture(fs::directory_entry const& entry) {
  std::string ending = entry.path().extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  constexpr std::array kEndings{".png", ".jpg", ".jpeg", ".bmp"};
  return entry.is_regular_file() && std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

template <class Predicate>
std::vector<fs::path> sorted_entries(fs::path const& dir, Predicate const& wanted) {
  std::vector<fs::path> paths;
  try {
    for (auto const& entry : fs::directory_iterator(dir)) {
      if (wanted(entry)) paths.push_back(entry.path());
    }
  } catch (fs::filesystem_error const& error) {
    throw DataError(dir.string() + ": the folder cannot be read: " + error.code().message());
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string describe(Image const& image) {
  return std::to_string(image.height) + " x " + std::to_string(image.width) + " with " +
         std::to_string(image.channels) + " channel" + (image.channels == 1 ? "" : "s");
}

}  // namespace

LabelledData read_image_folder(fs::path const& dir, ImageFolderOptions const& options) {
  if ((options.height > 0) != (options.width > 0)) {
    throw ConfigError(dir.string() + ": give both height and width to resize, or neither");
  }
  LabelledData data;
  Sha256 hash;
  Image first;
  fs::path first_path;
  auto const add = [&](fs::path const& file, std::string const& name, std::int64_t label) {
    auto const bytes = read_file(file);
    hash.update(as_bytes(name + "\n"));
    hash.update(bytes);
    Image image = decode_image(bytes, file.string(), options.channels);
    if (options.height > 0) image = resize_image(image, options.height, options.width);
    if (options.bring) image = options.bring(image);
    if (data.labels.empty()) {
      first = image;
      first_path = file;
    }
    if (image.channels != first.channels || image.height != first.height || image.width != first.width) {
      throw DataError(file.string() + ": is " + describe(image) + ", but " + first_path.string() + " is " +
                      describe(first) + "; set channels, height and width to make them equal");
    }
    data.pixels.insert(data.pixels.end(), image.pixels.begin(), image.pixels.end());
    data.labels.push_back(label);
  };
  for (auto const& folder : sorted_entries(dir, [](auto const& entry) { return entry.is_directory(); })) {
    auto const files = sorted_entries(folder, is_picture);
    if (files.empty()) continue;
    auto const label = static_cast<std::int64_t>(data.class_names.size());
    auto const name = folder.filename().string();
    data.class_names.push_back(name);
    for (auto const& file : files) add(file, name + "/" + file.filename().string(), label);
  }
  if (data.labels.empty())
    for (auto const& file : sorted_entries(dir, is_picture)) add(file, file.filename().string(), -1);
  if (data.labels.empty()) {
    throw DataError(
        dir.string() +
        ": holds no pictures; expected <class>/<file>, or <file> without classes, with .png, .jpg, .jpeg or .bmp");
  }
  data.shape = {static_cast<std::int64_t>(data.labels.size()), first.channels, first.height, first.width};
  data.sha256 = hash.hex();
  return data;
}

}  // namespace mneme
