// A request to forget beside every other strategy. If these fail, what a strategy keeps brings back what was forgotten,
// or a pair that cannot work is found out hours after it began.
#include <set>

#include "mneme/core/text.hpp"
#include "mneme/data/numbers.hpp"
#include "mneme/strategies/der.hpp"
#include "mneme/strategies/fdr.hpp"
#include "mneme/train/checkpoint.hpp"
#include "tests/io/support.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::listed;
using test::Rig;

Request class_one() { return {.name = "class 1", .classes = {1}, .samples = {}, .tasks = {}}; }

/// Classes 0 and 1; then 1 is to be forgotten; then 2 and 3.
Stream forgetful(bool task_at_test) {
  auto stream = toy::split_stream(task_at_test);
  stream.events.insert(stream.events.begin() + 1, class_one());
  return stream;
}

struct Outcome {
  std::string refusal;      // empty: it ran
  std::int64_t steps = 0;   // until then
  bool finite = true;       // parameters
  std::int64_t stored = 0;  // samples of the forgotten class in what a checkpoint would hold at the end
};

Outcome run_beside(StrategyRow const& row, Json const& method) {
  Json own = row.toy;
  own["kind"] = row.info.name;
  auto const net = row.toy_net.is_null() ? Json::object() : Json{{"net", row.toy_net}};
  auto const learner = toy::learner("classifier", net);
  auto options = RunRecipe::toy().train;
  options.epochs = 1;
  Outcome outcome;
  std::unique_ptr<Trainer> trainer;
  try {
    trainer = std::make_unique<Trainer>(*learner, listed(Json::array({own, method})), options, EvaluationOptions(), 0);
    trainer->run(trainer->strategies().wrap(forgetful(row.needs.task_at_test)));
  } catch (ConfigError const& e) {
    outcome.refusal = e.what();
  }
  if (!trainer) return outcome;
  outcome.steps = trainer->steps();
  outcome.finite = at::isfinite(learner->parameters().value()).all().item<bool>();
  Archive kept;
  for (auto& member : trainer->strategies().members()) member.strategy->state(kept);
  for (auto const& [name, tensor] : kept.tensors())
    if (name.ends_with("labels")) outcome.stored += tensor.eq(1).sum().item<std::int64_t>();
  return outcome;
}

// Wrong: hours of training end in a refusal that was certain when they began.
TEST(ForgetBeside, AMethodThatCannotMeetTheRequestIsRefusedBeforeAnythingIsBegun) {
  auto const refused = [](Json const& method, bool task_at_test, std::string const& why) {
    Rig rig(listed(method));
    auto const message = message_of<ConfigError>([&] { rig.trainer.run(forgetful(task_at_test)); });
    EXPECT_NE(message.find(why), std::string::npos) << message;
    EXPECT_EQ(rig.trainer.steps(), 0) << method;
  };
  refused({{"kind", "salun"}}, true, "use grad-diff or ssd");
  refused({{"kind", "random-labels"}}, true, "use grad-diff or ssd");
  refused({{"kind", "ssd"}, {"alpha", 2}}, false, "at most 2 times");  // one of two classes
}

TEST(ForgetBeside, EveryStrategyLetsGoOrIsRefusedBeforeAnythingIsBegun) {
  std::set<std::string> ran;
  for (auto const& row : strategy_table()) {
    auto const& kinds = row.needs.learners;
    if (row.needs.forgets || (!kinds.empty() && std::ranges::find(kinds, "classifier") == kinds.end())) continue;
    auto const outcome = run_beside(row, {{"kind", "fine-tune-retained"}});
    SCOPED_TRACE(row.info.name);
    if (outcome.refusal.empty()) {
      ran.insert(row.info.name);
      EXPECT_TRUE(outcome.finite);
      EXPECT_EQ(outcome.stored, 0) << "samples of the forgotten class are kept";
      continue;
    }
    EXPECT_NE(outcome.refusal.find("'" + row.info.name + "'"), std::string::npos) << outcome.refusal;
    EXPECT_EQ(outcome.steps, 0) << "it is refused only after it was trained: " << outcome.refusal;
  }
  // A new strategy that runs beside a request belongs here once it is certain that it keeps nothing.
  std::set<std::string> const expected = {
      "a-gem",           "bic",   "cope", "der", "der++", "er",  "er-ace", "er-aml", "ewc", "fdr", "from-scratch",
      "frozen-backbone", "gdumb", "gem",  "gss", "icarl", "lfl", "lucir",  "lwf",    "mas", "mir", "naive",
      "rwalk",           "scr",   "si",   "xdg"};
  EXPECT_EQ(ran, expected) << join(std::vector(ran.begin(), ran.end()));
}

TEST(ForgetBeside, RetrainingGoesWithNoImportance) {
  for (auto const* name : {"ewc", "si", "mas", "rwalk"}) {
    auto const outcome = run_beside(find_row(strategy_table(), "strategy", name), {{"kind", "retrain"}});
    EXPECT_NE(outcome.refusal.find("weights before"), std::string::npos) << name << ": " << outcome.refusal;
    EXPECT_EQ(outcome.steps, 0);
  }
}

/// What the net answers now to everything stored, in evaluation mode.
at::Tensor answers_now(Rig& rig, Rows const& rows) {
  at::NoGradGuard const no_grad;
  RandomStreams streams(0);
  Batch const batch(Dataset::to_input(rows.data), rows.labels, -1, {});
  return rig.learner->forward(batch, {.training = false, .gates = nullptr}, streams.get("noise")).logits;
}

/// Two tasks are learnt, then class 1 is forgotten.
std::unique_ptr<Rig> forgotten(Json const& config) {
  auto options = RunRecipe::toy().train;
  options.epochs = 2;
  auto rig = std::make_unique<Rig>(listed(config), options);
  rig->trainer.learn(toy::task("toy-0", 0));
  rig->trainer.learn(toy::task("toy-1", 1));
  rig->trainer.forget(class_one());
  return rig;
}

TEST(ForgetBeside, StoredAnswersAreThoseOfTheWeightsThatHaveForgotten) {
  Json const method = {{"kind", "random-labels"}, {"epochs", 5}};
  auto const der = forgotten({{{"kind", "der"}, {"memory", 50}}, method});
  auto const& logits = dynamic_cast<Der&>(*der->trainer.strategies().members().front().strategy).buffer().all();
  EXPECT_TRUE(at::allclose(logits.extras.at("logits"), answers_now(*der, logits), 1e-4, 1e-5))
      << "logits of weights that knew the class teach it again";
  auto const fdr = forgotten({{{"kind", "fdr"}, {"memory", 50}}, method});
  auto const& stored = dynamic_cast<Fdr&>(*fdr->trainer.strategies().members().front().strategy).buffer().all();
  EXPECT_TRUE(at::allclose(stored.extras.at("probabilities"), at::softmax(answers_now(*fdr, stored), 1), 1e-4, 1e-5));
}

/// What a strategy keeps of whole nets: rows of its state as long as the parameters.
std::vector<at::Tensor> kept_nets(Rig& rig) {
  Archive kept;
  rig.trainer.strategies().members().front().strategy->state(kept);
  std::vector<at::Tensor> nets;
  for (auto const& [name, tensor] : kept.tensors())
    if (tensor.numel() == rig.theta().numel()) nets.push_back(tensor);
  return nets;
}

// Wrong: the next task is held to a net that knew the class, which brings it back.
TEST(ForgetBeside, ATeacherIsTheNetThatHasForgotten) {
  // ssd has no stage of its own: it forgets at the event's end.
  for (Json const& method : {Json{{"kind", "random-labels"}, {"epochs", 2}}, Json{{"kind", "ssd"}, {"alpha", 1.5}}})
    for (auto const* name : {"lwf", "lfl"}) {
      auto const rig = forgotten({name, method});
      auto const nets = kept_nets(*rig);
      ASSERT_EQ(nets.size(), 1) << name;
      EXPECT_TRUE(at::equal(nets.front(), rig->theta())) << name << " beside " << method;
    }
}

// Wrong: a checkpoint that is kept for good holds what was to be forgotten.
TEST(ForgetBeside, TheRequestsOwnCheckpointHoldsNothingOfIt) {
  test::TemporaryFolder const folder;
  auto const stored = [&](std::string const& checkpoint) {
    std::int64_t count = 0;
    auto archive = read_checkpoint(folder.path() / "checkpoints" / checkpoint, true, at::kCPU);
    for (auto const& [name, tensor] : archive.tensors())
      if (name.ends_with("labels")) count += tensor.eq(1).sum().item<std::int64_t>();
    return count;
  };
  Rig rig(listed({{{"kind", "er"}, {"memory", 30}}, "fine-tune-retained"}));
  RunFiles files(folder.path());
  rig.trainer.attach(&files);
  rig.trainer.run(forgetful(false));
  EXPECT_GT(stored("event-0"), 0) << "this test would not see it";
  EXPECT_EQ(stored("event-1"), 0);
}

// Wrong: a checkpoint that was taken amid the request, or before it, stays when the request is met.
TEST(ForgetBeside, NoCheckpointOfBeforeARequestStaysButThoseOfEarlierEvents) {
  test::TemporaryFolder const folder;
  Rig rig(listed({{{"kind", "er"}, {"memory", 30}}, "fine-tune-retained"}));
  RunFiles files(folder.path(), 0);  // one after every step
  rig.trainer.attach(&files);
  rig.trainer.save("branched", true);
  auto const stream = forgetful(false);
  rig.trainer.learn(std::get<Task>(stream.events[0]));
  EXPECT_EQ(files.checkpoints.names(), (std::vector<std::string>{"branched", "step-9", "step-10", "event-0"}));
  rig.trainer.forget(std::get<Request>(stream.events[1]));
  std::set<std::string> left;  // whole ones or not
  for (auto const& entry : std::filesystem::directory_iterator(folder.path() / "checkpoints"))
    left.insert(entry.path().filename().string());
  EXPECT_EQ(left, (std::set<std::string>{"event-0", "event-1"}));
}

// Wrong: after a request for a task the classes that it had alone are replayed, or given room in a memory.
TEST(ForgetBeside, ATaskTakesTheClassesThatItHadAloneWithIt) {
  SeenData seen;
  for (std::int64_t id = 0; id < 2; ++id) seen.learn(std::get<Task>(toy::split_stream(false).events[id]));
  auto const task = std::get<Task>(toy::split_stream(false).events[0]);
  Request named{.name = "first", .classes = {}, .samples = {}, .tasks = {task.name}};
  EXPECT_EQ(Forgotten(named, seen.split(named)).classes(), task.classes);
  SeenData shared;
  for (std::int64_t id = 0; id < 2; ++id) shared.learn(toy::task("toy-" + std::to_string(id), id));
  named.tasks = {"toy-0"};
  Forgotten const domain(named, shared.split(named));
  EXPECT_TRUE(domain.classes().empty()) << "the other domain has them too";
  EXPECT_EQ(domain.places().size(), 4U);
}

// Wrong: a class is answered that was forgotten, by a mean or a prototype that stayed.
TEST(ForgetBeside, AClassifierByMeansHasNoneOfAForgottenClass) {
  auto const data = toy::task("toy-0", 0).test;
  auto const ones = data.select(data.labels().eq(1).nonzero().squeeze(1)),
             zeros = data.select(data.labels().eq(0).nonzero().squeeze(1));
  for (auto const* name : {"icarl", "scr", "cope"}) {
    auto const rig = forgotten({name, {{"kind", "fine-tune-retained"}, {"lr_scale", 1e-6}}});  // the net hardly moves
    EXPECT_EQ(rig->trainer.test(ones).front(), 0) << name;
    EXPECT_GT(rig->trainer.test(zeros).front(), 0) << name;
  }
}

// Wrong: a model that learns on replays a class that it was asked to forget.
TEST(ForgetBeside, AModelThatReplaysItselfDrawsNothingThatItForgot) {
  auto strategies = listed({"self-replay", {{"kind", "selective-amnesia"}, {"steps", 3}, {"fisher_samples", 20}}});
  auto look = std::make_unique<test::Scripted>();
  std::set<std::int64_t> drawn;
  look->on_compose = [&](Batch batch, StepContext& c) {
    if (batch.parts.back().origin == BatchPart::Origin::kGenerated)
      for (auto const y : numbers_of(batch.y().narrow(0, c.rows.size(0), batch.size() - c.rows.size(0))))
        drawn.insert(y);
    return batch;
  };
  strategies.add("look", std::move(look), 0);
  Rig rig(std::move(strategies), RunRecipe::toy().train, "cvae");
  rig.trainer.learn(toy::task("toy-0", 0));
  rig.trainer.forget(class_one());
  auto const nets = kept_nets(rig);
  ASSERT_EQ(nets.size(), 1);
  EXPECT_TRUE(at::equal(nets.front(), rig.theta())) << "what draws is a model that knows the class";
  rig.trainer.learn(toy::task("toy-1", 1));
  EXPECT_EQ(drawn, (std::set<std::int64_t>{0, 2, 3}));
}

}  // namespace
}  // namespace mneme
