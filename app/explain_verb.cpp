// mneme explain: all that is known of one name, whatever kind it is of.
#include <algorithm>
#include <memory>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/data/catalogue.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/strategies/strategy.hpp"
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
      if (goes_by(part->name, part->aliases, word)) found.push_back(explain_part(kind, *part));
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
