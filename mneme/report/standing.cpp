#include "mneme/report/standing.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>

#include "mneme/report/html.hpp"

namespace mneme {
namespace {

constexpr double kMegabyte = 1e6;

/// What two arms must share to be ranked with each other: scenario, tasks, data, and what of them is tested.
using Ground = std::tuple<std::string, std::set<std::string>, std::string, std::string>;

/// What the stream says of its test sets, where they are not those of the data sets.
std::string tested_of(ArmRun const& run) {
  std::string text;
  auto const notes = of_stream(run, "notes");
  for (auto const* about : {"classes", "split"})
    if (notes.is_object() && notes.contains(about)) text += notes[about].dump();
  return text;
}

Ground ground_of(ArmGroup const& arm) {
  std::set<std::string> tasks;
  for (ArmRun const* run : arm.seeds) tasks.insert(run->matrix.tasks.begin(), run->matrix.tasks.end());
  return {arm.scenario(), tasks, arm.run->summary.value("data", Json()).dump(), tested_of(*arm.seeds.front())};
}

/// "class-incremental, 5 tasks"; tasks are counted for one seed, since their names may differ between seeds.
std::string title_of(ArmGroup const& arm) {
  auto const& matrix = arm.seeds.front()->matrix;
  auto const count = matrix.tasks.size() - forgotten_tasks(matrix).size();
  return (arm.scenario().empty() ? "scenario not stated" : arm.scenario()) + ", " + std::to_string(count) +
         (count == 1 ? " task" : " tasks");
}

Figure scatter(Board const& board, Standing const& standing, std::string const& against) {
  Figure figure;
  figure.kind = Figure::Kind::kScatter;
  figure.title = "Average " + board.style.title + " against " + against + ": " + standing.title;
  figure.y_label = board.style.unit;
  figure.scale = board.style.factor;
  figure.decimals = board.style.decimals;
  return figure;
}

/// A point for each arm that has an x; `unit` of what x counts is 1 on the axis.
template <class Measure>
void add_points(Figure& figure, Board const& board, Standing const& standing, double unit, Measure measure) {
  for (std::size_t place = 0; place < standing.arms.size(); ++place) {
    auto const arm = standing.arms[place];
    std::optional<Seeds> const x = measure(board.arms[arm]), y = board.arms[arm].number("average");
    if (x && y) figure.series.push_back({standing.labels[place], arm, {{x->spread.mean / unit, *y}}});
  }
}

/// In one seed at least.
bool finished(ArmGroup const& arm) {
  return std::ranges::any_of(arm.seeds, [](ArmRun const* run) { return run->status == "finished"; });
}

void name_arms(Board const& board, Standing& standing) {
  std::map<std::string, int> uses;
  for (auto const arm : standing.arms) ++uses[board.arms[arm].seeds.front()->arm];
  for (auto const arm : standing.arms) {
    auto const& name = board.arms[arm].seeds.front()->arm;
    standing.labels.push_back((uses[name] > 1 ? board.arms[arm].run->name() + ": " + name : name) +
                              (finished(board.arms[arm]) ? "" : " (unfinished)"));
  }
}

}  // namespace

std::vector<Standing> standings(Board const& board) {
  std::vector<Standing> list;
  std::vector<Ground> grounds;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    auto ground = ground_of(board.arms[i]);
    auto const place = static_cast<std::size_t>(std::ranges::find(grounds, ground) - grounds.begin());
    if (place == list.size()) {
      grounds.push_back(std::move(ground));
      list.push_back({board.arms[i].scenario(), title_of(board.arms[i]), {}, {}});
    }
    list[place].arms.push_back(i);
  }
  for (Standing& standing : list) {
    bool const clash = std::ranges::count(list, standing.title, &Standing::title) > 1;
    if (clash) standing.title += " (" + board.arms[standing.arms.front()].run->name() + ")";
    std::ranges::stable_sort(standing.arms, [&](std::size_t a, std::size_t b) {
      if (finished(board.arms[a]) != finished(board.arms[b])) return finished(board.arms[a]);
      auto const left = board.arms[a].number("average"), right = board.arms[b].number("average");
      if (!left || !right) return left.has_value() && !right.has_value();
      return board.higher_is_better ? left->spread.mean > right->spread.mean : left->spread.mean < right->spread.mean;
    });
    name_arms(board, standing);
  }
  return list;
}

std::optional<Gain> over_naive(Board const& board, Standing const& standing, std::size_t arm) {
  ArmGroup const* naive = nullptr;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {  // in the board's order: that of the runs and their files
    ArmGroup const& other = board.arms[i];
    if (!other.is_naive() || std::ranges::find(standing.arms, i) == standing.arms.end()) continue;
    bool const first_of_own_run = other.run == board.arms[arm].run && (naive == nullptr || naive->run != other.run);
    if (naive == nullptr || first_of_own_run) naive = &other;
  }
  if (naive == nullptr || naive == &board.arms[arm]) return std::nullopt;
  auto const own = board.arms[arm].number("average"), base = naive->number("average");
  if (!own || !base) return std::nullopt;
  Gain gain{board.higher_is_better ? own->spread.mean - base->spread.mean : base->spread.mean - own->spread.mean, {}};
  auto const variance = [](Spread const& s) { return s.deviation * s.deviation / s.n; };
  if (own->spread.n > 1 && base->spread.n > 1) gain.error = std::sqrt(variance(own->spread) + variance(base->spread));
  return gain;
}

std::string show_gain(std::optional<Gain> const& gain, MetricStyle const& style) {
  if (!gain) return "–";
  std::string const size = html::fixed(std::abs(gain->mean) * style.factor, style.decimals);
  bool const zero = size.find_first_not_of("0.") == std::string::npos;
  std::string text = (zero ? "" : gain->mean < 0 ? "−" : "+") + size;
  if (gain->error) text += " ±\u00a0" + html::fixed(*gain->error * style.factor, style.decimals);
  return text;
}

std::string show_kept(ArmGroup const& arm) {
  if (arm.reads_all_data()) return "all data";
  auto const bytes = arm.number("memory_bytes");
  return bytes ? show_memory(bytes->spread.mean) : "–";
}

Figure memory_figure(Board const& board, Standing const& standing) {
  auto figure = scatter(board, standing, "memory");
  figure.x_label = "MB that the strategy keeps";
  figure.x_decimals = 3;
  add_points(figure, board, standing, kMegabyte,
             [](ArmGroup const& arm) { return arm.reads_all_data() ? std::nullopt : arm.number("memory_bytes"); });
  return figure;
}

Figure cost_figure(Board const& board, Standing const& standing) {
  auto figure = scatter(board, standing, "time");
  figure.x_label = "seconds of wall time";
  figure.x_decimals = 2;
  figure.log_x = true;
  add_points(figure, board, standing, 1, [](ArmGroup const& arm) { return arm.seconds(); });
  return figure;
}

}  // namespace mneme
