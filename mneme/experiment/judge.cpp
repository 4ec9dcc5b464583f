#include "mneme/experiment/judge.hpp"

#include <torch/types.h>

#include <optional>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/core/version.hpp"
#include "mneme/data/locate.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kBatch = 500;

/// The judge's own experiment on the data and device of the run that it judges, of another data set where one is named.
ExperimentPlan plan_of(JudgeOptions const& options, Json const& tree, std::string const& dataset,
                       std::vector<std::int64_t> const& frame) {
  bool const is_file = options.experiment.ends_with(".toml");
  if (is_file && !fs::exists(options.experiment))
    throw ConfigError("judge.experiment: there is no file " + options.experiment);
  auto own = is_file ? read_toml(options.experiment)
                     : parse_toml(experiment_text(options.experiment), "experiments/" + options.experiment + ".toml");
  own["data"] = tree.at("data");
  own["device"] = tree.at("device");
  own["threads"] = tree.at("threads");
  if (tree.contains("datasets")) own["datasets"] = tree["datasets"];
  if (!dataset.empty()) own["stream"]["datasets"] = {dataset};
  if (!frame.empty()) {
    own["stream"].update({{"channels", frame[0]}, {"size", frame[1]}, {"width", frame[2]}});
    if (tree.at("stream").contains("fit")) own["stream"]["fit"] = tree["stream"]["fit"];
  }
  auto plan = plan_experiment(own);
  if (plan.arms.size() != 1 || plan.options.seeds.size() != 1)
    throw ConfigError("judge.experiment: '" + options.experiment +
                      "' has several arms or seeds; a judge is one classifier");
  auto const& arm = plan.arms.front().tree;
  if (arm.contains("judge"))
    throw ConfigError("judge.experiment: '" + options.experiment + "' is judged itself; a judge has no [judge]");
  if (auto const kind = arm.at("learner").at("kind").get<std::string>(); kind != "classifier")
    throw ConfigError("judge.experiment: '" + options.experiment + "' trains the learner '" + kind +
                      "'; a judge is a classifier");
  return plan;
}

/// Hash of what the judge's bits depend on.
std::string hash_of(ExperimentPlan const& plan, Json const& data) {
  auto tree = plan.tree;
  for (auto const* key : {"name", "title", "description", "checkpoint_seconds"}) tree.erase(key);
  auto const text = to_toml(tree) + data.dump() + std::string(kVersion);
  return sha256_hex(as_bytes(text));
}

/// A finished run of the plan under `folder`; what an earlier process began is finished first.
fs::path trained(ExperimentPlan const& plan, fs::path const& folder, DataLibrary const& library,
                 std::function<void(std::string const&)> const& on_training) {
  ExecuteOptions drift;  // what another thread count or processor began is good enough to judge
  drift.allow_drift = true;
  auto const finish = [&](ExperimentRun run) {
    if (on_training) on_training(plan.options.name);
    for (auto const& wave : run.waves())
      for (auto const& unit : wave) run.execute(unit, drift);
    run.write_summary("finished");
    return run.folder();
  };
  auto const& arm = plan.arms.front().name;
  auto const seed = plan.options.seeds.front();
  if (fs::exists(folder / plan.options.name))
    for (auto const& entry : fs::directory_iterator(folder / plan.options.name)) {
      if (!fs::exists(entry.path() / "config.toml")) continue;
      std::optional<ExperimentRun> begun;
      try {
        if (ExperimentRun::open(entry.path(), library.search(), false).finished({-1, arm, seed})) return entry.path();
        begun = ExperimentRun::open(entry.path(), library.search());
      } catch (ConfigError const&) {  // another process is at it, or it is damaged
        continue;
      } catch (DataError const&) {
        continue;
      }
      return finish(std::move(*begun));
    }
  return finish(ExperimentRun::start(plan, folder, "judge", library));
}

}  // namespace

void JudgeOptions::describe(OptionVisitor& v) {
  v.field("experiment", experiment,
          {.help = "experiment that trains the judge: a name of the catalogue, or a path that ends in .toml"});
  v.field("samples", samples,
          {.help = "images that are judged of each class", .min = 1, .source = "Heng and Soh 2023: 1,000"});
  v.field("attacks", attacks,
          {.help = "after every event, try to have the classes back that requests name; some 10 s for each"});
}

void check_judge(JudgeOptions const& options, Json const& tree) { static_cast<void>(plan_of(options, tree, "", {})); }

Judges::Find Judges::finder(JudgeOptions const& options, Json const& tree, Stream const& stream,
                            DataLibrary const& library, std::function<void(std::string const&)> on_training) {
  return [this, &library, options, tree, on_training = std::move(on_training),
          shape = stream.tasks().front()->train.sample_shape()](std::string const& dataset) {
    // Everything that `Judge::find` is told.
    Json key = {write_options(options), dataset, shape, tree.at("stream").value("fit", Json())};
    for (auto const* name : {"data", "device", "threads", "datasets"}) key.push_back(tree.value(name, Json()));
    auto& judge = known_[key.dump()];
    if (!judge)
      judge = Judge::find(options, tree, library, dataset, dataset.empty() ? std::vector<std::int64_t>() : shape,
                          on_training);
    return judge;
  };
}

std::shared_ptr<Judge> Judge::find(JudgeOptions const& options, Json const& tree, DataLibrary library,
                                   std::string const& dataset, std::vector<std::int64_t> const& shape,
                                   std::function<void(std::string const&)> const& on_training) {
  auto plan = plan_of(options, tree, dataset, {});
  auto const built = [&] { return build_arm(plan.arms.front().tree, "judge", plan.options.seeds.front(), library); };
  auto probe = built();
  if (!shape.empty() && probe.stream.tasks().front()->train.sample_shape() != shape) {
    plan = plan_of(options, tree, dataset, shape);
    probe = built();
  }
  auto const& arm = plan.arms.front();
  auto const hash = hash_of(plan, probe.data);
  auto const cache = user_data_folder().parent_path() / "judges" / hash.substr(0, 16);
  auto const folder = trained(plan, cache, library, on_training);
  auto const load = [&](fs::path const& run) {
    return load_arm(run, arm.name, plan.options.seeds.front(), "final", library, true);
  };
  auto loaded = [&] {
    try {
      return load(folder);
    } catch (CheckpointError const&) {  // a damaged judge is trained again
      fs::remove_all(folder);
      return load(trained(plan, cache, library, on_training));
    }
  }();
  double accuracy = 0;
  auto const tested = loaded.stream.tested();
  for (auto const* task : tested) accuracy += loaded.trainer->test(task->test).front();
  Json about = {{"experiment", options.experiment},
                {"hash", hash},
                {"parameters", loaded.trainer->parameter_hash()},
                {"test_accuracy", accuracy / static_cast<double>(tested.size())},
                {"samples", options.samples},
                {"attacks", options.attacks},
                {"feature_network", arm.tree.at("learner").at("net").at("kind").get<std::string>() +
                                        " of experiment '" + options.experiment + "', last hidden layer"}};
  return std::make_shared<Judge>(std::move(loaded), std::move(about), options);
}

std::vector<std::string> Judge::class_names() const {
  auto const tested = arm_.stream.tested();
  return tested.empty() ? std::vector<std::string>() : tested.front()->test.class_names();
}

Judge::Answer Judge::answer(at::Tensor const& x) {
  at::NoGradGuard const no_grad;
  auto noise = RandomStreams(0).fresh("judge");
  auto const device = arm_.learner->parameters().device();
  std::vector<at::Tensor> p, features;
  for (auto const& part : x.to(device).split(kBatch)) {
    auto const output = arm_.learner->forward(Batch(part, {}), {}, noise);
    p.push_back(at::softmax(output.logits, 1));
    features.push_back(output.features.flatten(1));
  }
  return {at::cat(p), at::cat(features)};
}

at::Tensor Judge::log_probability(at::Tensor const& x, std::int64_t label) {
  auto noise = RandomStreams(0).fresh("judge");
  auto const logits = arm_.learner->forward(Batch(x, {}), {}, noise).logits;
  return at::log_softmax(logits, 1).select(1, label);
}

}  // namespace mneme
