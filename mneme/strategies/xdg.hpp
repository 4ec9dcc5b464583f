// Context-dependent gating: every task has a random part of the hidden units to itself.
//
//   h_l <- g_{t,l} o h_l        g_{t,l} in {0, 1}^{U_l}, drawn once, round(share U_l) of them 0
//
// Masse et al. 2018, Alleviating catastrophic forgetting using context-dependent gating and synaptic stabilization,
// arXiv:1802.01569.
//
// The gates of a task are drawn from (seed, task id) alone, so they depend neither on the order of the tasks nor on
// what else is drawn. They act in training and at test, so the task must be known in both. A task that has not been
// learnt has no gates: it is tested with the whole net.
//
// Differences from the paper: the gates of a layer that would be shut altogether leave one unit open. The paper joins
// gating with EWC or SI; here that is a list, ["ewc", "xdg"].
#pragma once

#include <vector>

#include "mneme/strategies/forgetting.hpp"

namespace mneme {

struct XdgOptions {
  double share = 0.8;
  void describe(OptionVisitor& v);
};

/// Gates of one task, bool [sum of widths], layer after layer: in each, round(share width) units are off, at most all
/// but one.
[[nodiscard]] at::Tensor draw_gates(std::vector<std::int64_t> const& widths, double share, at::Generator& generator);

class Xdg final : public Strategy, public LetsGo {
 public:
  explicit Xdg(XdgOptions options) : options_(options) {}
  [[nodiscard]] Needs needs() const override;
  void begin_event(EventContext& context) override;
  Gates gates(Batch const& batch, bool training) override;
  /// Gates are drawn and hold nothing of the data.
  void let_go(Forgotten const&, EventContext&) override {}
  void state(Archive& archive) override;

 private:
  void make_factors();

  XdgOptions options_;
  std::vector<std::int64_t> widths_;
  at::Tensor open_;     // bool [T, sum of widths] by task id; all open where the task has not been learnt
  at::Tensor factors_;  // float [T + 1, sum of widths]: the same, and a last row of ones for all other tasks
};

}  // namespace mneme
