#include "mneme/report/run_folder.hpp"

#include <algorithm>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;

constexpr int kSummaryFormat = 1;

std::string read_text(fs::path const& file) { return std::string(as_text(read_file(file))); }

Json read_object(fs::path const& file) {
  Json json = Json::parse(read_text(file), nullptr, false);
  if (!json.is_object()) throw DataError("'" + file.string() + "' is damaged: it should hold one JSON object");
  return json;
}

/// Lines that are no JSON objects are skipped with a note. A run that is killed leaves at most a half last line.
std::vector<Json> read_lines(fs::path const& file, std::string const& shown, std::vector<std::string>& notes) {
  std::vector<Json> lines;
  if (!fs::exists(file)) return lines;
  std::string const text = read_text(file);
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t const end = std::min(text.find('\n', begin), text.size());
    ++number;
    Json line = Json::parse(text.substr(begin, end - begin), nullptr, false);
    if (line.is_object()) {
      lines.push_back(std::move(line));
    } else if (end == text.size()) {
      notes.push_back(shown + ": the last line (" + std::to_string(number) + ") is half-written and was ignored");
    } else {
      notes.push_back(shown + ": line " + std::to_string(number) + " is no JSON object and was ignored");
    }
    begin = end + 1;
  }
  return lines;
}

/// Folder names come from a file that anybody may have edited: they may not lead out of the run folder.
bool is_plain_name(std::string const& name) {
  return !name.empty() && name != "." && name != ".." && name.find_first_of("/\\") == std::string::npos;
}

ArmRun read_arm(Json const& entry, fs::path const& folder, std::vector<std::string>& notes) {
  ArmRun run;
  run.arm = entry.at("arm").get<std::string>();
  run.seed = entry.at("seed").get<std::int64_t>();
  if (!is_plain_name(run.arm)) throw DataError("'" + run.arm + "' cannot be the name of an arm's folder");
  run.status = entry.value("status", "running");
  run.error = entry.value("error", "");
  run.strategy = entry.value("strategy", "");
  run.learner = entry.value("learner", "");
  run.metric = entry.value("metric", "accuracy");
  run.matrix = EvaluationMatrix::from_json(entry);
  run.summary_entry = entry;
  std::string const inside = "arms/" + run.arm + "/seed-" + std::to_string(run.seed);
  run.folder = folder / inside;
  run.metrics = read_lines(run.folder / "metrics.jsonl", inside + "/metrics.jsonl", notes);
  run.samples = read_lines(run.folder / "samples" / "index.jsonl", inside + "/samples/index.jsonl", notes);
  return run;
}

}  // namespace

RunFolder RunFolder::read(fs::path const& folder) {
  fs::path const file = folder / "summary.json";
  if (!fs::is_regular_file(file))
    throw DataError("'" + folder.string() +
                    "' is no run folder: it holds no summary.json. Give the folder that 'mneme run' printed, "
                    "<out>/<experiment>/<time>-<hash>");
  RunFolder run;
  run.path = folder;
  run.summary = read_object(file);
  Json const format = run.summary.value("format", Json());
  if (format != kSummaryFormat)
    throw DataError("'" + file.string() + "' has format " + format.dump() + ", this version reads format " +
                    std::to_string(kSummaryFormat));
  run.environment = Json::object();
  if (fs::exists(folder / "environment.json")) run.environment = read_object(folder / "environment.json");
  if (fs::exists(folder / "config.toml")) run.config_text = read_text(folder / "config.toml");
  std::size_t index = 0;
  try {
    for (Json const& entry : run.summary.value("arms", Json::array())) {
      run.arms.push_back(read_arm(entry, folder, run.notes));
      ++index;
    }
  } catch (Json::exception const& fault) {
    throw DataError("'" + file.string() + "', arms[" + std::to_string(index) + "]: " + fault.what());
  } catch (DataError const& fault) {
    throw DataError("'" + file.string() + "', arms[" + std::to_string(index) + "]: " + fault.what());
  }
  return run;
}

std::string RunFolder::name() const {
  fs::path whole = fs::absolute(path).lexically_normal();
  if (whole.filename().empty()) whole = whole.parent_path();  // "RUN/" and "." have names too
  return text("experiment", "run") + "/" + whole.filename().string();
}

std::string RunFolder::text(char const* key, std::string const& otherwise) const {
  auto const found = summary.find(key);
  return found != summary.end() && found->is_string() ? found->get<std::string>() : otherwise;
}

}  // namespace mneme
