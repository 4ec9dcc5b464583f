#include "mneme/data/locate.hpp"

#include <algorithm>
#include <cstdlib>
#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

struct SplitFiles {
  CatalogueFile const& images;
  CatalogueFile const& labels;
};

SplitFiles files_of_split(CatalogueEntry const& entry, std::string const& split) {
  if (split == "train") return {entry.train_images, entry.train_labels};
  if (split == "test") return {entry.test_images, entry.test_labels};
  throw ConfigError("unknown split '" + split + "' of data set '" + entry.name + "': 'train' or 'test'");
}

std::string environment(char const* name) {
  char const* value = std::getenv(name);
  return value ? value : "";
}

std::vector<std::string> folder_names(CatalogueEntry const& entry) {
  std::vector<std::string> names = entry.folders;
  names.push_back(entry.name);
  names.insert(names.end(), entry.aliases.begin(), entry.aliases.end());
  for (std::size_t i = 0, count = names.size(); i < count; ++i) {
    std::string spelled = names[i];
    std::replace(spelled.begin(), spelled.end(), '-', '_');
    if (spelled != names[i]) names.push_back(spelled);
  }
  return names;
}

bool bears_name_of(fs::path const& folder, CatalogueEntry const& entry) {
  auto const names = folder_names(entry);
  auto const last = (folder.has_filename() ? folder : folder.parent_path()).filename().string();
  return std::find(names.begin(), names.end(), last) != names.end();
}

/// MNIST, Fashion-MNIST and KMNIST share their file names, so a folder called after one of them holds only that one.
bool belongs_to_another(fs::path const& folder, CatalogueEntry const& entry) {
  auto const sets = catalogue();
  return !bears_name_of(folder, entry) &&
         std::any_of(sets.begin(), sets.end(), [&](auto const& other) { return bears_name_of(folder, other); });
}

std::optional<fs::path> find_file(fs::path const& folder, CatalogueFile const& file) {
  std::error_code ignored;
  for (auto const& name : {fs::path(file.name), fs::path(file.name).replace_extension()}) {
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  return std::nullopt;
}

std::vector<fs::path> places(CatalogueEntry const& entry, DataSearch const& search) {
  std::vector<fs::path> places;
  for (auto const& folder : search.folders) {
    for (auto const& name : folder_names(entry)) places.push_back(folder / name);
    if (!belongs_to_another(folder, entry)) places.push_back(folder);
  }
  return places;
}

std::string searched_folders(DataSearch const& search) {
  std::vector<std::string> folders;
  for (auto const& folder : search.folders) folders.push_back(folder.string());
  return folders.empty() ? "no folder" : join(folders);
}

/// " (which is t10k-images-idx3-ubyte of fashion-mnist)" when the content is that of another catalogued file.
std::string known_as(std::string const& content_sha256) {
  for (auto const& entry : catalogue()) {
    for (auto const* file : files_of(entry)) {
      if (file->content_sha256 == content_sha256) return " (which is " + file->name + " of " + entry.name + ")";
    }
  }
  return {};
}

void check_content(CatalogueEntry const& entry, CatalogueFile const& file, fs::path const& path,
                   std::string const& content_sha256) {
  bool const by_content = !file.content_sha256.empty();
  bool const by_published = !by_content && !file.sha256.empty() && path.extension() == ".gz";
  std::string const expected = by_content ? file.content_sha256 : file.sha256;
  std::string const found = by_published ? sha256_file(path) : content_sha256;
  if ((by_content || by_published) && found != expected) {
    throw DataError(path.string() + ": is not the published file of " + entry.name + ": sha256 " +
                    (by_content ? "of the decompressed content " : "") + "should be " + expected + ", found " + found +
                    known_as(content_sha256) + "; delete it and get it again");
  }
}

/// The rows of a split where both splits stand in one file.
LabelledData cut(LabelledData const& all, CatalogueEntry const& entry, std::string const& split) {
  if (all.count() < entry.train_count + entry.test_count) {
    throw DataError(entry.name + ": needs " + std::to_string(entry.train_count + entry.test_count) + " images, found " +
                    std::to_string(all.count()));
  }
  std::int64_t const begin = split == "train" ? 0 : entry.train_count;
  return slice_rows(all, begin, begin + (split == "train" ? entry.train_count : entry.test_count));
}

}  // namespace

fs::path user_data_folder() {
  std::string const cache = environment("XDG_CACHE_HOME");
  return (cache.empty() ? fs::path(environment("HOME")) / ".cache" : fs::path(cache)) / "mneme" / "data";
}

DataSearch DataSearch::standard(std::vector<fs::path> const& explicit_folders) {
  DataSearch search{explicit_folders};
  std::istringstream list(environment("MNEME_DATA"));
  for (std::string folder; std::getline(list, folder, ':');) {
    if (!folder.empty()) search.folders.emplace_back(folder);
  }
  search.folders.push_back(user_data_folder());
  search.folders.emplace_back("/usr/share/datasets");
  return search;
}

std::optional<LocatedSplit> locate(CatalogueEntry const& entry, std::string const& split, DataSearch const& search) {
  auto const files = files_of_split(entry, split);
  for (auto const& place : places(entry, search)) {
    auto const images = find_file(place, files.images);
    auto const labels = find_file(place, files.labels);
    if (images && labels) return LocatedSplit{*images, *labels};
  }
  return std::nullopt;
}

std::string how_to_get(CatalogueEntry const& entry, DataSearch const& search) {
  auto const files = files_of(entry);
  bool const offered =
      std::all_of(files.begin(), files.end(), [](auto const* f) { return !f->urls.empty() || !f->archive.empty(); });
  std::string text;
  if (offered) {
    text = "get it with `mneme data get " + entry.name + "`, or put its files into a folder '" + entry.folders.front() +
           "' below a data folder (--data, MNEME_DATA)";
  } else {
    std::vector<std::string> names;
    names.reserve(files.size());
    for (auto const* file : files) names.push_back(file->name);
    text = "there is no download for it; put " + join(names) + " into a folder '" + entry.folders.front() +
           "' below a data folder (--data, MNEME_DATA)";
  }
  if (!entry.note.empty()) text += "; note: " + entry.note;
  return text + "; searched: " + searched_folders(search);
}

LabelledData load_dataset(std::string const& name, std::string const& split, DataSearch const& search, bool verify) {
  return load_dataset(find_dataset(name), split, search, verify);
}

LabelledData load_dataset(CatalogueEntry const& entry, std::string const& split, DataSearch const& search,
                          bool verify) {
  auto const files = files_of_split(entry, split);
  auto const found = locate(entry, split, search);
  if (!found) {
    throw DataError("data set '" + entry.name + "': " + files.images.name + " and " + files.labels.name + " of the " +
                    split + " split are not here (with or without .gz, both in one folder); " +
                    how_to_get(entry, search));
  }
  auto const images = read_file_decompressed(found->images);
  auto const labels = read_file_decompressed(found->labels);
  Sha256 hash;
  hash.update(images);
  if (verify) {
    check_content(entry, files.images, found->images, hash.hex());
    check_content(entry, files.labels, found->labels, sha256_hex(labels));
  }
  auto data = join_idx(parse_idx(images, found->images.string()), parse_idx(labels, found->labels.string()),
                       entry.name + " (" + found->images.parent_path().string() + ")",
                       {entry.label_offset, entry.transposed, entry.class_names});
  hash.update(labels);
  data.sha256 = hash.hex();
  return entry.cut_from_one ? cut(data, entry, split) : data;
}

}  // namespace mneme
