#include "mneme/testing/conformance.hpp"

#include <fcntl.h>
#include <torch/types.h>
#include <unistd.h>

#include <cstdio>

#include "mneme/core/errors.hpp"

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
    saved_twice();
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

  void saved_twice() {
    auto const learner = recipe_.learner(kSeed), other = recipe_.learner(kSeed);
    Trainer first(*learner, recipe_.strategies(kSeed), recipe_.train, recipe_.evaluation, kSeed);
    first.run(first.strategies().wrap(recipe_.stream));
    Archive saved;
    first.state(saved);
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
