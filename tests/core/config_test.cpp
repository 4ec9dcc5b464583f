// Configuration layers: if these fail, a value from the command line does not arrive, or `config show --origin` names
// the wrong place.
#include "mneme/core/config.hpp"

#include <gtest/gtest.h>

#include "message_of.hpp"
#include "mneme/core/errors.hpp"

namespace mneme {
namespace {

Json overridden(char const* tree, std::string const& assignment) {
  Json json = Json::parse(tree);
  apply_override(json, assignment);
  return json;
}

TEST(Merge, IsDeepForTablesAndReplacesTheRest) {
  Json base = Json::parse(R"({"a":{"x":1,"y":2},"l":[1,2,3],"s":1})");
  merge(base, Json::parse(R"({"a":{"y":3,"z":4},"l":[9],"s":{"t":1}})"));
  EXPECT_EQ(base, Json::parse(R"({"a":{"x":1,"y":3,"z":4},"l":[9],"s":{"t":1}})"));
}

TEST(Override, TakesTomlValuesAndPlainWords) {
  EXPECT_EQ(overridden("{}", "a.b.c=1e3"), Json::parse(R"({"a":{"b":{"c":1000.0}}})"));
  EXPECT_EQ(overridden("{}", "a=-3"), Json::parse(R"({"a":-3})"));
  EXPECT_EQ(overridden("{}", "a = true "), Json::parse(R"({"a":true})"));
  EXPECT_EQ(overridden("{}", "a=[1, 2.5]"), Json::parse(R"({"a":[1,2.5]})"));
  EXPECT_EQ(overridden("{}", "a={b = 'x=y'}"), Json::parse(R"({"a":{"b":"x=y"}})"));
  EXPECT_EQ(overridden("{}", "a=adam"), Json::parse(R"({"a":"adam"})"));
  EXPECT_EQ(overridden("{}", "a=/data/x=1, y"), Json::parse(R"({"a":"/data/x=1, y"})"));
  EXPECT_EQ(overridden("{}", "a=\"\""), Json::parse(R"({"a":""})"));
  EXPECT_EQ(overridden("{}", "a=2020-01-01"), Json::parse(R"({"a":"2020-01-01"})"));
}

TEST(Override, WalksListsByNumberAndQuotedNames) {
  EXPECT_EQ(overridden(R"({"arms":[{"n":1},{"n":2}]})", "arms.1.n=5"), Json::parse(R"({"arms":[{"n":1},{"n":5}]})"));
  EXPECT_EQ(overridden("{}", "a.\"b.c\"=1"), Json::parse(R"({"a":{"b.c":1}})"));
  EXPECT_EQ(overridden("{}", "a.0=1"), Json::parse(R"({"a":{"0":1}})"));
}

TEST(Override, ErrorsNameTheAssignmentAndLeaveTheTreeAlone) {
  for (std::string const bad :
       {"a", "=1", "a..b=1", "a=", "a=[1", "a=\"x", "a=1\nb=2", "l.2.x=1", "l.x=1", "s.t.u=1"}) {
    Json tree = Json::parse(R"({"l":[1,2],"s":1})");
    Json const before = tree;
    EXPECT_TRUE(message_of<ConfigError>([&] { apply_override(tree, bad); }).starts_with("-s " + bad + ": ")) << bad;
    EXPECT_EQ(tree, before) << bad;
  }
  EXPECT_EQ(message_of<ConfigError>([] { overridden(R"({"l":[1,2]})", "l.2=1"); }),
            "-s l.2=1: '2' is no element of a list of 2; elements are counted from 0");
  EXPECT_EQ(message_of<ConfigError>([] { overridden(R"({"s":1})", "s.t=1"); }),
            "-s s.t=1: 't' would stand in a number, which is no table");
}

TEST(Flatten, NamesEveryLeaf) {
  auto const leaves = flatten(Json::parse(R"({"a":{"b":1,"c d":2},"l":[1,2],"t":[{"x":1},{"y":[]}],"e":{}})"));
  std::vector<std::string> keys;
  for (auto const& [key, value] : leaves) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"a.b", "a.\"c d\"", "l", "t.0.x", "t.1.y", "e"}));
  EXPECT_EQ(leaves[2].second, Json::parse("[1,2]"));
  EXPECT_TRUE(flatten(Json::object()).empty());
}

TEST(Layers, TheLastOneThatSaysItWinsAndIsTheOrigin) {
  ConfigLayers config;
  config.add("default", Json::parse(R"({"a":{"x":1,"y":1,"z":1},"arms":[{"n":1}],"old":{"k":1}})"));
  config.add("f.toml", Json::parse(R"({"a":{"y":2},"arms":[{"n":2},{"n":3}],"old":5})"));
  config.assign("-s", "a.z=3");
  config.assign("-s", "arms.1.n=9");
  EXPECT_EQ(config.merged(), Json::parse(R"({"a":{"x":1,"y":2,"z":3},"arms":[{"n":2},{"n":9}],"old":5})"));
  EXPECT_EQ(config.origin("a.x"), "default");
  EXPECT_EQ(config.origin("a.y"), "f.toml");
  EXPECT_EQ(config.origin("a.z"), "-s");
  EXPECT_EQ(config.origin("arms.0.n"), "f.toml");
  EXPECT_EQ(config.origin("arms.1.n"), "-s");
  EXPECT_EQ(config.origin("old"), "f.toml");
  EXPECT_EQ(config.origin("old.k"), "");  // gone
}

}  // namespace
}  // namespace mneme
