#include "mneme/unlearning/ssd.hpp"

#include <torch/types.h>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"

namespace mneme {

void SsdOptions::describe(OptionVisitor& v) {
  v.field("alpha", alpha,
          {.help = "a weight is selected where it matters so many times more to what is forgotten than to all data",
           .above = 0,
           .source = "Foster et al. 2024: 10, for one class of a hundred; one of ten allows less than 10"});
  v.field("lambda", lambda,
          {.help = "a selected weight is multiplied with lambda times the ratio of the two, at most 1",
           .above = 0,
           .source = "Foster et al. 2024: 1"});
  importance.describe(v);
}

at::Tensor dampen(at::Tensor const& theta, at::Tensor const& on_forget, at::Tensor const& on_all, double alpha,
                  double lambda) {
  at::NoGradGuard const no_grad;
  auto const selected = on_forget.gt(on_all * alpha);  // never where both are 0
  auto const factor = (on_all * lambda / on_forget).clamp_max(1);
  theta.copy_(at::where(selected, theta * factor, theta));
  return selected;
}

void Ssd::check(Asked const& asked) const {
  auto const [forget, known] = asked.seen.count(asked.request);
  auto const largest = static_cast<double>(known) / static_cast<double>(forget);
  bool const estimated = options_.importance.labels.starts_with("batch") || options_.importance.samples > 0;
  if (!estimated && options_.alpha >= largest)
    throw ConfigError("ssd: alpha = " + format_number(options_.alpha) +
                      " selects no weight: what is to be forgotten is " +
                      "a part of all data, so that a weight matters at most " + format_number(largest) +
                      " times more to it. Set alpha below that");
}

void Ssd::end_event(EventContext& context) {
  auto const on_all = importance_on("ssd, all data", both(data()), options_.importance, context);
  auto const on_forget = importance_on("ssd, to be forgotten", data().forget, options_.importance, context);
  auto const selected = dampen(context.parameters().value(), on_forget, on_all, options_.alpha, options_.lambda);
  context.log.write({{"kind", "note"},
                     {"text", "ssd: " + std::to_string(selected.sum().item<std::int64_t>()) + " of " +
                                  std::to_string(selected.numel()) + " weights dampened"}});
}

}  // namespace mneme
