// What a reader needs to trust the numbers and to get them again: data, seeds, configuration, environment, command.
#include <algorithm>

#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

using html::escape;

std::string word(Json const& object, char const* key) {
  auto const found = object.is_object() ? object.find(key) : object.end();
  if (!object.is_object() || found == object.end() || found->is_null()) return "–";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

Json list_of(Json const& object, char const* key) {
  Json const found = object.is_object() ? object.value(key, Json()) : Json();
  return found.is_array() ? found : Json::array();
}

std::string count(Json const& set) {
  Json const value = set.is_object() ? set.value("count", Json()) : Json();
  return value.is_number_integer() ? html::grouped(value.get<std::int64_t>()) : "–";
}

/// "4 000 MNIST train, 1 000 MNIST test"
std::string sets_in_words(Json const& data) {
  std::string text;
  for (Json const& set : list_of(data, "sets"))
    text +=
        (text.empty() ? "" : ", ") + count(set) + " " + escape(word(set, "name")) + " " + escape(word(set, "split"));
  return text;
}

std::string notice(std::string const& kind, std::string const& html) {
  return "<p class=\"notice " + kind + "\">" + html + "</p>\n";
}

std::string run_prefix(std::span<RunFolder const> runs, RunFolder const& run) {
  return runs.size() < 2 ? "" : "<b>" + escape(run.name()) + "</b>: ";
}

html::Table data_table(RunFolder const& run) {
  html::Table table;
  table.head = {"data set", "split", "images", "SHA-256"};
  for (Json const& set : list_of(run.summary.value("data", Json::object()), "sets"))
    table.rows.push_back({escape(word(set, "name")), escape(word(set, "split")), count(set),
                          "<code class=\"hash\">" + escape(word(set, "sha256")) + "</code>"});
  return table;
}

html::Table seed_table(RunFolder const& run) {
  html::Table table;
  table.head = {"arm", "seed", "status", "steps", "seconds", "hash of the parameters"};
  for (ArmRun const& arm : run.arms) {
    Json const& entry = arm.summary_entry;
    Json const wall = entry.value("wall_seconds", Json::object());
    Json const total = wall.is_object() ? wall.value("total", Json()) : Json();
    table.rows.push_back({escape(arm.arm), std::to_string(arm.seed), escape(arm.status), escape(word(entry, "steps")),
                          total.is_number() ? html::fixed(total.get<double>(), 1) : "–",
                          "<code class=\"hash\">" + escape(word(entry, "parameter_hash")) + "</code>"});
  }
  return table;
}

html::Table environment_table(RunFolder const& run) {
  html::Table table;
  table.head = {"", "environment"};
  for (auto const& item : run.environment.items())
    table.rows.push_back({escape(item.key()), escape(word(run.environment, item.key().c_str()))});
  return table;
}

}  // namespace

std::string notices(std::span<RunFolder const> runs) {
  std::string out;
  for (RunFolder const& run : runs) {
    std::string const prefix = run_prefix(runs, run);
    Json const data = run.summary.value("data", Json::object());
    std::string const kind = word(data, "kind");
    std::string const sets = sets_in_words(data);
    if (kind == "sample")
      out += notice("loud", prefix + "<b>Sample data.</b> Made from a small sample that travels with the program (" +
                                sets +
                                "), not from the full sets: the numbers show the effect, they are not comparable with "
                                "published ones.");
    else if (!sets.empty())
      out += notice("", prefix + (kind == "custom" ? "Own data: " : "Full data sets: ") + sets + ".");
    for (ArmRun const& arm : run.arms)
      if (arm.failed())
        out +=
            notice("loud", prefix + "<b>Failed:</b> " + escape(arm.arm) + ", seed " + std::to_string(arm.seed) +
                               (arm.error.empty() ? "" : ": " + escape(arm.error)) + " It is left out of all numbers.");
    std::string const status = run.text("status");
    if (status == "running")
      out += notice("", prefix + "<b>Still running:</b> the numbers are those of the latest evaluation.");
    if (status == "stopped")
      out +=
          notice("", prefix + "<b>Stopped early</b>, can be resumed: the numbers are those of the latest evaluation.");
    for (auto const& note : run.notes) out += notice("", prefix + escape(note) + ".");
  }
  return out;
}

void add_runs(Page& page, std::span<RunFolder const> runs) {
  page.section("again", "How to get these numbers again");
  for (RunFolder const& run : runs) {
    if (runs.size() > 1) page.body += "<h3>" + escape(run.name()) + "</h3>\n";
    if (auto const command = run.text("command"); !command.empty())
      page.body += "<pre class=\"command\" tabindex=\"0\">" + escape(command) + "</pre>\n";
    page.body += data_table(run).text("numbers") + seed_table(run).text("numbers");
    page.body += "<details><summary>Configuration</summary><pre tabindex=\"0\">" + escape(run.config_text) +
                 "</pre></details>\n";
    page.body += "<details><summary>Environment</summary>" + environment_table(run).text("numbers") + "</details>\n";
  }
  page.end_section();
}

}  // namespace mneme
