#include "mneme/report/curves.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <set>

namespace mneme {
namespace {

using Reader = std::function<std::optional<double>(Json const& line)>;

std::optional<double> number_at(Json const& object, std::string const& key) {
  auto const found = object.find(key);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

/// object[outer][inner], nullopt where there is none.
std::optional<double> number_at(Json const& object, std::string const& outer, std::string const& inner) {
  auto const found = object.find(outer);
  return found != object.end() && found->is_object() ? number_at(*found, inner) : std::nullopt;
}

std::string text_at(Json const& object, std::string const& key) {
  auto const found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// What `reader` finds on the lines of this kind, over the seeds of `arm`. A step that was logged twice (a run killed
/// and resumed) counts once, with its last value.
std::vector<Point> points(ArmGroup const& arm, std::string const& kind, Reader const& reader) {
  std::map<double, std::vector<double>> by_step;
  for (ArmRun const* run : arm.seeds) {
    std::map<double, double> of_seed;
    for (Json const& line : run->metrics) {
      if (text_at(line, "kind") != kind) continue;
      auto const step = number_at(line, "step");
      auto const value = reader(line);
      if (step && value) of_seed[*step] = *value;
    }
    for (auto const& [step, value] : of_seed) by_step[step].push_back(value);
  }
  std::vector<Point> found;
  for (auto const& [step, values] : by_step) found.push_back({step, *over_seeds(values)});
  return found;
}

/// Evaluations of the part that `part` names.
std::vector<Point> evaluations(ArmGroup const& arm, std::string const& part, Reader const& reader) {
  return points(arm, "evaluation",
                [&](Json const& line) { return text_at(line, "part") == part ? reader(line) : std::nullopt; });
}

std::vector<Point> curve_or_full(ArmGroup const& arm, Reader const& reader) {
  auto found = evaluations(arm, "curve", reader);
  return found.empty() ? evaluations(arm, "full", reader) : found;
}

std::vector<Point> matrix_points(ArmGroup const& arm, std::string const& task) {
  std::vector<Point> found;
  for (std::size_t row = 0; row < arm.rows().size(); ++row)
    if (auto const value = arm.cell(row, task)) found.push_back({static_cast<double>(arm.rows()[row].step), *value});
  return found;
}

/// Where each event of the arm begins: from the rows of its matrix, and from its log for the event now under way.
std::vector<Boundary> boundaries(ArmGroup const& arm) {
  std::map<double, Boundary> by_event;
  auto const label = [](std::string const& kind, std::string const& task) {
    return (kind == "forget" ? "forget " : "learn ") + task;
  };
  double begin = 0;
  for (EvaluationRow const& row : arm.rows()) {
    if (row.kind != "learn" && row.kind != "forget") continue;
    by_event[static_cast<double>(row.event)] = {begin, label(row.kind, row.task)};
    begin = static_cast<double>(row.step);
  }
  for (Json const& line : arm.seeds.front()->metrics)
    if (text_at(line, "kind") == "event" && text_at(line, "phase") == "begin")
      by_event[number_at(line, "event").value_or(0)] = {number_at(line, "step").value_or(0),
                                                        label(text_at(line, "event_kind"), text_at(line, "task"))};
  std::vector<Boundary> found;
  found.reserve(by_event.size());
  for (auto const& [event, boundary] : by_event) found.push_back(boundary);
  return found;
}

Figure lines(Board const& board, std::string title, std::string y_label,
             std::function<std::vector<Point>(ArmGroup const&)> const& points_of) {
  Figure figure;
  figure.title = std::move(title);
  figure.x_label = "step";
  figure.y_label = std::move(y_label);
  for (std::size_t i = 0; i < board.arms.size(); ++i)
    figure.series.push_back({board.arms[i].label, i, points_of(board.arms[i])});
  std::erase_if(figure.series, [](Series const& s) { return s.points.empty(); });
  figure.boundaries = boundaries(board.arms.front());
  return figure;
}

Figure bars(Board const& board, std::string title, std::string y_label,
            std::function<std::optional<Seeds>(ArmGroup const&, std::string const&)> const& value) {
  Figure figure;
  figure.kind = Figure::Kind::kBars;
  figure.title = std::move(title);
  figure.x_label = "task";
  figure.y_label = std::move(y_label);
  figure.from_zero = true;
  figure.scale = board.style.factor;
  figure.decimals = board.style.decimals;
  for (auto const& task : board.tasks)
    if (std::ranges::any_of(board.arms, [&](ArmGroup const& arm) { return value(arm, task).has_value(); }))
      figure.categories.push_back(task);
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    Series series{board.arms[i].label, i, {}};
    for (std::size_t t = 0; t < figure.categories.size(); ++t)
      if (auto const found = value(board.arms[i], figure.categories[t]))
        series.points.push_back({static_cast<double>(t), *found});
    figure.series.push_back(std::move(series));
  }
  return figure;
}

/// The keys of `object_of(line)` over all lines of a kind.
std::set<std::string> keys(Board const& board, std::string const& kind,
                           std::function<Json const*(Json const&)> const& object_of) {
  std::set<std::string> found;
  for (ArmGroup const& arm : board.arms)
    for (ArmRun const* run : arm.seeds)
      for (Json const& line : run->metrics)
        if (text_at(line, "kind") == kind)
          if (Json const* object = object_of(line); object != nullptr && object->is_object())
            for (auto const& item : object->items()) found.insert(item.key());
  return found;
}

Json const* member(Json const* object, std::string const& key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  auto const found = object->find(key);
  return found == object->end() ? nullptr : &*found;
}

/// Most terms are added to the loss, or are what it is made of.
std::string unit_of(std::string const& term) {
  static std::map<std::string, std::string> const others = {
      {"canonical_lambda", "strength"},
      {"distance", "scores of the critic"},
      {"fisher", "per image"},
      {"surrogate", "per image"},
      {"replay", "per image"},
      {"reconstruction", "per image"},
      {"bce", "per image"},
      {"kl", "per image"},
      {"squared_error", "per image"},
      {"gradient_norm", "norm over an image"},
      {"replay_share", "share of a step's weight"},
      {"spread", "share of that of real images"},
      {"gray", "distance to gray, without its weight"},
  };
  auto const found = others.find(term);
  return found == others.end() ? "in units of the loss" : found->second;
}

}  // namespace

std::vector<Figure> metric_figures(Board const& board) {
  std::vector<Figure> figures;
  for (auto const& task : board.tasks) {
    Figure figure = lines(board, task, board.style.unit, [&](ArmGroup const& arm) {
      auto found = curve_or_full(arm, [&](Json const& line) { return number_at(line, "values", task); });
      return found.empty() ? matrix_points(arm, task) : found;
    });
    figure.scale = board.style.factor;
    figure.decimals = board.style.decimals;
    figure.from_zero = board.higher_is_better;
    if (!figure.empty()) figures.push_back(std::move(figure));
  }
  return figures;
}

bool drawn_from_part(Board const& board) {
  auto const is_curve = [](Json const& line) {
    return text_at(line, "kind") == "evaluation" && text_at(line, "part") == "curve";
  };
  return std::ranges::any_of(board.arms, [&](ArmGroup const& arm) {
    return std::ranges::any_of(arm.seeds,
                               [&](ArmRun const* run) { return std::ranges::any_of(run->metrics, is_curve); });
  });
}

Figure final_figure(Board const& board) {
  return bars(board, "Final " + board.style.title, board.style.unit,
              [](ArmGroup const& arm, std::string const& task) { return arm.last(task); });
}

Figure forgetting_figure(Board const& board) {
  return bars(board, "Forgetting", board.style.points,
              [](ArmGroup const& arm, std::string const& task) { return arm.forgetting(task); });
}

std::vector<Figure> part_figures(Board const& board, std::string const& key) {
  std::vector<Figure> figures;
  for (auto const& task : board.tasks) {
    auto const parts_of = [&](Json const& line) { return member(member(&line, key), task); };
    for (auto const& part : keys(board, "evaluation", parts_of)) {
      auto const style = metric_style(part);
      Figure figure = lines(board, task + ": " + style.title, style.unit, [&](ArmGroup const& arm) {
        return curve_or_full(arm, [&](Json const& line) -> std::optional<double> {
          Json const* parts = parts_of(line);
          return parts != nullptr ? number_at(*parts, part) : std::nullopt;
        });
      });
      figure.scale = style.factor;
      figure.decimals = style.decimals;
      if (!figure.empty()) figures.push_back(std::move(figure));
    }
  }
  return figures;
}

std::vector<Figure> training_figures(Board const& board) {
  std::vector<Figure> figures;
  figures.push_back(lines(board, "Training loss", "mean of the steps since the last line", [](ArmGroup const& arm) {
    return points(arm, "step", [](Json const& line) { return number_at(line, "loss"); });
  }));
  for (auto const& term : keys(board, "step", [](Json const& line) { return member(&line, "terms"); }))
    figures.push_back(lines(board, "Term: " + term, unit_of(term), [&](ArmGroup const& arm) {
      return points(arm, "step", [&](Json const& line) { return number_at(line, "terms", term); });
    }));
  auto const is_flat = [](Series const& series) {  // a term that no arm uses is logged as 0
    return std::ranges::all_of(series.points, [](Point const& p) { return p.y.low == 0 && p.y.high == 0; });
  };
  std::erase_if(figures, [&](Figure const& figure) { return std::ranges::all_of(figure.series, is_flat); });
  for (Figure& figure : figures) figure.decimals = 4;
  return figures;
}

Figure time_figure(Board const& board) {
  static constexpr char const* kParts[] = {"data",     "forward",    "backward",   "optimizer",
                                           "strategy", "importance", "evaluation", "writing"};
  Figure figure;
  figure.kind = Figure::Kind::kStack;
  figure.title = "Wall time";
  figure.x_label = "arm";
  figure.y_label = "seconds";
  figure.decimals = 2;
  figure.from_zero = true;
  for (auto const& arm : board.arms) figure.categories.push_back(arm.label);
  for (std::size_t part = 0; part < std::size(kParts); ++part) {
    Series series{kParts[part], part, {}};
    for (std::size_t i = 0; i < board.arms.size(); ++i) {
      std::vector<double> seconds;
      for (ArmRun const* run : board.arms[i].seeds)
        if (auto const found = number_at(run->summary_entry, "wall_seconds", kParts[part])) seconds.push_back(*found);
      if (auto const value = over_seeds(seconds); value && value->high > 0)
        series.points.push_back({static_cast<double>(i), *value});
    }
    if (!series.points.empty()) figure.series.push_back(std::move(series));
  }
  return figure;
}

}  // namespace mneme
