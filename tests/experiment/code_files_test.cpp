// Codes in the run folder: if these fail, a table's codes are of other images than its classes and domains say, or a
// figure of one domain is worked out from another.
#include "mneme/experiment/code_files.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <map>
#include <sstream>
#include <tuple>

#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/testing/recipe.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/io/support.hpp"

namespace mneme {
namespace {

std::unique_ptr<Learner> learnt(std::string const& kind, std::filesystem::path const& folder, Json options = {},
                                std::string const& strategy = "naive", Stream const& stream = toy::stream(2)) {
  auto learner = toy::learner(kind, options.is_null() ? Json::object() : options);
  Trainer trainer(*learner, StrategyList(strategy, "strategy", 0), RunRecipe::toy().train, {}, 0);
  CodeObserver codes(folder, trainer.strategies(), stream, 0);
  trainer.attach(&codes);
  trainer.run(stream);
  return learner;
}

std::vector<std::vector<double>> table(std::filesystem::path const& file, std::string& head) {
  std::istringstream text{std::string(as_text(read_file(file)))};
  std::getline(text, head);
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(text, line);) {
    rows.emplace_back();
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) rows.back().push_back(parse_number(field).value());
  }
  return rows;
}

TEST(CodeFiles, OfAModelOfDomainsSayClassDomainAndCodeOfTestImages) {
  test::TemporaryFolder const folder;
  auto const learner = learnt("lgaa", folder.path());
  auto const& model = dynamic_cast<Recalls const&>(*learner);
  std::string head;
  auto const rows = table(folder.path() / "codes" / "1_learn.csv", head);
  EXPECT_EQ(head, "class,domain,z0,z1");
  ASSERT_EQ(rows.size(), 40U) << "all of two test sets of twenty";
  for (std::int64_t d = 0; d < 2; ++d) {
    auto const test = toy::task("toy-" + std::to_string(d), d).test;
    auto const z = model.infer(test.slice(0, test.size())).z;
    for (auto const& row : rows) {
      if (row[1] != static_cast<double>(d)) continue;
      bool found = false;
      for (std::int64_t n = 0; n < test.size(); ++n)
        found = found ||
                (std::get<0>((z[n] - at::tensor({row[2], row[3]}).to(at::kFloat)).abs().max(0)).item<double>() < 1e-4 &&
                 test.labels()[n].item<double>() == row[0]);
      EXPECT_TRUE(found) << "no image of domain " << d << " has that class and code";
    }
  }
  auto const all = read_json(folder.path() / "codes.json").at("rows");
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].at("domains").size(), 1U) << "one was met";
  EXPECT_FALSE(all[0].contains("clusters")) << "of one domain there is nothing to tell apart";
  auto const last = last_codes(folder.path() / "codes.json");
  EXPECT_EQ(last.size(), 2U);
  for (std::string const domain : {"toy-0", "toy-1"}) {
    auto const& entry = last.at("domains").at(domain);
    EXPECT_GE(entry.at("clusters").get<double>(), 0);
    EXPECT_LE(entry.at("clusters").get<double>(), 1 + 1e-9);
    EXPECT_GE(entry.at("probe").at("10").get<double>(), 0);
  }
}

TEST(CodeFiles, OfAConditionalModelHaveNoDomainAndOfAGanThereAreNone) {
  test::TemporaryFolder const cvae, gan;
  static_cast<void>(learnt("cvae", cvae.path()));
  std::string head;
  EXPECT_EQ(table(cvae.path() / "codes" / "0_learn.csv", head).size(), 40U);
  EXPECT_EQ(head, "class,z0,z1");
  EXPECT_FALSE(std::filesystem::exists(cvae.path() / "codes.json"));
  static_cast<void>(learnt("lgaa", gan.path(), {{"model", "gan"}}));
  EXPECT_FALSE(std::filesystem::exists(gan.path() / "codes")) << "its encoder is not trained";
}

// Wrong: what the encoder was told shows as a cluster where it was said that nothing was told.
TEST(CodeFiles, FlatOnesAreOfAllClassesAlike) {
  test::TemporaryFolder const folder;
  auto const learner = learnt("cvae", folder.path());
  auto const& model = dynamic_cast<Conditional const&>(*learner);
  std::string head;
  auto const told = table(folder.path() / "codes" / "1_learn.csv", head);
  auto const flat = table(folder.path() / "codes" / "1_learn_flat.csv", head);
  EXPECT_EQ(head, "class,z0,z1");
  ASSERT_EQ(flat.size(), told.size());
  std::vector<at::Tensor> expected;
  for (std::int64_t t = 0; t < 2; ++t) {
    auto const test = toy::task("toy-" + std::to_string(t), t).test;
    expected.push_back(model.encode(test.slice(0, test.size()), at::full({test.size(), 4}, 0.25)));
  }
  auto const all = at::cat(expected);
  for (std::size_t n = 0; n < flat.size(); ++n) {
    EXPECT_EQ(flat[n][0], told[n][0]) << "the same images";
    EXPECT_NE(flat[n][1], told[n][1]);
    auto const own = at::tensor({flat[n][1], flat[n][2]}).to(at::kFloat);
    EXPECT_LT((all - own).abs().sum(1).min().item<double>(), 2e-4);
  }
}

// Wrong: two tested parts of one task (what a request names, and the rest) are each encoded with the other.
TEST(CodeFiles, OfPartsOfOneTaskHaveEachImageOnce) {
  test::TemporaryFolder const folder;
  auto stream = toy::stream(1);
  auto const whole = *stream.tasks().front();
  for (auto const& [name, first, n] : {std::tuple{"a", 0, 12}, std::tuple{"b", 12, 8}}) {
    auto part = whole;
    part.name = name;
    part.test = whole.test.select(at::arange(first, first + n, at::kLong));
    stream.evaluated.push_back(part);
  }
  static_cast<void>(learnt("cvae", folder.path(), {}, "naive", stream));
  std::string head;
  std::map<double, int> classes, expected;
  for (auto const& row : table(folder.path() / "codes" / "0_learn.csv", head)) ++classes[row[0]];
  for (std::int64_t n = 0; n < 20; ++n) ++expected[whole.test.labels()[n].item<double>()];
  EXPECT_EQ(classes, expected);
}

// Wrong: images of a task are encoded by the newest column, so that codes of old tasks seem to move.
TEST(CodeFiles, OfATaskAreThoseOfItsOwnColumn) {
  test::TemporaryFolder const folder;
  static_cast<void>(learnt("progressive-cvae", folder.path(), {}, "pnn", toy::split_stream(true)));
  std::string head;
  auto const first = table(folder.path() / "codes" / "0_learn.csv", head);
  auto const second = table(folder.path() / "codes" / "1_learn.csv", head);
  ASSERT_EQ(first.size(), second.size());
  std::size_t same = 0, other = 0;
  for (std::size_t n = 0; n < first.size(); ++n) (first[n] == second[n] ? same : other) += first[n][0] < 2 ? 1 : 1000;
  EXPECT_EQ(same, 20U) << "every image of the first task, and no other, is encoded as before";
  EXPECT_EQ(other, 20000U);
}

}  // namespace
}  // namespace mneme
