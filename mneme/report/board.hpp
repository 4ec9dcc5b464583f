// What run folders say together: arms gathered over their seeds, one board per metric. Tables, figures and sentences of
// a report are all made from boards.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mneme/report/run_folder.hpp"

namespace mneme {

/// How a metric is shown: accuracies are fractions in the files and percent in the report.
struct MetricStyle {
  std::string title;   // "accuracy"
  std::string unit;    // "%"; empty for none
  std::string points;  // unit of a difference: "points"
  double factor = 1;
  int decimals = 1;
};
MetricStyle metric_style(std::string const& metric);

/// Values of several seeds. n > 0.
struct Seeds {
  Spread spread;
  double low = 0;
  double high = 0;
};
std::optional<Seeds> over_seeds(std::span<double const> values);

/// One arm over its seeds, of one run or of several of one experiment. Failed seeds are left out; `seeds` is never
/// empty. Points into the run folders.
struct ArmGroup {
  std::string label;               // the arm's name, with its run in front where names would clash
  RunFolder const* run = nullptr;  // the first
  std::vector<ArmRun const*> seeds;
  std::vector<ArmRun const*> references = {};  // for each seed: joint training on the same stream; null where none is

  /// The seeds that got furthest: those that a mean over seeds is taken of.
  [[nodiscard]] std::vector<ArmRun const*> furthest() const;
  /// How many those are: "3"; "1 of 2" where a seed lags behind.
  [[nodiscard]] std::string seeds_text() const;
  /// The rows of the seed that got furthest; a row says what was evaluated when.
  [[nodiscard]] std::vector<EvaluationRow> const& rows() const;
  /// The cell over the seeds that have it, nullopt where none has or `task` is not of this arm.
  [[nodiscard]] std::optional<Seeds> cell(std::size_t row, std::string const& task) const;
  [[nodiscard]] std::optional<Seeds> last(std::string const& task) const;
  /// How much worse one task has become since its best value, over the seeds that got furthest (`forgetting` in
  /// mneme/eval/metrics.hpp); nullopt for the task learnt last.
  [[nodiscard]] std::optional<Seeds> forgetting(std::string const& task) const;
  /// A number of the arm's entry in summary.json ("average", "bwt", …).
  [[nodiscard]] std::optional<Seeds> number(std::string const& key) const;
  /// Against `references`, over the seeds that got furthest and have one (`intransigence` in mneme/eval/metrics.hpp).
  [[nodiscard]] std::optional<Seeds> intransigence() const;
  /// Total wall time.
  [[nodiscard]] std::optional<Seeds> seconds() const;
  /// As the run's stream declares it: "class-incremental"; empty where the summary does not say.
  [[nodiscard]] std::string scenario() const;
  /// Trained on all data so far (joint, cumulative): the bytes that it keeps say nothing about what it needs.
  [[nodiscard]] bool reads_all_data() const;
  [[nodiscard]] bool is_naive() const;
  /// Indices of rows of this kind: "learn", "forget".
  [[nodiscard]] std::vector<std::size_t> rows_of(std::string const& kind) const;
};

struct Board {
  std::string metric;
  MetricStyle style;
  bool higher_is_better = true;
  std::vector<std::string> tasks;  // of all arms, in order of first mention
  std::vector<ArmGroup> arms;
};

/// Whether they differ in their seeds alone, by their configuration and data, and have none in common.
[[nodiscard]] bool further_seeds(RunFolder const& a, RunFolder const& b);

/// One board per metric, in order of first mention. Other seeds of the same experiment join the first run's arms. The
/// boards point into `runs`, which must outlive them.
std::vector<Board> make_boards(std::span<RunFolder const> runs);

/// For a table's cell: "64.0 ± 1.5 %", "186.1 ± 1.2" (a unit in words stands in the table's note); without deviation
/// for a single seed; "–" for nullopt.
std::string show(std::optional<Seeds> const& seeds, MetricStyle const& style);
/// The same for a difference of two values: "51.3 ± 1.5".
std::string show_difference(std::optional<Seeds> const& seeds, MetricStyle const& style);
/// The mean alone, for sentences: "64.0".
std::string show_mean(std::optional<Seeds> const& seeds, MetricStyle const& style);

/// "163 kB", "1.25 MB": decimal units, three digits.
std::string show_memory(double bytes);
/// A field of what the arm's entry says about its stream; null where it says nothing.
Json of_stream(ArmRun const& run, char const* key);
/// A count, which most often is the same for all seeds: "89 610", or the least and the most.
std::string show_count(std::optional<Seeds> const& seeds);

/// "before training", "after MNIST", "after forgetting 3", "step 1200".
std::string row_name(EvaluationRow const& row);

}  // namespace mneme
