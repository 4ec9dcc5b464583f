// Fetches catalogued data sets: resumed, checked, one mirror after the other.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>

#include "mneme/data/catalogue.hpp"

namespace mneme {

struct DownloadProgress {
  std::int64_t received = 0;  // bytes, those of an earlier attempt included
  std::int64_t total = 0;     // 0 if unknown
};

/// Called now and then with the file's name; may throw to cancel (the partial file stays and is resumed next time).
using DownloadObserver = std::function<void(std::string const& file, DownloadProgress progress)>;

/// Puts the files into `data_folder`/<entry.folders.front()>, where `locate` finds them. A file that is there and
/// passes its check is left alone. A partial download stands under "<name>.part" and is continued. A finished one is
/// accepted by its published hash or else by the hash of its decompressed content, then renamed; otherwise the next
/// mirror is tried. DataError lists what each mirror gave (with the hash that was got); sets without a download source
/// say what to do by hand. IoError when the folder cannot be written.
void download_dataset(CatalogueEntry const& entry, std::filesystem::path const& data_folder,
                      DownloadObserver const& observer = {});

}  // namespace mneme
