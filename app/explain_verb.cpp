// mneme explain: all that is known of one name, whatever kind it is of.
#include <algorithm>
#include <memory>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/data/catalogue.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/strategies/support.hpp"
#include "parts.hpp"
#include "terminal.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

std::string paragraph(std::string const& title, std::string const& text) {
  return text.empty() ? "" : bold(title) + "\n" + wrapped(text, 2);
}

bool goes_by(std::string const& name, std::vector<std::string> const& aliases, std::string const& word) {
  return name == word || std::find(aliases.begin(), aliases.end(), word) != aliases.end();
}

std::string explain_part(Kind const& kind, PartInfo const& part) {
  auto const options = part.options();
  std::string text = bold(part.name) + ": " + kind.singular +
                     (part.aliases.empty() ? "" : ", also " + join(part.aliases)) + "\n" + wrapped(part.summary, 2) +
                     paragraph("Equation", part.equation);
  text += bold("Options") + " (" + kind.key + " = { kind = \"" + part.name + "\", ... })\n";
  text += options.empty() ? "  none\n" : option_table(options, "");
  text += paragraph("Source", part.paper);
  text += paragraph("Differences from the source", part.paper.empty()         ? ""
                                                   : part.differences.empty() ? "none known"
                                                                              : part.differences);
  if (part.paper.empty()) text += paragraph("Note", part.differences);
  return text;
}

/// "task, domain, class (made for: class)".
std::string scenarios_text(StrategyRow const& row) {
  auto text = "runs in: " + join(scenarios_of(row.needs));
  if (auto const list = claimed_scenarios(row, false); !list.empty()) text += "; made for: " + join(list);
  if (auto const list = claimed_scenarios(row, true); !list.empty()) text += "; no better than naive in: " + join(list);
  std::vector<std::string> needs;
  if (row.needs.task_at_training) needs.emplace_back("the task's id at training");
  if (row.needs.task_at_test) needs.emplace_back("the task's id at test");
  if (row.needs.boundaries) needs.emplace_back("task boundaries");
  if (!needs.empty()) text += ". It needs " + join(needs);
  return text + ".";
}

/// The formula, and what it comes to at the default options for a net and a stream that everybody knows.
std::string memory_text(StrategyRow const& row) {
  auto text = row.memory + (row.memory.starts_with("none") || row.memory.starts_with("all") ? "" : " bytes") + ".";
  if (row.bytes == nullptr) return text;
  MemoryShape const shape{
      .parameters = 784 * 400 + 400 + 400 * 10 + 10, .sample_bytes = 784, .classes = 10, .features = 400, .tasks = 5};
  Json options = Json::object();
  for (auto const& option : row.info.options()) options[option.key] = option.default_value;
  return text + " With the defaults, for five tasks of MNIST in a net of 784-400-10: " +
         show_bytes(static_cast<std::uintmax_t>(row.bytes(options, shape))) +
         ". P parameters, T tasks, C classes, D features, M stored samples of d bytes each.";
}

std::string explain_strategy(StrategyRow const& row) {
  return paragraph("Family", family_of(row)) + paragraph("Scenarios", scenarios_text(row)) +
         paragraph("Memory", memory_text(row));
}

std::string explain_dataset(CatalogueEntry const& set) {
  std::uintmax_t bytes = 0;
  for (auto const* file : files_of(set))
    if (file->archive.empty()) bytes += static_cast<std::uintmax_t>(file->bytes);
  for (auto const& archive : set.archives) bytes += static_cast<std::uintmax_t>(archive.bytes);
  std::string shape = std::to_string(set.height) + "x" + std::to_string(set.width);
  if (set.channels > 1) shape.append("x").append(std::to_string(set.channels));
  return bold(set.name) + ": dataset" + (set.aliases.empty() ? "" : ", also " + join(set.aliases)) + "\n" +
         wrapped(set.title, 2) +
         wrapped(std::to_string(set.train_count) + " training and " + std::to_string(set.test_count) +
                     " test images of " + shape + ", " + std::to_string(set.classes) + " classes" +
                     (bytes > 0 ? "; " + show_bytes(bytes) + " to download" : ""),
                 2) +
         (set.class_names.empty() ? "" : paragraph("Classes", join(set.class_names))) + paragraph("Note", set.note) +
         paragraph("Licence", set.licence) + paragraph("Source", set.citation) + paragraph("Home", set.homepage);
}

std::string explain_experiment(std::string const& name) {
  auto const source = experiment_text(name);
  auto const tree = parse_toml(source, name);
  return bold(name) + ": experiment\n" + wrapped(tree.value("title", ""), 2) +
         wrapped(tree.value("description", ""), 2) + bold("Definition") + " (`mneme config show " + name +
         "` adds every default)\n" + source;
}

std::string explain_section(Section const& section) {
  return bold("[" + section.key + "]") + ": section of an experiment file\n" + wrapped(section.summary, 2) +
         option_table(section.options, section.key + ".");
}

int explain(std::string const& word) {
  std::vector<std::string> found, known;
  for (auto const& kind : kinds())
    for (auto const* part : kind.parts) {
      known.push_back(part->name);
      if (!goes_by(part->name, part->aliases, word)) continue;
      found.push_back(explain_part(kind, *part));
      if (kind.plural == "strategies")
        found.back() += explain_strategy(find_row(strategy_table(), "strategy", part->name));
    }
  for (auto const& section : sections()) {
    if (section.key.empty()) continue;
    auto const name = section.key.substr(0, section.key.find('.'));
    known.push_back(name);
    if (name == word) found.push_back(explain_section(section));
  }
  for (auto const& set : catalogue()) {
    known.push_back(set.name);
    if (goes_by(set.name, set.aliases, word)) found.push_back(explain_dataset(set));
  }
  for (auto const& name : experiment_names()) {
    known.push_back(name);
    if (name == word) found.push_back(explain_experiment(name));
  }
  if (found.empty()) throw ConfigError("nothing is called '" + word + "': " + suggestion(word, known));
  print(join(found, "\n"));
  return 0;
}

}  // namespace

void add_explain(Command& program) {
  auto const word = std::make_shared<std::string>();
  auto& verb =
      program.verb("explain", "equation, options with defaults and ranges, source of anything in `mneme list`");
  verb.argument("name", *word, "a strategy, learner, net, stream, dataset, experiment or section such as train");
  verb.action([word] { return explain(*word); });
}

}  // namespace mneme::app
