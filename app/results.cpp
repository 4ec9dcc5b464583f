#include "results.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "mneme/core/files.hpp"
#include "mneme/report/board.hpp"
#include "mneme/report/generation.hpp"
#include "mneme/report/report.hpp"
#include "mneme/report/unlearning.hpp"
#include "terminal.hpp"

namespace mneme::app {
namespace fs = std::filesystem;
namespace {

/// Whether some process holds the folder's lock. Looks without making a lock file.
bool is_live(fs::path const& folder) {
  int const file = ::open((folder / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool const held = ::flock(file, LOCK_SH | LOCK_NB) != 0;
  ::close(file);
  return held;
}

/// A table for each request to forget.
std::string forgotten(Board const& board) {
  std::string text;
  for (auto const& asked : unlearning_tables(board)) {
    std::vector<std::string> head = {"arm"};
    for (auto const& column : asked.columns)
      if (column.brief) head.push_back(column.title);
    std::vector<std::vector<std::string>> rows;
    for (auto const& line : asked.lines) {
      rows.push_back({board.arms[line.arm].label});
      for (std::size_t c = 0; c < line.values.size(); ++c)
        if (asked.columns[c].brief) rows.back().push_back(asked.text(line, c));
    }
    text += "Asked to forget " + asked.request + "\n" + columns(head, rows);
  }
  return text;
}

}  // namespace

std::string results_table(RunFolder const& run) {
  std::string text;
  for (auto const& board : make_boards({&run, 1})) {
    std::vector<std::string> head = {"arm"};
    for (auto const& task : board.tasks) head.push_back(task);
    head.insert(head.end(), {"average", "forgetting", "seeds"});
    std::vector<std::vector<std::string>> rows;
    for (auto const& arm : board.arms) {
      std::vector<std::string> row = {arm.label};
      for (auto const& task : board.tasks) row.push_back(show(arm.last(task), board.style));
      row.push_back(show(arm.number("average"), board.style));
      row.push_back(show_difference(arm.number("forgetting"), board.style));
      row.push_back(arm.seeds_text());
      rows.push_back(std::move(row));
    }
    text += "Final " + board.style.title + " (" + board.style.unit + "), mean ± sample deviation over the seeds\n" +
            columns(head, rows);
    for (auto& of_task : generation_tables(board, true)) {
      head = of_task.head;
      head.insert(head.begin(), "arm");
      for (std::size_t i = 0; i < board.arms.size(); ++i)
        of_task.rows[i].insert(of_task.rows[i].begin(), board.arms[i].label);
      text += of_task.task + ", images encoded and drawn\n" + columns(head, of_task.rows);
    }
    text += forgotten(board);
    if (auto const judges = about_judges(board); !judges.empty()) text += judges + "\n";
  }
  return text.empty() ? "No results yet.\n" : text;
}

fs::path write_report(RunFolder const& run) {
  auto const file = run.path / "report.html";
  write_file(file, make_report({&run, 1}));
  return file;
}

std::string run_status(fs::path const& folder, Json const& summary) {
  if (!summary.is_object() || !summary.contains("status") || !summary["status"].is_string()) return "unreadable";
  auto const status = summary["status"].get<std::string>();
  return status == "running" && !is_live(folder) ? "interrupted" : status;
}

}  // namespace mneme::app
