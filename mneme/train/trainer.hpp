// Trainer: the only loop.
//
//   Trainer trainer(learner, strategies, options, evaluation, seed);
//   trainer.run(stream);                          // or, as data arrives:
//   trainer.learn(task); trainer.learn(another);
//
// One event: begin_event · stages · checkpoint "event-<n>" · end_event · evaluation. One stage: epochs of steps. One
// step: compose · forward · loss · backward · observe_gradient · add_gradient · project_gradient · clip · optimizer ·
// after_step. Everything that must survive is in `state`; a trainer that is loaded at any step goes on bit for bit as
// if it had never stopped.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mneme/core/time.hpp"
#include "mneme/eval/metrics.hpp"
#include "mneme/strategies/forgetting.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/train/active_outputs.hpp"
#include "mneme/train/evaluate.hpp"
#include "mneme/train/observer.hpp"
#include "mneme/train/optimizer.hpp"
#include "mneme/train/run_files.hpp"

namespace mneme {

struct TrainOptions {
  std::int64_t epochs = 1;
  std::vector<std::int64_t> epochs_per_event = {};
  std::int64_t steps = 0;
  std::int64_t batch = 128;
  std::string at_boundary = "new";
  std::int64_t log_every = 20;
  double clip_norm = 0;
  std::int64_t patience = 0;
  double held_out = 0.1;
  OptimizerOptions optimizer = {};
  void describe(OptionVisitor& v);
};

class Trainer final : private MetricLog {
 public:
  /// The learner must outlive the trainer. Denormals are flushed to zero in this thread: moments of weights that no
  /// longer get gradients decay into them, which makes a step several times slower.
  Trainer(Learner& learner, StrategyList strategies, TrainOptions options, EvaluationOptions evaluation,
          std::uint64_t seed);

  /// The primitives. `learn` adds the task to the tested ones if it is new. `forget` throws ConfigError, before
  /// anything has changed, if no strategy declares that it can, if another keeps what it cannot let go of, and for a
  /// request that makes no sense (SeenData::split). It knows the data of what this trainer learnt, or of the events
  /// that `run` found done.
  void learn(Task const& task);
  void forget(Request const& request);
  /// Goes through the events that have not been processed yet.
  void run(Stream const& stream);
  /// What the stream shows, and the tasks that are tested: `run` begins with it; a stored learner that is only asked
  /// needs no more. Throws for a request that `forget` would refuse.
  void expect(Stream const& stream);

  /// Begins the first event and no more: throws what `run` would before it trains, what strategies say of a net that
  /// does not suit them among it. Not to be trained afterwards.
  void rehearse(Stream const& stream);

  /// A copy of the learner as an evaluation would ask it now: after the strategies' review stages (GDumb trains its net
  /// there); null where there are none. `stream` is that of its run.
  [[nodiscard]] std::unique_ptr<Learner> reviewed(Stream const& stream);

  /// Means of the learner's metrics over other data; `task` is shown to the strategies where the stream shows it.
  [[nodiscard]] std::vector<double> test(Dataset const& data, std::optional<std::int64_t> task = {});
  /// Fills in Batch::active as the learner's head asks.
  void activate(Batch& batch) const { outputs_.activate(batch); }

  /// Tests this task too after every event, without learning it. After a restart, tasks learnt before are named here.
  void test_on(Task const& task);

  /// For lines of an observer's own.
  [[nodiscard]] MetricLog& log() { return *this; }

  /// Leaves the log and checkpoints in `files`, which must outlive the trainer.
  void attach(RunFiles* files) { files_ = files; }
  void attach(Observer* observer) { observers_.push_back(observer); }
  /// Stops (with a checkpoint, by throwing Stopped) after so much time, or when `interrupt_signal` is set.
  void stop_after(std::chrono::duration<double> time) {
    deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(time);
  }
  /// Ends `run` after the first event's training and before its `end_event`: where arms part.
  void only_prefix(bool on) { only_prefix_ = on; }

  /// Everything that must survive; saving and loading. `absent` strategies (branching) are allowed to be missing if
  /// what they do before the first `end_event` is nothing.
  void state(Archive& archive, bool branching = false, std::string const& member_prefix = "");
  void save(std::string const& name, bool keep);

  [[nodiscard]] EvaluationMatrix const& matrix() const { return matrix_; }
  /// Further figures by task and matrix row: {"mnist": {"bce": [..]}}.
  [[nodiscard]] Json const& figures() const { return figures_; }
  /// A classifier's answers on all test sets in the last matrix row; empty for other learners.
  [[nodiscard]] ClassCounts const& class_counts() const { return class_counts_; }
  /// Bytes of the tensors that the strategies keep.
  [[nodiscard]] std::int64_t strategy_bytes();
  [[nodiscard]] PhaseClock const& clock() const { return clock_; }
  [[nodiscard]] std::int64_t steps() const { return position_.step; }
  [[nodiscard]] std::int64_t events_done() const { return position_.event; }
  /// The same, with the event whose training is over and whose end is not (checkpoint event-<n>).
  [[nodiscard]] std::int64_t events_trained() const {
    return position_.event + (position_.at == static_cast<std::int64_t>(At::kTrained) ? 1 : 0);
  }
  [[nodiscard]] Learner& learner() { return learner_; }
  [[nodiscard]] StrategyList& strategies() { return strategies_; }
  /// Lower-case hex SHA-256 of the bytes of parameters and buffers, and of these and the optimizer state together.
  [[nodiscard]] std::string parameter_hash() const;
  [[nodiscard]] std::string training_hash();

 private:
  using Clock = std::chrono::steady_clock;
  enum class At : std::int64_t { kStart, kStages, kTrained };
  struct Position {
    std::int64_t event = 0, stage = 0, epoch = 0, batch = 0, step = 0;
    std::int64_t at = static_cast<std::int64_t>(At::kStart);
    bool in_stage = false;
    std::int64_t batch_size = 0;  // that `batch` counts in
    void state(Archive& archive);
  };
  struct EarlyStop {
    at::Tensor weights;  // [P] of the best epoch
    double best = 0;
    std::int64_t bad_epochs = 0;
    void state(Archive& archive);
  };

  void process(Event const& event);
  /// ConfigError where a member has no way to forget, or to let go.
  void refuse_to_forget(Request const& request, SeenData const& seen, std::int64_t number) const;
  void hand_out(ForgetData const& asked);
  void end_event(EventContext& context);
  void let_go(Forgotten const& forgotten, EventContext& context);
  void add_column(Task const& task);
  [[nodiscard]] EventContext context_of(Event const& event, Dataset const& data);
  [[nodiscard]] std::vector<Stage> plan(EventContext& context);
  /// How long a stage is: passes over its data, steps in one of them and in all.
  struct Length {
    std::int64_t epochs, batches, steps;
  };
  [[nodiscard]] Length length_of(EventContext const& context, Stage const& stage) const;
  /// ConfigError where an online stream's data would be trained on twice.
  void refuse_second_pass(EventContext const& context, std::vector<Stage> const& stages) const;
  void run_stage(EventContext& context, Stage const& stage);
  void step(StageContext& context, Dataset const& data, at::Tensor const& index, double learning_rate);
  /// What the event under way draws from.
  [[nodiscard]] RandomStreams& draws() { return request_streams_ ? *request_streams_ : streams_; }
  void train_phase(StepContext& context, std::size_t phase, ForwardContext const& forward, Output& output,
                   double learning_rate);
  void train_auxiliaries(Batch const& batch, double learning_rate);
  void train_own_steps(StepContext& context, double learning_rate);
  void clip(std::size_t phase);
  void restrict_optimizers(Stage const& stage);
  void reset_optimizers();
  void grow(int segment, Shape shape);
  void append(std::string name, Shape shape);
  void carry(Growth const& growth);
  void regrow(Json const& segments);
  /// Evaluations and early stop at the end of an epoch; false when the stage is to end.
  bool finish_epoch(EventContext& context);
  void finish_stage(StageContext const& context);
  /// NumericError where parameters, buffers or an auxiliary's are not finite at the end of a stage that began then.
  void need_numbers(StageContext const& context, std::int64_t began) const;

  /// The event's training data, or with `held_out` the stratified part that early stop keeps back.
  [[nodiscard]] Dataset training_part(Event const& event, bool held_out) const;
  [[nodiscard]] std::vector<double> test(Learner& learner, Dataset const& data, std::optional<std::int64_t> task,
                                         std::function<void()> const& poll, ClassTally* tally = nullptr);
  /// The same amid an event.
  [[nodiscard]] std::unique_ptr<Learner> reviewed(EventContext& context, bool heeds_stop);
  /// Figures of all tested tasks: a line of the log, and with `kind` a row of the matrix.
  void measure(EventContext& context, bool full, std::string const& kind = "");
  void log_step(StepContext& context, double learning_rate);
  /// Throws where the learner's rule says that its training has failed.
  void watch_for_collapse(EventContext const& context, Json const& terms);
  /// NumericError: where, what, and the last checkpoint that was taken no later than step `good`.
  [[noreturn]] void fail(EventContext const& context, std::string const& what, std::int64_t good) const;
  void show_progress(StageContext const& context, std::int64_t epochs, std::int64_t steps);
  /// Checkpoint if due or if the run is to stop; throws Stopped in the latter case. None is due while the learner seems
  /// to have failed: it would push out the last that was sound.
  void checkpoint_or_stop();
  void poll() const;
  [[nodiscard]] bool stop_wanted() const;
  [[noreturn]] static void stop();

  void write(Json line) override;

  Learner& learner_;
  StrategyList strategies_;
  TrainOptions options_;
  EvaluationOptions evaluation_;
  RandomStreams streams_;
  std::optional<RandomStreams>
      request_streams_;                     // drawn from in a Forget event, which leaves later events' draws alone
  std::vector<ArenaOptimizer> optimizers_;  // by phase
  std::map<std::string, std::unique_ptr<ArenaOptimizer>> auxiliary_optimizers_;

  Visibility visibility_;
  ActiveOutputs outputs_;
  std::vector<Task> tested_;
  SeenData seen_;
  std::map<std::string, Dataset> curve_parts_;
  EvaluationMatrix matrix_;
  Json figures_ = Json::object();
  ClassCounts class_counts_;

  std::set<std::string> grown_;  // segments that were given a larger shape, or appended
  Position position_;
  at::Tensor order_;  // int64 [N]: this epoch's
  EarlyStop early_stop_;
  at::Tensor loss_sum_;  // since the last line, on the device
  std::int64_t loss_count_ = 0;
  std::int64_t collapsed_lines_ = 0;  // logged steps in a row that the learner's rule finds failed
  std::int64_t sound_step_ = -1;      // the last that it found sound
  Progress progress_;

  RunFiles* files_ = nullptr;
  std::vector<Observer*> observers_;
  PhaseClock clock_;
  Lap activity_ = Lap::kStrategy;  // what the time before the next log line is spent on
  std::optional<Clock::time_point> deadline_;
  Clock::time_point last_progress_{};
  bool only_prefix_ = false;
  bool heeds_stop_ = true;  // false: a short review in the middle of a step's bookkeeping
};

}  // namespace mneme
