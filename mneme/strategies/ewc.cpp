#include "mneme/strategies/ewc.hpp"

#include <torch/types.h>

#include "mneme/strategies/event_importance.hpp"

namespace mneme {
namespace {

/// The factor before the merged quadratic, which has a 1/2 of its own.
double scale_of(EwcOptions const& options) {
  auto const& convention = ewc_convention(options.convention);
  bool const inside = convention.gamma_in_penalty && options.mode == "online";
  return options.lambda * convention.lambda * (inside ? options.gamma : 1);
}

}  // namespace

void EwcOptions::describe(OptionVisitor& v) {
  v.field("lambda", lambda,
          {.help = "strength of the penalty, for a loss that is the mean over the batch",
           .min = 0,
           .source = "Kirkpatrick et al. 2017, eq. 3"});
  v.field("convention", convention,
          {.help = "whose Fisher, factor and accumulation: with another's, lambda is what they publish",
           .choices = ewc_convention_names(),
           .source = "the sources named"});
  v.field("mode", mode,
          {.help = "one term per task, or one running term around the latest weights: a decayed sum (online) or a mean "
                   "(blend); auto: the convention's, separate by default",
           .choices = {"auto", "separate", "online", "blend"},
           .source = "online: Schwarz et al. 2018"});
  v.field("gamma", gamma, {.help = "decay of the running Fisher per task (online)", .min = 0, .max = 1});
  v.field("alpha", alpha, {.help = "share of the old Fisher (blend)", .min = 0, .max = 1});
  auto note = FisherOptions::labels_note();
  note.help += "; auto: the convention's, sampled by default";
  note.choices.insert(note.choices.begin(), "auto");
  v.field("labels", fisher.labels, note);
  fisher.describe_samples(v);
}

Ewc::Ewc(EwcOptions options)
    : QuadraticPenalty("ewc", scale_of(options)),
      convention_(ewc_convention(options.convention)),
      options_(std::move(options)) {
  options_.mode = settle(convention_, "mode", options_.mode, convention_.modes);
  options_.fisher.labels = settle(convention_, "labels", options_.fisher.labels, convention_.labels);
}

void Ewc::end_event(EventContext& context) {
  auto samples = options_.fisher.count(context.data.size());
  auto const batch = options_.fisher.batch;
  if (convention_.whole_batches && samples > batch) samples -= samples % batch;
  auto const f = fisher(context, samples);
  log_importance(name(), f, context, {{"samples", samples}, {"labels", options_.fisher.labels}});
  auto const& theta = context.parameters().value();
  if (options_.mode == "online")
    mutable_quadratic().decay_and_move(options_.gamma, f, theta);
  else if (options_.mode == "blend")
    mutable_quadratic().decay_and_move(options_.alpha, f * (1 - options_.alpha), theta);
  else
    mutable_quadratic().add(f, theta);
}

at::Tensor Ewc::fisher(EventContext& context, std::int64_t samples) const {
  auto options = options_.fisher;
  options.samples = samples;
  auto f = diagonal_fisher(importance_request(name(), context.data, options, context));
  auto const number = [](std::int64_t n) { return static_cast<double>(n); };
  if (convention_.share) f.mul_(convention_.share(number(samples), number(context.data.size()), number(options.batch)));
  if (convention_.head) return f;
  for (auto const& segment : context.parameters().segments())
    if (segment.name.starts_with("head.")) segment.of(f).zero_();
  return f;
}

}  // namespace mneme
