#include "mneme/strategies/der.hpp"

#include <torch/types.h>

#include "mneme/strategies/stored_answers.hpp"

namespace mneme {

void DerOptions::describe(OptionVisitor& v) {
  buffer.describe(v);
  replay.describe(v);
  v.field("alpha", alpha,
          {.help = "strength of the distance to stored logits, a mean over samples and outputs",
           .min = 0,
           .source = "Buzzega et al. 2020, eq. 5"});
}

void DerPlusPlusOptions::describe(OptionVisitor& v) {
  DerOptions::describe(v);
  v.field("beta", beta,
          {.help = "strength of the stored labels' cross-entropy", .min = 0, .source = "Buzzega et al. 2020, eq. 6"});
}

std::optional<at::Tensor> Der::penalty(StepContext& context) {
  terms_.clear();
  auto const& replay = options_.replay;
  if (!replay.due(buffer_, context)) return std::nullopt;
  auto const n = stored_per_step(replay.batch, context);
  std::optional<at::Tensor> sum;
  auto const add = [&](std::string const& name, at::Tensor const& term) {
    terms_[name] = term.detach();
    sum = sum ? *sum + term : term;
  };
  if (options_.alpha > 0) {
    auto const rows = replay.drawn(buffer_, n, context);
    auto const output = forward_beside(replayed(rows, context), true, context);
    add("logits", at::mse_loss(output.logits, rows.extras.at("logits")) * options_.alpha);
  }
  if (options_.beta > 0) {
    auto const batch = replayed(replay.drawn(buffer_, n, context), context);
    add("labels", context.learner.loss(*context.phase, batch, forward_beside(batch, true, context)) * options_.beta);
  }
  return sum;
}

void Der::after_step(StepContext& context) {
  auto rows = current_rows(context);
  rows.extras.emplace("logits", context.output->logits.detach().narrow(0, 0, rows.size()));
  buffer_.offer(rows, context.streams->get("reservoir"));
}

void Der::let_go(Forgotten const& forgotten, EventContext& context) {
  drop(buffer_, forgotten);
  if (buffer_.empty()) return;
  auto const rows = buffer_.all();  // a view
  rows.extras.at("logits").copy_(stored_logits(rows, context));
}

}  // namespace mneme
