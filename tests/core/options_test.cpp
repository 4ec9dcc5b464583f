// Options: if these fail, a mistyped or impossible setting is taken silently, or its message does not help.
#include "mneme/core/options.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "message_of.hpp"
#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

struct Sample {
  bool online = false;
  std::int64_t epochs = 3;
  double lambda = 0.5;
  std::string labels = "sampled";
  std::vector<std::int64_t> hidden = {256, 256};
  std::vector<double> betas = {0.9, 0.999};
  std::vector<std::string> tags = {"a"};

  void describe(OptionVisitor& v) {
    v.field("online", online, {.help = "one quadratic"});
    v.field("epochs", epochs, {.help = "passes", .min = 1, .max = 100});
    v.field("lambda", lambda, {.help = "penalty strength", .unit = "nats", .min = 0});
    v.field("labels", labels, {.help = "label source", .choices = {"all", "sampled", "given"}});
    v.field("hidden", hidden, {.help = "units", .min = 1});
    v.field("betas", betas, {.help = "decay", .above = 0.0, .max = 1});
    v.field("tags", tags, {.help = "words"});
  }
};

Sample read(char const* json) { return read_options<Sample>(Json::parse(json), "strategy.ewc"); }

std::string refusal(char const* json) {
  return message_of<ConfigError>([&] { read(json); });
}

TEST(Options, ReadsEveryTypeAndKeepsDefaultsOfTheRest) {
  Sample const o = read(R"({"online":true,"epochs":7,"lambda":2,"labels":"all","hidden":[1,2],"betas":[0.1]})");
  EXPECT_TRUE(o.online);
  EXPECT_EQ(o.epochs, 7);
  EXPECT_EQ(o.lambda, 2.0);
  EXPECT_EQ(o.labels, "all");
  EXPECT_EQ(o.hidden, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(o.betas, std::vector<double>{0.1});
  EXPECT_EQ(o.tags, std::vector<std::string>{"a"});
}

TEST(Options, NullMeansNothingSetAndAScalarIsNoTable) {
  EXPECT_EQ(read_options<Sample>(Json(), "x").epochs, 3);
  EXPECT_EQ(refusal("3"), "strategy.ewc: expected a table of settings, found 3");
}

TEST(Options, WhatWasWrittenReadsBackTheSame) {
  Sample o;
  o.lambda = 0.1;
  o.hidden = {};
  Json const json = write_options(o);
  EXPECT_EQ(json.size(), 7u);
  EXPECT_EQ(write_options(read_options<Sample>(json, "")), json);
}

TEST(Options, RangesAreNamedWithValueBoundAndHelp) {
  EXPECT_EQ(refusal(R"({"lambda":-3})"), "strategy.ewc.lambda: -3 is below the minimum 0 (penalty strength)");
  EXPECT_EQ(refusal(R"({"epochs":101})"), "strategy.ewc.epochs: 101 is above the maximum 100 (passes)");
  EXPECT_EQ(refusal(R"({"hidden":[4,0]})"), "strategy.ewc.hidden[1]: 0 is below the minimum 1 (units)");
  EXPECT_EQ(refusal(R"({"betas":[0]})"), "strategy.ewc.betas[0]: 0 is not above 0 (decay)");
  EXPECT_EQ(read(R"({"epochs":1})").epochs, 1);  // bounds belong to the range
  EXPECT_EQ(read(R"({"epochs":100})").epochs, 100);
}

TEST(Options, WrongTypesAreNamed) {
  EXPECT_EQ(refusal(R"({"online":1})"), "strategy.ewc.online: expected a boolean, found 1 (one quadratic)");
  EXPECT_EQ(refusal(R"({"epochs":1.5})"), "strategy.ewc.epochs: expected an integer, found 1.5 (passes)");
  EXPECT_EQ(refusal(R"({"lambda":"x"})"),
            "strategy.ewc.lambda: expected a finite number, found \"x\" (penalty strength)");
  EXPECT_EQ(refusal(R"({"labels":null})"), "strategy.ewc.labels: expected a string, found null (label source)");
  EXPECT_EQ(refusal(R"({"hidden":5})"), "strategy.ewc.hidden: expected a list of integers, found 5 (units)");
}

TEST(Options, AFloatIsAnIntegerOnlyWhenItIsExactlyOne) {
  EXPECT_EQ(read(R"({"epochs":1e1})").epochs, 10);
  for (double const bad : {1e17, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW(read_options<Sample>(Json{{"epochs", bad}}, ""), ConfigError) << bad;
  EXPECT_THROW(read(R"({"epochs":18446744073709551615})"), ConfigError);  // would wrap to -1
}

TEST(Options, NotANumberIsNoNumber) {
  for (double const bad : {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW(read_options<Sample>(Json{{"lambda", bad}}, ""), ConfigError) << bad;
}

TEST(Options, ChoicesAndKeysSuggestTheNearest) {
  EXPECT_EQ(refusal(R"({"labels":"al"})"),
            "strategy.ewc.labels: 'al' is not a choice: did you mean 'all'? known: all, sampled, given (label source)");
  EXPECT_EQ(
      refusal(R"({"lamdba":1})"),
      "strategy.ewc.lamdba: unknown setting: did you mean 'lambda'? known: online, epochs, lambda, labels, hidden, "
      "betas, tags");
}

TEST(Options, IgnoredKeysBelongToSomebodyElse) {
  EXPECT_EQ(read_options<Sample>(Json{{"name", "ewc"}, {"epochs", 2}}, "", {"name"}).epochs, 2);
}

TEST(Options, CompleteFromTheListIsWhatTheStructWouldHaveRead) {
  auto const list = list_options<Sample>();
  for (auto const* text :
       {"{}", R"({"online":true,"epochs":7,"lambda":2,"labels":"all","hidden":[1],"betas":[1],"tags":[]})"})
    EXPECT_EQ(complete_options(list, Json::parse(text), "strategy.ewc"), write_options(read(text))) << text;
  EXPECT_EQ(complete_options(list, Json{{"kind", "ewc"}}, "", {"kind"})["kind"], "ewc");
  EXPECT_THROW(complete_options(list, Json{{"kind", "ewc"}}, ""), ConfigError);
  EXPECT_THROW(complete_options(list, Json{{"epochs", 0}}, ""), ConfigError);
}

TEST(Options, NearestNameCountsSwapsAndGivesUpOnStrangers) {
  std::vector<std::string> const known = {"naive", "ewc", "si", "lwf", "packnet"};
  EXPECT_EQ(nearest_name("ecw", known), "ewc");
  EXPECT_EQ(nearest_name("packent", known), "packnet");
  EXPECT_EQ(nearest_name("naiv", known), "naive");
  EXPECT_EQ(nearest_name("transformer", known), "");
  EXPECT_EQ(nearest_name("x", {"a"}), "");  // nothing in common
  EXPECT_EQ(nearest_name("", known), "");
  EXPECT_EQ(suggestion("zzzzzz", known), "known: naive, ewc, si, lwf, packnet");
  EXPECT_EQ(suggestion("a", {}), "none is known here");
}

TEST(Options, ListSaysTypeAndDefault) {
  OptionList const list = list_options<Sample>();
  ASSERT_EQ(list.size(), 7u);
  std::vector<std::string> types;
  for (auto const& option : list) types.push_back(option.type);
  EXPECT_EQ(types,
            (std::vector<std::string>{"boolean", "integer", "number", "string", "integers", "numbers", "strings"}));
  EXPECT_EQ(list[4].default_value, Json::parse("[256,256]"));
  EXPECT_EQ(list[2].note.unit, "nats");
}

TEST(Options, SchemaHoldsRangesChoicesAndClosesTheTable) {
  Json const schema = options_schema(list_options<Sample>());
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["properties"]["epochs"], Json::parse(R"({"type":"integer","minimum":1.0,"maximum":100.0,"default":3,
                                                           "description":"passes"})"));
  EXPECT_EQ(schema["properties"]["lambda"]["description"], "penalty strength [nats]");
  EXPECT_EQ(schema["properties"]["labels"]["enum"].size(), 3u);
  EXPECT_EQ(schema["properties"]["betas"]["items"]["exclusiveMinimum"], 0.0);
  EXPECT_EQ(schema["properties"]["betas"]["type"], "array");
}

}  // namespace
}  // namespace mneme
