// mneme docs (hidden): docs/options.md, made from the option tables.
#include <memory>

#include "parts.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

/// A cell of a Markdown table.
std::string cell(std::string const& text) {
  std::string safe;
  for (char const c : text) {
    if (c == '|') safe += '\\';
    safe += c;
  }
  return safe;
}

std::string table(OptionList const& options, std::string const& prefix) {
  if (options.empty()) return "No options.\n";
  std::string text = "| key | type | default | range | what it is | source |\n|---|---|---|---|---|---|\n";
  for (auto const& option : options)
    text += "| `" + prefix + option.key + "` | " + option.type + " | `" + cell(option.default_value.dump()) + "` | " +
            cell(range_of(option)) + " | " + cell(help_of(option)) + " | " + cell(option.note.source) + " |\n";
  return text;
}

std::string paragraph(std::string text) {
  if (text.empty()) return text;
  text.insert(text.begin(), '\n');
  return text += '\n';
}

std::string options_page() {
  std::string page =
      "# Options\n\nEvery key of an experiment file, made from the tables in the code by `mneme docs options`; do not "
      "edit it by hand.\nA key is set in the file, or on the command line with `-s key=value`. Parts are given by name "
      "(`strategy = \"ewc\"`)\nor as a table with their options (`strategy = { kind = \"ewc\", lambda = 100.0 }`).\n";
  for (auto const& section : sections()) {
    auto const prefix = section.key.empty() ? "" : section.key + ".";
    page += section.key.empty() ? "\n## Top level: " : "\n## `[" + section.key + "]`: ";
    page += section.summary + "\n\n" + table(section.options, prefix);
  }
  for (auto const& kind : kinds()) {
    page += "\n## " + kind.plural + ": `" + kind.key + "`\n";
    for (auto const* part : kind.parts) {
      page.append("\n### `").append(part->name).append("`\n\n").append(part->summary).append("\n");
      if (!part->equation.empty()) page += "\n    " + part->equation + "\n";
      page += paragraph(part->paper) +
              paragraph(part->differences.empty() ? "" : std::string("Differences: ").append(part->differences));
      page.append("\n").append(table(part->options(), kind.key + "."));
    }
  }
  return page;
}

}  // namespace

void add_docs(Command& program) {
  auto& verb = program.verb("docs", "pages of documentation", true);
  auto& options = verb.verb("options", "print docs/options.md");
  options.action([] {
    print(options_page());
    return 0;
  });
}

}  // namespace mneme::app
