#include "mneme/experiment/loaded_arm.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/extents.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/experiment/plan.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/nets/device.hpp"
#include "mneme/stream/makers.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;

LoadedArm::LoadedArm() = default;
LoadedArm::LoadedArm(LoadedArm&&) noexcept = default;
LoadedArm& LoadedArm::operator=(LoadedArm&&) noexcept = default;
LoadedArm::~LoadedArm() = default;

namespace {

/// What a branch began with. Once a request to forget is met it is no longer its own, and may still be its origin's.
fs::path beginning_of(fs::path const& folder, std::int64_t seed) {
  auto const own = folder / "checkpoints" / "branched", note = folder / "branched.json";
  if (fs::exists(own) || !fs::exists(note)) return own;
  auto const from = read_json(note);
  auto const origin = seed_folder(std::string(from.at("run")), from.at("arm"), seed) / "checkpoints" /
                      std::string(from.at("checkpoint"));
  if (!fs::exists(origin))
    throw CheckpointError(folder.string() +
                          ": what the branch began with went when its request was met, and its origin " +
                          std::string(from.at("run")) + " is no longer there either");
  return origin;
}

void refuse_other_shape(Task const& task) {
  if (task.test.size() > 0 && task.test.sample_shape() != task.train.sample_shape())
    throw DataError("task '" + task.name + "': training samples are of " + extents_text(task.train.sample_shape()) +
                    " numbers and test samples of " + extents_text(task.test.sample_shape()) +
                    "; a net takes one shape");
}

}  // namespace

fs::path seed_folder(fs::path const& run, std::string const& arm, std::int64_t seed) {
  return run / "arms" / arm / ("seed-" + std::to_string(seed));
}

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
  for (auto const* task : arm.stream.tasks()) refuse_other_shape(*task);
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
  auto const plan = stored_plan(run);
  auto const& arm = plan.arm(arm_name);
  auto const folder = seed_folder(run, arm.name, seed);
  bool const branched = checkpoint == "branched";
  auto tree = arm.tree;
  tree["device"] = tree["device"] == "cpu" ? "cpu" : "auto";  // a net from a GPU can be asked anywhere
  auto loaded = build_arm(tree, "arm." + arm.name, seed, library);
  auto archive = read_checkpoint(
      branched ? beginning_of(folder, seed) : CheckpointStore(folder / "checkpoints", 60).find(checkpoint), allow_drift,
      loaded.learner->parameters().device());
  loaded.trainer->state(archive, branched);
  if (auto const copy = loaded.trainer->reviewed(loaded.stream)) {  // it is only asked, and trained no more
    at::NoGradGuard const no_grad;
    loaded.learner->parameters().value().copy_(copy->parameters().value());
    loaded.learner->parameters().buffers().copy_(copy->parameters().buffers());
  }
  return loaded;
}

}  // namespace mneme
