#include "mneme/experiment/loaded_arm.hpp"

#include <torch/types.h>

#include "mneme/core/toml.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/nets/device.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;

LoadedArm::LoadedArm() = default;
LoadedArm::LoadedArm(LoadedArm&&) noexcept = default;
LoadedArm& LoadedArm::operator=(LoadedArm&&) noexcept = default;
LoadedArm::~LoadedArm() = default;

LoadedArm build_arm(Json const& tree, std::string const& where, std::int64_t seed, DataLibrary& library) {
  LoadedArm arm;
  auto const options = read_options<RunOptions>(
      tree, where, {"stream", "learner", "train", "evaluate", "datasets", "judge", "risk", "strategy", "arm"});
  auto const unsigned_seed = static_cast<std::uint64_t>(seed);
  DataRecord record(options.data);
  auto const source = [&](std::string const& name, std::string const& split) {
    auto set = library.get(tree, name, split);
    record.add(set, split, tree.contains("datasets") && tree["datasets"].contains(name));
    return set;
  };
  arm.stream = make_stream(tree["stream"], "stream", source, unsigned_seed);
  arm.data = record.to_json();
  auto const* first = arm.stream.tasks().front();
  RandomStreams streams(unsigned_seed);
  auto const& learner_row = find_row(learner_table(), "learner", tree.at("learner").at("kind").get<std::string>());
  LearnerShape const shape{first->train.sample_shape(), arm.stream.classes, find_device(options.device)};
  arm.learner = learner_row.make(shape, tree["learner"], "learner", streams.get("init"));
  StrategyList strategies(tree.at("strategy"), "strategy", unsigned_seed);
  strategies.check(*arm.learner, arm.stream.visibility);
  arm.stream = strategies.wrap(arm.stream);
  arm.trainer = std::make_unique<Trainer>(
      *arm.learner, std::move(strategies), read_options<TrainOptions>(tree.at("train"), "train"),
      read_options<EvaluationOptions>(tree.at("evaluate"), "evaluate"), unsigned_seed);
  arm.trainer->expect(arm.stream);
  return arm;
}

LoadedArm load_arm(fs::path const& run, std::string const& arm_name, std::int64_t seed, std::string const& checkpoint,
                   DataLibrary& library, bool allow_drift) {
  auto const plan = plan_experiment(read_toml(run / "config.toml"));
  auto const& arm = plan.arm(arm_name);
  CheckpointStore const store(run / "arms" / arm.name / ("seed-" + std::to_string(seed)) / "checkpoints", 60);
  auto tree = arm.tree;
  tree["device"] = tree["device"] == "cpu" ? "cpu" : "auto";  // a net from a GPU can be asked anywhere
  auto loaded = build_arm(tree, "arm." + arm.name, seed, library);
  auto archive = read_checkpoint(store.find(checkpoint), allow_drift, loaded.learner->parameters().device());
  loaded.trainer->state(archive, checkpoint == "branched");
  loaded.trainer->review(loaded.stream);
  return loaded;
}

}  // namespace mneme
