#include "mneme/strategies/dgr.hpp"

#include <torch/types.h>

namespace mneme {

void DgrOptions::describe(OptionVisitor& v) {
  generator.describe(v);
  v.field("replayed", replayed,
          {.help = "generated samples per step; 0: as many as are new", .unit = "samples", .min = 0});
  v.field("weights", weights,
          {.help = "tasks: the generated rows weigh as the tasks before this one; rows: each row the same",
           .choices = {"tasks", "rows"},
           .source = "tasks: van de Ven and Tolias 2018; rows: Avalanche"});
}

void DgrDistillOptions::describe(OptionVisitor& v) {
  DgrOptions::describe(v);
  v.field("temperature", temperature,
          {.help = "T, which softens both softmaxes", .above = 0, .source = "van de Ven and Tolias 2018, sec. 3: 2"});
  describe_per_output(v, per_output);
}

Needs Dgr::needs() const {
  auto const* unweighted = "its loss takes all rows alike, and those drawn have weights of their own";
  return {.boundaries = true,
          .replaces_objective = distills(),
          .learners = {"classifier"},
          .excludes = {{"icarl", unweighted},
                       {"scr", unweighted},
                       {"cope", unweighted},
                       {distills() ? "dgr" : "dgr+distill", "each trains a generator of the same data"}},
          .prefix = Prefix::kWatches};
}

void Dgr::begin_event(EventContext& context) {
  if (generator_) return;
  input_ = context.data.sample_shape();
  generator_ = std::make_unique<Vae>(input_, options_.generator, context.parameters().device(),
                                     &context.streams->get("generator-init"));
  generator_->check(context.data);
}

void Dgr::end_event(EventContext& context) {
  solver_.take(context);
  if (!past_generator_)
    past_generator_ = std::make_unique<Vae>(input_, options_.generator, generator_->parameters().device(), nullptr);
  past_generator_->parameters().value().copy_(generator_->parameters().value());
}

double Dgr::share(StepContext const& context) const {
  return share_of_new(options_.weights, solver_.tasks(), context.rows.size(0), answers_.batch.size());
}

Batch Dgr::compose(Batch batch, StepContext& context) {
  answers_ = {};
  terms_.clear();
  if (solver_.empty()) return batch;
  auto const n = options_.replayed > 0 ? options_.replayed : context.rows.size(0);
  auto& stream = context.streams->get("replay");
  auto const x = past_generator_->sample(n, stream);
  answers_ = solver_.ask(x, context, stream);
  return weighted_join(std::move(batch), answers_.batch, share(context));
}

std::optional<at::Tensor> Dgr::objective(StepContext& context) {
  if (!distills() || solver_.empty()) return std::nullopt;
  return distilled_objective(context, answers_, share(context),
                             {.temperature = options_.temperature, .per_output = options_.per_output}, terms_);
}

std::vector<Auxiliary> Dgr::auxiliaries() {
  if (!generator_) return {};
  return {{.name = "generator", .learner = generator_.get()}};
}

/// Its net is built when its values come: only then is the shape of the data known.
void Dgr::restore(Archive& archive, std::string const& name, std::unique_ptr<Vae>& vae) {
  auto values = vae ? vae->parameters().value() : at::Tensor();
  archive.field(name, values);
  if (!archive.loading()) return;
  vae.reset();
  if (!values.defined()) return;
  vae = std::make_unique<Vae>(input_, options_.generator, values.device(), nullptr);
  vae->parameters().value().copy_(values);
}

void Dgr::state(Archive& archive) {
  Json input = input_;
  archive.field("input", input);
  if (archive.loading()) input_ = input.get<std::vector<std::int64_t>>();
  restore(archive, "generator", generator_);
  restore(archive, "past_generator", past_generator_);
  solver_.state(archive);
}

}  // namespace mneme
