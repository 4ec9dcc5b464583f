// mneme data: the catalogued data sets on this machine: which are here, download, check, where.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/data/download.hpp"
#include "mneme/data/sample.hpp"
#include "terminal.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

struct DataFlags {
  std::vector<std::string> names, folders;
  bool json = false;
};

/// The folder that holds a set's training files; empty where it is not here.
std::string found_in(CatalogueEntry const& set, DataSearch const& search) {
  auto const train = locate(set, "train", search);
  return train && locate(set, "test", search) ? train->front().parent_path().string() : "";
}

int list(DataFlags const& flags) {
  auto const search = data_search(flags.folders);
  auto const embedded = sample_names();
  Json sets = Json::array();
  for (auto const& set : catalogue())
    sets.push_back({{"name", set.name},
                    {"title", set.title},
                    {"train", set.train_count},
                    {"test", set.test_count},
                    {"licence", set.licence},
                    {"sample", std::find(embedded.begin(), embedded.end(), set.name) != embedded.end()},
                    {"folder", found_in(set, search)}});
  if (flags.json) {
    print(sets.dump(1) + "\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (auto const& set : sets) {
    auto const folder = set["folder"].get<std::string>();
    rows.push_back({set["name"].get<std::string>(), set["train"].dump() + " + " + set["test"].dump(),
                    folder.empty() ? "not here" : folder, set["sample"].get<bool>() ? "embedded" : "",
                    set["title"].get<std::string>()});
  }
  print(columns({"name", "train + test", "found in", "sample", "title"}, rows));
  return 0;
}

int get(DataFlags const& flags) {
  fs::path const target = flags.folders.empty() ? user_data_folder() : fs::path(flags.folders.front());
  for (auto const& name : flags.names) {
    auto const& set = find_dataset(name);
    say(set.name + ": " + set.licence);
    download_dataset(set, target, [](std::string const& file, DownloadProgress progress) {
      if (!progress_shown()) return;
      auto const received = static_cast<std::uintmax_t>(progress.received);
      auto text = file + "  " + show_bytes(received);
      if (progress.total > 0) {
        constexpr std::int64_t kBar = 30;
        auto const full = static_cast<std::size_t>(kBar * progress.received / progress.total);
        text = file + "  [" + std::string(full, '#') + std::string(kBar - std::min<std::size_t>(full, kBar), '.') +
               "]  " + show_bytes(received) + " of " + show_bytes(static_cast<std::uintmax_t>(progress.total));
      }
      show_progress(text);
    });
    print((target / set.folders.front()).string() + "\n");
  }
  return 0;
}

int verify(DataFlags const& flags) {
  auto const search = data_search(flags.folders);
  for (auto const& name : flags.names)
    for (std::string const split : {"train", "test"}) {
      auto const data = load_dataset(name, split, search);
      print(name + " " + split + ": ok, " + std::to_string(data.count()) + " images, sha256 " + data.sha256 + "\n");
    }
  return 0;
}

int path(DataFlags const& flags) {
  auto const search = data_search(flags.folders);
  for (auto const& name : flags.names) {
    auto const& set = find_dataset(name);
    auto const folder = found_in(set, search);
    if (folder.empty()) throw DataError(set.name + ": not found. " + how_to_get(set, search));
    print(folder + "\n");
  }
  return 0;
}

}  // namespace

void add_data(Command& program) {
  auto& data = program.verb("data", "the catalogued data sets: list, download, check, find");
  auto const flags = std::make_shared<DataFlags>();
  auto const add = [&](char const* name, char const* summary, int (*run)(DataFlags const&)) -> Command& {
    auto& verb = data.verb(name, summary);
    if (run != list) verb.arguments("names", flags->names, "names from `mneme data list`");
    verb.action([flags, run] { return run(*flags); });
    return verb;
  };
  auto& list_verb = add("list", "which data sets there are and where they were found", list);
  list_verb.flag("--json", flags->json, "print a list of objects");
  add_data_flag(list_verb, flags->folders);
  add("get", "download, resumed and checked; prints the folder", get)
      .option("--data", "DIR", flags->folders, "into this folder instead of the user's cache");
  add_data_flag(add("verify", "read the files and compare them with the catalogue's checksums", verify),
                flags->folders);
  add_data_flag(add("path", "print the folder that a data set was found in", path), flags->folders);
}

}  // namespace mneme::app
