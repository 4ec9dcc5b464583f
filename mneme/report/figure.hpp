// Figures as data: what a chart shows, and the same numbers as a table and as CSV. The drawing itself is done in the
// page by report.js with Chart.js.
#pragma once

#include <string>
#include <vector>

#include "mneme/core/json.hpp"
#include "mneme/report/board.hpp"

namespace mneme {

struct Point {
  double x = 0;  // optimizer step, place on the x axis, or index into `categories`
  Seeds y;
};

struct Series {
  std::string label;
  std::size_t colour = 0;  // place of the arm in its board: one arm has one colour in all figures
  std::vector<Point> points;
};

/// Where an event begins on the step axis.
struct Boundary {
  double x = 0;
  std::string label;
  bool operator==(Boundary const&) const = default;
};

struct Figure {
  enum class Kind { kLines, kBars, kStack, kScatter };
  Kind kind = Kind::kLines;
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Series> series;
  std::vector<Boundary> boundaries;     // lines only
  std::vector<std::string> categories;  // names along the axis; none for lines over steps
  bool from_zero = false;
  bool log_x = false;     // scatter only
  bool diagonal = false;  // lines only: both axes are shares from 0 to 1, with the line on which they are equal
  int x_decimals = 0;
  int decimals = 1;
  double scale = 1;  // numbers are multiplied by it when shown (100: fractions as percent)

  [[nodiscard]] bool empty() const;
};

/// What report.js reads.
Json figure_json(Figure const& figure);

/// <figure> with a canvas that refers to `id`, and the numbers folded below it.
std::string figure_html(Figure const& figure, std::string const& id);

/// Long form, one line per point: series,x,mean,deviation,low,high,n. All points, unscaled.
std::string figure_csv(Figure const& figure);

}  // namespace mneme
