#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "mneme/core/errors.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;
using html::escape;

constexpr std::size_t kMostPictures = 12;         // of one arm and task; a page is read, not searched
constexpr std::size_t kLargestPicture = 4 << 20;  // bytes

std::string word(Json const& line, char const* key) {
  auto const found = line.find(key);
  return found != line.end() && found->is_string() ? found->get<std::string>() : "";
}

/// The PNG as a data: link; empty where the file is missing, too large, outside the folder or no PNG.
std::string load(fs::path const& folder, std::string const& file) {
  fs::path const relative = fs::path(file).lexically_normal();
  if (relative.empty() || relative.is_absolute() || *relative.begin() == "..") return "";
  try {
    auto const bytes = read_file(folder / relative);
    std::string_view const text = as_text(bytes);
    if (bytes.size() > kLargestPicture || !text.starts_with("\x89PNG\r\n\x1a\n")) return "";
    return html::data_uri("image/png", text);
  } catch (DataError const&) {
    return "";
  }
}

std::string heading(std::string const& kind) {
  static std::map<std::string, std::string> const headings = {
      {"prior", "Generated from the prior"},
      {"classes", "Generated, the same codes for every class"},
      {"reconstruction", "Reconstructions"},
      {"traversal", "Between test images of four classes"},
      {"manifold", "Over two numbers of the code"},
      {"interpolation", "From each class to the next"},
      {"between-images", "Between two images"},
      {"coordinates", "A coordinate of the code in each row"},
      {"translation", "Translated into each domain"},
      {"epochs", "After each epoch"},
      {"steps", "Amid training, the same codes for every class"},
  };
  auto const found = headings.find(kind);
  return found == headings.end() ? kind : found->second;
}

/// " of MNIST": the task of that event.
std::string of_event(ArmRun const& run, std::int64_t event) {
  for (auto const& row : run.matrix.rows)
    if (row.event == event && row.kind == "learn") return " of " + row.task;
  return "";
}

/// "after MNIST" for the event after which the picture was made.
std::string when(ArmRun const& run, Json const& line) {
  auto const event = line.find("event");
  if (event == line.end() || !event->is_number_integer()) return "";
  if (*event == -1) return "before training";
  if (auto const epoch = line.find("epoch"); epoch != line.end() && epoch->is_number_integer())
    return "epoch " + std::to_string(epoch->get<std::int64_t>() + 1) + of_event(run, event->get<std::int64_t>());
  if (word(line, "kind") == "steps") return "step " + line.value("step", Json(0)).dump();
  for (auto const& row : run.matrix.rows)
    if (row.event == event->get<std::int64_t>() && (row.kind == "learn" || row.kind == "forget")) return row_name(row);
  return "event " + event->dump();
}

std::string strip(ArmRun const& run, std::vector<Json const*> const& lines) {
  std::string out = "<div class=\"strip\">";
  std::size_t const skip = lines.size() > kMostPictures ? lines.size() - kMostPictures : 0;
  for (std::size_t i = skip; i < lines.size(); ++i) {
    std::string const source = load(run.folder / "samples", word(*lines[i], "file"));
    std::string const label = escape(when(run, *lines[i]));
    std::string const caption = escape(word(*lines[i], "caption"));
    out += "<figure class=\"picture\">";
    out += source.empty() ? "<p class=\"missing\">picture missing: " + escape(word(*lines[i], "file")) + "</p>"
                          : "<img src=\"" + source + "\" alt=\"" + (caption.empty() ? label : caption) + "\">";
    out += "<figcaption><b>" + label + "</b> " + caption + "</figcaption></figure>\n";
  }
  if (skip > 0)
    out += "<p class=\"missing\">" + std::to_string(skip) + " earlier ones are in the run folder's samples/</p>";
  return out + "</div>\n";
}

}  // namespace

void add_pictures(Page& page, Board const& board) {
  using Kind = std::pair<std::string, std::string>;  // kind, task
  std::vector<Kind> kinds;
  for (auto const& arm : board.arms)
    for (Json const& line : arm.seeds.front()->samples)
      if (Kind const kind{word(line, "kind"), word(line, "task")}; std::ranges::find(kinds, kind) == kinds.end())
        kinds.push_back(kind);
  if (kinds.empty()) return;
  page.section("pictures-" + board.metric, "Pictures", "Of the first seed of each arm, in the order of the events.");
  for (auto const& [kind, task] : kinds) {
    page.body +=
        "<h3>" + escape(heading(kind)) + (task.empty() ? "" : ": " + escape(task)) + "</h3>\n<div class=\"strips\">";
    for (std::size_t i = 0; i < board.arms.size(); ++i) {
      ArmRun const& run = *board.arms[i].seeds.front();
      std::vector<Json const*> lines;
      for (Json const& line : run.samples)
        if (word(line, "kind") == kind && word(line, "task") == task) lines.push_back(&line);
      if (lines.empty()) continue;
      auto const number = [](Json const& line, char const* key, std::int64_t other) {
        auto const found = line.find(key);
        return found != line.end() && found->is_number_integer() ? found->get<std::int64_t>() : other;
      };
      std::ranges::stable_sort(lines, {}, [&](Json const* line) {  // within an event epochs first
        return std::pair(number(*line, "event", 0), number(*line, "epoch", std::numeric_limits<std::int64_t>::max()));
      });
      page.body += "<div class=\"of-arm\"><h4><span class=\"arm a" + std::to_string(i % 8) + "\"></span>" +
                   escape(board.arms[i].label) + " <span class=\"when\">seed " + std::to_string(run.seed) +
                   "</span></h4>" + strip(run, lines) + "</div>";
    }
    page.body += "</div>\n";
  }
  page.end_section();
}

}  // namespace mneme
