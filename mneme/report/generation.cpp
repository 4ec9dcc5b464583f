#include "mneme/report/generation.hpp"

#include <algorithm>
#include <functional>
#include <map>

#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {
namespace {

using html::escape;

using Path = std::vector<std::string>;

/// Share of real test images that a judge is to get right (the classifier of Selective Amnesia's code does).
constexpr double kTrustedJudge = 0.985;

/// The number that stands there in an arm's entry; nothing where there is none. Of a list its last entry.
std::optional<double> number_at(ArmRun const& run, Path const& path) {
  Json const* place = &run.summary_entry;
  for (auto const& key : path) {
    auto const found = place->is_object() ? place->find(key) : place->end();
    if (found == place->end()) return std::nullopt;
    place = &*found;
  }
  if (place->is_array() && !place->empty()) place = &place->back();
  return place->is_number() ? std::optional(place->get<double>()) : std::nullopt;
}

/// A figure of the task in the matrix row that stands behind its own learning.
std::optional<double> when_learnt(ArmRun const& run, std::string const& task, std::string const& figure) {
  Json const all = run.summary_entry.value("figures", Json::object());
  if (!all.is_object() || !all.contains(task) || !all[task].is_object() || !all[task].contains(figure))
    return std::nullopt;
  auto const& list = all[task][figure];
  for (std::size_t row = 0; row < run.matrix.rows.size() && row < list.size(); ++row)
    if (run.matrix.rows[row].kind == "learn" && run.matrix.rows[row].task == task && list[row].is_number())
      return list[row].get<double>();
  return std::nullopt;
}

struct Column {
  std::string title;
  double factor;
  int decimals;
  std::function<std::optional<double>(ArmRun const&, std::string const& task)> value;
  bool brief = false;  // in the terminal too
};

std::vector<Column> columns() {
  auto const at = [](Path path, std::string const& last) {
    return [path = std::move(path), last](ArmRun const& run, std::string const& task) {
      auto whole = path;
      whole.push_back(task);
      if (!last.empty()) whole.push_back(last);
      return number_at(run, whole);
    };
  };
  auto const probe = [](std::string const& labels) {
    return [labels](ArmRun const& run, std::string const& task) {
      return number_at(run, {"codes", "domains", task, "probe", labels});
    };
  };
  return {
      {"domain, %", 100, 1, at({"figures"}, "domain_accuracy"), true},
      {"squared error", 1, 2, at({"figures"}, "squared_error"), true},
      {"when learnt", 1, 2,
       [](ArmRun const& run, std::string const& task) { return when_learnt(run, task, "squared_error"); }},
      {"PSNR, dB", 1, 2, at({"figures"}, "psnr"), true},
      {"SSIM", 1, 3, at({"figures"}, "ssim"), true},
      {"drawn as asked, %", 100, 1, at({"drawn"}, "accuracy"), true},
      {"Fréchet, drawn", 1, 2, at({"drawn"}, "frechet_distance"), true},
      {"Fréchet, reconstructed", 1, 2, at({"drawn"}, "frechet_reconstructed"), true},
      {"replayed as asked, %", 100, 1, at({"replayed"}, "accuracy"), true},
      {"Fréchet, replayed", 1, 2, at({"replayed"}, "frechet_distance"), true},
      {"density", 1, 3, at({"drawn"}, "density")},
      {"coverage", 1, 3, at({"drawn"}, "coverage")},
      {"nearest", 1, 2, at({"drawn"}, "nearest_training")},
      {"of real", 1, 2, at({"drawn"}, "nearest_training_real")},
      {"clusters, classes", 1, 3, at({"codes", "domains"}, "clusters")},
      {"1 label, %", 100, 1, probe("1")},
      {"10 labels, %", 100, 1, probe("10")},
      {"100 labels, %", 100, 1, probe("100")},
      {"clusters, domains", 1, 3,
       [](ArmRun const& run, std::string const&) {
         return number_at(run, {"codes", "clusters"});
       }},
  };
}

/// Of every domain what was drawn after each epoch, from the entries `epochs`.
std::vector<Figure> epoch_figures(Board const& board) {
  struct Kind {
    char const* key;
    char const* title;
    char const* unit;
    double factor;
  };
  std::vector<Figure> figures;
  for (auto const& task : board.tasks)
    for (auto const& kind :
         {Kind{"accuracy", "drawn as asked", "%", 100}, Kind{"frechet_distance", "Fréchet distance, drawn", "", 1},
          Kind{"frechet_reconstructed", "Fréchet distance, reconstructed", "", 1}}) {
      Figure figure;
      figure.title = task + ": " + kind.title;
      figure.x_label = "optimizer steps";
      figure.y_label = kind.unit;
      figure.scale = kind.factor;
      for (std::size_t i = 0; i < board.arms.size(); ++i) {
        std::map<double, std::vector<double>> by_step;
        for (ArmRun const* run : board.arms[i].seeds)
          for (auto const& row : run->summary_entry.value("epochs", Json::array()))
            if (auto const value = row.value(Json::json_pointer("/drawn") / task / kind.key, Json()); value.is_number())
              by_step[row.at("step").get<double>()].push_back(value.get<double>());
        Series series{board.arms[i].label, i, {}};
        for (auto const& [step, values] : by_step) series.points.push_back({step, *over_seeds(values)});
        if (!series.points.empty()) figure.series.push_back(std::move(series));
      }
      if (!figure.empty()) figures.push_back(std::move(figure));
    }
  return figures;
}

}  // namespace

std::string about_judges(Board const& board) {
  std::vector<std::string> judges;
  auto const add = [&](std::string const& domain, Json const& about) {
    if (!about.is_object() || !about.contains("experiment") || !about["experiment"].is_string()) return;
    auto text = "'" + about["experiment"].get<std::string>() + "'" + (domain.empty() ? "" : " for " + domain);
    if (Json const right = about.value("test_accuracy", Json()); right.is_number()) {
      text += ", right on " + html::fixed(right.get<double>() * 100, 1) + " % of real test images";
      if (right.get<double>() < kTrustedJudge) text += " (what it says of drawn ones is no surer than that)";
    }
    if (Json const network = about.value("feature_network", Json()); network.is_string())
      text += ", distances in the features of " + network.get<std::string>();
    if (std::ranges::find(judges, text) == judges.end()) judges.push_back(std::move(text));
  };
  for (auto const& arm : board.arms)
    for (ArmRun const* run : arm.seeds)
      if (Json const about = run->summary_entry.value("judge", Json()); about.is_object()) {
        add("", about);
        for (auto const& [domain, judge] : about.items()) add(domain, judge);
      }
  std::string text;
  for (auto const& judge : judges) text += (text.empty() ? "Judge: " : "; ") + judge;
  return text;
}

std::vector<GenerationTable> generation_tables(Board const& board, bool brief) {
  std::vector<GenerationTable> tables;
  for (auto const& task : board.tasks) {
    GenerationTable table{.task = task, .head = {}, .rows = std::vector<std::vector<std::string>>(board.arms.size())};
    for (auto const& column : columns()) {
      if (brief && !column.brief) continue;
      std::vector<std::optional<Seeds>> cells;  // by arm
      for (auto const& arm : board.arms) {
        std::vector<double> values;
        for (ArmRun const* run : arm.furthest())
          if (auto const value = column.value(*run, task)) values.push_back(*value);
        cells.push_back(over_seeds(values));
      }
      if (std::ranges::none_of(cells, [](auto const& cell) { return cell.has_value(); })) continue;
      table.head.push_back(column.title);
      MetricStyle const style{
          .title = "", .unit = "", .points = "", .factor = column.factor, .decimals = column.decimals};
      for (std::size_t i = 0; i < cells.size(); ++i) table.rows[i].push_back(show_difference(cells[i], style));
    }
    if (!table.head.empty()) tables.push_back(std::move(table));
  }
  return tables;
}

void add_generation(Page& page, Board const& board) {
  std::string tables;
  for (auto const& of_task : generation_tables(board, false)) {
    html::Table table;
    table.caption = escape(of_task.task);
    table.head = {"arm"};
    for (auto const& title : of_task.head) table.head.push_back(escape(title));
    for (std::size_t i = 0; i < board.arms.size(); ++i) {
      auto& row = table.rows.emplace_back();
      row.push_back("<span class=\"arm a" + std::to_string(i % 8) + "\"></span>" + escape(board.arms[i].label));
      for (auto const& cell : of_task.rows[i]) row.push_back(escape(cell));
    }
    tables += table.text("numbers");
  }
  if (tables.empty()) return;
  auto const judges = about_judges(board);
  page.section(
      "generation-" + board.metric, "Images: encoded, reconstructed, drawn",
      "After the last event. Of real test images: the share whose domain is recognised, squared error of the "
      "reconstruction summed over an image (now, and when the domain had just been learnt), PSNR, SSIM. Of "
      "drawn images: the share that a judge takes for the class that was asked for; Fréchet distance of drawn "
      "and of reconstructed images to real ones, density and coverage (5 neighbours); the first two also of "
      "what was replayed while the last was learnt; distance in pixels to the nearest training image, beside that of "
      "real test images. Of codes: agreement (normalised "
      "mutual information) of k-means clusters with classes and with domains; accuracy of a linear classifier "
      "on them with so many labels of each class." +
          (judges.empty() ? "" : " " + escape(judges) + "; no FID."));
  page.body += tables;
  page.add(epoch_figures(board));
  page.end_section();
}

}  // namespace mneme
