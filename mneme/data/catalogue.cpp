#include "mneme/data/catalogue.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/core/options.hpp"
#include "mneme/data/catalogue_rows.hpp"

namespace mneme {

CatalogueFile mirrored(std::vector<std::string> const& mirrors, CatalogueFile file) {
  for (auto const& mirror : mirrors) file.urls.push_back(mirror + file.name);
  return file;
}

std::vector<std::string> characters(std::string_view all) {
  std::vector<std::string> names;
  for (char const c : all) names.emplace_back(1, c);
  return names;
}

std::span<CatalogueEntry const> catalogue() {
  static std::vector<CatalogueEntry> const entries = [] {
    std::vector<CatalogueEntry> all;
    for (auto const& rows : {mnist_rows(), emnist_rows(), colour_rows(), omniglot_rows()})
      all.insert(all.end(), rows.begin(), rows.end());
    return all;
  }();
  return entries;
}

CatalogueEntry const& find_dataset(std::string_view name) {
  std::vector<std::string> known;
  for (auto const& entry : catalogue()) {
    auto const& aliases = entry.aliases;
    if (entry.name == name || std::find(aliases.begin(), aliases.end(), name) != aliases.end()) return entry;
    known.push_back(entry.name);
  }
  throw ConfigError("unknown data set '" + std::string(name) + "': " + suggestion(name, known));
}

std::vector<CatalogueFile> const& files_of(CatalogueEntry const& entry, std::string const& split) {
  if (split == "train") return entry.train;
  if (split == "test") return entry.test;
  throw ConfigError("unknown split '" + split + "' of data set '" + entry.name + "': 'train' or 'test'");
}

std::vector<CatalogueFile const*> files_of(CatalogueEntry const& entry) {
  std::vector<CatalogueFile const*> files;
  for (auto const* split : {&entry.train, &entry.test}) {
    for (auto const& file : *split) {
      auto const same = [&](auto const* other) { return other->name == file.name; };
      if (std::none_of(files.begin(), files.end(), same)) files.push_back(&file);
    }
  }
  return files;
}

}  // namespace mneme
