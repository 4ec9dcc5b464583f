#include "mneme/experiment/judge.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/core/version.hpp"
#include "mneme/data/locate.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kBatch = 500;

/// The judge's own experiment on the data and device of the run that it judges.
ExperimentPlan plan_of(JudgeOptions const& options, Json const& tree) {
  auto own = parse_toml(experiment_text(options.experiment), "experiments/" + options.experiment + ".toml");
  own["data"] = tree.at("data");
  own["device"] = tree.at("device");
  own["threads"] = tree.at("threads");
  if (tree.contains("datasets")) own["datasets"] = tree["datasets"];
  auto plan = plan_experiment(own);
  if (plan.arms.size() != 1 || plan.options.seeds.size() != 1)
    throw ConfigError("judge.experiment: '" + options.experiment +
                      "' has several arms or seeds; a judge is one classifier");
  return plan;
}

/// Hash of what the judge's bits depend on.
std::string hash_of(ExperimentPlan const& plan, Json const& data) {
  auto tree = plan.tree;
  for (auto const* key : {"name", "title", "description", "checkpoint_seconds"}) tree.erase(key);
  auto const text = to_toml(tree) + data.dump() + std::string(kVersion);
  return sha256_hex({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()});
}

/// A finished run of the plan under `folder`; what an earlier process began is finished first.
fs::path trained(ExperimentPlan const& plan, fs::path const& folder, DataLibrary const& library) {
  ExecuteOptions drift;  // what another thread count or processor began is good enough to judge
  drift.allow_drift = true;
  auto const finish = [&](ExperimentRun run) {
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
      if (ExperimentRun::open(entry.path(), library.search(), false).finished({-1, arm, seed})) return entry.path();
      try {
        return finish(ExperimentRun::open(entry.path(), library.search()));
      } catch (ConfigError const&) {  // another process is at it
      }
    }
  return finish(ExperimentRun::start(plan, folder, "judge", library));
}

}  // namespace

void JudgeOptions::describe(OptionVisitor& v) {
  v.field("experiment", experiment, {.help = "experiment of the catalogue that trains the judge"});
  v.field("samples", samples,
          {.help = "images that are judged of each class", .min = 1, .source = "Heng and Soh 2023: 1,000"});
}

ClassVerdict verdict_of(at::Tensor const& x, at::Tensor const& p, std::int64_t label) {
  auto const mean = [](at::Tensor const& t) { return t.mean(at::kDouble).item<double>(); };
  return {.probability = mean(p.select(1, label)),
          .accuracy = mean(p.argmax(1).eq(label)),
          .entropy = mean(-at::xlogy(p, p).sum(1)),
          .gray = mean((x - 0.5).abs())};
}

std::shared_ptr<Judge> Judge::find(JudgeOptions const& options, Json const& tree, DataLibrary library) {
  auto const plan = plan_of(options, tree);
  auto const& arm = plan.arms.front();
  auto const probe = build_arm(arm.tree, "judge", plan.options.seeds.front(), library);
  if (dynamic_cast<Predicts const*>(probe.learner.get()) == nullptr)
    throw ConfigError("judge.experiment: '" + options.experiment + "' trains the learner '" + probe.learner->kind() +
                      "', which is no classifier");
  auto const hash = hash_of(plan, probe.data);
  auto const folder = trained(plan, user_data_folder().parent_path() / "judges" / hash.substr(0, 16), library);
  auto judge = std::make_shared<Judge>();
  judge->arm_ = load_arm(folder, arm.name, plan.options.seeds.front(), "final", library, true);
  judge->samples_ = options.samples;
  double accuracy = 0;
  auto const tested = judge->arm_.stream.tested();
  for (auto const* task : tested) accuracy += judge->arm_.trainer->test(task->test).front();
  judge->about_ = {{"experiment", options.experiment},
                   {"hash", hash},
                   {"test_accuracy", accuracy / static_cast<double>(tested.size())},
                   {"samples", options.samples}};
  return judge;
}

at::Tensor Judge::probabilities(at::Tensor const& x) {
  at::NoGradGuard const no_grad;
  auto noise = RandomStreams(0).fresh("judge");
  auto const device = arm_.learner->parameters().device();
  std::vector<at::Tensor> parts;
  for (auto const& part : x.to(device).split(kBatch))
    parts.push_back(at::softmax(arm_.learner->forward(Batch(part, {}), {}, noise).logits, 1));
  return at::cat(parts);
}

// ----------------------------------------------------------------------------------------------------- the observer

JudgeObserver::JudgeObserver(fs::path file, std::shared_ptr<Judge> judge, Stream const& stream, std::uint64_t seed)
    : file_(std::move(file)), judge_(std::move(judge)), streams_(seed) {
  for (auto const* task : stream.tested()) {
    tests_.push_back(task->test);
    if (names_.size() < task->test.class_names().size()) names_ = task->test.class_names();
  }
  if (fs::exists(file_)) rows_ = read_json(file_).at("rows");
}

void JudgeObserver::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  if (dynamic_cast<Conditional const*>(&learner) == nullptr) return;
  auto const& row = matrix.rows.back();
  Json kept = Json::array();
  for (auto const& old : rows_)
    if (old.at("event") < row.event) kept.push_back(old);
  rows_ = kept;
  rows_.push_back({{"event", row.event}, {"kind", row.kind}, {"task", row.task}, {"classes", classes_of(learner)}});
  write_json(file_, {{"judge", judge_->about()}, {"rows", rows_}});
}

Json JudgeObserver::classes_of(Learner& learner) {
  at::NoGradGuard const no_grad;
  auto const& model = dynamic_cast<Conditional const&>(learner);
  Json classes = Json::array();
  for (std::int64_t c = 0; c < model.classes(); ++c) {
    auto noise = streams_.fresh("judge/" + std::to_string(c));
    auto const labels =
        at::full({judge_->samples()}, c, at::TensorOptions(at::kLong).device(learner.parameters().device()));
    auto const images = model.sample_of(labels, noise).mul(255).round().div(255);
    auto const v = verdict_of(images, judge_->probabilities(images), c);
    Json line = {
        {"class", c},
        {"name", static_cast<std::size_t>(c) < names_.size() ? names_[static_cast<std::size_t>(c)] : std::to_string(c)},
        {"probability", v.probability},
        {"accuracy", v.accuracy},
        {"entropy", v.entropy},
        {"gray", v.gray}};
    line["negative_elbo"] = negative_elbo(learner, c);
    classes.push_back(std::move(line));
  }
  return classes;
}

double JudgeObserver::negative_elbo(Learner& learner, std::int64_t label) {
  auto noise = streams_.fresh("judge-elbo/" + std::to_string(label));
  double sum = 0;
  std::int64_t count = 0;
  for (auto const& test : tests_) {
    auto const index = test.labels().eq(label).nonzero().squeeze(1);
    for (auto const& part : index.split(kBatch)) {
      if (part.size(0) == 0) continue;
      Batch const batch(test, part, 0, {});
      sum += learner.measure(batch, learner.forward(batch, {}, noise))[0].item<double>();
      count += part.size(0);
    }
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

Json judgement_summary(Json const& judge, Json const& rows, std::vector<std::int64_t> const& forgotten) {
  Json const* before = nullptr;
  for (auto const& row : rows) {
    if (row.at("kind") == "forget") break;
    before = &row;
  }
  Json summary = {{"judge", judge}};
  if (before == nullptr || forgotten.empty() || rows.back().at("kind") != "forget") return summary;
  auto const& after = rows.back().at("classes");
  double probability = 0, accuracy = 0, gray = 0, drop = 0, largest = -1;
  std::int64_t others = 0;
  for (std::size_t c = 0; c < after.size(); ++c) {
    auto const number = [&](Json const& classes, char const* key) { return classes.at(c).at(key).get<double>(); };
    if (std::find(forgotten.begin(), forgotten.end(), static_cast<std::int64_t>(c)) != forgotten.end()) {
      probability += number(after, "probability");
      accuracy += number(after, "accuracy");
      gray += number(after, "gray");
    } else {
      auto const fall = number(before->at("classes"), "accuracy") - number(after, "accuracy");
      drop += fall;
      largest = std::max(largest, fall);
      ++others;
    }
  }
  auto const n = static_cast<double>(forgotten.size());
  summary["forgotten_classes"] = forgotten;
  summary["forgotten_probability"] = probability / n;
  summary["forgotten_accuracy"] = accuracy / n;
  summary["forgotten_gray"] = gray / n;
  if (others > 0) {
    summary["retained_accuracy_drop"] = drop / static_cast<double>(others);
    summary["largest_retained_accuracy_drop"] = largest;
  }
  return summary;
}

}  // namespace mneme
