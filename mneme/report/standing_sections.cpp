// Rankings on a page: a table for each scenario, with the charts of what an average costs.
#include "mneme/report/compare.hpp"
#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"
#include "mneme/report/standing.hpp"

namespace mneme {
namespace {

using html::escape;

std::string seconds_text(std::optional<Seeds> const& seconds) {
  return show_difference(seconds, {.title = "", .unit = "", .points = "", .factor = 1, .decimals = 1});
}

html::Table ranking(Board const& board, Standing const& standing) {
  html::Table table;
  table.head = {"",
                "arm",
                "seeds",
                "average",
                "over naive",
                "memory",
                "parameters",
                "seconds",
                "average incremental",
                "forgetting",
                "bwt",
                "fwt",
                "intransigence"};
  for (std::size_t place = 0; place < standing.arms.size(); ++place) {
    auto const i = standing.arms[place];
    ArmGroup const& arm = board.arms[i];
    auto const difference = [&](auto const& seeds) { return show_difference(seeds, board.style); };
    table.rows.push_back({std::to_string(place + 1),
                          "<span class=\"arm a" + std::to_string(i % 8) + "\"></span>" + escape(standing.labels[place]),
                          arm.seeds_text(), show(arm.number("average"), board.style),
                          show_gain(over_naive(board, standing, i), board.style), show_kept(arm),
                          show_count(arm.number("parameters")), seconds_text(arm.seconds()),
                          show(arm.number("average_incremental"), board.style), difference(arm.number("forgetting")),
                          difference(arm.number("bwt")), difference(arm.number("fwt")),
                          difference(arm.intransigence())});
  }
  return table;
}

}  // namespace

void add_standings(Page& page, Board const& board) {
  auto const list = standings(board);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].arms.size() < 2) continue;
    std::string title = "Ranking: " + list[i].title;
    page.section("ranking-" + board.metric + "-" + std::to_string(i + 1), title,
                 "By average " + escape(board.style.title) +
                     ", mean ± sample deviation over seeds. Over naive: difference of the means ± its standard error. "
                     "Memory: bytes of the tensors that the strategy keeps between events. Parameters: of the whole "
                     "learner at the end, where a net that grows shows. Bwt, fwt: backward and forward transfer.");
    page.body += ranking(board, list[i]).text("numbers ranking");
    std::vector<Figure> figures;
    for (auto figure : {memory_figure(board, list[i]), cost_figure(board, list[i])})
      if (!figure.empty()) figures.push_back(std::move(figure));
    page.add(figures);
    page.end_section();
  }
}

}  // namespace mneme
