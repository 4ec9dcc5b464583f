#include "console.hpp"

#include <vector>

#include "mneme/core/text.hpp"
#include "mneme/report/html.hpp"
#include "mneme/train/run_files.hpp"
#include "terminal.hpp"
#include "values.hpp"

namespace mneme::app {
namespace {

std::string rounded(double value) {
  auto const size = value < 0 ? -value : value;
  return html::fixed(value, size >= 100 ? 1 : size >= 1 ? 2 : 4);
}

std::string number(Json const& value) { return value.is_number() ? rounded(value.get<double>()) : value.dump(); }

std::string step_of(Json const& line) { return "step " + line.at("step").dump(); }

/// "mnist 93.7 %, fashion-mnist 64.1 %".
std::string values_of(Json const& line, MetricStyle const& style) {
  std::vector<std::string> parts;
  for (auto const& [task, value] : line.at("values").items())
    if (value.is_number())
      parts.push_back(task + " " + html::fixed(style.factor * value.get<double>(), style.decimals) + " " + style.unit);
  return join(parts);
}

std::string terms_of(Json const& terms) {
  std::string text;
  for (auto const& [name, value] : terms.items()) text += ", " + name + " " + rounded(value.get<double>());
  return text;
}

}  // namespace

std::optional<std::string> describe_line(Json const& line, MetricStyle const& style) {
  auto const kind = line.value("kind", "");
  if (kind == "event") {
    auto const event = "event " + line.at("event").dump() + ": ";
    auto const task = line.at("task").get<std::string>();
    if (line.at("phase") == "end") return event + task + " done at " + step_of(line);
    return event + line.at("event_kind").get<std::string>() + " " + task + " (" + line.at("samples").dump() +
           " samples)";
  }
  if (kind == "evaluation" && line.value("part", "") == "full")
    return "  " + step_of(line) + ": " + values_of(line, style);
  if (kind == "importance") {
    auto text = "  " + line.value("strategy", "") + ": importance";
    if (line.contains("samples")) text += " of " + line["samples"].dump() + " samples";
    if (line.contains("labels")) text += " (" + line.value("labels", "") + " labels)";
    text += ", trace " + number(line.value("trace", Json()));
    if (line.contains("zero_share") && line["zero_share"].is_number())
      text += ", " + html::fixed(100 * line["zero_share"].get<double>(), 1) + " % exactly zero";
    return text;
  }
  if (kind == "note") return "  note: " + line.value("text", "");
  return std::nullopt;
}

std::optional<std::string> describe_detail(Json const& line, MetricStyle const& style) {
  auto const kind = line.value("kind", "");
  if (kind == "evaluation" && line.value("part", "") == "curve")
    return "  " + step_of(line) + ", part of the test sets: " + values_of(line, style);
  if (kind == "step")
    return "  " + step_of(line) + ": loss " + rounded(line.at("loss").get<double>()) + terms_of(line.at("terms")) +
           ", learning rate " + number(line.at("lr"));
  return std::nullopt;
}

void Console::begin(Unit const& unit, RunFiles& files) {
  unit_ = unit.label();
  files_ = &files;
  since_event_ = -1;
}

void Console::line(Json const& line) {
  if (auto const text = describe_line(line, style_)) {
    files_->log.append(*text);
    say(unit_ + "  " + *text);
  } else if (talk_level() == Talk::kVerbose) {
    if (auto const detail = describe_detail(line, style_)) say_more(unit_ + "  " + *detail);
  }
}

void Console::progress(Progress const& p) {
  if (!progress_shown()) return;
  auto const now = Clock::now();
  if (p.event_index != since_event_ || p.step < since_step_) {
    since_ = now;
    since_step_ = p.step;
    since_event_ = p.event_index;
  }
  auto const seconds = std::chrono::duration<double>(now - since_).count();
  std::string text = unit_ + " · event " + std::to_string(p.event_index) + " " + p.event + " · epoch " +
                     std::to_string(p.epoch + 1) + "/" + std::to_string(p.epochs) + " · step " +
                     std::to_string(p.stage_step) + "/" + std::to_string(p.stage_steps);
  if (seconds > 0.5 && p.step > since_step_) {
    auto const rate = static_cast<double>(p.step - since_step_) / seconds;
    text += " · " + html::fixed(rate, rate < 10 ? 1 : 0) + " steps/s · " +
            show_seconds(static_cast<double>(p.stage_steps - p.stage_step) / rate) + " left";
  }
  if (p.loss != 0) text += " · loss " + rounded(p.loss);  // known from the first logged step on
  for (auto const& [name, value] : p.terms) text += ", " + name + " " + rounded(value);
  show_progress(text);
}

}  // namespace mneme::app
