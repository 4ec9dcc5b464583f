#include "mneme/report/report.hpp"

#include <stdexcept>

#include "mneme/core/embedded.hpp"
#include "mneme/report/compare.hpp"
#include "mneme/report/headline.hpp"
#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

using html::escape;

std::string policy(std::string_view style, std::string_view chart, std::string_view script) {
  return "default-src 'none'; script-src '" + html::csp_hash(chart) + "' '" + html::csp_hash(script) +
         "'; style-src '" + html::csp_hash(style) + "'; img-src data:; base-uri 'none'; form-action 'none'";
}

std::string page_title(std::span<RunFolder const> runs) {
  if (runs.size() > 1) return "Comparison of " + std::to_string(runs.size()) + " runs";
  return runs[0].text("title", runs[0].text("experiment", "Run"));
}

/// One sentence per run and metric: runs side by side need not be of one kind.
std::string findings(std::span<RunFolder const> runs) {
  std::string out;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    auto const boards = make_boards(runs.subspan(i, 1));
    std::string const name = runs.size() > 1 ? "<b>" + escape(runs[i].text("experiment", "run")) + "</b>: " : "";
    if (boards.empty()) out += "<p class=\"finding\">" + name + "Nothing has been evaluated yet.</p>\n";
    for (Board const& board : boards) out += "<p class=\"finding\">" + name + escape(headline(board)) + "</p>\n";
  }
  return out;
}

std::string masthead(std::span<RunFolder const> runs) {
  std::string out = "<header><p class=\"kicker\">" + escape(runs.size() > 1 ? "mneme" : runs[0].text("experiment")) +
                    "</p>\n<h1>" + escape(page_title(runs)) + "</h1>\n";
  out += findings(runs);
  if (runs.size() == 1)
    if (auto const description = runs[0].text("description"); !description.empty())
      out += "<p class=\"description\">" + escape(description) + "</p>\n";
  if (runs.size() > 1)
    for (auto const& warning : compare_runs(runs).warnings)
      out += "<p class=\"notice loud\"><b>Mind:</b> " + escape(warning) + ".</p>\n";
  return out + notices(runs) + "</header>\n";
}

std::string footer(std::span<RunFolder const> runs) {
  std::string out = "<footer>";
  for (RunFolder const& run : runs)
    out += "<p>" + escape(run.name()) + " · " + escape(run.text("status")) + " · " +
           escape(run.text("updated", run.text("created"))) + " · Mneme " + escape(run.text("mneme")) + "</p>";
  return out + "<p>Charts: Chart.js, MIT licence.</p></footer>\n";
}

/// The whole page around what its sections have put into `page`.
std::string document(Page const& page, std::span<RunFolder const> runs) {
  std::string const style(embedded_file("report/report.css"));
  std::string const chart(embedded_file("report/chart.js"));
  std::string const script(embedded_file("report/report.js"));
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"" +
      policy(style, chart, script) +
      "\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta name=\"color-scheme\" content=\"light dark\">\n<title>" +
      escape(page_title(runs)) + "</title>\n<style>" + style + "</style></head>\n<body><main>\n";
  out += masthead(runs) + page.contents();
  out +=
      "<noscript><p class=\"notice\">The charts need JavaScript; all their numbers stand in the "
      "tables.</p></noscript>\n";
  out += page.body + footer(runs) + "</main>\n<script type=\"application/json\" id=\"figures\">" +
         html::script_json(page.figures()) + "</script>\n<script>" + chart + "</script>\n<script>" + script +
         "</script>\n</body></html>\n";
  return out;
}

}  // namespace

std::string make_report(std::span<RunFolder const> runs) {
  if (runs.empty()) throw std::invalid_argument("make_report: no run folder given");
  std::vector<Board> const boards = make_boards(runs);
  Page page;
  for (Board const& board : boards) {
    if (boards.size() > 1) page.qualifier = board.style.title;
    add_results(page, board);
    add_curves(page, board);
    add_generation(page, board);
    add_pictures(page, board);
    add_bars(page, board);
    add_unlearning(page, board);
    add_risk(page, board);
    add_standings(page, board);
    add_matrices(page, board);
    add_classes(page, board);
    add_importance(page, board);
    add_time(page, board);
  }
  page.qualifier.clear();
  add_runs(page, runs);
  return document(page, runs);
}

std::string make_comparison(std::span<RunFolder const> runs) {
  if (runs.empty()) throw std::invalid_argument("make_comparison: no run folder given");
  std::vector<Board> const boards = make_boards(runs);
  Page page;
  for (Board const& board : boards) {
    if (boards.size() > 1) page.qualifier = board.style.title;
    add_standings(page, board);
    add_results(page, board);
  }
  page.qualifier.clear();
  add_runs(page, runs);
  return document(page, runs);
}

}  // namespace mneme
