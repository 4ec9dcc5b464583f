#include "mneme/testing/recipe.hpp"

#include <torch/types.h>

#include <fstream>

#include "mneme/core/errors.hpp"
#include "mneme/testing/toy.hpp"

namespace mneme {
namespace {

/// What an interrupted process would have been in the middle of.
struct Crash {};

class Interrupter final : public Observer {
 public:
  Interrupter(Trainer& trainer, std::int64_t step, Interruption kind) : trainer_(trainer), step_(step), kind_(kind) {}
  void line(Json const& line) override {
    if (line.at("kind") != "step" || line.at("step") != step_) return;
    fired_ = true;
    if (kind_ == Interruption::kCrash) throw Crash{};
    trainer_.stop_after(std::chrono::seconds(0));
  }
  [[nodiscard]] bool fired() const { return fired_; }

 private:
  Trainer& trainer_;
  std::int64_t step_;
  Interruption kind_;
  bool fired_ = false;
};

struct LiveRun {
  LiveRun(RunRecipe const& recipe, std::uint64_t seed, std::filesystem::path const& folder, double checkpoint_seconds)
      : files(folder, checkpoint_seconds),
        learner(recipe.learner(seed)),
        trainer(*learner, recipe.strategies(seed), recipe.train, recipe.evaluation, seed),
        stream(trainer.strategies().wrap(recipe.stream)) {
    trainer.attach(&files);
  }

  RunOutcome outcome() {
    files.metrics.flush();
    RunOutcome outcome{.parameter_hash = trainer.parameter_hash(),
                       .training_hash = trainer.training_hash(),
                       .matrix = trainer.matrix(),
                       .lines = {},
                       .steps = trainer.steps(),
                       .finite = at::isfinite(learner->parameters().value()).all().item<bool>()};
    std::ifstream log(files.folder / "metrics.jsonl");
    for (std::string line; std::getline(log, line);) outcome.lines.push_back(without_times(Json::parse(line)).dump());
    return outcome;
  }

  RunFiles files;
  std::unique_ptr<Learner> learner;
  Trainer trainer;
  Stream stream;
};

}  // namespace

RunRecipe RunRecipe::toy(std::string const& learner) {
  RunRecipe recipe{.learner = [learner](std::uint64_t seed) { return toy::learner(learner, Json::object(), seed); },
                   .stream = toy::stream(2)};
  recipe.train.epochs = 2;
  recipe.train.batch = 8;
  recipe.train.log_every = 1;
  recipe.train.optimizer.learning_rate = 0.01;
  return recipe;
}

Json without_times(Json line) {
  for (auto it = line.begin(); it != line.end();) {
    if (it.key() == "time" || it.key().ends_with("_seconds"))
      it = line.erase(it);
    else
      ++it;
  }
  return line;
}

RunOutcome run_whole(RunRecipe const& recipe, std::uint64_t seed, std::filesystem::path const& folder) {
  LiveRun run(recipe, seed, folder, 1e9);
  run.trainer.run(run.stream);
  return run.outcome();
}

RunOutcome run_interrupted(RunRecipe const& recipe, std::uint64_t seed, std::filesystem::path const& folder,
                           std::int64_t step, Interruption kind, double checkpoint_seconds) {
  try {
    LiveRun run(recipe, seed, folder, checkpoint_seconds);
    Interrupter interrupter(run.trainer, step, kind);
    run.trainer.attach(&interrupter);
    run.trainer.run(run.stream);
    if (!interrupter.fired())
      throw ConfigError("step " + std::to_string(step) + " was never logged, so nothing was interrupted; the recipe " +
                        "needs train.log_every = 1 and as many steps");
  } catch (Crash const&) {
  } catch (Stopped const&) {
  }
  LiveRun run(recipe, seed, folder, checkpoint_seconds);
  if (auto const newest = run.files.checkpoints.newest()) {
    auto archive = read_checkpoint(*newest, false);
    run.trainer.state(archive);
  } else {
    run.files.metrics.truncate_to(0);
  }
  run.trainer.run(run.stream);
  return run.outcome();
}

}  // namespace mneme
