// strategies: what keeps the old while the new is learnt. One method is one header, one source and one row of
// table.cpp.
//
// Every hook's default does nothing. The trainer calls them in this order (see train/trainer.hpp):
//
//   begin_event ( begin_stage ( compose  objective|loss + penalty  observe_gradient  add_gradient  project_gradient
//                               [optimizer]  own_step  after_step )*  end_stage )*  end_event
//   before_evaluation  predict*
//
// In a list of strategies each hook runs for all members before the next hook runs for any, and members stand in the
// order of the table, so [a, b] and [b, a] are the same run bit for bit. Each member draws from random streams of its
// own, so adding one never shifts another's numbers.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mneme/core/registry.hpp"
#include "mneme/learners/learner.hpp"
#include "mneme/nets/archive.hpp"
#include "mneme/strategies/prefix.hpp"
#include "mneme/stream/batch.hpp"
#include "mneme/track/metric_log.hpp"

namespace mneme {

/// What a strategy needs and does; refusals, `mneme list` and the documentation are made from it.
struct Needs {
  bool task_at_training = false;
  bool task_at_test = false;
  bool boundaries = false;
  bool replaces_objective = false;                   // at most one in a list
  bool projects = false;                             // at most one in a list
  bool stages = false;                               // brings stages of its own; at most one in a list
  bool gates = false;                                // multiplies hidden layers; at most one in a list
  std::string alone = {};                            // why it goes with no other strategy; empty: it does
  bool forgets = false;                              // brings stages for a Request
  std::vector<std::string> learners = {};            // kinds that it works with; empty: all
  std::map<std::string, std::string> excludes = {};  // strategies that it does not go with, each with the reason
  Prefix prefix = Prefix::kPlain;
};

/// A stretch of training that the trainer runs. A strategy may ask for several in one event.
struct Stage {
  std::string name = "train";
  Dataset data = {};        // empty: the event's training data
  std::int64_t epochs = 0;  // 0: as configured
  std::int64_t steps = 0;   // above 0: this many steps instead of epochs
  double lr_scale = 1.0;
  std::vector<int> trainable = {};  // segments; empty: all. The pass is then one of evaluation: statistics stay
  bool training_pass = false;       // with `trainable`: a training pass all the same, as if all were trained
  bool optimise = true;             // false: the hooks run, the weights stay
  bool fresh_optimizer = false;     // also where `at_boundary` says keep
  bool from_scratch = false;        // all parameters are drawn anew first
};

struct EventContext {
  std::int64_t index = 0;  // among the run's events
  Event const& event;
  Learner& learner;
  Dataset const& data;  // the event's training data
  Visibility visibility;
  MetricLog& log;
  std::function<void()> poll = [] {};  // throws Stopped if the run was asked to stop; call it in long computations
  /// Gives a segment a larger shape, in `begin_event` only; every [P] row of the run is carried over.
  std::function<void(int segment, Shape shape)> grow = {};
  /// Puts a new segment of zeros behind the others, in `begin_event` only, in the same way.
  std::function<void(std::string name, Shape shape)> append = {};
  /// Fills in Batch::active as the learner's head asks: for forward passes of a strategy's own.
  std::function<void(Batch&)> activate = [](Batch&) {};
  /// What the strategies multiply hidden layers with, for the same.
  std::function<Gates(Batch const&)> gates = [](Batch const&) { return Gates(); };
  std::function<Gates(Batch const&)> training_gates = [](Batch const&) { return Gates(); };  // with a graph (HAT)
  RandomStreams* streams = nullptr;                                                          // the member's own

  [[nodiscard]] bool first() const { return index == 0; }
  /// Nothing stored is of the past yet: in the first event. Where the stream shows no boundaries everything stored is.
  [[nodiscard]] bool past_begins_later() const { return first() && visibility.boundaries; }
  /// Id of the task being learnt, -1 while forgetting. Throws VisibilityError where the stream hides it.
  [[nodiscard]] std::int64_t task_id() const;
  /// The same, empty where it is hidden.
  [[nodiscard]] std::optional<std::int64_t> known_task() const;
  [[nodiscard]] ParameterArena& parameters() const { return learner.parameters(); }
};

/// A test set is about to be measured, or was.
struct TestContext {
  Learner& learner;                  // what is measured: the run's learner or a throw-away copy
  std::optional<std::int64_t> task;  // empty where the stream hides it, or where it is not known
};

struct StageContext : EventContext {
  StageContext(EventContext const& event_context, Stage const& s) : EventContext(event_context), stage(s) {}
  Stage const& stage;
};

struct StepContext : StageContext {
  StepContext(StageContext const& stage_context, Batch const& b, at::Tensor r, std::int64_t s, bool l)
      : StageContext(stage_context), batch(b), rows(std::move(r)), step(s), logged(l) {}
  Batch const& batch;               // after compose
  at::Tensor rows;                  // [n] of `source` that the current part was gathered from
  std::int64_t step;                // global, of this run
  bool logged;                      // this step's terms are wanted for the log
  Dataset const* source = nullptr;  // what `rows` points into
  Output const* output = nullptr;   // once forward has run, until after_step
  Phase const* phase = nullptr;
};

/// A named value for the log: the penalty before lambda's gradient, a distillation term.
using Terms = std::map<std::string, at::Tensor>;

/// A further learner trained on the same batches in the same steps: the generator of generative replay.
struct Auxiliary {
  std::string name;
  Learner* learner = nullptr;  // owned by the strategy
};

class Strategy {
 public:
  virtual ~Strategy() = default;

  [[nodiscard]] virtual Needs needs() const { return {}; }

  virtual void begin_event(EventContext&) {}
  virtual void end_event(EventContext&) {}
  /// A pure function of the state: it is asked again after a resume. Empty: one stage on the event's data.
  virtual std::vector<Stage> stages(EventContext&) { return {}; }
  virtual void begin_stage(StageContext&) {}
  virtual void end_stage(StageContext&) {}

  /// May put replayed rows behind the batch.
  virtual Batch compose(Batch batch, StepContext&) { return batch; }
  /// Scalar in place of the learner's loss.
  virtual std::optional<at::Tensor> objective(StepContext&) { return std::nullopt; }
  /// Scalar added to the loss, for terms that need autograd through the outputs.
  virtual std::optional<at::Tensor> penalty(StepContext&) { return std::nullopt; }
  /// Sees the task's gradient as it is.
  virtual void observe_gradient(StepContext&) {}
  /// Adds a closed form to the flat gradient: a quadratic penalty is never a graph.
  virtual void add_gradient(StepContext&) {}
  virtual void project_gradient(StepContext&) {}
  /// A loss that is trained on in an optimizer step of its own behind the common one; no other hook sees its gradient.
  virtual std::optional<at::Tensor> own_step(StepContext&) { return std::nullopt; }
  virtual void after_step(StepContext&) {}
  /// Early stop: the weights are the best so far, or go back to the best; what was recorded of the steps since then
  /// goes back with them.
  virtual void keep_best() {}
  virtual void restore_best() {}
  /// Values for the log; asked at logged steps only.
  virtual Terms terms(StepContext&) { return {}; }

  /// Stages that run before every evaluation, on a throw-away copy of the learner.
  virtual std::vector<Stage> before_evaluation(EventContext&) { return {}; }
  /// Around the measuring of each test set. What `begin_test` changes in the learner `end_test` puts back.
  virtual void begin_test(TestContext&) {}
  virtual void end_test(TestContext&) {}
  /// Multipliers of hidden layers for a forward pass over this batch.
  virtual Gates gates(Batch const&, bool /*training*/) { return {}; }
  virtual std::vector<Auxiliary> auxiliaries() { return {}; }
  /// Scores [N, C] instead of the logits; undefined: the logits as they are.
  virtual at::Tensor predict(Output const&, Batch const&) { return {}; }

  /// The arena has grown: every [P] row goes through `growth.carry`.
  virtual void grown(Growth const&) {}
  /// Every field that must survive, named once for saving and loading.
  virtual void state(Archive&) {}
};

/// Sizes that what a strategy keeps is reckoned in.
struct MemoryShape {
  std::int64_t parameters = 0;    // P
  std::int64_t sample_bytes = 0;  // of one stored sample
  std::int64_t classes = 0;       // C: outputs
  std::int64_t features = 0;      // D: last hidden layer
  std::int64_t tasks = 0;         // T: learnt
};

/// What a strategy is good for, or known to fail at, fixed before it is measured (tests/science): its average accuracy
/// after five tasks of split MNIST (embedded sample) less that of naive.
struct Claim {
  std::string scenario;           // task, domain, class
  Json options = Json::object();  // over the defaults
  double margin = 5;              // points; and three standard errors
  bool fails = false;             // the other way: less than `margin` above naive
};

struct StrategyRow {
  PartInfo info;
  std::unique_ptr<Strategy> (*make)(Json const& options, std::string const& where);
  Needs needs = {};
  Stream (*wrap)(Stream const&) = nullptr;  // what the strategy makes of a stream known beforehand (joint)
  Json toy = Json::object();     // options, over the defaults, for runs on toy data (testing/conformance.hpp)
  Json toy_net = Json();         // the net that they need; null: any
  Json as_naive = Json();        // options, over `toy`, at which it is naive bit for bit; null: never
  std::string never_naive = {};  // why, where there are none
  std::string memory = "none";   // bytes of the tensors that it keeps between events, as a formula
  std::int64_t (*bytes)(Json const& options, MemoryShape const& shape) = nullptr;  // the same formula; null: none
  std::vector<Claim> claims = {};
  /// Where `lambda` is typed in another unit: what it is in (lambda/2) sum F d^2 beside a loss that is a mean over
  /// `batch` samples.
  double (*canonical_lambda)(Json const& options, std::int64_t batch) = nullptr;
};

/// All strategies in the order in which members of a list run; `mneme list strategies`. Rows stand in rows_*.cpp.
std::span<StrategyRow const> strategy_table();

}  // namespace mneme
