// Learning without forgetting: if these fail, the net is taught by another net, on other outputs or with another
// weight.
#include "mneme/strategies/lwf.hpp"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "mneme/core/text.hpp"
#include "mneme/testing/conformance.hpp"
#include "tests/io/support.hpp"
#include "tests/nets/oracle.hpp"
#include "tests/strategies/support.hpp"

namespace mneme {
namespace {

using test::hash_of;
using test::listed;

Json lwf(Json more = Json::object()) {
  more["kind"] = "lwf";
  return more;
}

/// Tasks of classes 0 and 1, 2, and 3.
Stream three_tasks(bool own_heads) {
  auto stream = toy::split_stream(own_heads);
  auto const both = std::get<Task>(stream.events[1]);
  stream.events.pop_back();
  for (std::int64_t c : {2, 3}) {
    auto const part = [c](Dataset const& data) { return data.select(data.labels().eq(c).nonzero().squeeze(1)); };
    stream.events.emplace_back(Task{.name = "toy-class-" + std::to_string(c),
                                    .id = c - 1,
                                    .train = part(both.train),
                                    .test = part(both.test),
                                    .classes = {c}});
  }
  return stream;
}

struct Seen {
  StepContext& context;
  at::Tensor student, teacher;  // logits of the batch in double; the teacher's from a copy of the test's own
  double term = 0;              // what lwf logs; 0: nothing
};

/// Calls `check` in every step of the third task.
void in_third_task(Json const& config, Stream const& stream, std::function<void(Seen const&)> const& check) {
  auto list = listed(config);
  auto* member = list.members()[0].strategy.get();
  auto probe = std::make_unique<test::Scripted>();
  std::unique_ptr<Learner> before;
  int checked = 0;
  probe->on_end = [&](EventContext& c) { before = c.learner.snapshot(); };
  probe->on_observe = [&](StepContext& c) {
    auto const terms = member->terms(c);
    if (c.first()) {
      EXPECT_TRUE(terms.empty());
    }
    if (c.index != 2) return;
    auto const teacher = before->forward(c.batch, {}, c.streams->get("noise")).logits.detach().to(at::kDouble);
    check({c, c.output->logits.detach().to(at::kDouble), teacher, terms.empty() ? 0 : terms.at("lwf").item<double>()});
    ++checked;
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list));
  rig.trainer.run(stream);
  EXPECT_GT(checked, 0);
}

/// T^2 times the mean cross-entropy at T = 2; the teacher's softmax over `old`, the student's over `own`.
double kd(Seen const& s, std::vector<std::int64_t> const& old, std::vector<std::int64_t> const& own,
          std::int64_t rows = 8) {
  auto const log_p = (s.student.narrow(0, 0, rows).index_select(1, at::tensor(own)) / 2).log_softmax(1);
  auto const q = (s.teacher.narrow(0, 0, rows).index_select(1, at::tensor(old)) / 2).softmax(1);
  double sum = 0;
  for (std::size_t i = 0; i < old.size(); ++i)
    for (std::size_t j = 0; j < own.size(); ++j)
      if (old[i] == own[j])
        sum -= (q.select(1, static_cast<std::int64_t>(i)) * log_p.select(1, static_cast<std::int64_t>(j)))
                   .sum()
                   .item<double>();
  return 4 * sum / static_cast<double>(rows);
}

std::int64_t rows_of(Seen const& s) { return s.context.rows.size(0); }

// Wrong: the outputs of the task under way are taught, those of a task before are left out, or heads share a softmax.
TEST(Lwf, TeachesAllOutputsSeenBeforeAsOneSoftmax) {
  in_third_task(lwf({{"alpha", 3.0}}), three_tasks(false), [](Seen const& s) {
    auto const expected = 3 * kd(s, {0, 1, 2}, {0, 1, 2}, rows_of(s));
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
}
TEST(Lwf, TeachesEachHeadByItselfWhereTasksHaveTheirOwn) {
  in_third_task(lwf({{"alpha", 3.0}}), three_tasks(true), [](Seen const& s) {
    auto const expected = 3 * (kd(s, {0, 1}, {0, 1}, rows_of(s)) + kd(s, {2}, {2}, rows_of(s)));
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
}
TEST(Lwf, WithActiveOutputsTeachesZeroForTheNew) {
  in_third_task(lwf({{"outputs", "active"}}), three_tasks(false), [](Seen const& s) {
    auto const expected = kd(s, {0, 1, 2}, {0, 1, 2, 3}, rows_of(s));
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
}

// Wrong: the division is by all outputs of the net, or by those of another head.
TEST(Lwf, PerOutputDividesByTheOutputsOfTheStudentsSoftmax) {
  in_third_task(lwf({{"outputs", "active"}, {"per_output", true}}), three_tasks(false), [](Seen const& s) {
    auto const expected = kd(s, {0, 1, 2}, {0, 1, 2, 3}, rows_of(s)) / 4;
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
  in_third_task(lwf({{"per_output", true}}), three_tasks(true), [](Seen const& s) {
    auto const expected = kd(s, {0, 1}, {0, 1}, rows_of(s)) / 2 + kd(s, {2}, {2}, rows_of(s));
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
}

// Wrong: what er replays is distilled too, through a teacher that may never have seen it.
TEST(Lwf, LeavesReplayedRowsAlone) {
  in_third_task({lwf(), {{"kind", "er"}, {"memory", 12}}}, three_tasks(false), [](Seen const& s) {
    EXPECT_GT(s.student.size(0), rows_of(s));
    auto const expected = kd(s, {0, 1, 2}, {0, 1, 2}, rows_of(s));
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
}

// The third task: t = 3.
TEST(Lwf, WeighsTheTasksAsTheTableSays) {
  auto const ratio = [](Json const& options, Stream const& stream, double expected) {
    bool const own = stream.visibility.task_at_test;
    in_third_task(lwf(options), stream, [&](Seen const& s) {
      auto const sum = own ? kd(s, {0, 1}, {0, 1}, rows_of(s)) + kd(s, {2}, {2}, rows_of(s))
                           : kd(s, {0, 1, 2}, {0, 1, 2}, rows_of(s));
      EXPECT_NEAR(s.term / sum, expected, 1e-4) << Json(options);
    });
  };
  ratio({{"weighting", "fraction"}}, three_tasks(false), 2.0 / 3);
  ratio({{"weighting", "fraction"}}, three_tasks(true), 2.0 / 3 / 2);  // two heads
  ratio({{"weighting", "cumulative"}}, three_tasks(false), 1);         // a new class in the same softmax
  ratio({{"weighting", "cumulative"}}, three_tasks(true), 1);          // 2 / 2
  ratio({{"weighting", "cumulative"}, {"alpha", 0.5}}, three_tasks(true), 0.5);
  ratio({{"alphas", {7.0, 5.0}}}, three_tasks(false), 5);
  ratio({{"alphas", {7.0}}}, three_tasks(false), 7);
}

TEST(Lwf, CumulativeCountsTheTasksWhereTheClassesStayTheSame) {
  in_third_task(lwf({{"weighting", "cumulative"}}), toy::stream(3), [](Seen const& s) {
    auto const expected = 2 * kd(s, {0, 1, 2, 3}, {0, 1, 2, 3});
    EXPECT_NEAR(s.term, expected, 1e-4 * expected);
  });
}

// Wrong: `fraction` leaves the weight of the new task's loss at 1.
TEST(Lwf, FractionWeighsTheNewTaskLess) {
  in_third_task(lwf({{"weighting", "fraction"}, {"alpha", 0.0}}), three_tasks(false), [](Seen const& s) {
    auto const plain = s.context.parameters().new_row();
    s.context.learner.gradient(s.context.batch, plain, s.context.streams->get("noise"));
    EXPECT_LT(relative_error(s.context.parameters().grad(), plain / 3), 1e-5);
  });
}

// Wrong: what is logged is not what is trained on.
TEST(Lwf, AddsTheGradientOfItsTerm) {
  in_third_task(lwf({{"alpha", 3.0}}), three_tasks(false), [](Seen const& s) {
    auto& arena = s.context.parameters();
    auto const expected = arena.new_row();
    GradientSink sink(arena, expected, Reduction::kSum);
    ParameterArena::Redirect const redirect(arena, sink);
    at::AutoGradMode const grad(true);
    arena.begin_gradient();
    auto const z =
        s.context.learner.forward(s.context.batch, {.training = true}, s.context.streams->get("noise")).logits;
    auto const q = (s.teacher.narrow(1, 0, 3) / 2).softmax(1).to(at::kFloat);
    auto const taught = (q * (z.narrow(1, 0, 3) / 2).log_softmax(1)).sum() * (-3 * 4 / static_cast<double>(rows_of(s)));
    (at::nll_loss(z.log_softmax(1), s.context.batch.y()) + taught).backward();
    arena.finish_gradient();
    EXPECT_LT(relative_error(arena.grad(), expected), 1e-5);
  });
}

// Wrong: the warm-up moves what was learnt, under an optimizer that moves weights without a gradient.
TEST(Lwf, WarmUpTrainsTheNewOutputsAlone) {
  auto options = RunRecipe::toy().train;
  options.optimizer.optimizer = "adamw";
  options.optimizer.weight_decay = 0.1;
  auto list = listed(lwf({{"warm_up", 2}}));
  auto probe = std::make_unique<test::Scripted>();
  at::Tensor start;
  std::vector<std::string> stages;
  probe->on_begin_stage = [&](StageContext& c) {
    start = c.parameters().value().clone();
    stages.push_back(std::to_string(c.index) + c.stage.name);
  };
  probe->on_end_stage = [&](StageContext& c) {
    if (c.stage.name != "warm-up") return;
    for (auto const& segment : c.parameters().segments()) {
      auto const of = [&](at::Tensor const& row) {
        return row.narrow(0, segment.offset, segment.size).view(segment.shape);
      };
      auto const was = of(start), is = of(c.parameters().value());
      bool const head = segment.name.starts_with("head");
      EXPECT_TRUE(at::equal(head ? was.narrow(0, 0, 2) : was, head ? is.narrow(0, 0, 2) : is)) << segment.name;
      if (head) {
        EXPECT_FALSE(at::equal(was.narrow(0, 2, 2), is.narrow(0, 2, 2))) << segment.name;
      }
      if (head && segment.shape.size() == 2) {
        auto const from = was.narrow(0, 2, 2).flatten(), to = is.narrow(0, 2, 2).flatten();
        auto const shrunk = from * (to.dot(from) / from.dot(from));
        EXPECT_GT((to - shrunk).norm().item<double>(), 1e-3) << "decay alone moved it";
      }
    }
  };
  list.add("probe", std::move(probe), 0);
  test::Rig rig(std::move(list), options);
  rig.trainer.run(toy::split_stream(false));
  EXPECT_EQ(stages, (std::vector<std::string>{"0train", "1warm-up", "1train"}));
}

TEST(Lwf, HasNoWarmUpWhereNoClassIsNew) { EXPECT_EQ(hash_of(listed(lwf({{"warm_up", 2}}))), hash_of(listed(lwf()))); }

TEST(Lwf, KeepsThePromisesWithAWarmUp) {
  auto recipe = RunRecipe::toy();
  recipe.stream = toy::split_stream(true);
  recipe.strategies = [](std::uint64_t seed) { return listed(lwf({{"warm_up", 1}, {"weighting", "fraction"}}), seed); };
  test::TemporaryFolder const scratch;
  auto const found = check_conformance(recipe, scratch.path());
  EXPECT_TRUE(found.empty()) << join(found, "\n");
}

TEST(Lwf, WithAlphaZeroIsNaiveBitForBitAndOtherwiseIsNot) {
  EXPECT_EQ(hash_of(listed(lwf({{"alpha", 0.0}}))), hash_of(listed("naive")));
  EXPECT_NE(hash_of(listed(lwf())), hash_of(listed("naive")));
  EXPECT_EQ(hash_of(listed(lwf()), RunRecipe::toy().train, 1), hash_of(listed("naive"), RunRecipe::toy().train, 1))
      << "the first task has no teacher";
}

// Wrong: a list with lwf is refused for what only some of its options do.
TEST(Lwf, NeedsWhatItsOptionsNeed) {
  auto const needs = [](Json const& more) { return listed(lwf(more)).members()[0].needs; };
  EXPECT_FALSE(needs({}).replaces_objective);
  EXPECT_FALSE(needs({}).stages);
  EXPECT_TRUE(needs({{"weighting", "fraction"}}).replaces_objective);
  EXPECT_TRUE(needs({{"warm_up", 1}}).stages);
}

// Wrong: a task that a program makes by hand, without its list of classes, is not kept.
TEST(Lwf, TakesTheClassesFromTheDataWhereATaskDoesNotSay) {
  auto const hash = [](bool say) {
    auto stream = toy::stream(2);
    if (!say)
      for (auto& event : stream.events) std::get<Task>(event).classes.clear();
    test::Rig rig(listed(lwf()));
    rig.trainer.run(stream);
    return rig.trainer.training_hash();
  };
  EXPECT_EQ(hash(false), hash(true));
}

}  // namespace
}  // namespace mneme
