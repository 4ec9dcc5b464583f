// A conditional VAE that has learnt a task, and a method that forgets whose steps a test sees: in a Forget event no
// other member's hooks run.
#pragma once

#include "mneme/strategies/checks_requests.hpp"
#include "tests/strategies/support.hpp"

namespace mneme::test {

using Look = std::function<void(StepContext&)>;

/// The method itself; `look` is called with each step's whole gradient, before the update.
class Watched final : public Strategy, public Unlearns, public ChecksRequests {
 public:
  Watched(std::unique_ptr<Strategy> inner, Look look) : inner_(std::move(inner)), look_(std::move(look)) {}
  [[nodiscard]] Needs needs() const override { return inner_->needs(); }
  void check(Asked const& asked) const override {
    if (auto const* inner = dynamic_cast<ChecksRequests const*>(inner_.get())) inner->check(asked);
  }
  [[nodiscard]] bool uses_retained() const override { return dynamic_cast<Unlearns const&>(*inner_).uses_retained(); }
  void take(ForgetData data) override { dynamic_cast<Unlearns&>(*inner_).take(std::move(data)); }
  void begin_event(EventContext& c) override { inner_->begin_event(c); }
  void end_event(EventContext& c) override { inner_->end_event(c); }
  std::vector<Stage> stages(EventContext& c) override { return inner_->stages(c); }
  Batch compose(Batch batch, StepContext& c) override { return inner_->compose(std::move(batch), c); }
  std::optional<at::Tensor> objective(StepContext& c) override { return inner_->objective(c); }
  std::optional<at::Tensor> penalty(StepContext& c) override { return inner_->penalty(c); }
  void add_gradient(StepContext& c) override { inner_->add_gradient(c); }
  void project_gradient(StepContext& c) override {
    at::AutoGradMode const grad(true);
    if (look_ && !is_learn(c.event)) look_(c);
  }
  Terms terms(StepContext& c) override { return inner_->terms(c); }
  void state(Archive& archive) override { inner_->state(archive); }

 private:
  std::unique_ptr<Strategy> inner_;
  Look look_;
};

template <class Method>
struct Forgetting {
  using LookAt = std::function<void(StepContext&, Method const&)>;

  /// `options` with the method's `kind`; `scale` is the learner's.
  explicit Forgetting(Json const& options, std::string const& scale = "mean", LookAt look = {}) {
    auto list = listed(options);
    auto& member = list.members()[0];
    auto const& method = dynamic_cast<Method const&>(*member.strategy);
    Look at_project;
    if (look) at_project = [&method, look = std::move(look)](StepContext& c) { look(c, method); };
    member.strategy = std::make_unique<Watched>(std::move(member.strategy), std::move(at_project));
    learner = toy::learner("cvae", {{"scale", scale}});
    auto train = RunRecipe::toy().train;
    train.epochs = 0;  // what is learnt is what the model begins with
    trainer = std::make_unique<Trainer>(*learner, std::move(list), train, EvaluationOptions(), 0);
    trainer->learn(toy::task("toy-0", 0));
  }
  std::unique_ptr<Learner> learner;
  std::unique_ptr<Trainer> trainer;
};

}  // namespace mneme::test
