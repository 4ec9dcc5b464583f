// The trainer's log lines, checkpoints and state. The loop is in trainer.cpp, figures are in trainer_figures.cpp.
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/core/errors.hpp"
#include "mneme/core/interrupt.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/learners/collapse.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace {

/// A layer's own numbers, where there are any: a state of a net without them has no such row.
void buffers(Archive& archive, ParameterArena const& arena) {
  if (arena.buffers().numel() > 0) archive.row("buffers", arena.buffers());
}

/// An optimizer's state is of one phase and means nothing to another.
void same_phases(Archive& archive, std::span<Phase const> phases) {
  if (archive.loading() && !archive.has("phases")) return;  // an older one
  Json own = Json::array();
  for (auto const& phase : phases) own.push_back(phase.name);
  auto stored = own;
  archive.field("phases", stored);
  if (stored != own)
    throw CheckpointError("the checkpoint was taken amid training in the phases " + stored.dump() +
                          ", and this learner trains in " + own.dump() +
                          ". Keep the options that decide them, or branch at event-<n>");
}

void hash(Sha256& sum, at::Tensor const& tensor) {
  auto const bytes = tensor.to(at::kCPU).contiguous();
  sum.update({static_cast<std::uint8_t const*>(bytes.const_data_ptr()), bytes.nbytes()});
}

}  // namespace

// -------------------------------------------------------------------------------------------------------------- log

void Trainer::write(Json line) {
  Json full = {{"kind", line.at("kind")}, {"event", position_.event}, {"step", position_.step}};
  full.update(line);
  clock_.lap(activity_);
  full["time"] = clock_.total();
  if (files_) {
    files_->metrics.append(full.dump());
    if (line.at("kind") != "step") files_->metrics.flush();  // boundaries are seen at once by who follows the file
  }
  for (auto* observer : observers_) observer->line(full);
  clock_.lap(Lap::kWriting);
}

void Trainer::log_step(StepContext& context, double learning_rate) {
  // Losses were finite on the last line, so that the parameters before it were too.
  auto const good = position_.step - options_.log_every;
  Json terms = Json::object();
  progress_.terms.clear();
  auto const add = [&](std::string const& name, at::Tensor const& value) {
    auto const number = value.item<double>();
    if (!std::isfinite(number))
      fail(context, "the term '" + name + "' is not finite. Lower the learning rate or the strength", good);
    terms[name] = progress_.terms[name] = number;
  };
  for (auto const& [name, value] : learner_.loss_parts(context.batch, *context.output)) add(name, value);
  strategies_.each(context, [&](Strategy& s, StepContext& c) {
    for (auto const& [name, value] : s.terms(c)) add(name, value);
  });
  auto const loss = loss_sum_.item<double>() / static_cast<double>(std::max<std::int64_t>(1, loss_count_));
  if (!std::isfinite(loss)) fail(context, "the loss is not finite. Lower the learning rate or the strength", good);
  loss_sum_.zero_();
  loss_count_ = 0;
  progress_.loss = loss;
  ++position_.step;  // the line is about the state after this step
  write({{"kind", "step"},
         {"stage", context.stage.name},
         {"epoch", position_.epoch},
         {"loss", loss},
         {"terms", terms},
         {"lr", learning_rate}});
  --position_.step;
  watch_for_collapse(context, terms);
}

void Trainer::watch_for_collapse(EventContext const& context, Json const& terms) {
  auto const* learner = dynamic_cast<Collapses const*>(&learner_);
  if (learner == nullptr) return;
  auto const rule = learner->collapse();
  auto const term = terms.find(rule.term);
  if (rule.lines == 0 || term == terms.end()) return;
  bool const sound = term->get<double>() >= rule.below;
  collapsed_lines_ = sound ? 0 : collapsed_lines_ + 1;
  if (sound) sound_step_ = position_.step;
  if (collapsed_lines_ >= rule.lines)
    fail(context,
         "'" + rule.term + "' was below " + format_number(rule.below) + " on the last " + std::to_string(rule.lines) +
             " logged steps: " + rule.meaning,
         sound_step_);
}

void Trainer::fail(EventContext const& context, std::string const& what, std::int64_t good) const {
  std::string text = "event " + std::to_string(context.index) + " ('" + event_name(context.event) + "'), step " +
                     std::to_string(position_.step) + ": " + what;
  if (files_) {
    auto const& checkpoints = files_->checkpoints;
    auto const any = checkpoints.newest_before(position_.step);
    if (auto const sound = checkpoints.newest_before(good))
      text += ". The last checkpoint of before: " + sound->string();
    else
      text += any ? ". Of no checkpoint it is known that it was sound; the newest: " + any->string()
                  : ". No checkpoint was taken before it";
  }
  throw NumericError(text);
}

void Trainer::show_progress(StageContext const& context, std::int64_t epochs, std::int64_t steps) {
  if (observers_.empty()) return;
  auto const now = Clock::now();
  if (now - last_progress_ < std::chrono::milliseconds(100)) return;
  last_progress_ = now;
  progress_.stage = context.stage.name;
  progress_.epoch = position_.epoch;
  progress_.epochs = epochs;
  progress_.stage_steps = steps;
  progress_.stage_step = position_.epoch * (steps / std::max<std::int64_t>(1, epochs)) + position_.batch;
  progress_.step = position_.step;
  for (auto* observer : observers_) observer->progress(progress_);
}

// ------------------------------------------------------------------------------------------------ stop and checkpoint

bool Trainer::stop_wanted() const {
  return heeds_stop_ && (interrupt_signal() != 0 || (deadline_ && Clock::now() >= *deadline_));
}

void Trainer::stop() {
  int const signal = interrupt_signal();
  throw Stopped(signal ? "interrupted by signal " + std::to_string(signal) : "the time limit is reached", signal);
}

void Trainer::poll() const {
  if (stop_wanted()) stop();
}

void Trainer::checkpoint_or_stop() {
  bool const stopping = stop_wanted();
  bool const due = files_ && collapsed_lines_ == 0 && files_->checkpoints.due();
  if (files_ && (stopping || due)) save("step-" + std::to_string(position_.step), false);
  if (stopping) stop();
}

void Trainer::save(std::string const& name, bool keep) {
  if (!files_) return;
  clock_.lap(Lap::kStrategy);
  files_->metrics.sync();
  files_->log.sync();
  files_->samples.sync();
  Archive archive;
  state(archive);
  files_->checkpoints.save(name, archive, keep);
  clock_.lap(Lap::kWriting);
}

void Trainer::Position::state(Archive& a) {
  a.field("event", event);
  a.field("stage", stage);
  a.field("epoch", epoch);
  a.field("batch", batch);
  a.field("step", step);
  a.field("at", at);
  a.field("in_stage", in_stage);
  a.field("batch_size", batch_size);
}

void Trainer::EarlyStop::state(Archive& a) {
  a.field("weights", weights);
  a.field("best", best);
  a.field("bad_epochs", bad_epochs);
}

/// Gives this run's arena the shapes that the stored run had grown to; any other difference is another net.
void Trainer::regrow(Json const& segments) {
  auto const& own = learner_.parameters().segments();
  auto const refuse = [](std::string const& what) {
    throw CheckpointError("the checkpoint is of another net: " + what + ". Use the net that it was trained with");
  };
  auto const appended = [&](std::size_t i) { return i >= own.size() && segments[i].at("grown").get<bool>(); };
  if (segments.size() < own.size() || (segments.size() > own.size() && !appended(own.size())))
    refuse("it has " + std::to_string(segments.size()) + " segments, this net " + std::to_string(own.size()));
  for (std::size_t i = 0; i < segments.size(); ++i) {
    auto const name = segments[i].at("name").get<std::string>();
    auto const shape = segments[i].at("shape").get<Shape>();
    if (appended(i)) {
      append(name, shape);
      continue;
    }
    if (name != own[i].name) refuse("it has '" + name + "' where this net has '" + own[i].name + "'");
    if (shape == own[i].shape) continue;
    if (!segments[i].at("grown").get<bool>())
      refuse("'" + name + "' is " + Json(shape).dump() + ", here " + Json(own[i].shape).dump());
    grow(static_cast<int>(i), shape);
  }
}

void Trainer::state(Archive& archive, bool branching, std::string const& member_prefix) {
  Archive::Scope const scope(archive, "run");
  auto& arena = learner_.parameters();
  archive.load_to(arena.device());
  Json segments = Json::array();
  for (auto const& s : arena.segments())
    segments.push_back({{"name", s.name}, {"shape", s.shape}, {"grown", grown_.contains(s.name)}});
  archive.field("segments", segments);
  if (archive.loading()) regrow(segments);
  archive.row("parameters", arena.value());
  buffers(archive, arena);
  {
    Archive::Scope const inner(archive, "position");
    position_.batch_size = options_.batch;
    position_.state(archive);
    if (position_.in_stage && position_.batch_size != options_.batch)
      throw CheckpointError("the checkpoint was taken in the middle of a stage with batches of " +
                            std::to_string(position_.batch_size) + ", this configuration has " +
                            std::to_string(options_.batch) + ". Keep train.batch, or branch at event-<n>");
  }
  bool const trained = position_.at == static_cast<std::int64_t>(At::kTrained);
  // A branch at the end of an event may change the optimizer: the next event begins with a new one.
  if (!branching || !trained || options_.at_boundary != "new") {
    same_phases(archive, learner_.phases());
    for (std::size_t i = 0; i < optimizers_.size(); ++i) {
      Archive::Scope const inner(archive, "optimizer" + std::to_string(i));
      optimizers_[i].state(archive);
    }
  }
  {
    Archive::Scope const inner(archive, "early_stop");
    early_stop_.state(archive);
  }
  {
    Archive::Scope const inner(archive, "random");
    streams_.state(archive);
  }
  {
    Archive::Scope const inner(archive, "request_random");
    if (archive.loading()) request_streams_.reset();
    if (archive.loading() && archive.has("streams")) request_streams_.emplace(streams_.seed());
    if (request_streams_) request_streams_->state(archive);
  }
  {
    Archive::Scope const inner(archive, "outputs");
    outputs_.state(archive);
  }
  archive.field("order", order_);
  archive.row("loss_sum", loss_sum_);
  archive.field("loss_count", loss_count_);
  if (!archive.loading() || archive.has("collapsed_lines")) archive.field("collapsed_lines", collapsed_lines_);
  if (!archive.loading() || archive.has("sound_step")) archive.field("sound_step", sound_step_);
  Json matrix = matrix_.to_json(), classes = class_counts_.to_json(), clock = clock_.to_json();
  archive.field("matrix", matrix);
  if (!archive.loading() || archive.has("classes")) archive.field("classes", classes);  // since 0.2
  archive.field("figures", figures_);
  archive.field("clock", clock);
  if (archive.loading()) {
    matrix_ = EvaluationMatrix::from_json(matrix);
    for (auto const& task : tested_) add_column(task);  // a branch may test what the stored run did not
    class_counts_ = ClassCounts::from_json(classes);
    clock_.restore(clock);
  }
  for (auto& member : strategies_.members()) {
    Archive::Scope const inner(archive, "strategy/" + member_prefix + member.key);
    // A plain strategy has done nothing before the first end_event, so a run may branch into it.
    bool const absent = branching && !archive.has("random/streams");
    if (absent && member.needs.forgets) continue;  // before its first request it knows nothing
    if (absent && member.needs.prefix == Prefix::kPlain && position_.event > 0)
      throw ConfigError(
          "cannot branch into '" + member.key +
          "' here: it would know nothing of the tasks that the stored run has finished. Branch at event-0");
    if (absent && member.needs.prefix == Prefix::kPlain) continue;
    if (absent)
      throw ConfigError("cannot branch into '" + member.key +
                        "': it records or changes the training from the start, and the stored run did not have it. "
                        "Run it from the beginning instead");
    member.strategy->state(archive);
    Archive::Scope const random(archive, "random");
    member.streams.state(archive);
  }
  for (auto& member : strategies_.members())
    for (auto const& auxiliary : member.strategy->auxiliaries()) {
      auto const key = member.key + "/" + auxiliary.name;
      Archive::Scope const inner(archive, "auxiliary/" + member_prefix + key);
      archive.row("parameters", auxiliary.learner->parameters().value());
      buffers(archive, auxiliary.learner->parameters());
      bool exists = auxiliary_optimizers_.contains(key);
      archive.field("has_optimizer", exists);
      if (!exists) continue;
      auto& optimizer = auxiliary_optimizers_[key];
      if (!optimizer) optimizer = std::make_unique<ArenaOptimizer>(options_.optimizer, auxiliary.learner->parameters());
      optimizer->state(archive);
    }
  if (!files_) return;
  std::pair<std::string, AppendLog*> const logs[] = {
      {"metrics", &files_->metrics}, {"log", &files_->log}, {"samples", &files_->samples}};
  for (auto const& [name, log] : logs) {
    auto bytes = log->bytes();
    archive.field("log/" + name, bytes);
    if (archive.loading()) log->truncate_to(bytes);
  }
}

std::string Trainer::parameter_hash() const {
  Sha256 sum;
  hash(sum, learner_.parameters().value());
  hash(sum, learner_.parameters().buffers());
  return sum.hex();
}

std::string Trainer::training_hash() {
  Archive archive;
  for (std::size_t i = 0; i < optimizers_.size(); ++i) {
    Archive::Scope const inner(archive, "optimizer" + std::to_string(i));
    optimizers_[i].state(archive);
  }
  Sha256 sum;
  hash(sum, learner_.parameters().value());
  hash(sum, learner_.parameters().buffers());
  for (auto const& [name, tensor] : archive.tensors()) hash(sum, tensor);
  return sum.hex();
}

}  // namespace mneme
