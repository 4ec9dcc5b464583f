#include "mneme/report/headline.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace mneme {
namespace {

constexpr std::size_t kMostNamed = 4;

struct Finding {
  std::string arm;
  Seeds value;      // what the sentence ranks by
  std::string was;  // the number it is to be compared with; empty for none
};

/// What is said of an arm; the first one spells out unit and task, the others lean on it.
using Saying = std::function<std::string(Finding const&, bool first)>;

/// The arm whose rows tell what has happened so far.
ArmGroup const& furthest(Board const& board) {
  return *std::ranges::max_element(board.arms, {}, [](ArmGroup const& arm) { return arm.rows().size(); });
}

std::string seeds_phrase(std::vector<Finding> const& findings) {
  auto const [low, high] = std::ranges::minmax(findings, {}, [](Finding const& f) { return f.value.spread.n; });
  int const fewest = low.value.spread.n;
  int const most = high.value.spread.n;
  if (most == 1) return "one seed";
  if (fewest == most) return "mean of " + std::to_string(most) + " seeds";
  return "mean of " + std::to_string(fewest) + " to " + std::to_string(most) + " seeds";
}

/// "naive <says> A, ewc <says> B and joint <says> C"; of many arms the best and the worst.
std::string enumerate(std::vector<Finding> findings, bool higher_is_better, Saying const& says) {
  if (findings.size() > kMostNamed) {
    std::ranges::stable_sort(
        findings, {}, [&](Finding const& f) { return higher_is_better ? -f.value.spread.mean : f.value.spread.mean; });
    return "of " + std::to_string(findings.size()) + " arms " + findings.front().arm + " is best: it " +
           says(findings.front(), true) + "; " + findings.back().arm + " is last: it " + says(findings.back(), true);
  }
  std::string text;
  for (std::size_t i = 0; i < findings.size(); ++i) {
    if (i > 0) text += i + 1 == findings.size() ? " and " : ", ";
    text += findings[i].arm + " " + says(findings[i], i == 0);
  }
  return text;
}

std::string sentence(bool higher_is_better, std::string const& opening, std::vector<Finding> const& findings,
                     Saying const& says) {
  if (findings.empty()) return "";
  return opening + ", " + enumerate(findings, higher_is_better, says) + ": " + seeds_phrase(findings) +
         (higher_is_better ? "." : "; lower is better.");
}

/// "64.0 %", "186.1 nats per image" at first, "139.0" later: a unit in words is said once.
std::string amount(std::string const& number, Board const& board, bool first) {
  bool const wanted = board.style.unit == "%" || (first && !board.style.unit.empty());
  return wanted ? number + "\u00a0" + board.style.unit : number;
}

std::string amount(Finding const& finding, Board const& board, bool first) {
  return amount(show_mean(finding.value, board.style), board, first);
}

bool finished(ArmGroup const& arm) {
  return std::ranges::all_of(arm.seeds, [](ArmRun const* run) { return run->status == "finished"; });
}

/// Every arm's value of `task` in row `now`, beside the one in row `then`; an arm that went another way (joint learns
/// all at once) and has finished is said by its own last row.
std::vector<Finding> compare_rows(Board const& board, std::string const& task, std::size_t then, std::size_t now) {
  auto const& way = furthest(board).rows();
  std::vector<Finding> findings;
  for (ArmGroup const& arm : board.arms) {
    auto const& own = arm.rows();
    bool const same_way = now < own.size() && own[now].task == way[now].task;
    if (!same_way && !(finished(arm) && !own.empty())) continue;
    auto const value = arm.cell(same_way ? now : own.size() - 1, task);
    if (!value) continue;
    auto const before = same_way ? arm.cell(then, task) : std::nullopt;
    findings.push_back({arm.label, *value, before ? show_mean(before, board.style) : ""});
  }
  return findings;
}

/// A value before that all arms share, as arms with a common prefix do, is said once.
void say_shared_once(std::vector<Finding>& findings) {
  std::string shared;
  for (auto const& f : findings) {
    if (f.was.empty()) continue;
    if (shared.empty()) shared = f.was;
    if (f.was != shared) return;
  }
  for (std::size_t i = 1; i < findings.size(); ++i) findings[i].was.clear();
}

std::string two_tasks(Board const& board, std::size_t first, std::size_t second) {
  auto const& rows = furthest(board).rows();
  std::string const& task = rows[first].task;
  auto findings = compare_rows(board, task, first, second);
  say_shared_once(findings);
  return sentence(board.higher_is_better, "After learning " + rows[second].task, findings,
                  [&](Finding const& f, bool spelt) {
                    std::string said = (board.higher_is_better ? "keeps " : "stands at ") + amount(f, board, spelt);
                    if (spelt) said += " on " + task;
                    if (!f.was.empty())
                      said += (board.higher_is_better ? " (of " : " (from ") + amount(f.was, board, false) + ")";
                    return said;
                  });
}

std::string one_task(Board const& board, std::size_t row) {
  std::string const& task = furthest(board).rows()[row].task;
  return sentence(board.higher_is_better, "After learning " + task, compare_rows(board, task, row, row),
                  [&](Finding const& f, bool spelt) { return "reaches " + amount(f, board, spelt); });
}

std::string many_tasks(Board const& board, std::size_t count) {
  std::vector<Finding> findings;
  for (ArmGroup const& arm : board.arms)
    if (auto const average = arm.number("average")) {
      auto const lost = arm.number("forgetting");
      findings.push_back({arm.label, *average, lost ? show_mean(lost, board.style) : ""});
    }
  return sentence(board.higher_is_better, "After " + std::to_string(count) + " tasks", findings,
                  [&](Finding const& f, bool spelt) {
                    std::string const said = "averages " + amount(f, board, spelt);
                    if (f.was.empty()) return said;
                    return said + " (forgetting " + f.was + (spelt ? " " + board.style.points : "") + ")";
                  });
}

std::string forgot(Board const& board, std::size_t row) {
  std::string const& task = furthest(board).rows()[row].task;
  return sentence(!board.higher_is_better, "Asked to forget " + task,
                  compare_rows(board, task, row == 0 ? 0 : row - 1, row), [&](Finding const& f, bool spelt) {
                    std::string const said = "ends at " + amount(f, board, spelt) + (spelt ? " on it" : "");
                    return f.was.empty() ? said : said + " (from " + amount(f.was, board, false) + ")";
                  });
}

}  // namespace

std::string headline(Board const& board) {
  ArmGroup const& arm = furthest(board);
  auto const learned = arm.rows_of("learn");
  std::string text;
  if (auto const requests = arm.rows_of("forget"); !requests.empty()) {
    text = forgot(board, requests.back());
  } else if (learned.size() == 1) {
    text = one_task(board, learned[0]);
  } else if (learned.size() == 2) {
    text = two_tasks(board, learned[0], learned[1]);
  } else if (learned.size() > 2) {
    text = many_tasks(board, learned.size());
  }
  return text.empty() ? "No task has been learnt and evaluated yet." : text;
}

}  // namespace mneme
