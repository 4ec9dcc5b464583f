// VAE in columns: if these fail, a new encoder or decoder does not read the old one, or an old one is trained away.
#include "mneme/learners/progressive_vae.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/learners/vae.hpp"
#include "mneme/testing/toy.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

Batch toy_batch(std::int64_t n = 8) {
  auto const data = toy::images("toy-0", n);
  return {data.slice(0, n), data.labels()};
}

TEST(ProgressiveVae, WithOneColumnIsTheVae) {
  auto const columns = toy::learner("progressive-vae");
  auto const vae = toy::learner("vae");
  auto const& from = columns->parameters();
  auto const& to = vae->parameters();
  for (std::string const end : {".weight", ".bias"}) {
    auto const value = [&](std::string const& name) { return from.value(from.find(name + end)); };
    auto const put = [&](std::string const& name, at::Tensor const& v) { to.value(to.find(name + end)).copy_(v); };
    put("encoder.fc1", value("encoder.fc1"));
    put("encoder.mu", value("encoder.head").narrow(0, 0, 2));
    put("encoder.logvar", value("encoder.head").narrow(0, 2, 2));
    put("decoder.fc1", value("decoder.fc1"));
    put("decoder.pixels", value("decoder.head"));
  }
  auto const batch = toy_batch();
  auto one = RandomStreams(3).fresh("noise"), other = RandomStreams(3).fresh("noise");
  auto const loss = [&](Learner& learner, at::Generator& noise) {
    return learner.per_sample_loss(batch, learner.forward(batch, {}, noise)).detach();
  };
  EXPECT_TRUE(at::allclose(loss(*columns, one), loss(*vae, other), 1e-5, 1e-5));
  EXPECT_EQ(from.size(), to.size());
}

/// A run over task-incremental toy data.
struct Columns2 {
  explicit Columns2(std::string const& kind = "progressive-vae")
      : learner(toy::learner(kind)), trainer(*learner, test::listed("pnn"), RunRecipe::toy().train, {}, 0) {
    trainer.expect(stream);
  }
  void learn(std::size_t i) { trainer.learn(std::get<Task>(stream.events[i])); }
  [[nodiscard]] std::vector<double> figures(std::size_t i) {
    auto const& task = std::get<Task>(stream.events[i]);
    return trainer.test(task.test, task.id);
  }
  Stream stream = toy::split_stream(true);
  std::unique_ptr<Learner> learner;
  Trainer trainer;
};

// Wrong: the second decoder reads the first one's code or output instead of its hidden layer for the new code.
TEST(ProgressiveVae, TheSecondColumnReadsTheFirstOfBothNets) {
  Columns2 run;
  run.learn(0);
  run.learn(1);
  Oracle const o(run.learner->parameters());
  auto const second = [&](std::string const& net, at::Tensor const& in) {
    auto const old = o.linear(net + ".fc1", in).relu();
    auto const own = o.linear(net + ".column1.fc1", in).relu();
    auto const alpha = o.named.at(net + ".column1.head.alpha")[0];
    return o.linear(net + ".column1.head", own) +
           o.linear(net + ".column1.head.out", o.linear(net + ".column1.head.in", old * alpha).relu());
  };
  auto const batch = toy_batch();
  auto noise = RandomStreams(3).fresh("noise"), same = RandomStreams(3).fresh("noise");
  auto const code = second("encoder", batch.x.flatten(1).to(at::kDouble));
  auto const epsilon = draw_normal({8, 2}, same, at::kCPU).to(at::kDouble);
  auto const z = code.narrow(1, 0, 2) + (code.narrow(1, 2, 2) / 2).exp() * epsilon;
  auto const logits = run.learner->forward(batch, {}, noise).logits.detach();
  EXPECT_LT(relative_error(logits, second("decoder", z).detach()), 1e-4);
}

TEST(ProgressiveVae, KeepsTheFiguresOfTheFirstTaskExactly) {
  for (std::string const kind : {"progressive-vae", "progressive-cvae"}) {
    Columns2 run(kind);
    run.learn(0);
    auto const before = run.figures(0), other = run.figures(1);
    run.learn(1);
    EXPECT_EQ(run.figures(0), before) << kind;
    EXPECT_LT(run.figures(1)[0], other[0]) << kind << ": the new column does not learn";
    auto const copy = run.learner->snapshot();
    EXPECT_TRUE(at::equal(copy->parameters().value(), run.learner->parameters().value())) << kind;
  }
}

// Wrong: encoder or decoder is not told the class, or the other's.
TEST(ProgressiveVae, TheConditionalOneReadsTheClassBesideImageAndCode) {
  auto const learner = toy::learner("progressive-cvae");
  auto const& model = dynamic_cast<Conditional const&>(*learner);
  Oracle const o(learner->parameters());
  auto const batch = toy_batch();
  auto const c = at::eye(4, at::kDouble).index_select(0, batch.y());
  auto const through = [&](std::string const& net, at::Tensor const& in) {
    return o.linear(net + ".head", o.linear(net + ".fc1", at::cat({in, c}, 1)).relu()).detach();
  };
  auto const code = through("encoder", batch.x.flatten(1).to(at::kDouble));
  EXPECT_LT(relative_error(model.encode(batch.x, model.condition(batch.y())), code.narrow(1, 0, 2)), 1e-5);
  auto noise = RandomStreams(3).fresh("noise"), same = RandomStreams(3).fresh("noise"),
       third = RandomStreams(3).fresh("noise");
  auto const epsilon = draw_normal({8, 2}, same, at::kCPU).to(at::kDouble);
  auto const logits = through("decoder", code.narrow(1, 0, 2) + (code.narrow(1, 2, 2) / 2).exp() * epsilon);
  EXPECT_LT(relative_error(learner->forward(batch, {}, noise).logits.detach(), logits), 1e-4);
  EXPECT_LT(relative_error(model.reconstruct(batch.x, batch.y(), third).flatten(1), logits.sigmoid()), 1e-4);
  auto again = RandomStreams(3).fresh("noise");
  EXPECT_LT(relative_error(model.sample_of(batch.y(), again).flatten(1), through("decoder", epsilon).sigmoid()), 1e-4);
}

}  // namespace
}  // namespace mneme
