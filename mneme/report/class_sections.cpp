// What a classifier answers by class and by confidence: accuracy of each class, confusion matrices, calibration. Made
// from the counts that stand on the log's `evaluation` lines, those after the last event.
#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/eval/classes.hpp"
#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

using html::escape;

constexpr std::size_t kMostClasses = 20;  // in a table; the CSV has all

struct ArmCounts {
  std::size_t arm = 0;             // of the board
  std::vector<ClassCounts> seeds;  // all of one size, not empty
};

/// Of the last line that has counts; nullopt where none has, or where they are damaged.
std::optional<ClassCounts> last_counts(ArmRun const& run) {
  for (auto line = run.metrics.rbegin(); line != run.metrics.rend(); ++line)
    if (line->value("kind", Json()) == "evaluation" && line->contains("confusion")) try {
        return ClassCounts::from_json(*line);
      } catch (DataError const&) {
        return std::nullopt;
      }
  return std::nullopt;
}

std::vector<ArmCounts> counts_of(Board const& board) {
  std::vector<ArmCounts> list;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    ArmCounts own{i, {}};
    for (ArmRun const* run : board.arms[i].seeds) {
      if (run->matrix.rows.size() != board.arms[i].rows().size()) continue;  // a seed that lags behind
      auto counts = last_counts(*run);
      if (!counts || counts->confusion.empty()) continue;
      if (own.seeds.empty() || own.seeds.front().confusion.size() == counts->confusion.size())
        own.seeds.push_back(std::move(*counts));
    }
    if (!own.seeds.empty()) list.push_back(std::move(own));
  }
  return list;
}

/// Over the seeds that have the value.
template <class Value>
std::optional<Seeds> over(ArmCounts const& counts, Value value) {
  std::vector<double> values;
  for (auto const& seed : counts.seeds)
    if (std::optional<double> const found = value(seed)) values.push_back(*found);
  return over_seeds(values);
}

std::string cell(std::string const& text, double share, char const* kind = "") {
  auto const heat = std::lround(10 * std::clamp(share, 0.0, 1.0));
  return "<td class=\"h" + std::to_string(heat) + kind + "\">" + text + "</td>";
}

std::string swatch(Board const& board, std::size_t arm) {
  return "<span class=\"arm a" + std::to_string(arm % 8) + "\"></span>" + escape(board.arms[arm].label);
}

std::string head(std::string const& corner, std::size_t classes) {
  std::string out = "<thead><tr><td>" + corner + "</td>";
  for (std::size_t c = 0; c < classes; ++c) out += "<th scope=\"col\">" + std::to_string(c) + "</th>";
  return out + "</tr></thead><tbody>";
}

std::string accuracies(Board const& board, std::vector<ArmCounts> const& list, std::size_t classes) {
  std::string out =
      "<div class=\"wide\" tabindex=\"0\"><table class=\"matrix counts\"><caption>Accuracy of each class</caption>" +
      head("class", classes);
  for (auto const& counts : list) {
    out += "<tr><th scope=\"row\">" + swatch(board, counts.arm) + "</th>";
    for (std::size_t c = 0; c < classes; ++c) {
      auto const value = over(counts, [&](ClassCounts const& seed) {
        return c < seed.confusion.size() ? per_class_accuracy(seed)[c] : Cell();
      });
      out += value ? cell(html::fixed(100 * value->spread.mean, 0), value->spread.mean) : "<td class=\"none\">–</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

/// Counts over the seeds: true class, answer.
std::vector<std::vector<std::int64_t>> summed(ArmCounts const& counts) {
  auto sum = counts.seeds.front().confusion;
  for (std::size_t s = 1; s < counts.seeds.size(); ++s)
    for (std::size_t i = 0; i < sum.size(); ++i)
      for (std::size_t j = 0; j < sum.size(); ++j) sum[i][j] += counts.seeds[s].confusion[i][j];
  return sum;
}

std::string confusion(Board const& board, ArmCounts const& counts) {
  auto const sum = summed(counts);
  std::string csv = "true class,answer,samples\n";
  std::string out =
      "<div class=\"confusion\"><div class=\"wide\" tabindex=\"0\"><table class=\"matrix counts\"><caption>" +
      swatch(board, counts.arm) + "</caption>" + head("", sum.size());
  for (std::size_t i = 0; i < sum.size(); ++i) {
    std::int64_t total = 0;
    for (auto const n : sum[i]) total += n;
    out += "<tr><th scope=\"row\">" + std::to_string(i) + "</th>";
    for (std::size_t j = 0; j < sum.size(); ++j) {
      csv += std::to_string(i) + ',' + std::to_string(j) + ',' + std::to_string(sum[i][j]) + '\n';
      double const share = total == 0 ? 0 : static_cast<double>(sum[i][j]) / static_cast<double>(total);
      out +=
          sum[i][j] == 0 ? "<td class=\"none\">·</td>" : cell(html::fixed(100 * share, 0), share, i == j ? " own" : "");
    }
    out += "</tr>\n";
  }
  out += "</tbody></table></div>";
  if (sum.size() > kMostClasses) out = "<div class=\"confusion\"><p>" + swatch(board, counts.arm) + "</p>";
  return out + html::csv_link(csv, "confusion_" + std::to_string(counts.arm) + ".csv") + "</div>\n";
}

/// Share of right answers by confidence, for each arm, with the line on which both are equal.
Figure reliability(Board const& board, std::vector<ArmCounts> const& list) {
  Figure figure;
  figure.title = "Reliability";
  figure.x_label = "confidence (middle of its bin)";
  figure.y_label = "% right";
  figure.scale = 100;
  figure.from_zero = true;
  figure.x_decimals = 3;
  for (auto const& counts : list) {
    Series series{board.arms[counts.arm].label, counts.arm, {}};
    auto const bins = counts.seeds.front().bins.size();
    for (std::size_t b = 0; b < bins; ++b) {
      auto const right = over(counts, [&](ClassCounts const& seed) -> std::optional<double> {
        if (b >= seed.bins.size() || seed.bins[b].samples <= 0) return std::nullopt;
        return seed.bins[b].correct / static_cast<double>(seed.bins[b].samples);
      });
      if (right) series.points.push_back({(static_cast<double>(b) + 0.5) / static_cast<double>(bins), *right});
    }
    if (!series.points.empty()) figure.series.push_back(std::move(series));
  }
  figure.diagonal = true;
  return figure;
}

html::Table calibration(Board const& board, std::vector<ArmCounts> const& list) {
  html::Table table;
  table.head = {"arm", "calibration error (ECE)", "mean confidence", "right"};
  for (auto const& counts : list) {
    auto const share = [](double ConfidenceBin::*sum) {
      return [sum](ClassCounts const& seed) -> std::optional<double> {
        double samples = 0, value = 0;
        for (auto const& bin : seed.bins) {
          samples += static_cast<double>(bin.samples);
          value += bin.*sum;
        }
        return samples > 0 ? std::optional(value / samples) : std::nullopt;
      };
    };
    table.rows.push_back({swatch(board, counts.arm), show(over(counts, expected_calibration_error), board.style),
                          show(over(counts, share(&ConfidenceBin::confidence)), board.style),
                          show(over(counts, share(&ConfidenceBin::correct)), board.style)});
  }
  return table;
}

}  // namespace

void add_classes(Page& page, Board const& board) {
  auto const list = counts_of(board);
  if (list.empty()) return;
  std::size_t classes = 0;
  for (auto const& counts : list) classes = std::max(classes, counts.seeds.front().confusion.size());
  page.section(
      "classes-" + board.metric, "Answers by class",
      "On all test sets after the last event, in %. Confusion matrices: rows are true classes, columns answers, "
      "each row adds up to 100; framed: right answers. Counts of all seeds together." +
          std::string(classes > kMostClasses ? " With this many classes the matrices are in the CSV files." : ""));
  if (classes <= kMostClasses) page.body += accuracies(board, list, classes);
  page.body += "<div class=\"matrices\">";
  for (auto const& counts : list) page.body += confusion(board, counts);
  page.body += "</div>";
  page.end_section();

  page.section(
      "calibration-" + board.metric, "Calibration",
      "How often the answer is right, against the confidence that the classifier gives it, in equal bins; on "
      "the dotted line it is right as often as it says. ECE: mean distance from that line, weighted by samples.");
  page.body += calibration(board, list).text("result");
  page.add(reliability(board, list));
  page.end_section();
}

}  // namespace mneme
