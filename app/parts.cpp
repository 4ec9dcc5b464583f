#include "parts.hpp"

#include "mneme/core/text.hpp"
#include "mneme/experiment/data.hpp"
#include "mneme/experiment/judge.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/experiment/risk.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/nets/net.hpp"
#include "mneme/strategies/strategy.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/train/trainer.hpp"
#include "terminal.hpp"

namespace mneme::app {
namespace {

template <class Row>
Kind kind_of(std::string plural, std::string singular, std::string key, std::span<Row const> rows) {
  Kind kind{std::move(plural), std::move(singular), std::move(key), {}};
  for (auto const& row : rows) kind.parts.push_back(&row.info);
  return kind;
}

}  // namespace

std::vector<Kind> const& kinds() {
  static std::vector<Kind> const all = {kind_of("strategies", "strategy", "strategy", strategy_table()),
                                        kind_of("learners", "learner", "learner", learner_table()),
                                        kind_of("nets", "net", "learner.net", net_table()),
                                        kind_of("streams", "stream", "stream", stream_table()),
                                        kind_of("changes", "stream change", "stream.with", change_table())};
  return all;
}

std::vector<Section> const& sections() {
  static std::vector<Section> const all = {
      {"", "the run as a whole", list_options<RunOptions>()},
      {"train", "how each task is trained", list_options<TrainOptions>()},
      {"evaluate", "when and on what is tested", list_options<EvaluationOptions>()},
      {"judge", "a classifier that judges what a conditional model draws", list_options<JudgeOptions>()},
      {"risk", "error on true data of all tasks against error on what is trained on", list_options<RiskOptions>()},
      {"datasets.<name>", "a data set of your own, to be named in the stream", list_options<OwnDataOptions>()}};
  return all;
}

std::string range_of(OptionInfo const& option) {
  auto const& note = option.note;
  if (!note.choices.empty()) return join(note.choices, " | ");
  std::vector<std::string> parts;
  if (note.above) parts.push_back("above " + format_number(*note.above));
  if (note.min && note.max)
    parts.push_back("from " + format_number(*note.min) + " to " + format_number(*note.max));
  else if (note.min)
    parts.push_back(format_number(*note.min) + " or more");
  else if (note.max)
    parts.push_back("at most " + format_number(*note.max));
  if (note.below) parts.push_back("below " + format_number(*note.below));
  return join(parts);
}

std::string help_of(OptionInfo const& option) {
  return option.note.help + (option.note.unit.empty() ? "" : " (" + option.note.unit + ")");
}

std::string option_table(OptionList const& options, std::string const& prefix) {
  std::vector<std::vector<std::string>> rows;
  for (auto const& option : options) {
    auto text = help_of(option);
    if (auto const range = range_of(option); !range.empty()) text += "; " + range;
    if (!option.note.source.empty()) text += " [" + option.note.source + "]";
    rows.push_back({"  " + prefix + option.key, "= " + option.default_value.dump(), text});
  }
  return columns({}, rows);
}

}  // namespace mneme::app
