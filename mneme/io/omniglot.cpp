#include "mneme/io/omniglot.hpp"

#include <charconv>
#include <fstream>
#include <list>
#include <map>
#include <optional>
#include <tuple>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/image_file.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

constexpr std::uint64_t kLargestDrawing = 1 << 20;  // bytes; the published ones have some hundred

struct Drawing {
  ZipReader const* archive;
  ZipMember const* member;
};

/// The last parts of a member's path.
struct Place {
  std::string alphabet, character, file;
  [[nodiscard]] std::string path() const { return alphabet + "/" + character + "/" + file; }
  bool operator<(Place const& other) const {
    return std::tie(alphabet, character, file) < std::tie(other.alphabet, other.character, other.file);
  }
};

/// nullopt for what is no picture two folders deep; hidden files (of macOS) are none either.
std::optional<Place> place_of(std::string const& path) {
  auto const file = path.rfind('/');
  if (file == std::string::npos || file == 0 || !path.ends_with(".png") || path[file + 1] == '.') return std::nullopt;
  auto const character = path.rfind('/', file - 1);
  if (character == std::string::npos || character == 0) return std::nullopt;
  auto const alphabet = path.rfind('/', character - 1);
  auto const begin = alphabet == std::string::npos ? 0 : alphabet + 1;
  return Place{path.substr(begin, character - begin), path.substr(character + 1, file - character - 1),
               path.substr(file + 1)};
}

/// 7 of "0108_07.png".
int drawing_number(Place const& place, std::string const& archive) {
  auto const digits = place.file.find('_') + 1;
  auto const* const end = place.file.data() + place.file.size() - std::string_view(".png").size();
  int number = 0;
  auto const [rest, error] = std::from_chars(place.file.data() + digits, end, number);
  if (digits == 0 || error != std::errc{} || rest != end)
    throw DataError(archive + ": '" + place.path() + "' has no number of a drawing; expected <number>_<drawing>.png");
  return number;
}

/// Bright strokes on black.
Image picture(std::vector<std::uint8_t> const& bytes, std::string const& name, std::int64_t size) {
  auto image = decode_image(bytes, name, 1);
  if (size > 0) image = resize_image(image, size, size);
  for (auto& pixel : image.pixels) pixel = static_cast<std::uint8_t>(UINT8_MAX - pixel);
  return image;
}

}  // namespace

LabelledData read_omniglot(std::vector<ZipReader> const& archives, OmniglotOptions const& options) {
  std::map<Place, Drawing> drawings;
  for (auto const& archive : archives)
    for (auto const& member : archive.members())
      if (auto const place = place_of(member.name)) drawings.emplace(*place, Drawing{&archive, &member});
  LabelledData data;
  Sha256 hash;
  for (auto const& [place, drawing] : drawings) {
    auto const number = drawing_number(place, drawing.archive->name());
    auto const name = options.alphabets ? place.alphabet : place.alphabet + "/" + place.character;
    if (data.class_names.empty() || data.class_names.back() != name) data.class_names.push_back(name);
    if (number < options.first_drawing || number > options.last_drawing) continue;
    auto const bytes = drawing.archive->read(*drawing.member, kLargestDrawing);
    hash.update(as_bytes(place.path() + "\n"));
    hash.update(bytes);
    auto const image = picture(bytes, drawing.archive->name() + ", " + drawing.member->name, options.size);
    if (data.shape.empty()) data.shape = {0, 1, image.height, image.width};
    if (image.height != data.shape[2] || image.width != data.shape[3])
      throw DataError(drawing.archive->name() + ": '" + place.path() + "' is " + std::to_string(image.height) + " x " +
                      std::to_string(image.width) + ", those before it " + std::to_string(data.shape[2]) + " x " +
                      std::to_string(data.shape[3]) + "; give a size");
    data.pixels.insert(data.pixels.end(), image.pixels.begin(), image.pixels.end());
    data.labels.push_back(static_cast<std::int64_t>(data.class_names.size()) - 1);
  }
  if (data.labels.empty())
    throw DataError((archives.empty() ? "" : archives.front().name() + ": ") + std::string("holds no drawings; ") +
                    "expected <alphabet>/<character>/<number>_<drawing>.png");
  data.shape.front() = static_cast<std::int64_t>(data.labels.size());
  data.sha256 = hash.hex();
  return data;
}

LabelledData read_omniglot(std::vector<std::filesystem::path> const& archives, OmniglotOptions const& options) {
  std::list<std::ifstream> streams;
  std::vector<ZipReader> readers;
  for (auto const& path : archives) {
    auto& stream = streams.emplace_back(path, std::ios::binary);
    if (!stream) throw DataError(path.string() + ": no such file, or it cannot be opened");
    readers.emplace_back(stream, path.string());
  }
  return read_omniglot(readers, options);
}

}  // namespace mneme
