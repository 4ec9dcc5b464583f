// Plans: if these fail, a configuration runs as something else than it says, or a mistake in it is found an hour later.
#include "mneme/experiment/plan.hpp"

#include <gtest/gtest.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/report/published.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

Json tree(std::string const& text) { return parse_toml(text, "test.toml"); }

std::string const kBase = R"(
name = "small"
data = "sample"
[stream]
kind = "domain"
[learner]
kind = "classifier"
net = { kind = "mlp", hidden = [16] }
[train]
epochs = 1
)";

std::string refusal(std::string const& text) {
  return message_of<ConfigError>([&] { static_cast<void>(plan_experiment(tree(text))); });
}

TEST(Plan, FillsInEveryDefault) {
  auto const plan = plan_experiment(tree(kBase));
  ASSERT_EQ(plan.arms.size(), 1U);
  auto const& arm = plan.arms.front().tree;
  EXPECT_EQ(plan.arms.front().name, "main");
  EXPECT_EQ(arm["strategy"]["kind"], "naive");
  EXPECT_EQ(arm["train"]["batch"], 128);
  EXPECT_EQ(arm["train"]["learning_rate"], 1e-3);
  EXPECT_EQ(arm["stream"]["datasets"], (Json{"fashion-mnist", "mnist"}));
  EXPECT_EQ(arm["learner"]["net"]["hidden"], Json::array({16}));
  EXPECT_EQ(plan.options.seeds, (std::vector<std::int64_t>{0}));
}

TEST(Plan, ResolvedRunsAgainAsItIs) {
  for (auto const& name : experiment_names()) {
    SCOPED_TRACE(name);
    auto const plan = plan_experiment(tree(experiment_text(name)));
    auto const again = plan_experiment(parse_toml(to_toml(plan.tree), "config.toml"));
    EXPECT_EQ(again.tree, plan.tree);
    EXPECT_EQ(again.shared_prefixes, plan.shared_prefixes);
    ASSERT_EQ(again.arms.size(), plan.arms.size());
    for (auto const& arm : plan.arms) EXPECT_EQ(again.arm(arm.name).tree, arm.tree) << arm.name;
  }
}

// Wrong: a strength is shown in its authors' unit alone, or as one that it is not; or the comment is read as a setting.
TEST(Plan, ShowsAPapersLambdaInTheCanonicalFormToo) {
  auto const plan = plan_experiment(tree(experiment_text("selective-amnesia")));  // 100 beside batches of 256
  auto const text = config_text(plan);
  EXPECT_NE(text.find("lambda = 100"), std::string::npos);
  EXPECT_NE(text.find("# arm zero: lambda = 100.0 of selective-amnesia is 0.78125 in"), std::string::npos) << text;
  EXPECT_EQ(plan_experiment(parse_toml(text, "config.toml")).tree, plan.tree);
}

// A key that a learner reads must be one that its row lists, or no configuration can set it.
TEST(Plan, TakesTheViewsOfImages) {
  auto const plan = plan_experiment(tree("learner = { kind = \"classifier\", crop = 2, flip = true, mean = [0.1] }\n" +
                                         kBase.substr(0, kBase.find("[learner]")) + "[train]\nepochs = 1\n"));
  EXPECT_EQ(plan.arms.front().tree["learner"]["crop"], 2);
  EXPECT_EQ(plan.arms.front().tree["learner"]["flip"], true);
}

TEST(Plan, EveryPublishedTableCanBeRun) {
  auto const tables = published_tables();
  EXPECT_GT(tables.size(), 15U);
  for (auto const& table : tables) EXPECT_NO_THROW(static_cast<void>(plan_experiment(table.experiment))) << table.name;
}

TEST(Plan, WritesTheNameInPlaceOfAnAlias) {
  auto const plan = plan_experiment(tree("strategy = \"replay\"\n" + kBase));
  EXPECT_EQ(plan.arms.front().tree["strategy"]["kind"], "er");
}

TEST(Plan, ArmsReplaceTheStrategyAndMergeTheRest) {
  auto const plan = plan_experiment(tree("strategy = { kind = \"ewc\", lambda = 5.0 }\n" + kBase + R"(
[arm.a]
strategy = { kind = "ewc", samples = 10 }
[arm.b]
train = { batch = 32 }
)"));
  EXPECT_EQ(plan.arm("a").tree["strategy"]["lambda"], 1000.0) << "the arm's strategy was merged with the common one";
  EXPECT_EQ(plan.arm("b").tree["strategy"]["lambda"], 5.0);
  EXPECT_EQ(plan.arm("b").tree["train"]["batch"], 32);
  EXPECT_EQ(plan.arm("b").tree["train"]["epochs"], 1);
}

TEST(Plan, SharesThePrefixOfArmsThatDifferInStrategyAlone) {
  auto const plan = plan_experiment(tree(kBase + R"(
[arm.naive]
[arm.ewc]
strategy = "ewc"
[arm.both]
strategy = ["er", "ewc"]
[arm.joint]
strategy = "joint"
[arm.slow]
strategy = "ewc"
train = { learning_rate = 1e-4 }
)"));
  EXPECT_EQ(plan.shared_prefixes, 1);
  for (auto const* name : {"naive", "ewc", "both"}) EXPECT_EQ(plan.arm(name).shared, 0) << name;
  for (auto const* name : {"joint", "slow"}) EXPECT_EQ(plan.arm(name).shared, -1) << name;
}

TEST(Plan, RequestsToForgetComeAfterThePrefixThatArmsShare) {
  auto const plan = plan_experiment(tree(kBase + R"(
[arm.one]
strategy = "ssd"
stream = { with = [{ kind = "forget", classes = [1] }] }
[arm.two]
strategy = "ssd"
stream = { with = [{ kind = "forget", classes = [2] }] }
[arm.none]
[arm.noisy]
strategy = "ssd"
stream = { with = [{ kind = "noisy-labels", share = 0.1 }, { kind = "forget", classes = [2] }] }
)"));
  EXPECT_EQ(plan.shared_prefixes, 1);
  for (auto const* name : {"one", "two", "none"}) EXPECT_EQ(plan.arm(name).shared, 0) << name;
  EXPECT_EQ(plan.arm("noisy").shared, -1) << "its training data are others";
}

TEST(Plan, KeepsOnlyTheNamedArms) {
  auto plan = plan_experiment(tree(kBase + "[arm.naive]\n[arm.ewc]\nstrategy = \"ewc\"\n"));
  EXPECT_THROW(keep_arms(plan, {"ewcc"}), ConfigError);
  keep_arms(plan, {"ewc"});
  ASSERT_EQ(plan.arms.size(), 1U);
  EXPECT_EQ(plan.arms.front().name, "ewc");
  EXPECT_EQ(plan.shared_prefixes, 0) << "there is nobody to share with";
  EXPECT_FALSE(plan.tree["arm"].contains("naive"));
}

// Wrong: a judge that there is not is found out when the arm is run, in a folder that can never be finished.
TEST(Plan, AJudgeIsAnExperimentOfTheCatalogue) {
  test::expect_mentions(refusal("strategy = \"naive\"\n" + kBase + "[judge]\nexperiment = \"jugde\"\n"),
                        {"judge.experiment: 'jugde'", "judge"});
}

TEST(Plan, NamesTheDottedKeyOfWhatIsWrong) {
  test::expect_mentions(refusal("epoch = 3\n" + kBase), {"epoch"});
  test::expect_mentions(refusal(kBase + "epoch = 3\n"), {"train.epoch", "epochs"});
  test::expect_mentions(refusal(kBase + "batch = 0\n"), {"train.batch"});
  test::expect_mentions(refusal(kBase + "batch = \"many\"\n"), {"train.batch"});
  test::expect_mentions(refusal("strategy = \"ewcc\"\n" + kBase), {"ewcc", "ewc"});
  test::expect_mentions(refusal("strategy = { kind = \"ewc\", lambda = -1.0 }\n" + kBase), {"strategy.lambda"});
  test::expect_mentions(refusal(kBase + "[arm.x]\nstrategy = { kind = \"ewc\", lamda = 1.0 }\n"),
                        {"arm.x.strategy.lamda", "lambda"});
  test::expect_mentions(refusal(kBase + "[arm.x]\nstrategy = [\"joint\", \"er\"]\n"), {"joint"});
  test::expect_mentions(refusal("seeds = []\n" + kBase), {"seeds"});
  test::expect_mentions(refusal("device = \"gpu\"\n" + kBase), {"device", "cuda"});
  test::expect_mentions(refusal("arm = 3\n" + kBase), {"arm"});
  test::expect_mentions(refusal(kBase + "[arm.\"a/b\"]\n"), {"a/b"});
  test::expect_mentions(refusal("name = \"x\"\n"), {"stream"});
  test::expect_mentions(refusal("[stream]\nkind = \"domian\"\n[learner]\nkind = \"classifier\"\n"),
                        {"domian", "domain"});
  test::expect_mentions(refusal("stream = 3\n[learner]\nkind = \"classifier\"\n"), {"stream"});
  test::expect_mentions(refusal("[stream]\nkind = \"domain\"\n[learner]\nkind = \"classifier\"\nnett = \"mlp\"\n"),
                        {"learner.nett"});
  test::expect_mentions(refusal("[stream]\nkind = \"domain\"\n[learner]\nkind = \"vae\"\nnet = \"mlp\"\n"),
                        {"learner.net"});
  test::expect_mentions(refusal("[stream]\nkind = \"domain\"\ndataset = \"mnist\"\n[learner]\nkind = \"vae\"\n"),
                        {"dataset"});
}

// Wrong: an arm's own seeds or threads are read, shown and not obeyed.
TEST(Plan, RefusesKeysOfTheWholeRunInAnArm) {
  auto const options = list_options<RunOptions>();
  ASSERT_GE(options.size(), 8U);
  for (auto const& option : options) {
    auto changed = tree(kBase);
    changed["arm"]["x"][option.key] = option.default_value;
    auto const message = message_of<ConfigError>([&] { static_cast<void>(plan_experiment(changed)); });
    test::expect_mentions(message, {"arm.x." + option.key, "at the top"});
  }
}

TEST(Plan, ArmsThatNameAnotherPartInheritNothingOfTheOld) {
  auto const plan = plan_experiment(tree(R"(
stream = { kind = "domain", datasets = ["mnist"] }
learner = { kind = "classifier", net = { kind = "mlp", hidden = [16] } }
[arm.split]
stream = { kind = "split", tasks = 2 }
[arm.vae]
learner = { kind = "vae", latent = 3 }
[arm.cnn]
learner = { net = { kind = "cnn", channels1 = 4 } }
[arm.by_name]
learner = { net = "cnn" }
[arm.wider]
learner = { net = { hidden = [32, 32] } }
[arm.same]
stream = { kind = "domain" }
learner = { net = { kind = "mlp" } }
)"));
  auto const part = [&](std::string const& arm, std::string const& key) { return plan.arm(arm).tree[key]; };
  EXPECT_FALSE(part("split", "stream").contains("datasets"));
  EXPECT_EQ(part("split", "stream")["tasks"], 2);
  EXPECT_FALSE(part("vae", "learner").contains("net"));
  EXPECT_EQ(part("vae", "learner")["latent"], 3);
  EXPECT_EQ(part("cnn", "learner")["net"]["channels1"], 4);
  for (auto const* arm : {"cnn", "by_name"})
    EXPECT_EQ(part(arm, "learner")["net"]["hidden"], 768) << arm << " took over the perceptron's";
  EXPECT_EQ(part("wider", "learner")["net"], (Json{{"kind", "mlp"},
                                                   {"hidden", {32, 32}},
                                                   {"output", "linear"},
                                                   {"scale", 1.0},
                                                   {"batch_norm", "none"},
                                                   {"init", "torch"}}));
  EXPECT_EQ(part("same", "stream")["datasets"], Json::array({"mnist"})) << "the same kind keeps what was set";
  EXPECT_EQ(part("same", "learner")["net"]["hidden"], Json::array({16}));

  auto const again = plan_experiment(parse_toml(to_toml(plan.tree), "config.toml"));
  for (auto const& arm : plan.arms) EXPECT_EQ(again.arm(arm.name).tree, arm.tree) << arm.name;
}

TEST(Plan, RefusesANameThatIsNoFoldersAndASeedTwice) {
  auto const with = [](std::string const& key, Json const& value) {
    auto changed = tree(kBase);
    changed[key] = value;
    return message_of<ConfigError>([&] { static_cast<void>(plan_experiment(changed)); });
  };
  for (auto const* name : {"", ".", "..", ".hidden", "a/b", "/tmp"})
    test::expect_mentions(with("name", name), {"name: '" + std::string(name) + "'", "folder"});
  test::expect_mentions(with("seeds", {3, 1, 3}), {"seeds", "twice"});
  test::expect_mentions(with("seeds", Json::array({-1})), {"seeds"});
}

TEST(Plan, CatalogueNamesTheNearest) {
  test::expect_mentions(message_of<ConfigError>([] { static_cast<void>(experiment_text("dmeo")); }), {"dmeo", "demo"});
}

TEST(Plan, SchemaKnowsEveryPart) {
  auto const schema = experiment_schema().dump();
  for (auto const* word :
       {"\"ewc\"", "\"lambda\"", "\"permuted\"", "\"vae\"", "\"channels1\"", "\"learning_rate\"", "\"train_labels\""})
    EXPECT_NE(schema.find(word), std::string::npos) << word;
}

}  // namespace
}  // namespace mneme
