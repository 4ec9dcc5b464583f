// Finds the files of a catalogued data set on this machine, checks them and loads them.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mneme/data/catalogue.hpp"
#include "mneme/io/labelled.hpp"

namespace mneme {

/// Where downloads go: $XDG_CACHE_HOME/mneme/data, or ~/.cache/mneme/data.
std::filesystem::path user_data_folder();

struct DataSearch {
  std::vector<std::filesystem::path> folders;  // in the order to search

  /// `explicit_folders` (from --data), then $MNEME_DATA (a list with ':' between), then user_data_folder(), then
  /// /usr/share/datasets (Debian's packages).
  static DataSearch standard(std::vector<std::filesystem::path> const& explicit_folders = {});
};

/// Under which names a file may stand: as published, and with or without .gz.
std::vector<std::string> names_of(CatalogueFile const& file);

/// The files of a split ("train" or "test") in the entry's order, .gz or decompressed, from the first folder that has
/// all of them. In each folder the sub-folders named after the set come first, then the folder itself unless it bears
/// the name of another set.
std::optional<std::vector<std::filesystem::path>> locate(CatalogueEntry const& entry, std::string const& split,
                                                         DataSearch const& search);

/// One sentence: the command that downloads the set, or what to put where, and the folders that were searched.
std::string how_to_get(CatalogueEntry const& entry, DataSearch const& search = DataSearch::standard());

/// Images [N, C, H, W] upright, labels from 0. DataError when files are missing (with how_to_get), when their content
/// is not the catalogued one (both hashes named, or both sizes where no hash is known; `verify = false` leaves this
/// out), or what the reader of the format refuses. ConfigError for an unknown name or split.
LabelledData load_dataset(std::string const& name, std::string const& split, DataSearch const& search,
                          bool verify = true);

/// The same for an entry that need not stand in the catalogue.
LabelledData load_dataset(CatalogueEntry const& entry, std::string const& split, DataSearch const& search,
                          bool verify = true);

}  // namespace mneme
