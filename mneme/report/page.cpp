#include "mneme/report/html.hpp"
#include "mneme/report/sections.hpp"

namespace mneme {

void Page::section(std::string const& id, std::string const& title, std::string const& note) {
  std::string const whole = qualifier.empty() ? title : title + " (" + qualifier + ")";
  sections_.emplace_back(id, whole);
  body += "<section id=\"" + html::escape(id) + "\"><h2>" + html::escape(whole) + "</h2>\n";
  if (!note.empty()) body += "<p class=\"note\">" + note + "</p>\n";
}

void Page::end_section() { body += "</section>\n"; }

void Page::add(Figure const& figure) {
  std::string const id = "figure-" + std::to_string(figures_.size() + 1);
  figures_[id] = figure_json(figure);
  body += figure_html(figure, id);
}

void Page::add(std::vector<Figure> const& figures) {
  body += "<div class=\"figures\">";
  for (Figure const& figure : figures) add(figure);
  body += "</div>\n";
}

std::string Page::contents() const {
  std::string links = "<nav aria-label=\"Contents\">";
  for (auto const& [id, title] : sections_)
    links += "<a href=\"#" + html::escape(id) + "\">" + html::escape(title) + "</a> ";
  return links + "</nav>\n";
}

}  // namespace mneme
