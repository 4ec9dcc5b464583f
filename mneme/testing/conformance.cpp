#include "mneme/testing/conformance.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <fcntl.h>
#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <optional>

#include "mneme/core/errors.hpp"
#include "mneme/train/evaluate.hpp"

namespace mneme {
namespace {

namespace fs = std::filesystem;
constexpr std::uint64_t kSeed = 1;

/// Standard output and error go to a file for the lifetime of the object.
class Silence {
 public:
  explicit Silence(fs::path file) : file_(std::move(file)) {
    std::fflush(nullptr);
    int const to = ::open(file_.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0) throw IoError(file_.string() + ": cannot be written");
    for (int i = 0; i < 2; ++i) {
      kept_[i] = ::dup(i + 1);
      ::dup2(to, i + 1);
    }
    ::close(to);
  }
  ~Silence() {
    std::fflush(nullptr);
    for (int i = 0; i < 2; ++i) {
      ::dup2(kept_[i], i + 1);
      ::close(kept_[i]);
    }
  }
  Silence(Silence const&) = delete;
  Silence& operator=(Silence const&) = delete;

 private:
  fs::path file_;
  int kept_[2];
};

class Checker {
 public:
  Checker(RunRecipe const& recipe, fs::path scratch) : recipe_(recipe), scratch_(std::move(scratch)) {}

  std::vector<std::string> run() {
    RunOutcome whole;
    {
      Silence const silence(scratch_ / "printed");
      whole = run_whole(recipe_, kSeed, folder());
    }
    expect(fs::file_size(scratch_ / "printed") == 0, "it printed something");
    expect(whole.finite, "parameters are not finite");
    expect(whole == run_whole(recipe_, kSeed, folder()), "the same seed gave another run");
    expect(whole.parameter_hash != run_whole(recipe_, kSeed + 1, folder()).parameter_hash,
           "another seed gave the same parameters");
    interruptions(whole);
    evaluation(whole);
    prefix();
    visibility();
    auto const learner = recipe_.learner(kSeed);
    Trainer trained(*learner, recipe_.strategies(kSeed), recipe_.train, recipe_.evaluation, kSeed);
    trained.run(trained.strategies().wrap(recipe_.stream));
    scores(trained);
    saved_twice(trained);
    return std::move(found_);
  }

 private:
  void interruptions(RunOutcome const& whole) {
    auto const n = whole.steps;
    for (auto const step : {std::int64_t{1}, n / 4, n / 2, n / 2 + 1, 3 * n / 4 + 1, n})
      expect(whole == run_interrupted(recipe_, kSeed, folder(), step, Interruption::kAsked, 1e9),
             "stopped after step " + std::to_string(step) + " and resumed, it ended otherwise: state() misses a field");
    auto const crash = n / 2 + 2;
    expect(whole == run_interrupted(recipe_, kSeed, folder(), crash, Interruption::kCrash),
           "crashed in step " + std::to_string(crash) + " and resumed, it ended otherwise: state() misses a field");
  }

  void evaluation(RunOutcome const& whole) {
    auto often = recipe_;
    often.evaluation.every_steps = 3;
    often.evaluation.every_epoch = true;
    expect(whole.training_hash == run_whole(often, kSeed, folder()).training_hash,
           "evaluating during training changed what was learnt");
  }

  /// Parameters at the end of the first event's training. Requests to forget come later, and naive could not meet them.
  at::Tensor after_prefix(StrategyList strategies) {
    auto stream = recipe_.stream;
    std::erase_if(stream.events, [](Event const& event) { return !is_learn(event); });
    auto const learner = recipe_.learner(kSeed);
    Trainer trainer(*learner, std::move(strategies), recipe_.train, recipe_.evaluation, kSeed);
    trainer.only_prefix(true);
    trainer.run(stream);
    return learner->parameters().value().clone();
  }

  void prefix() {
    if (recipe_.strategies(kSeed).prefix() == Prefix::kChanges) return;
    expect(at::equal(after_prefix(recipe_.strategies(kSeed)), after_prefix({})),
           "it changes the training before the first end_event; needs() must say Prefix::kChanges");
  }

  void visibility() {
    auto hidden = recipe_;
    hidden.stream.visibility = {.task_at_training = false, .task_at_test = false, .boundaries = false};
    auto const strategies = recipe_.strategies(kSeed);
    for (auto const& member : strategies.members()) {
      hidden.stream.visibility.task_at_training |= member.needs.task_at_training;
      hidden.stream.visibility.task_at_test |= member.needs.task_at_test;
      hidden.stream.visibility.boundaries |= member.needs.boundaries;
    }
    try {
      static_cast<void>(run_whole(hidden, kSeed, folder()));
    } catch (VisibilityError const& e) {
      found_.emplace_back(std::string("it reads what needs() does not ask for: ") + e.what());
    }
  }

  /// Scores [N, C] of samples, asked for in batches of `size`.
  static at::Tensor scores_of(Trainer& trained, Dataset const& data, std::optional<std::int64_t> task,
                              std::int64_t size) {
    Visibility const shown{.task_at_training = task.has_value(), .task_at_test = task.has_value()};
    auto noise = at::detail::createCPUGenerator(kSeed);
    TestScope const around(trained.strategies(), {trained.learner(), task});
    std::vector<at::Tensor> parts;
    for (std::int64_t first = 0; first < data.size(); first += size) {
      auto const n = std::min(size, data.size() - first);
      Batch batch(data.slice(first, n), data.labels().narrow(0, first, n), task.value_or(-1), shown);
      trained.activate(batch);
      parts.push_back(predict(trained.learner(), trained.strategies(), batch, noise).logits);
    }
    return at::cat(parts);
  }

  void scores(Trainer& trained) {
    if (dynamic_cast<Predicts const*>(&trained.learner()) == nullptr) return;
    constexpr std::int64_t kWhole = 1000;
    for (auto const* task : recipe_.stream.tasks()) {
      auto const& data = task->test;
      auto const id = recipe_.stream.visibility.task_at_test ? std::optional(task->id) : std::nullopt;
      auto const whole = scores_of(trained, data, id, kWhole);
      auto const expect_alike = [&](at::Tensor const& other, std::string const& how) {
        expect(at::allclose(other, whole, 1e-5, 1e-5) && at::equal(other.argmax(1), whole.argmax(1)),
               "test samples of task " + std::to_string(task->id) + " get other scores " + how);
      };
      for (std::int64_t const size : {1, 7})
        expect_alike(scores_of(trained, data, id, size), "in batches of " + std::to_string(size));
      auto const order = at::arange(data.size() - 1, -1, -1, at::kLong);
      expect_alike(scores_of(trained, data.select(order), id, kWhole).index_select(0, order), "in another order");
    }
  }

  void saved_twice(Trainer& trained) {
    auto const other = recipe_.learner(kSeed);
    Archive saved;
    trained.state(saved);
    Archive stored(saved.tensors(), saved.values(), "stored state");
    Trainer second(*other, recipe_.strategies(kSeed), recipe_.train, recipe_.evaluation, kSeed);
    second.state(stored);
    Archive again;
    second.state(again);
    expect(again.values() == saved.values(), "a loaded state has other values when it is saved again");
    for (auto const& [name, tensor] : saved.tensors()) {
      auto const copy = again.tensors().find(name);
      expect(copy != again.tensors().end() && at::equal(copy->second, tensor),
             "a loaded state has another tensor '" + name + "' when it is saved again");
    }
  }

  void expect(bool holds, std::string const& otherwise) {
    if (!holds) found_.push_back(otherwise);
  }
  fs::path folder() { return scratch_ / std::to_string(runs_++); }

  RunRecipe const& recipe_;
  fs::path scratch_;
  int runs_ = 0;
  std::vector<std::string> found_;
};

}  // namespace

std::vector<std::string> check_conformance(RunRecipe const& recipe, fs::path const& scratch) {
  return Checker(recipe, scratch).run();
}

}  // namespace mneme
