#include "mneme/experiment/judge.hpp"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/core/version.hpp"
#include "mneme/data/locate.hpp"
#include "mneme/eval/generative.hpp"
#include "mneme/experiment/recovery.hpp"
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
  v.field("attacks", attacks,
          {.help = "after every event, try to have the classes back that requests name; some 10 s for each"});
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
  judge->options_ = options;
  double accuracy = 0;
  auto const tested = judge->arm_.stream.tested();
  for (auto const* task : tested) accuracy += judge->arm_.trainer->test(task->test).front();
  judge->about_ = {{"experiment", options.experiment},
                   {"hash", hash},
                   {"test_accuracy", accuracy / static_cast<double>(tested.size())},
                   {"samples", options.samples},
                   {"feature_network", arm.tree.at("learner").at("net").at("kind").get<std::string>() +
                                           " of experiment '" + options.experiment + "', last hidden layer"}};
  return judge;
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

// ----------------------------------------------------------------------------------------------------- the observer

JudgeObserver::JudgeObserver(fs::path file, std::shared_ptr<Judge> judge, Stream const& stream, std::uint64_t seed)
    : file_(std::move(file)), judge_(std::move(judge)), asked_(forgotten_classes(stream)), streams_(seed) {
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
  auto const drawn = draw(learner);
  Json line = {{"event", row.event}, {"kind", row.kind}, {"task", row.task}, {"classes", classes_of(learner, drawn)}};
  if (auto quality = quality_of(drawn); !quality.is_null()) line["quality"] = std::move(quality);
  if (judge_->options().attacks && row.event >= 0) line["attacks"] = attacks_on(learner);
  rows_.push_back(std::move(line));
  write_json(file_, {{"judge", judge_->about()}, {"rows", rows_}});
}

std::vector<JudgeObserver::Drawn> JudgeObserver::draw(Learner& learner) {
  auto const& model = dynamic_cast<Conditional const&>(learner);
  auto const options = at::TensorOptions(at::kLong).device(learner.parameters().device());
  std::vector<Drawn> list;
  for (std::int64_t c = 0; c < model.classes(); ++c) {
    auto noise = streams_.fresh("judge/" + std::to_string(c));
    auto const images =
        model.sample_of(at::full({judge_->options().samples}, c, options), noise).mul(255).round().div(255);
    list.push_back({images, judge_->answer(images)});
  }
  return list;
}

Json JudgeObserver::classes_of(Learner& learner, std::vector<Drawn> const& drawn) {
  at::NoGradGuard const no_grad;
  Json classes = Json::array();
  for (std::size_t c = 0; c < drawn.size(); ++c) {
    auto const label = static_cast<std::int64_t>(c);
    auto const v = verdict_of(drawn[c].images, drawn[c].answer.probabilities, label);
    classes.push_back({{"class", label},
                       {"name", c < names_.size() ? names_[c] : std::to_string(c)},
                       {"probability", v.probability},
                       {"accuracy", v.accuracy},
                       {"entropy", v.entropy},
                       {"gray", v.gray},
                       {"negative_elbo", negative_elbo(learner, label)}});
  }
  return classes;
}

at::Tensor JudgeObserver::test_images(std::int64_t label, std::int64_t most) const {
  std::vector<at::Tensor> parts;
  for (auto const& test : tests_) {
    auto const index = test.labels().eq(label).nonzero().squeeze(1);
    if (index.size(0) > 0) parts.push_back(test.gather(index));
  }
  if (parts.empty()) return {};
  auto const all = at::cat(parts);
  return all.narrow(0, 0, std::min(all.size(0), most));
}

Json JudgeObserver::quality_of(std::vector<Drawn> const& drawn) {
  constexpr std::int64_t kMost = 2000, kNeighbours = 5;  // of each set, for distances between all pairs
  std::vector<at::Tensor> real, made, answers;
  auto const share = kMost / static_cast<std::int64_t>(drawn.size());
  for (std::size_t c = 0; c < drawn.size(); ++c) {
    auto const label = static_cast<std::int64_t>(c);
    if (std::find(asked_.begin(), asked_.end(), label) != asked_.end()) continue;
    if (!real_.defined())
      if (auto const images = test_images(label, share); images.defined())
        real.push_back(judge_->answer(images).features);
    made.push_back(drawn[c].answer.features.narrow(0, 0, std::min(share, drawn[c].answer.features.size(0))));
    answers.push_back(drawn[c].answer.probabilities);
  }
  if (!real_.defined() && !real.empty()) real_ = at::cat(real);
  if (!real_.defined() || made.empty() || real_.size(0) <= kNeighbours) return nullptr;
  auto const features = at::cat(made);
  auto const manifold = density_coverage(real_, features, kNeighbours);
  return {{"frechet_distance", frechet_distance(real_, features)},
          {"class_score", class_score(at::cat(answers))},
          {"density", manifold.density},
          {"coverage", manifold.coverage},
          {"real", real_.size(0)},
          {"generated", features.size(0)}};
}

Json JudgeObserver::attacks_on(Learner& learner) {
  constexpr std::int64_t kCandidates = 512, kPrototypes = 15;
  auto const copy = learner.snapshot();  // whose gradients are nobody's
  auto const& model = dynamic_cast<Conditional const&>(*copy);
  auto const device = learner.parameters().device();
  Json list = Json::array();
  auto const add = [&](std::string const& name, std::int64_t label, at::Tensor const& images) {
    auto const v = verdict_of(images, judge_->answer(images).probabilities, label);
    list.push_back({{"attack", name},
                    {"class", label},
                    {"probability", v.probability},
                    {"accuracy", v.accuracy},
                    {"images", images.size(0)}});
  };
  for (auto const label : asked_) {
    auto noise = streams_.fresh("attack/" + std::to_string(label));
    if (auto const images = test_images(label, kCandidates); images.defined()) {
      auto const sharpness = (images - 0.5).abs().flatten(1).mean(1);
      auto const best = std::get<1>(sharpness.topk(std::min(kPrototypes, images.size(0))));
      add("prototype", label, match_prototypes(model, images.index_select(0, best).to(device), noise));
    }
    auto const liked = [&](at::Tensor const& x) { return judge_->log_probability(x, label); };
    add("classifier", label, follow_classifier(model, liked, device, noise));
  }
  return list;
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

std::vector<std::int64_t> forgotten_classes(Stream const& stream) {
  std::set<std::int64_t> classes;
  for (auto const& event : stream.events)
    if (auto const* request = std::get_if<Request>(&event))
      classes.insert(request->classes.begin(), request->classes.end());
  return {classes.begin(), classes.end()};
}

namespace {

/// {attack: {probability, accuracy}}, means over the classes.
Json recovered(Json const& attacks) {
  std::map<std::string, std::map<std::string, double>> sums;
  std::map<std::string, double> count;
  for (auto const& one : attacks) {
    auto const name = one.at("attack").get<std::string>();
    ++count[name];
    for (auto const* key : {"probability", "accuracy"}) sums[name][key] += one.at(key).get<double>();
  }
  for (auto& [name, sum] : sums)
    for (auto& [key, value] : sum) value /= count[name];
  return sums;
}

}  // namespace

Json judgement_summary(Json const& judge, Json const& rows, std::vector<std::int64_t> const& forgotten) {
  Json const* before = nullptr;
  for (auto const& row : rows) {
    if (row.at("kind") == "forget") break;
    before = &row;
  }
  Json summary = {{"judge", judge}};
  if (rows.empty()) return summary;
  auto const& last = rows.back();
  if (last.contains("quality")) summary["quality"] = last["quality"];
  if (forgotten.empty() || last.at("kind") != "forget") return summary;
  auto const& after = last.at("classes");
  double probability = 0, accuracy = 0, gray = 0, drop = 0, largest = -1;
  std::int64_t others = 0;
  for (std::size_t c = 0; c < after.size(); ++c) {
    auto const number = [&](Json const& classes, char const* key) { return classes.at(c).at(key).get<double>(); };
    if (std::find(forgotten.begin(), forgotten.end(), static_cast<std::int64_t>(c)) != forgotten.end()) {
      probability += number(after, "probability");
      accuracy += number(after, "accuracy");
      gray += number(after, "gray");
    } else if (before != nullptr) {
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
  if (last.contains("attacks")) summary["recovered"] = recovered(last["attacks"]);
  return summary;
}

}  // namespace mneme
