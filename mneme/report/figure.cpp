#include "mneme/report/figure.hpp"

#include <algorithm>
#include <map>

#include "mneme/core/text.hpp"
#include "mneme/report/html.hpp"

namespace mneme {
namespace {

constexpr std::size_t kMostPoints = 400;  // of one series in chart and table; more than a screen can show

/// Evenly picked points, the last one always among them.
std::vector<Point> thin(std::vector<Point> const& points) {
  if (points.size() <= kMostPoints) return points;
  std::vector<Point> picked;
  for (std::size_t i = 0; i < kMostPoints; ++i) picked.push_back(points[i * (points.size() - 1) / (kMostPoints - 1)]);
  return picked;
}

char const* kind_name(Figure::Kind kind) {
  switch (kind) {
    case Figure::Kind::kLines:
      return "lines";
    case Figure::Kind::kBars:
      return "bars";
    case Figure::Kind::kScatter:
      return "scatter";
    case Figure::Kind::kStack:
      break;
  }
  return "stack";
}

std::string x_text(Figure const& figure, double x) {
  if (!figure.categories.empty()) return figure.categories.at(static_cast<std::size_t>(x));
  return figure.x_decimals > 0 ? html::fixed(x, figure.x_decimals) : format_number(x);
}

std::string y_text(Figure const& figure, Spread const& y) {
  std::string const mean = html::fixed(y.mean * figure.scale, figure.decimals);
  return y.n > 1 ? mean + " ± " + html::fixed(y.deviation * figure.scale, figure.decimals) : mean;
}

/// Of a scatter chart: a line for each point.
html::Table listed(Figure const& figure) {
  html::Table table;
  table.head = {"", html::escape(figure.x_label), html::escape(figure.y_label)};
  for (auto const& series : figure.series)
    for (Point const& point : series.points)
      table.rows.push_back(
          {html::escape(series.label), html::fixed(point.x, figure.x_decimals), y_text(figure, point.y.spread)});
  return table;
}

html::Table numbers(Figure const& figure) {
  if (figure.kind == Figure::Kind::kScatter) return listed(figure);
  html::Table table;
  table.head = {html::escape(figure.x_label)};
  std::map<double, std::vector<std::string>> rows;
  for (std::size_t s = 0; s < figure.series.size(); ++s) {
    table.head.push_back(html::escape(figure.series[s].label));
    for (Point const& point : thin(figure.series[s].points)) {
      auto& row = rows[point.x];
      row.resize(figure.series.size());
      row[s] = y_text(figure, point.y.spread);
    }
  }
  for (auto& [x, cells] : rows) {
    cells.insert(cells.begin(), html::escape(x_text(figure, x)));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

std::string file_name(std::string const& title) {
  std::string name;
  for (char const c : title) {
    bool const keep = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    if (keep || (!name.empty() && name.back() != '_')) name += keep ? c : '_';
  }
  return name + ".csv";
}

}  // namespace

bool Figure::empty() const {
  return std::ranges::all_of(series, [](Series const& s) { return s.points.empty(); });
}

Json figure_json(Figure const& figure) {
  Json json = {{"kind", kind_name(figure.kind)}, {"xLabel", figure.x_label},    {"yLabel", figure.y_label},
               {"fromZero", figure.from_zero},   {"decimals", figure.decimals}, {"categories", figure.categories},
               {"xDecimals", figure.x_decimals}, {"logX", figure.log_x},        {"diagonal", figure.diagonal},
               {"boundaries", Json::array()},    {"series", Json::array()}};
  for (auto const& boundary : figure.boundaries)
    json["boundaries"].push_back({{"x", boundary.x}, {"label", boundary.label}});
  for (auto const& series : figure.series) {
    Json points = Json::array();
    for (Point const& p : thin(series.points))
      points.push_back({p.x, p.y.spread.mean * figure.scale, p.y.low * figure.scale, p.y.high * figure.scale});
    json["series"].push_back({{"label", series.label}, {"colour", series.colour}, {"points", std::move(points)}});
  }
  return json;
}

std::string figure_csv(Figure const& figure) {
  std::string csv = "series," + csv_field(figure.x_label) + ",mean,deviation,low,high,n\n";
  for (auto const& series : figure.series)
    for (Point const& point : series.points) {
      Seeds const& y = point.y;
      csv += csv_field(series.label) + ',' + csv_field(x_text(figure, point.x)) + ',' + format_number(y.spread.mean) +
             ',' + (y.spread.n > 1 ? format_number(y.spread.deviation) : "") + ',' + format_number(y.low) + ',' +
             format_number(y.high) + ',' + std::to_string(y.spread.n) + '\n';
    }
  return csv;
}

std::string figure_html(Figure const& figure, std::string const& id) {
  std::string const title = html::escape(figure.title);
  return "<figure class=\"chart\"><figcaption>" + title + " <span class=\"unit\">" + html::escape(figure.y_label) +
         "</span></figcaption>\n<div class=\"canvas " + kind_name(figure.kind) + "\"><canvas data-figure=\"" +
         html::escape(id) + "\" role=\"img\" aria-label=\"" + title +
         ". The numbers stand in the table below.\"></canvas></div>\n" + "<details><summary>Numbers</summary>" +
         numbers(figure).text("numbers") + html::csv_link(figure_csv(figure), file_name(figure.title)) +
         "</details></figure>\n";
}

}  // namespace mneme
