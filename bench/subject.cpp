#include "subject.hpp"

#include <torch/types.h>
#include <unistd.h>

#include "mneme/importance/fisher.hpp"
#include "paired.hpp"

namespace mneme::bench {
namespace {

/// Takes the time of every training stage.
class Stopwatch final : public Strategy {
 public:
  explicit Stopwatch(double& seconds) : seconds_(seconds) {}
  void begin_stage(StageContext&) override { begin_ = processor_seconds(); }
  void end_stage(StageContext&) override { seconds_ = processor_seconds() - begin_; }

 private:
  double& seconds_;
  double begin_ = 0;
};

Dataset part_of(Dataset const& data, std::int64_t first, std::int64_t count) {
  return data.with(data.data().narrow(0, first, count), data.labels().narrow(0, first, count));
}

TrainOptions train_options(std::int64_t batch) {
  TrainOptions options;
  options.batch = batch;
  return options;
}

/// "cvae": the fully connected one of its method; "cvae_conv": the convolutional one of gray-out.
std::unique_ptr<Learner> cvae(std::string const& net) {
  Json options = {{"scale", "sum"}};
  if (net == "cvae_conv") options.update({{"architecture", "conv"}, {"latent", 40}});
  RandomStreams streams(0);
  auto const& row = find_row(learner_table(), "learner", "cvae");
  return row.make({.input = {1, 28, 28}, .classes = 10}, options, "learner", streams.get("init"));
}

}  // namespace

Dataset const& images() {
  static Dataset const data("random", at::randint(256, {60'000, 1, 28, 28}, at::kByte),
                            at::randint(10, {60'000}, at::kLong), {});
  return data;
}

std::unique_ptr<Learner> classifier(std::string const& net) {
  RandomStreams streams(0);
  auto const& row = find_row(learner_table(), "learner", "classifier");
  return row.make({.input = {1, 28, 28}, .classes = 10}, {{"net", net}}, "learner", streams.get("init"));
}

Training::Training(std::string const& net, Json const& strategy, std::int64_t batch, std::int64_t samples)
    : learner_(net.starts_with("cvae") ? cvae(net) : classifier(net)), samples_(samples) {
  StrategyList strategies(strategy, "strategy", 0);
  strategies.add("stopwatch", std::make_unique<Stopwatch>(stage_seconds_), 0);
  auto options = train_options(batch);
  options.at_boundary = "keep";
  options.log_every = std::int64_t{1} << 40;
  trainer_ = std::make_unique<Trainer>(*learner_, std::move(strategies), options, EvaluationOptions{}, 0);
}

Training::~Training() = default;

Dataset Training::next_samples() {
  first_ = first_ + 2 * samples_ > images().size() ? 0 : first_ + samples_;
  return part_of(images(), first_, samples_);
}

double Training::epoch() {
  trainer_->learn({.name = "random",
                   .id = events_++ % kTasks,
                   .train = next_samples(),
                   .test = part_of(images(), 0, 0),
                   .classes = {}});
  return stage_seconds_;
}

void Training::add_tasks(std::int64_t count) {
  for (; count > 0; --count) epoch();
}

double Training::fisher(std::string const& labels) {
  auto const data = next_samples();
  FisherOptions options;
  options.labels = labels;
  ImportanceRequest const request{.learner = *learner_,
                                  .data = data,
                                  .options = options,
                                  .choice = streams_.get("choice"),
                                  .noise = streams_.get("noise")};
  return seconds_of([&] { return diagonal_fisher(request); });
}

Amnesia::Amnesia(std::string const& net, Json const& options, std::int64_t batch) : learner_(cvae(net)) {
  Json strategy = {{"kind", "selective-amnesia"}};
  strategy.update(options);
  auto train = train_options(batch);
  train.epochs = 0;
  train.log_every = std::int64_t{1} << 40;
  trainer_ = std::make_unique<Trainer>(*learner_, StrategyList(strategy, "strategy", 0), train, EvaluationOptions{}, 0);
}

Amnesia::~Amnesia() = default;

double Amnesia::request() {
  constexpr std::int64_t kSamples = 100;  // of the data only the labels are read
  trainer_->learn({.name = "random",
                   .id = 0,
                   .train = part_of(images(), 0, kSamples),
                   .test = part_of(images(), 0, 0),
                   .classes = {}});
  return seconds_of([&] { trainer_->forget({.name = "class 0", .classes = {0}, .samples = {}, .tasks = {}}); });
}

namespace {

std::unique_ptr<Learner> lgaa(double width) {
  RandomStreams streams(0);
  auto const& row = find_row(learner_table(), "learner", "lgaa");
  return row.make({.input = {1, 28, 28}, .classes = 10}, {{"width", width}, {"domains", 2}}, "learner",
                  streams.get("init"));
}

std::size_t number_of(Learner const& learner, std::string const& phase) {
  std::size_t number = 0;
  while (learner.phases()[number].name != phase) ++number;
  return number;
}

}  // namespace

LgaaPhase::LgaaPhase(std::string const& phase, std::int64_t batch, double width)
    : learner_(lgaa(width)),
      phase_(number_of(*learner_, phase)),
      batch_(images(), at::arange(batch), 0, {}),
      optimizer_({}, learner_->parameters()) {
  optimizer_.restrict_to(learner_->phases()[phase_].segments);
}

double LgaaPhase::steps(std::int64_t count) {
  return seconds_of([&] {
    auto& arena = learner_->parameters();
    for (; count > 0; --count) {
      arena.begin_gradient();
      auto const output = learner_->forward(batch_, {.training = true, .gates = nullptr}, streams_.get("noise"));
      learner_->loss(learner_->phases()[phase_], batch_, output).backward();
      arena.finish_gradient();
      optimizer_.step(1e-4);
    }
  });
}

std::int64_t trained_parameters(double width, std::string const& phase) {
  auto const learner = lgaa(width);
  std::int64_t sum = 0;
  for (auto const id : learner->phases()[number_of(*learner, phase)].segments)
    sum += learner->parameters().segment(id).size;
  return sum;
}

Passes::Passes(std::string const& net, std::int64_t rows)
    : learner_(classifier(net)), batch_(images(), at::arange(rows), 0, {}), row_(learner_->parameters().new_row()) {}

double Passes::forward(std::int64_t count) {
  return seconds_of([&] {
    at::NoGradGuard const no_grad;
    for (; count > 0; --count) learner_->forward(batch_, {}, streams_.get("noise"));
  });
}

double Passes::gradient(std::int64_t count) {
  return seconds_of([&] {
    for (; count > 0; --count) learner_->gradient(batch_, row_, streams_.get("noise"));
  });
}

double evaluation(Learner& learner, Dataset const& test, std::int64_t batch) {
  StrategyList none;
  return seconds_of([&] { return evaluate(learner, none, {.data = test}, RandomStreams(0), batch); });
}

RunSeconds whole_run() {
  auto const folder = std::filesystem::temp_directory_path() / ("mneme-bench-" + std::to_string(::getpid()));
  PhaseClock clock;
  {
    RunFiles files(folder);
    auto const learner = classifier("mlp");
    auto options = train_options(512);
    options.epochs = 2;
    EvaluationOptions evaluation;
    evaluation.every_steps = 20;
    Trainer trainer(*learner, {}, options, evaluation, 0);
    trainer.attach(&files);
    for (std::int64_t id = 0; id < 2; ++id)
      trainer.learn({.name = "task " + std::to_string(id),
                     .id = id,
                     .train = images(),
                     .test = part_of(images(), 10'000 * id, 10'000),
                     .classes = {}});
    clock = trainer.clock();
  }
  std::filesystem::remove_all(folder);
  double const rest = clock.seconds(Lap::kData) + clock.seconds(Lap::kStrategy) + clock.seconds(Lap::kWriting);
  return {clock.total() - rest, clock.total()};
}

}  // namespace mneme::bench
