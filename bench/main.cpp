// mneme_bench [--ratios=FILE] [Google Benchmark's options]: runs the paired benchmarks, writes their ratios.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <string_view>
#include <vector>

#include "floor.hpp"
#include "paired.hpp"
#include "subject.hpp"

namespace mneme::bench {
namespace {

void add_step(std::string const& net, std::int64_t batch, std::int64_t steps, int rounds) {
  add_pair(net + "_step_b" + std::to_string(batch), rounds, [=] {
    auto const floor = std::make_shared<Floor>(net == "cnn" ? Floor::cnn(batch) : Floor::mlp(batch));
    auto const training = std::make_shared<Training>(net, "naive", batch, batch * steps);
    return Pair{[=] {
                  return seconds_of([&] {
                    for (std::int64_t i = 0; i < steps; ++i) floor->step();
                  });
                },
                [=] { return training->epoch(); }};
  });
}

/// A step under a penalty on weights against a naive one. Every round ends an event, so the number of tasks rises from
/// `tasks` on.
void add_penalty(std::string const& name, Json const& strategy, std::int64_t tasks = 1) {
  add_pair(name, 30, [=] {
    constexpr std::int64_t kBatch = 128, kSteps = 20;
    auto const naive = std::make_shared<Training>("mlp", "naive", kBatch, kBatch * kSteps);
    auto const anchored = std::make_shared<Training>("mlp", strategy, kBatch, kBatch * kSteps);
    anchored->add_tasks(tasks);
    return Pair{[=] { return naive->epoch(); }, [=] { return anchored->epoch(); }};
  });
}

/// Passes over `rows` that a method makes in each step, `count` of them.
struct Added {
  std::int64_t rows, count;
  bool backward;
};

/// A step of a method at batch 128, once all tasks have been met, against a naive step on as many `rows` as it trains
/// on and the passes that it makes beside.
void add_method(std::string const& name, Json const& strategy, std::int64_t rows,
                std::vector<Added> const& added = {}) {
  add_pair(name + "_step_b128", 30, [=] {
    constexpr std::int64_t kBatch = 128, kSteps = 20;
    auto const naive = std::make_shared<Training>("mlp", "naive", rows, rows * kSteps);
    auto const ours = std::make_shared<Training>("mlp", strategy, kBatch, kBatch * kSteps);
    std::vector<std::shared_ptr<Passes>> passes;
    for (auto const& each : added) passes.push_back(std::make_shared<Passes>("mlp", each.rows));
    ours->add_tasks(kTasks);
    return Pair{[=] {
                  double seconds = naive->epoch();
                  for (std::size_t i = 0; i < added.size(); ++i) {
                    auto const count = added[i].count * kSteps;
                    seconds += added[i].backward ? passes[i]->gradient(count) : passes[i]->forward(count);
                  }
                  return seconds;
                },
                [=] { return ours->epoch(); }};
  });
}

void add_methods() {
  constexpr std::int64_t kBatch = 128, kKept = 10, kCandidates = 50, kShare = 64;
  add_method("si", "si", kBatch);
  add_method("mas", {{"kind", "mas"}, {"samples", 1}, {"batch", 1}}, kBatch);
  add_method("rwalk", "rwalk", kBatch);
  add_method("lwf", "lwf", kBatch, {{kBatch, 1, false}});
  add_method("er", "er", 2 * kBatch);
  add_method("der", "der", 2 * kBatch);
  add_method("der++", "der++", 3 * kBatch);
  add_method("a-gem", {{"kind", "a-gem"}, {"batch", kBatch}}, kBatch, {{kBatch, 1, true}});
  add_method("gem", {{"kind", "gem"}, {"memory", kShare * kTasks}}, kBatch, {{kShare, kTasks - 1, true}});
  add_method("mir", {{"kind", "mir"}, {"candidates", kCandidates}, {"batch", kKept}}, kBatch + kKept,
             {{kBatch, 1, true}, {kCandidates, 2, false}});
}

/// An importance pass over N samples against a training epoch over N, batch 128.
void add_fisher(std::string const& net, std::string const& labels, std::int64_t samples, int rounds) {
  add_pair("fisher_" + labels + "_" + net, rounds, [=] {
    auto const training = std::make_shared<Training>(net, "naive", 128, samples);
    return Pair{[=] { return training->epoch(); }, [=] { return training->fisher(labels); }};
  });
}

/// Steps of Selective Amnesia against the products of a step over twice the batch and of the replay's decoder.
void add_amnesia_step() {
  add_pair("selective-amnesia_step_b256", 15, [] {
    constexpr std::int64_t kBatch = 256, kSteps = 10;
    auto const step = std::make_shared<Floor>(Floor::cvae(2 * kBatch));
    auto const replay = std::make_shared<Floor>(Floor::cvae_decoder(kBatch));
    auto const ours = std::make_shared<Amnesia>("cvae", Json{{"steps", kSteps}, {"fisher_samples", 1}}, kBatch);
    return Pair{[=] {
                  return seconds_of([&] {
                    for (std::int64_t i = 0; i < kSteps; ++i) {
                      replay->forward();
                      step->step();
                    }
                  });
                },
                [=] { return ours->request(); }};
  });
}

/// The Fisher information over N of its own samples, drawn too, against a training epoch over N: a request with it less
/// one without.
void add_amnesia_fisher(std::string const& net) {
  add_pair("fisher_own_samples_" + net, 15, [=] {
    constexpr std::int64_t kBatch = 256, kSamples = 2'560;
    auto const training = std::make_shared<Training>(net, "naive", kBatch, kSamples);
    auto const with = std::make_shared<Amnesia>(net, Json{{"steps", 1}, {"fisher_samples", kSamples}}, kBatch);
    auto const without = std::make_shared<Amnesia>(net, Json{{"steps", 1}, {"lambda", 0}}, kBatch);
    return Pair{[=] { return training->epoch(); }, [=] { return with->request() - without->request(); }};
  });
}

/// Steps of a phase of lgaa, at the width of its study, against its convolutions and products.
void add_lgaa(std::string const& phase, void (LgaaFloor::*floor_step)() const) {
  add_pair("lgaa_" + phase + "_b64", 15, [=] {
    constexpr std::int64_t kBatch = 64, kSteps = 4;
    constexpr double kWidth = 0.5;
    auto const floor = std::make_shared<LgaaFloor>(kBatch, kWidth);
    auto const ours = std::make_shared<LgaaPhase>(phase, kBatch, kWidth);
    return Pair{[=] {
                  return seconds_of([&] {
                    for (std::int64_t i = 0; i < kSteps; ++i) (*floor.*floor_step)();
                  });
                },
                [=] { return ours->steps(kSteps); }};
  });
}

void add_evaluation() {
  add_pair("evaluate_mlp_b1000", 30, [] {
    auto const floor = std::make_shared<Floor>(Floor::mlp(1000));
    std::shared_ptr<Learner> const learner = classifier("mlp");
    auto const test = images().with(images().data().narrow(0, 0, 10'000), images().labels().narrow(0, 0, 10'000));
    return Pair{[=] {
                  return seconds_of([&] {
                    for (int i = 0; i < 10; ++i) floor->forward();
                  });
                },
                [=] { return evaluation(*learner, test, 1000); }};
  });
}

/// A whole naive run against what it spends on passes, optimizer and evaluation: the rest is data, bookkeeping and
/// writing. (What EWC adds to a step is measured apart.) Real time, since files are.
void add_run() {
  add_pair("run_overhead_mlp", 5, [] {
    auto const seconds = std::make_shared<RunSeconds>();
    return Pair{[=] {
                  *seconds = whole_run();
                  return seconds->work;
                },
                [=] { return seconds->total; }};
  });
}

void add_all() {
  add_step("mlp", 10, 400, 30);
  add_step("mlp", 64, 60, 30);
  add_step("mlp", 128, 30, 30);
  add_step("mlp", 256, 15, 30);
  add_step("cnn", 128, 5, 15);
  Json const ewc = {{"kind", "ewc"}, {"samples", 1}, {"batch", 1}};
  add_penalty("ewc_step_b128", ewc);
  add_penalty("ewc_step_20_tasks_b128", ewc, 20);
  add_penalty("online_ewc_step_b128", {{"kind", "ewc"}, {"mode", "online"}, {"samples", 1}, {"batch", 1}}, kTasks);
  add_methods();
  add_fisher("mlp", "sampled", 2'560, 30);
  add_fisher("mlp", "all", 2'560, 15);
  add_fisher("cnn", "sampled", 640, 15);
  add_fisher("cnn", "all", 640, 7);
  add_amnesia_step();
  add_amnesia_fisher("cvae");
  add_amnesia_fisher("cvae_conv");
  add_lgaa("critic", &LgaaFloor::critic);
  add_lgaa("generator", &LgaaFloor::generator);
  add_lgaa("inference", &LgaaFloor::inference);
  add_evaluation();
  add_run();
}

}  // namespace
}  // namespace mneme::bench

int main(int argc, char** argv) {
  // As the command prepares its process: freed tensors stay with it instead of being mapped anew in every step.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  at::set_num_threads(1);
  at::globalContext().setFlushDenormal(true);

  std::filesystem::path ratios = "build/bench/ratios.json";
  mneme::bench::add_all();
  benchmark::Initialize(&argc, argv);
  for (int i = 1; i < argc; ++i) {
    std::string_view const argument = argv[i], key = "--ratios=";
    if (!argument.starts_with(key)) {
      std::fprintf(stderr, "mneme_bench: unknown argument %s; known: --ratios=FILE and --benchmark_*\n", argv[i]);
      return 2;
    }
    ratios = argument.substr(key.size());
  }
  benchmark::RunSpecifiedBenchmarks();
  mneme::bench::write_ratios(ratios);
  std::printf("ratios: %s\n", ratios.c_str());
}
