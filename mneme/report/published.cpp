#include "mneme/report/published.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "mneme/core/embedded.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/options.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"

namespace mneme {
namespace {

constexpr double kNear = 3;             // points from the naive cell
constexpr double kLeastAllowed = 1;     // points
constexpr double kWithoutSpread = 3;    // points
constexpr std::size_t kLeastSeeds = 3;  // of ours
constexpr std::int64_t kMostNear = 8;   // cells near naive that count

struct CellOptions {
  double value = 0, sem = 0, tolerance = 0;
  std::int64_t seeds = 0;
  bool verified = true;
  std::string note;
  void describe(OptionVisitor& v) {
    v.field("value", value, {.help = "as printed", .unit = "per cent"});
    v.field("sem", sem, {.help = "standard error of the mean; 0: not given", .unit = "points", .min = 0});
    v.field("tolerance", tolerance, {.help = "the source's own; 0: not given", .unit = "points", .min = 0});
    v.field("seeds", seeds, {.help = "that the source averaged over; 0: not said", .min = 0});
    v.field("verified", verified, {.help = "false: from memory, never counted"});
    v.field("note", note, {.help = "what is to be known about it"});
  }
};

struct TableOptions {
  std::string source, naive;
  double minutes = 0;
  void describe(OptionVisitor& v) {
    v.field("source", source, {.help = "paper or repository"});
    v.field("naive", naive, {.help = "arm of plain training"});
    v.field("minutes", minutes, {.help = "of one cell and seed on one core", .unit = "min", .min = 0});
  }
};

std::optional<double> given(double value) { return value > 0 ? std::optional(value) : std::nullopt; }

std::string number(double value, char const* format = "%.2f") {
  char text[64];
  std::snprintf(text, sizeof text, format, value);
  return text;
}

Spread spread_of(CellResult const& result) {
  std::vector<double> values;
  for (auto const& [seed, value] : result.values) values.push_back(value);
  return spread(values);
}

/// Takes the larger; empty loses.
void raise(std::optional<double>& most, double value) {
  if (!most || value > *most) most = value;
}

void look_for_activity(ArmRun const& arm, CellResult& result) {
  for (auto const& line : arm.metrics) {
    auto const kind = line.value("kind", "");
    if (kind == "importance" && line.contains("trace")) raise(result.largest_trace, line["trace"].get<double>());
    if (kind != "step" || !line.contains("terms")) continue;
    for (auto const& [name, value] : line["terms"].items()) raise(result.largest_term, value.get<double>());
  }
}

std::string proof(CellResult const& result) {
  std::string text = !result.differs_from_naive   ? "not compared with naive"
                     : *result.differs_from_naive ? "differs from naive"
                                                  : "equals naive";
  if (result.largest_term) text += ", largest term " + number(*result.largest_term, "%.3g");
  if (result.largest_trace) text += ", trace " + number(*result.largest_trace, "%.3g");
  return text;
}

/// By what stands in the table: options that came since then change nothing.
std::string protocol_of(Json tree, std::string const& arm) {
  tree["arm"] = tree["arm"][arm];
  for (auto const* key : {"name", "title", "description", "seeds", "published"}) tree.erase(key);
  auto const text = tree.dump();
  return sha256_hex(as_bytes(text)).substr(0, 16);
}

}  // namespace

PublishedTable published_table(std::string const& text, std::string const& name) {
  PublishedTable table;
  table.experiment = parse_toml(text, name);
  auto const& tree = table.experiment;
  if (!tree.contains("published")) throw ConfigError(name + ": it has no [published] section");
  auto const published = tree["published"];
  auto const own = read_options<TableOptions>(published, name + ": published", {"cell"});
  table.name = tree.value("name", "");
  table.title = tree.value("title", "");
  table.source = own.source;
  table.minutes = own.minutes;
  table.naive = own.naive;
  Json const cells = published.value("cell", Json::object());
  for (auto const& [arm, cell] : cells.items()) {
    auto const where = name + ": published.cell." + arm;
    if (!tree.contains("arm") || !tree["arm"].contains(arm))
      throw ConfigError(where + ": the experiment has no arm of that name");
    auto const c = read_options<CellOptions>(cell, where);
    table.cells.push_back({.name = table.name + "/" + arm,
                           .arm = arm,
                           .value = c.value,
                           .sem = given(c.sem),
                           .tolerance = given(c.tolerance),
                           .seeds = c.seeds,
                           .verified = c.verified,
                           .note = c.note,
                           .protocol = protocol_of(tree, arm)});
  }
  auto const naive = std::find_if(table.cells.begin(), table.cells.end(),
                                  [&](PublishedCell const& cell) { return cell.arm == table.naive; });
  if (naive != table.cells.end())
    for (auto& cell : table.cells)
      cell.near_naive = cell.arm != table.naive && std::abs(cell.value - naive->value) <= kNear;
  table.experiment.erase("published");
  return table;
}

std::vector<PublishedTable> published_tables() {
  std::vector<PublishedTable> tables;
  for (auto const& file : embedded_files("published/"))
    tables.push_back(published_table(std::string(embedded_file(file)), file));
  return tables;
}

Json CellResult::to_json() const {
  Json by_seed = Json::object();
  for (auto const& [seed, value] : values) by_seed[std::to_string(seed)] = value;
  Json json = {{"values", by_seed}};
  if (differs_from_naive) json["differs_from_naive"] = *differs_from_naive;
  json.update({{"minutes", minutes}, {"version", version}, {"protocol", protocol}});
  if (largest_term) json["largest_term"] = *largest_term;
  if (largest_trace) json["largest_trace"] = *largest_trace;
  return json;
}

void CellResult::join(CellResult const& other) {
  for (auto const& [seed, value] : other.values) values[seed] = value;
  bool const both = differs_from_naive.has_value() && other.differs_from_naive.has_value();
  differs_from_naive = both ? std::optional(*differs_from_naive && *other.differs_from_naive) : std::nullopt;
  minutes += other.minutes;
  if (other.largest_term) largest_term = std::max(largest_term.value_or(0), *other.largest_term);
  if (other.largest_trace) largest_trace = std::max(largest_trace.value_or(0), *other.largest_trace);
}

CellResult CellResult::from_json(Json const& json) try {
  CellResult result;
  for (auto const& [seed, value] : json.at("values").items()) result.values[std::stoll(seed)] = value.get<double>();
  if (json.contains("differs_from_naive")) result.differs_from_naive = json["differs_from_naive"].get<bool>();
  result.minutes = json.at("minutes").get<double>();
  result.version = json.at("version").get<std::string>();
  result.protocol = json.at("protocol").get<std::string>();
  if (json.contains("largest_term")) result.largest_term = json["largest_term"].get<double>();
  if (json.contains("largest_trace")) result.largest_trace = json["largest_trace"].get<double>();
  return result;
} catch (std::exception const& e) {
  throw DataError(std::string("results of published cells: ") + e.what());
}

std::map<std::string, CellResult> measured_cells(PublishedTable const& table, RunFolder const& run) {
  std::map<std::int64_t, std::string> naive_parameters;
  for (auto const& arm : run.arms)
    if (arm.arm == table.naive) naive_parameters[arm.seed] = arm.summary_entry.value("parameter_hash", "");
  std::map<std::string, CellResult> results;
  for (auto const& cell : table.cells) {
    CellResult result;
    bool whole = true, compared = true, differs = true;
    for (auto const& arm : run.arms) {
      if (arm.arm != cell.arm) continue;
      auto const value = average(arm.matrix);
      whole &= arm.status == "finished" && value.has_value();
      if (!whole) break;
      result.values[arm.seed] = 100 * *value;
      result.minutes += arm.summary_entry.at("wall_seconds").at("total").get<double>() / 60;
      auto const naive = naive_parameters.find(arm.seed);
      compared &= naive != naive_parameters.end();
      differs &= compared && naive->second != arm.summary_entry.value("parameter_hash", "");
      look_for_activity(arm, result);
    }
    if (!whole || result.values.empty()) continue;
    if (compared) result.differs_from_naive = differs;
    result.version = run.text("mneme");
    result.protocol = cell.protocol;
    results[cell.name] = std::move(result);
  }
  return results;
}

std::string to_text(Verdict verdict) {
  return verdict == Verdict::kReproduced ? "reproduced" : verdict == Verdict::kDiffers ? "differs" : "not tried";
}

double allowed_difference(PublishedCell const& cell, Spread const& ours) {
  if (cell.tolerance) return *cell.tolerance;
  if (!cell.sem) return kWithoutSpread;
  double const own = ours.n > 0 ? ours.deviation / std::sqrt(ours.n) : 0;
  return std::max(kLeastAllowed, 2 * std::sqrt(*cell.sem * *cell.sem + own * own));
}

Verdict verdict(PublishedCell const& cell, CellResult const* result) {
  if (result == nullptr || result->values.size() < kLeastSeeds || result->protocol != cell.protocol)
    return Verdict::kNotTried;
  auto const ours = spread_of(*result);
  return std::abs(ours.mean - cell.value) <= allowed_difference(cell, ours) ? Verdict::kReproduced : Verdict::kDiffers;
}

bool active(CellResult const& result) {
  return result.differs_from_naive.value_or(false) && result.largest_term.value_or(1) > 0 &&
         result.largest_trace.value_or(1) > 0;
}

std::int64_t counted(std::vector<PublishedTable> const& tables, std::map<std::string, CellResult> const& results) {
  std::int64_t far = 0, near = 0;
  for (auto const& table : tables)
    for (auto const& cell : table.cells) {
      auto const found = results.find(cell.name);
      if (found == results.end() || !cell.verified || verdict(cell, &found->second) != Verdict::kReproduced) continue;
      if (!cell.near_naive)
        ++far;
      else if (active(found->second))
        ++near;
    }
  return far + std::min(near, kMostNear);
}

std::string reproducibility_page(std::vector<PublishedTable> const& tables,
                                 std::map<std::string, CellResult> const& results) {
  std::string page =
      "# Published figures, and ours\n\n"
      "Made by `mneme reproduce --page` from the measured values in `docs/reproducibility.json`; `mneme reproduce "
      "NAME` "
      "measures a table or a cell again. All values are average accuracies in per cent after the last task.\n\n"
      "A cell is *reproduced* if our mean over at least three seeds, none left out, lies within max(1 point, twice the "
      "root of the summed squared standard errors) of the published value, or within 3 points where the source gives "
      "a tolerance of 3 or no spread. A cell within 3 points of its table's naive cell is marked ≈: it counts only "
      "with "
      "the proof that the method did something, and at most " +
      std::to_string(kMostNear) +
      " of them count. *Unverified* values are from memory and never count. A cell with fewer than three seeds is "
      "shown "
      "and not judged: it stays *not tried*.\n\n";
  std::int64_t tried = 0, reproduced = 0, all = 0;
  std::string body;
  for (auto const& table : tables) {
    body += "\n## " + table.name + "\n\n" + table.title + ". Source: " + table.source + ". `mneme reproduce " +
            table.name + "`\n\n| cell | published | ours (mean ± sd, seeds) | difference | proof | verdict |\n" +
            "|---|---|---|---|---|---|\n";
    for (auto const& cell : table.cells) {
      ++all;
      auto const found = results.find(cell.name);
      bool const known = found != results.end() && found->second.protocol == cell.protocol;
      auto const* result = known ? &found->second : nullptr;
      auto const decided = verdict(cell, result);
      tried += decided != Verdict::kNotTried && cell.verified ? 1 : 0;
      reproduced += decided == Verdict::kReproduced && cell.verified ? 1 : 0;
      std::string const spread_text = cell.sem         ? " (sem " + number(*cell.sem) + ")"
                                      : cell.tolerance ? " (±" + number(*cell.tolerance, "%.0f") + ")"
                                                       : "";
      body += "| " + cell.arm + (cell.near_naive ? " ≈" : "") + " | " + number(cell.value) + spread_text +
              (cell.verified ? "" : ", unverified value") + " | ";
      if (result != nullptr) {
        auto const ours = spread_of(*result);
        body += number(ours.mean) + " ± " + number(ours.deviation) + ", " + std::to_string(ours.n) + " | " +
                number(ours.mean - cell.value, "%+.2f") + " of " + number(allowed_difference(cell, ours)) + " | " +
                (cell.arm == table.naive ? "" : proof(*result));
      } else {
        body += " |  | ";
      }
      body += " | " + to_text(decided) + " |\n";
    }
    std::string notes;
    for (auto const& cell : table.cells)
      if (!cell.note.empty()) notes += "- " + cell.arm + ": " + cell.note + "\n";
    if (!notes.empty()) body += "\n" + notes;
  }
  return page + "**" + std::to_string(reproduced) + " of " + std::to_string(tried) +
         " cells reproduced that were tried and whose value is verified, " + std::to_string(counted(tables, results)) +
         " counted, " + std::to_string(all) + " listed.**\n" + body;
}

}  // namespace mneme
