#include "mneme/data/locate.hpp"

#include <algorithm>
#include <cstdlib>
#include <list>
#include <sstream>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/cifar.hpp"
#include "mneme/io/omniglot.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/io/svhn.hpp"
#include "mneme/io/zip.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

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
  for (auto const& name : names_of(file)) {
    if (fs::is_regular_file(folder / name, ignored)) return folder / name;
  }
  return std::nullopt;
}

/// All files in one folder.
std::optional<std::vector<fs::path>> find_all(fs::path const& folder, std::vector<CatalogueFile> const& files) {
  std::vector<fs::path> found;
  for (auto const& file : files) {
    auto const path = find_file(folder, file);
    if (!path) return std::nullopt;
    found.push_back(*path);
  }
  return found;
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
                   std::vector<std::uint8_t> const& content) {
  auto const refuse = [&](std::string const& problem) {
    throw DataError(path.string() + ": is not the published file of " + entry.name + ": " + problem +
                    "; delete it and get it again");
  };
  auto const size = static_cast<std::int64_t>(content.size());
  bool const by_content = !file.content_sha256.empty();
  bool const by_published = !by_content && !file.sha256.empty() && path.filename() == file.name;
  if (by_content || by_published) {
    std::string const content_sha256 = sha256_hex(content);
    std::string const expected = by_content ? file.content_sha256 : file.sha256;
    std::string const found = by_published ? sha256_file(path) : content_sha256;
    if (found != expected)
      refuse("sha256 " + std::string(by_content ? "of the decompressed content " : "") + "should be " + expected +
             ", found " + found + known_as(content_sha256));
  } else if (file.content_bytes > 0 && size != file.content_bytes) {
    refuse("it should have " + std::to_string(file.content_bytes) + " bytes decompressed, found " +
           std::to_string(size));
  }
}

struct NamedBytes {
  std::string name;
  std::vector<std::uint8_t> bytes;
};

LabelledData read_idx_set(CatalogueEntry const& entry, NamedBytes const& images, NamedBytes const& labels) {
  auto data = join_idx(parse_idx(images.bytes, images.name), parse_idx_integers(labels.bytes, labels.name),
                       entry.name + " (" + fs::path(images.name).parent_path().string() + ")",
                       {entry.label_offset, entry.transposed, entry.class_names});
  Sha256 hash;
  hash.update(images.bytes);
  hash.update(labels.bytes);
  data.sha256 = hash.hex();
  return data;
}

LabelledData read_cifar_set(std::vector<NamedBytes> const& files, CifarLabels labels) {
  CifarRecords records(labels);
  for (auto const& file : files) records.add(file.bytes, file.name);
  return records.take();
}

LabelledData read_omniglot_set(CatalogueEntry const& entry, std::string const& split,
                               std::vector<NamedBytes> const& files) {
  std::list<std::istringstream> streams;
  std::vector<ZipReader> archives;
  for (auto const& file : files)
    archives.emplace_back(streams.emplace_back(std::string(as_text(file.bytes))), file.name);
  OmniglotOptions options{.size = entry.height};
  if (split == "train")
    options.last_drawing = entry.train_drawings;
  else
    options.first_drawing = entry.train_drawings + 1;
  return read_omniglot(archives, options);
}

/// Decompressed files, in the entry's order, as rows.
LabelledData read_set(CatalogueEntry const& entry, std::string const& split, std::vector<NamedBytes> const& files) {
  switch (entry.format) {
    case SetFormat::kCifar10:
      return read_cifar_set(files, CifarLabels::kTen);
    case SetFormat::kCifar100:
      return read_cifar_set(files, CifarLabels::kFine);
    case SetFormat::kCifar100Coarse:
      return read_cifar_set(files, CifarLabels::kCoarse);
    case SetFormat::kSvhn:
      return parse_svhn(files.front().bytes, files.front().name);
    case SetFormat::kOmniglot:
      return read_omniglot_set(entry, split, files);
    default:
      return read_idx_set(entry, files[0], files[1]);
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

std::vector<std::string> names_of(CatalogueFile const& file) {
  constexpr std::string_view kPacked = ".gz";
  if (!file.name.ends_with(kPacked)) return {file.name, file.name + std::string(kPacked)};
  return {file.name, file.name.substr(0, file.name.size() - kPacked.size())};
}

std::optional<std::vector<fs::path>> locate(CatalogueEntry const& entry, std::string const& split,
                                            DataSearch const& search) {
  auto const& files = files_of(entry, split);
  for (auto const& place : places(entry, search)) {
    if (auto found = find_all(place, files)) return found;
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
  auto const& files = files_of(entry, split);
  auto const found = locate(entry, split, search);
  if (!found) {
    std::vector<std::string> names;
    for (auto const& file : files) names.push_back(file.name);
    throw DataError("data set '" + entry.name + "': " + join(names) + " of the " + split +
                    " split: not here (with or without .gz, all in one folder); " + how_to_get(entry, search));
  }
  std::vector<NamedBytes> contents;
  for (std::size_t i = 0; i < files.size(); ++i) {
    contents.push_back({(*found)[i].string(), read_file_decompressed((*found)[i])});
    if (verify) check_content(entry, files[i], (*found)[i], contents.back().bytes);
  }
  auto const data = read_set(entry, split, contents);
  return entry.cut_from_one ? cut(data, entry, split) : data;
}

}  // namespace mneme
