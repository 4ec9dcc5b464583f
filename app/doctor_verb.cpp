// mneme doctor: what this installation consists of and what it can do here.
#include <filesystem>
#include <memory>
#include <thread>

#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/experiment/run.hpp"
#include "mneme/nets/device.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

struct DoctorFlags {
  std::vector<std::string> folders;
  bool json = false;
};

std::string writable(fs::path const& folder) {
  bool const existed = fs::exists(folder);
  try {
    check_writable(folder);
  } catch (Error const& failure) {
    return failure.what();
  }
  std::error_code ignored;
  if (!existed) fs::remove(folder, ignored);  // only if it is empty
  return "writable";
}

Json examine(DoctorFlags const& flags) {
  Json report = describe_environment();
  report["torch_folder"] = torch_folder().string();
  auto const obstacle = cuda_obstacle();
  report["cuda"] = obstacle.empty() ? "yes" : "no: " + obstacle;
  report["cores"] = std::thread::hardware_concurrency();
  auto const search = data_search(flags.folders);
  report["data_folders"] = Json::array();
  for (auto const& folder : search.folders) report["data_folders"].push_back(folder.string());
  report["data"] = Json::object();
  for (auto const& set : catalogue()) {
    auto const train = locate(set, "train", search), test = locate(set, "test", search);
    report["data"][set.name] = train && test ? train->front().parent_path().string() : how_to_get(set, search);
  }
  report["folders"] = {{"runs", writable("runs")}, {user_data_folder().string(), writable(user_data_folder())}};
  return report;
}

std::string shown(Json const& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.dump();
}

int doctor(DoctorFlags const& flags) {
  auto const report = examine(flags);
  if (flags.json) {
    print(report.dump(1) + "\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (auto const& [key, value] : report.items()) {
    if (!value.is_structured()) {
      rows.push_back({key, shown(value)});
      continue;
    }
    rows.push_back({key});
    for (auto const& [name, item] : value.items())
      rows.push_back({"  " + (value.is_object() ? name : ""), shown(item)});
  }
  print(columns({}, rows));
  return 0;
}

}  // namespace

void add_doctor(Command& program) {
  auto const flags = std::make_shared<DoctorFlags>();
  auto& verb = program.verb("doctor", "say which torch, processor, GPU, data and folders this command finds");
  add_data_flag(verb, flags->folders);
  verb.flag("--json", flags->json, "print an object");
  verb.action([flags] { return doctor(*flags); });
}

}  // namespace mneme::app
