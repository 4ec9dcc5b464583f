// mneme importance: how much each parameter of a stored learner matters to some data, or to what the learner draws.
#include <torch/types.h>

#include <memory>

#include "inputs.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/experiment/drawing.hpp"
#include "mneme/importance/fisher.hpp"
#include "mneme/io/safetensors.hpp"
#include "mneme/report/html.hpp"
#include "mneme/train/evaluate.hpp"
#include "mneme/train/trainer.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ImportanceFlags {
  ArmFlags arm;
  std::string on, as, split = "train", task, labels = FisherOptions().labels, out;
  std::optional<std::int64_t> own, samples, batch, noise;
  std::vector<std::string> folders;
  bool json = false;
};

FisherOptions options_of(ImportanceFlags const& flags) {
  Json given = {{"labels", flags.labels}};
  if (flags.samples) given["samples"] = *flags.samples;
  if (flags.batch) given["batch"] = *flags.batch;
  return read_options<FisherOptions>(given, "--labels, --samples, --batch");
}

/// What the learner draws, each class in turn.
Dataset own_samples(ImportanceFlags const& flags, StoredArm& arm, std::uint64_t seed) {
  if (*flags.own < 1) throw ConfigError("--own " + std::to_string(*flags.own) + ": expected a number above 0");
  auto const drawing = draw(arm.loaded, {.domain = flags.task, .of_class = {}, .count = *flags.own, .seed = seed});
  auto const labels = drawing.labels.defined() ? drawing.labels : at::zeros({*flags.own}, at::kLong);
  return {"own samples", drawing.images, labels, {}};
}

at::Tensor fisher_of(StoredArm& arm, Dataset const& data, std::optional<std::int64_t> task,
                     FisherOptions const& options, std::uint64_t seed) {
  auto& learner = *arm.loaded.learner;
  auto& trainer = *arm.loaded.trainer;
  learner.check(data);
  RandomStreams streams(seed);
  TestScope const around(trainer.strategies(), {learner, task});
  return diagonal_fisher({.learner = learner,
                          .data = data,
                          .options = options,
                          .choice = streams.get("fisher"),
                          .noise = streams.get("fisher-noise"),
                          .note = [](std::string const& text) { say("note: " + text); },
                          .per_sample_loss = {},
                          .poll = {},
                          .task = task,
                          .activate = [&](Batch& batch) { trainer.activate(batch); },
                          .gates = [&](Batch const& batch) { return trainer.strategies().gates(batch, false); }});
}

void write_row(std::string const& file, ParameterArena const& arena, at::Tensor const& row,
               std::map<std::string, std::string> const& about) {
  std::vector<at::Tensor> held;
  std::vector<TensorBytes> tensors;
  for (auto const& segment : arena.segments()) {
    held.push_back(segment.of(row).cpu().contiguous());
    auto const& t = held.back();
    tensors.push_back(
        {segment.name, "F32", t.sizes().vec(), {static_cast<std::byte const*>(t.const_data_ptr()), t.nbytes()}});
  }
  write_safetensors(file, tensors, about);
}

int importance(ImportanceFlags const& flags) {
  if (flags.on.empty() == !flags.own)
    throw ConfigError(
        "--data or --own: name a data set, a folder of pictures or a file, or so many samples that the "
        "learner draws itself");
  if (flags.split != "test" && flags.split != "train") throw ConfigError("--split " + flags.split + ": test or train");
  auto const options = options_of(flags);
  auto const seed = static_cast<std::uint64_t>(flags.noise.value_or(0));
  DataLibrary library(with_stored_folders(data_search(flags.folders), flags.arm.run));
  auto arm = load_stored(flags.arm, library);
  auto const& arena = arm.loaded.learner->parameters();
  auto const data =
      (flags.own ? own_samples(flags, arm, seed)
                 : labelled_input({.path = flags.on, .as = flags.as, .task = flags.task}, flags.split, arm, library))
          .to(arena.device());
  auto const f = fisher_of(arm, data, task_of(arm, flags.task), options, seed);
  auto const summary = summarise(f);
  auto const used = options.count(data.size());
  Json quantiles = Json::object(), segments = Json::object();
  for (auto const& [p, value] : summary.quantiles) quantiles[format_number(p)] = value;
  for (auto const& segment : arena.segments())
    segments[segment.name] = {{"parameters", segment.size}, {"trace", segment.of(f).sum(at::kDouble).item<double>()}};
  if (!flags.out.empty())
    write_row(flags.out, arena, f,
              {{"labels", options.labels}, {"samples", std::to_string(used)}, {"data", data.name()}});
  if (flags.json) {
    print(Json{{"data", data.name()},
               {"labels", options.labels},
               {"samples", used},
               {"trace", summary.trace},
               {"quantiles", quantiles},
               {"zero_share", summary.zero_share},
               {"segments", segments}}
              .dump(1) +
          "\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (auto const& [name, part] : segments.items())
    rows.push_back({name, part["parameters"].dump(),
                    html::fixed(100 * part["trace"].get<double>() / std::max(summary.trace, 1e-300), 1) + " %"});
  std::vector<std::string> steps;
  for (auto const& [p, value] : summary.quantiles)
    steps.push_back(format_number(100 * p) + " % " + format_number(value));
  print(columns({"segment", "parameters", "share of the trace"}, rows) + "trace " + format_number(summary.trace) +
        "; quantiles: " + join(steps) + "; exactly zero: " + html::fixed(100 * summary.zero_share, 1) + " %\n");
  say("Fisher information (" + options.labels + " labels) of " + std::to_string(used) + " samples of " + data.name());
  return 0;
}

}  // namespace

void add_importance(Command& program) {
  auto const flags = std::make_shared<ImportanceFlags>();
  auto& verb =
      program.verb("importance", "how much each parameter of a stored learner matters: its Fisher information");
  add_arm_flags(verb, flags->arm);
  verb.option("--data", "WHAT", flags->on, "data to take it over, as for `mneme eval`");
  verb.option(
      "--own", "N", flags->own,
      "in place of --data: so many samples that the learner draws, each class in turn that it learnt and was not "
      "asked to forget");
  verb.option("--as", "NAME", flags->as, "read the file as the run's own data set of this name is read");
  verb.option("--split", "NAME", flags->split, "which part of a data set that has both: train (default) or test");
  verb.option("--task", "NAME", flags->task, "which of the run's tasks the data is of; task-incremental runs need it");
  verb.option("--labels", "NAME", flags->labels,
              "estimator: " + join(FisherOptions::labels_note().choices, " | ") + " (default sampled)");
  verb.option("--samples", "N", flags->samples, "samples that are used (default 0: all)");
  verb.option("--batch", "N", flags->batch, "samples per pass (default 500)");
  verb.option("--noise", "N", flags->noise, "seed of labels, codes and choice of samples (default 0)");
  verb.option("-o,--output", "FILE", flags->out, "a .safetensors file with a tensor for each segment, shaped as it is");
  verb.option("--data-dir", "DIR", flags->folders, "folder with data sets, as --data of `mneme run`");
  verb.flag("--json", flags->json, "print an object");
  verb.action([flags] { return importance(*flags); });
}

}  // namespace mneme::app
