#include "paired.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "mneme/core/files.hpp"
#include "mneme/core/json.hpp"

namespace mneme::bench {
namespace {

Json& ratios() {
  static Json table = Json::object();
  return table;
}

double median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void run_rounds(benchmark::State& state, std::string const& name, Pair const& pair) {
  pair.floor();
  pair.ours();
  std::vector<double> floors, each;
  for (auto _ : state) {
    floors.push_back(pair.floor());
    double const ours = pair.ours();
    each.push_back(ours / floors.back());
    state.SetIterationTime(ours);
  }
  double const ratio = median(each);
  state.counters["floor_ms"] = 1e3 * median(floors);
  state.counters["ratio"] = ratio;
  ratios()[name] = std::round(ratio * 1e4) / 1e4;
}

}  // namespace

void add_pair(std::string const& name, int rounds, std::function<Pair()> make) {
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { run_rounds(state, name, make()); })
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond)
      ->Iterations(rounds);
}

void write_ratios(std::filesystem::path const& path) {
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path());
  write_file(path, ratios().dump(2) + "\n");
}

}  // namespace mneme::bench
