#include "mneme/strategies/distillation.hpp"

#include <torch/csrc/autograd/custom_function.h>
#include <torch/types.h>

#include <algorithm>

namespace mneme {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// The logits at that temperature, with outputs outside the mask so low that the softmax gives them exactly 0. Finite,
/// so that 0 log 0 is 0.
at::Tensor softened(at::Tensor const& logits, double temperature, at::Tensor const& mask) {
  constexpr double kNever = -1e30;
  auto const z = temperature == 1 ? logits : logits / temperature;
  if (!mask.defined()) return z;
  auto const missing = logits.size(-1) - mask.size(-1);
  auto const whole = missing > 0 ? at::constant_pad_nd(mask, {0, missing}) : mask;
  return z.masked_fill(whole.logical_not(), kNever);
}

/// A softmax over the last extent. There torch goes sample by sample, which for a few outputs takes ten times as long
/// as all samples side by side.
template <class Softmax>
at::Tensor over_outputs(Softmax softmax, at::Tensor const& z) {
  if (!z.is_cpu()) return softmax(z, -1);
  return softmax(z.transpose(-1, -2).contiguous(), -2).transpose(-1, -2).contiguous();
}

/// - sum_i q_i log p_i as one node of the graph: its gradient is (p - q) / T for each sample, and the chain of a dozen
/// small nodes that it stands for would take as long as a layer. `low` are the softened logits.
class SoftCrossEntropy final : public torch::autograd::Function<SoftCrossEntropy> {
 public:
  static at::Tensor forward(AutogradContext* context, at::Tensor const& logits, at::Tensor const& low,
                            at::Tensor const& q, double temperature) {
    auto const log_p = over_outputs([](auto const& z, int over) { return at::log_softmax(z, over); }, low);
    context->save_for_backward({log_p, q});
    context->saved_data["temperature"] = temperature;
    context->saved_data["dimensions"] = logits.dim();
    return (q * log_p).sum(-1).neg_();
  }
  static variable_list backward(AutogradContext* context, variable_list const& gradients) {
    auto const saved = context->get_saved_variables();
    auto const& log_p = saved[0];
    auto const& q = saved[1];
    auto const scale = gradients[0] / context->saved_data["temperature"].toDouble();
    auto delta = (log_p.exp() - q).mul_(scale.unsqueeze(-1));
    if (delta.dim() > context->saved_data["dimensions"].toInt()) delta = delta.sum(0);  // over groups
    return {delta, {}, {}, {}};
  }
};

}  // namespace

void DistillationOptions::describe(OptionVisitor& v) {
  v.field("temperature", temperature,
          {.help = "T, which softens both softmaxes", .above = 0, .source = "Hinton et al. 2015, sec. 2"});
  v.field("square", square,
          {.help = "multiply by T^2, so that the gradient's scale does not depend on T",
           .source = "Hinton et al. 2015, sec. 2"});
  v.field("form", form,
          {.help = "cross-entropy of the soft targets, or the KL divergence: the same gradient, 0 where both agree",
           .choices = {"cross-entropy", "kl"}});
  describe_per_output(v, per_output);
}

void describe_per_output(OptionVisitor& v, bool& per_output) {
  v.field("per_output", per_output,
          {.help = "divide by the number of outputs in the student's softmax",
           .source = "van de Ven and Tolias 2018, 2019, whose code took the mean over outputs too until May 2019"});
}

at::Tensor soft_targets(at::Tensor const& logits, double temperature, at::Tensor const& mask) {
  at::NoGradGuard const no_grad;
  return over_outputs([](auto const& z, int over) { return at::softmax(z, over); },
                      softened(logits, temperature, mask));
}

at::Tensor distillation(at::Tensor const& logits, at::Tensor const& targets, DistillationOptions const& options,
                        at::Tensor const& mask) {
  auto const missing = logits.size(-1) - targets.size(-1);
  auto const q = missing > 0 ? at::constant_pad_nd(targets, {0, missing}) : targets;
  auto const low = softened(logits.detach(), options.temperature, mask);
  auto each = SoftCrossEntropy::apply(logits, low, q, options.temperature);
  if (options.form == "kl") each = each + at::xlogy(q, q).sum(-1);
  if (options.per_output) each = mask.defined() ? each / mask.sum(-1) : each / logits.size(-1);
  return options.square ? each * (options.temperature * options.temperature) : each;
}

void LearntOutputs::learn(std::vector<std::int64_t> const& classes, bool own_head) {
  std::set<std::int64_t> group(classes.begin(), classes.end());
  ++tasks_;
  masks_ = at::Tensor();
  if (!own_head && !groups_.empty())
    groups_.front().merge(group);
  else if (std::find(groups_.begin(), groups_.end(), group) == groups_.end())
    groups_.push_back(std::move(group));
}

void LearntOutputs::forget(std::vector<std::int64_t> const& classes) {
  for (auto& group : groups_)
    for (auto const c : classes) group.erase(c);
  std::erase_if(groups_, [](auto const& group) { return group.empty(); });
  masks_ = at::Tensor();
}

std::set<std::int64_t> LearntOutputs::classes() const {
  std::set<std::int64_t> all;
  for (auto const& group : groups_) all.insert(group.begin(), group.end());
  return all;
}

bool LearntOutputs::lacks(std::vector<std::int64_t> const& classes) const {
  auto const known = this->classes();
  return !std::all_of(classes.begin(), classes.end(), [&](std::int64_t c) { return known.contains(c); });
}

at::Tensor const& LearntOutputs::masks(std::int64_t outputs, at::Device device) const {
  if (masks_.defined() && masks_.size(2) == outputs && masks_.device() == device) return masks_;
  auto masks = at::zeros({groups(), 1, outputs}, at::kBool);
  for (std::size_t h = 0; h < groups_.size(); ++h)
    for (auto const c : groups_[h]) masks[static_cast<std::int64_t>(h)][0][c] = true;
  masks_ = masks.to(device);
  return masks_;
}

void LearntOutputs::state(Archive& archive) {
  Json groups(groups_);
  archive.field("groups", groups);
  archive.field("tasks", tasks_);
  if (!archive.loading()) return;
  groups_ = groups.get<std::vector<std::set<std::int64_t>>>();
  masks_ = at::Tensor();
}

}  // namespace mneme
