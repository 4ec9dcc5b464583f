// Run folders as docs/run-folder.md describes them, with made-up numbers that a test can know: the value of every cell
// is a function of arm, seed, row and task.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/eval/metrics.hpp"
#include "mneme/io/image_file.hpp"

namespace mneme::testing {

namespace fs = std::filesystem;

/// A folder of its own per test, gone with the object.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string const& name)
      : path(fs::temp_directory_path() / ("mneme-report-" + name + "-" + std::to_string(std::random_device()()))) {
    fs::create_directories(path);
  }
  ~TemporaryFolder() { fs::remove_all(path); }
  TemporaryFolder(TemporaryFolder const&) = delete;
  TemporaryFolder& operator=(TemporaryFolder const&) = delete;
  fs::path const path;
};

inline void write_text(fs::path const& file, std::string const& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

inline std::string read_text(fs::path const& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// What one fixture run is made of.
struct FixtureArm {
  std::string name;
  std::string strategy;
  double kept = 0;  // share of what an earlier task had above its untrained value that every later task leaves
};

struct Fixture {
  std::string experiment = "demo";
  std::string title = "Does a penalty keep what was learnt?";
  std::string description = "Two tasks one after the other, with and without a penalty, from the same weights.";
  std::string metric = "accuracy";
  std::string data = "full";
  std::vector<std::string> tasks = {"Fashion-MNIST", "MNIST"};
  std::vector<FixtureArm> arms = {{"naive", "naive", 0.25}, {"ewc", "ewc(lambda=1000)", 0.75}};
  int seeds = 3;
  int steps_per_task = 200;
  int steps_per_point = 20;
  bool pictures = false;
  bool with_joint = false;    // a further arm "joint": one event, all tasks together
  std::string scenario = "";  // "class-incremental": what summaries say of the stream
  std::vector<std::vector<std::int64_t>> confusion =
      {};  // of seed 0 after the last event; seed s has s + 1 times as many

  [[nodiscard]] bool generative() const { return metric == "negative_elbo"; }

  /// The value of task `t` after `learnt` tasks and a share of the next one; row 0 is learnt = 0, share = 0.
  [[nodiscard]] double value(FixtureArm const& arm, int seed, int t, int learnt, double share = 0) const {
    double const untrained = generative() ? 550 : 0.1;
    double const best = (generative() ? 105.0 + 140 * t : 0.85 + 0.1 * (t % 2)) + (generative() ? 0.5 : 0.004) * seed;
    double const kept = std::min(arm.kept + 0.02 * (seed - 1), 1.0);
    double fit = 0;  // share of the way from untrained to best
    if (t < learnt) {
      fit = std::pow(kept, learnt - 1 - t);
      fit *= 1 - share * (1 - kept);
    } else if (t == learnt) {
      fit = share;
    }
    return untrained + (best - untrained) * fit;
  }
};

/// A bright disc on black, dimmer and blurred where `clear` is small: something to look at.
inline void write_discs(fs::path const& file, double clear, int columns, int rows) {
  int const cell = 28, width = cell * columns, height = cell * rows;
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(width) * height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x) {
      double const dx = x % cell - 13.5, dy = y % cell - 13.5, radius = 5 + (x / cell * 5 + y / cell * 3) % 6;
      double const edge = (radius - std::hypot(dx, dy)) / (y / cell == 0 ? 1.0 : 1 + 8 * (1 - clear));
      pixels[static_cast<std::size_t>(y) * width + x] = static_cast<std::uint8_t>(255 / (1 + std::exp(-edge)));
    }
  fs::create_directories(file.parent_path());
  write_png(file, width, height, 1, pixels);
}

inline Json loss_parts(Fixture const& f, FixtureArm const& arm, int seed, int learnt, double share) {
  Json parts = Json::object();
  for (int t = 0; t < static_cast<int>(f.tasks.size()); ++t) {
    double const value = f.value(arm, seed, t, learnt, share);
    parts[f.tasks[t]] = {{"bce", value * 0.8}, {"kl", value * 0.2}};
  }
  return parts;
}

inline Json values(Fixture const& f, FixtureArm const& arm, int seed, int learnt, double share) {
  Json found = Json::object();
  for (int t = 0; t < static_cast<int>(f.tasks.size()); ++t) found[f.tasks[t]] = f.value(arm, seed, t, learnt, share);
  return found;
}

inline std::string metrics_jsonl(Fixture const& f, FixtureArm const& arm, int seed) {
  std::string text;
  double time = 0;
  auto const line = [&](Json const& json) {
    Json whole = json;
    whole["time"] = time += 0.01;
    text += whole.dump() + "\n";
  };
  auto const evaluation = [&](int event, int step, std::string const& part, int learnt, double share) {
    Json json = {{"kind", "evaluation"}, {"event", event}, {"step", step},
                 {"part", part},         {"epoch", 1},     {"values", values(f, arm, seed, learnt, share)}};
    if (f.generative()) json["loss_parts"] = loss_parts(f, arm, seed, learnt, share);
    line(json);
  };
  evaluation(0, 0, "full", 0, 0);
  for (int t = 0; t < static_cast<int>(f.tasks.size()); ++t) {
    int const begin = t * f.steps_per_task;
    line({{"kind", "event"},
          {"event", t},
          {"step", begin},
          {"phase", "begin"},
          {"event_kind", "learn"},
          {"task", f.tasks[t]},
          {"samples", 60000},
          {"epochs", 2}});
    for (int s = f.steps_per_point; s <= f.steps_per_task; s += f.steps_per_point) {
      double const share = 1 - std::exp(-6.0 * s / f.steps_per_task) * (s < f.steps_per_task);
      line({{"kind", "step"},
            {"event", t},
            {"step", begin + s},
            {"stage", "train"},
            {"epoch", 1},
            {"loss", 2.3 * (1.05 - share) + 0.02 * seed},
            {"terms", {{"penalty", t * 0.1 * share}}},
            {"lr", 1e-3}});
      evaluation(t, begin + s, "curve", t, share);
    }
    evaluation(t, begin + f.steps_per_task, "full", t + 1, 0);
    if (!f.confusion.empty() && t + 1 == static_cast<int>(f.tasks.size())) {
      auto confusion = f.confusion;
      for (auto& row : confusion)
        for (auto& n : row) n *= seed + 1;
      line({{"kind", "evaluation"},
            {"event", t},
            {"step", begin + f.steps_per_task},
            {"part", "full"},
            {"values", values(f, arm, seed, t + 1, 0)},
            {"confusion", confusion},
            {"bins", {{4, 2.4, 3}, {0, 0.0, 0}, {1, 0.9, 0}}}});
    }
    if (arm.name == "ewc")
      line({{"kind", "importance"},
            {"event", t},
            {"step", begin + f.steps_per_task},
            {"strategy", "ewc"},
            {"trace", 164.0 + seed},
            {"quantiles", {{"0.5", 1e-7}, {"0.9", 2e-5}, {"0.99", 0.003}, {"1", 1.25}}},
            {"samples", 2000},
            {"labels", "model"},
            {"zero_share", 0.21}});
    line({{"kind", "event"},
          {"event", t},
          {"step", begin + f.steps_per_task},
          {"phase", "end"},
          {"event_kind", "learn"},
          {"task", f.tasks[t]},
          {"samples", 60000},
          {"epochs", 2}});
  }
  return text;
}

inline void write_samples(Fixture const& f, FixtureArm const& arm, fs::path const& folder) {
  std::string index;
  int const tasks = static_cast<int>(f.tasks.size());
  for (int learnt = 1; learnt <= tasks; ++learnt) {
    int const step = learnt * f.steps_per_task;
    for (int t = 0; t < tasks; ++t) {
      std::string const file = "reconstruction-" + std::to_string(t) + "-event-" + std::to_string(learnt - 1) + ".png";
      double const clear = t >= learnt ? 0.1 : std::pow(arm.kept, learnt - 1 - t);
      write_discs(folder / file, clear, 8, 2);
      index += Json{{"file", file},       {"kind", "reconstruction"},
                    {"task", f.tasks[t]}, {"event", learnt - 1},
                    {"step", step},       {"caption", "test images above, reconstructions below"}}
                   .dump() +
               "\n";
    }
    std::string const prior = "prior-event-" + std::to_string(learnt - 1) + ".png";
    write_discs(folder / prior, learnt == 1 ? 1 : arm.kept, 8, 4);
    index += Json{{"file", prior},       {"kind", "prior"}, {"task", ""},
                  {"event", learnt - 1}, {"step", step},    {"caption", "decoded prior samples"}}
                 .dump() +
             "\n";
  }
  write_text(folder / "index.jsonl", index);
}

inline Json summary_entry(Fixture const& f, FixtureArm const& arm, int seed) {
  EvaluationMatrix matrix{f.tasks, !f.generative(), {}, {}};
  int const tasks = static_cast<int>(f.tasks.size());
  for (int learnt = 0; learnt <= tasks; ++learnt) {
    matrix.rows.push_back({learnt - 1, learnt == 0 ? "initial" : "learn", learnt == 0 ? "" : f.tasks[learnt - 1],
                           learnt * f.steps_per_task});
    auto& cells = matrix.values.emplace_back();
    for (int t = 0; t < tasks; ++t) cells.push_back(f.value(arm, seed, t, learnt));
  }
  auto const number = [](std::optional<double> value) { return value ? Json(*value) : Json(); };
  Json entry = {{"arm", arm.name},
                {"seed", seed},
                {"status", "finished"},
                {"strategy", arm.strategy},
                {"learner", f.generative() ? "vae" : "classifier"},
                {"metric", f.metric}};
  entry.update(matrix.to_json());
  entry["average"] = number(average(matrix));
  entry["forgetting"] = number(forgetting(matrix));
  entry["bwt"] = number(backward_transfer(matrix));
  entry["fwt"] = number(forward_transfer(matrix));
  entry["steps"] = tasks * f.steps_per_task;
  entry["parameters"] = 269322;
  entry["average_incremental"] = number(average_incremental(matrix));
  entry["strategy_options"] = {{"kind", arm.name}};
  entry["memory_bytes"] = arm.name == "ewc" ? 2154576 : 0;
  if (!f.scenario.empty()) entry["stream"] = {{"scenario", f.scenario}, {"events", tasks}, {"notes", Json::object()}};
  entry["wall_seconds"] = {{"total", 9.5},
                           {"data", 0.5},
                           {"forward", 2.0},
                           {"backward", 3.0},
                           {"optimizer", 1.0},
                           {"strategy", 0.5},
                           {"importance", arm.name == "ewc" ? 1.0 : 0.0},
                           {"evaluation", 1.25},
                           {"writing", 0.25}};
  entry["parameter_hash"] = std::string(64, static_cast<char>('a' + seed % 6));
  return entry;
}

/// The arm that learns all tasks in one event and reaches 0.02 more than the best value of each.
inline Json joint_entry(Fixture const& f, int seed) {
  FixtureArm const arm{"joint", "joint", 1};
  Json entry = summary_entry(f, arm, seed);
  int const tasks = static_cast<int>(f.tasks.size());
  entry["rows"] = {entry["rows"][0], {{"event", 0}, {"kind", "learn"}, {"task", "joint"}, {"step", f.steps_per_task}}};
  Json best = Json::array();
  double sum = 0;
  for (int t = 0; t < tasks; ++t) {
    best.push_back(f.value(arm, seed, t, t + 1) + 0.02);
    sum += best.back().get<double>();
  }
  entry["average"] = sum / tasks;
  entry["matrix"] = {entry["matrix"][0], best};
  for (char const* key : {"average_incremental", "forgetting", "bwt", "fwt"}) entry[key] = nullptr;
  return entry;
}

/// Writes the run and returns its folder.
inline fs::path write_run(fs::path const& parent, Fixture const& f) {
  fs::path const folder = parent / f.experiment / "20250102T030405Z-0a1b2c3d";
  Json sets = Json::array();
  for (std::size_t t = 0; t < f.tasks.size(); ++t)
    for (std::string const split : {"train", "test"})
      sets.push_back(
          {{"name", f.tasks[t]},
           {"split", split},
           {"count", f.data == "sample" ? (split == "train" ? 4000 : 1000) : (split == "train" ? 60000 : 10000)},
           {"sha256", std::string(64, static_cast<char>('0' + t))}});
  Json summary = {{"format", 1},
                  {"experiment", f.experiment},
                  {"title", f.title},
                  {"description", f.description},
                  {"mneme", "0.1.0"},
                  {"status", "finished"},
                  {"created", "2025-01-02T03:04:05Z"},
                  {"updated", "2025-01-02T03:05:00Z"},
                  {"command", "mneme run " + f.experiment},
                  {"data", {{"kind", f.data}, {"sets", sets}}},
                  {"arms", Json::array()}};
  for (auto const& arm : f.arms)
    for (int seed = 0; seed < f.seeds; ++seed) {
      summary["arms"].push_back(summary_entry(f, arm, seed));
      fs::path const arm_folder = folder / "arms" / arm.name / ("seed-" + std::to_string(seed));
      write_text(arm_folder / "metrics.jsonl", metrics_jsonl(f, arm, seed));
      if (f.pictures) write_samples(f, arm, arm_folder / "samples");
    }
  if (f.with_joint)
    for (int seed = 0; seed < f.seeds; ++seed) summary["arms"].push_back(joint_entry(f, seed));
  write_text(folder / "summary.json", summary.dump(1));
  write_text(folder / "environment.json", Json{{"mneme", "0.1.0"}, {"torch", "2.15.0"}, {"threads", 1}}.dump(1));
  write_text(folder / "config.toml", to_toml({{"experiment", f.experiment},
                                              {"learner", {{"name", f.generative() ? "vae" : "classifier"}}},
                                              {"net", {{"name", "mlp"}, {"hidden", {256, 256}}}}}));
  return folder;
}

/// Reads summary.json, lets `change` edit it, and writes it back.
template <class Change>
void edit_summary(fs::path const& run, Change change) {
  Json summary = Json::parse(read_text(run / "summary.json"));
  change(summary);
  write_text(run / "summary.json", summary.dump(1));
}

}  // namespace mneme::testing
