#include "mneme/report/sections.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "mneme/report/compare.hpp"
#include "mneme/report/curves.hpp"
#include "mneme/report/html.hpp"
#include "mneme/report/sweep.hpp"

namespace mneme {
namespace {

using html::escape;

/// Arms in a table carry the colour that they have in the figures.
std::string arm_cell(Board const& board, std::size_t arm) {
  return "<span class=\"arm a" + std::to_string(arm % 8) + "\"></span>" + escape(board.arms[arm].label);
}

std::vector<std::string> head(std::string first, std::vector<std::string> const& tasks) {
  std::vector<std::string> cells = {std::move(first)};
  for (auto const& task : tasks) cells.push_back(escape(task));
  return cells;
}

std::vector<std::string> task_cells(std::string first, Board const& board, ArmGroup const& arm, std::size_t row) {
  std::vector<std::string> cells = {std::move(first)};
  for (auto const& task : board.tasks) cells.push_back(show(arm.cell(row, task), board.style));
  return cells;
}

/// The evaluation after the first and after the last event of every arm: what was learnt, and what is left of it.
html::Table before_and_after(Board const& board) {
  html::Table table;
  table.head = head("", board.tasks);
  std::vector<std::vector<std::string>> first;
  std::vector<std::vector<std::string>> last;
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    ArmGroup const& arm = board.arms[i];
    auto const learned = arm.rows_of("learn");
    if (learned.empty()) continue;
    auto const name = [&](std::size_t row) {
      return arm_cell(board, i) + " <span class=\"when\">" + escape(row_name(arm.rows()[row])) + "</span>";
    };
    first.push_back(task_cells(name(learned.front()), board, arm, learned.front()));
    if (arm.rows().size() - 1 > learned.front())
      last.push_back(task_cells(name(arm.rows().size() - 1), board, arm, arm.rows().size() - 1));
  }
  bool const shared = first.size() > 1 && std::ranges::all_of(first, [&](auto const& row) {
                        return std::equal(row.begin() + 1, row.end(), first.front().begin() + 1);
                      });
  if (shared) {
    first.resize(1);
    auto const& rows = board.arms.front().rows();
    first.front().front() = "every arm <span class=\"when\">" +
                            escape(row_name(rows[board.arms.front().rows_of("learn").front()])) + "</span>";
  }
  table.rows = std::move(first);
  table.rows.insert(table.rows.end(), last.begin(), last.end());
  return table;
}

std::string capitalised(std::string text) {
  if (!text.empty()) text.front() = static_cast<char>(std::toupper(static_cast<unsigned char>(text.front())));
  return text;
}

html::Table final_numbers(Board const& board) {
  html::Table table;
  table.head = {"arm",        "strategy",          "seeds",           "average", "average incremental",
                "forgetting", "backward transfer", "forward transfer"};
  bool const intransigent =
      std::ranges::any_of(board.arms, [](ArmGroup const& arm) { return arm.intransigence().has_value(); });
  if (intransigent) table.head.emplace_back("intransigence");
  table.head.insert(table.head.end(), {"steps", "parameters"});
  for (std::size_t i = 0; i < board.arms.size(); ++i) {
    ArmGroup const& arm = board.arms[i];
    auto const difference = [&](auto const& seeds) { return show_difference(seeds, board.style); };
    std::vector<std::string> row = {arm_cell(board, i),
                                    "<code>" + escape(arm.seeds.front()->strategy) + "</code>",
                                    arm.seeds_text(),
                                    show(arm.number("average"), board.style),
                                    show(arm.number("average_incremental"), board.style),
                                    difference(arm.number("forgetting")),
                                    difference(arm.number("bwt")),
                                    difference(arm.number("fwt"))};
    if (intransigent) row.push_back(difference(arm.intransigence()));
    row.insert(row.end(), {show_count(arm.number("steps")), show_count(arm.number("parameters"))});
    table.rows.push_back(std::move(row));
  }
  return table;
}

struct Scale {
  double low = 0;
  double high = 1;
};

/// Accuracies are coloured on 0..1; other metrics between the extremes that any matrix shows.
Scale colour_scale(Board const& board) {
  if (board.metric == "accuracy") return {};
  Scale scale{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (auto const& arm : board.arms)
    for (std::size_t row = 0; row < arm.rows().size(); ++row)
      for (auto const& task : board.tasks)
        if (auto const cell = arm.cell(row, task)) {
          scale.low = std::min(scale.low, cell->spread.mean);
          scale.high = std::max(scale.high, cell->spread.mean);
        }
  return scale;
}

/// 0 (worst) to 10 (best).
int heat(double value, Scale scale, bool higher_is_better) {
  if (!(scale.high > scale.low)) return 5;
  double const share = std::clamp((value - scale.low) / (scale.high - scale.low), 0.0, 1.0);
  return static_cast<int>(std::lround(10 * (higher_is_better ? share : 1 - share)));
}

std::string matrix(Board const& board, std::size_t index, Scale scale) {
  ArmGroup const& arm = board.arms[index];
  std::string out = "<div class=\"wide\" tabindex=\"0\"><table class=\"matrix\"><caption>" + arm_cell(board, index) +
                    "</caption><thead><tr><td></td>";
  for (auto const& task : board.tasks) out += "<th scope=\"col\">" + escape(task) + "</th>";
  out += "</tr></thead><tbody>";
  for (std::size_t row = 0; row < arm.rows().size(); ++row) {
    out += "<tr><th scope=\"row\">" + escape(row_name(arm.rows()[row])) + "</th>";
    for (auto const& task : board.tasks) {
      auto const cell = arm.cell(row, task);
      if (!cell) {
        out += "<td class=\"none\">–</td>";
        continue;
      }
      bool const own = arm.rows()[row].kind == "learn" && arm.rows()[row].task == task;
      out += "<td class=\"h" + std::to_string(heat(cell->spread.mean, scale, board.higher_is_better)) +
             (own ? " own" : "") + "\">" + html::fixed(cell->spread.mean * board.style.factor, board.style.decimals);
      if (cell->spread.n > 1)
        out += "<small>±\u00a0" + html::fixed(cell->spread.deviation * board.style.factor, board.style.decimals) +
               "</small>";
      out += "</td>";
    }
    out += "</tr>";
  }
  return out + "</tbody></table></div>\n";
}

std::string scientific(Json const& value) {
  if (!value.is_number()) return "–";
  double const number = value.get<double>();
  if (number != 0 && (std::abs(number) >= 1e5 || std::abs(number) < 1e-2)) {
    int const exponent = static_cast<int>(std::floor(std::log10(std::abs(number))));
    return html::fixed(number / std::pow(10, exponent), 2) + "e" + std::to_string(exponent);
  }
  return html::fixed(number, number == std::floor(number) ? 0 : 3);
}

}  // namespace

void add_results(Page& page, Board const& board) {
  std::string const unit = board.style.unit.empty() ? "" : " (" + board.style.unit + ")";
  page.section("result-" + board.metric, "Result",
               escape(capitalised(board.style.title) + unit) +
                   " on the test set, mean ± sample deviation over seeds; " +
                   (board.higher_is_better ? "higher is better." : "lower is better."));
  page.body += before_and_after(board).text("result");
  page.body += final_numbers(board).text("result");
  if (auto const why = why_no_intransigence(board); !why.empty())
    page.body += "<p class=\"note\">" + escape(capitalised(why)) + ".</p>\n";
  page.end_section();
}

void add_curves(Page& page, Board const& board) {
  page.section(
      "time-" + board.metric, capitalised(board.style.title) + " over time",
      std::string("Mean over seeds; the band reaches from the lowest to the highest seed. ") +
          (drawn_from_part(board) ? "Measured on a fixed part of the test set." : "Measured on the full test set."));
  page.add(metric_figures(board));
  page.end_section();
  if (auto const figures = part_figures(board, "figures"); !figures.empty()) {
    page.section("figures-" + board.metric, "Other figures over time",
                 "Domains recognised, and how test images are encoded and reconstructed.");
    page.add(figures);
    page.end_section();
  }
  if (auto const parts = part_figures(board, "loss_parts"); !parts.empty()) {
    page.section("parts-" + board.metric, "Loss parts over time",
                 "Reconstruction (BCE) and Kullback–Leibler term (KL) add up to the negative ELBO above.");
    page.add(parts);
    page.end_section();
  }
  if (auto const training = training_figures(board); !training.empty()) {
    page.section("training-" + board.metric, "Training loss", "As logged, on the data of the event under way.");
    page.add(training);
    page.end_section();
  }
}

void add_bars(Page& page, Board const& board) {
  std::vector<Figure> figures = {final_figure(board)};
  bool const several = std::ranges::any_of(board.arms, [](auto const& arm) { return arm.rows_of("learn").size() > 1; });
  if (several) figures.push_back(forgetting_figure(board));
  if (auto sweep = sweep_figure(board); !sweep.empty()) figures.push_back(std::move(sweep));
  page.section(
      "bars-" + board.metric, several ? "What is kept, what is lost" : "Final values",
      several
          ? "Forgetting: how much worse a task is after the last task that was learnt than at its best before; what "
            "requests to forget did is not counted. Whiskers: lowest and highest seed."
          : "Whiskers: lowest and highest seed.");
  page.add(figures);
  page.end_section();
}

void add_matrices(Page& page, Board const& board) {
  Scale const scale = colour_scale(board);
  page.section("matrix-" + board.metric, "Evaluation matrices",
               "Rows: when it was evaluated. Columns: the task. " + escape(capitalised(board.style.title)) +
                   (board.style.unit.empty() ? "" : " in " + board.style.unit) +
                   ", stronger colour is better; framed: the task just learnt.");
  page.body += "<div class=\"matrices\">";
  for (std::size_t i = 0; i < board.arms.size(); ++i) page.body += matrix(board, i, scale);
  page.body += "</div>";
  page.end_section();
}

void add_importance(Page& page, Board const& board) {
  html::Table table;
  table.head = {"arm",       "seed",      "event",   "importance", "trace",   "median",
                "90\u00a0%", "99\u00a0%", "largest", "zero share", "samples", "labels"};
  for (std::size_t i = 0; i < board.arms.size(); ++i)
    for (ArmRun const* run : board.arms[i].seeds)
      for (Json const& line : run->metrics) {
        if (line.value("kind", Json()) != "importance") continue;
        auto const field = [&](char const* key) { return line.value(key, Json()); };
        Json const quantiles = line.value("quantiles", Json::object());
        auto const quantile = [&](char const* key) {
          return quantiles.is_object() ? scientific(quantiles.value(key, Json())) : "–";
        };
        auto const word = [&](char const* key) {
          Json const value = field(key);
          return escape(value.is_string() ? value.get<std::string>() : value.is_null() ? "–" : value.dump());
        };
        table.rows.push_back({arm_cell(board, i), std::to_string(run->seed), word("event"), word("strategy"),
                              scientific(field("trace")), quantile("0.5"), quantile("0.9"), quantile("0.99"),
                              quantile("1"), scientific(field("zero_share")), word("samples"), word("labels")});
      }
  if (table.rows.empty()) return;
  page.section("importance-" + board.metric, "Importance of parameters",
               "How strongly each parameter is held: sum over all parameters (trace) and quantiles.");
  page.body += table.text("numbers");
  page.end_section();
}

void add_time(Page& page, Board const& board) {
  Figure const figure = time_figure(board);
  if (figure.empty()) return;
  page.section("seconds-" + board.metric, "Where the time went", "Seconds per seed, mean over seeds.");
  page.add(figure);
  page.end_section();
}

}  // namespace mneme
