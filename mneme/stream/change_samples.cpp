// Changes of the samples of each task: another split, fewer, long-tailed, wrongly labelled.
#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "mneme/core/text.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

template <class Change>
void each_task(Stream& stream, Change change) {
  for (auto& event : stream.events)
    if (auto* task = std::get_if<Task>(&event)) change(*task);
}

std::int64_t rounded(double value) { return static_cast<std::int64_t>(std::llround(value)); }

std::string percent(double share) { return format_number(100 * share) + " %"; }

/// The first `count` of a seeded order, ascending: the samples stay as they stood.
at::Tensor chosen_rows(at::Tensor const& rows, std::int64_t count, at::Generator generator) {
  auto const order = random_order(rows.size(0), std::move(generator)).narrow(0, 0, count);
  return std::get<0>(rows.index_select(0, order).sort());
}

// ----------------------------------------------------------------------------------------------------- pooled split

/// Tasks of as many samples get the same order: where they show the same images in other ways, none is trained on in
/// one and tested on in another.
Stream pooled_split(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  refuse_unlabelled(stream, "pooled-split", where);
  take_no_options(options, where);
  each_task(stream, [&](Task& task) {
    auto const n = task.train.size(), all = n + task.test.size();
    auto const order = random_order(all, generator_of(seed, "pooled-split"));
    auto const pool = concatenate(task.train.name(), {task.train, task.test});
    auto const name = task.test.name();
    task.train = pool.select(order.narrow(0, 0, n));
    task.test = pool.select(order.narrow(0, n, all - n)).renamed(name);
    task.classes = classes_of(task.train);
  });
  stream.notes.emplace_back("split", "training and test samples of each task pooled and split anew");
  return stream;
}

// ------------------------------------------------------------------------------------------------------------ limit

struct LimitOptions {
  std::int64_t samples = 1000;
  void describe(OptionVisitor& v) {
    v.field("samples", samples, {.help = "training samples of each task, at most", .unit = "samples", .min = 1});
  }
};

Stream limit(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  auto const o = read_options<LimitOptions>(options, where, {"kind"});
  each_task(stream, [&](Task& task) {
    if (task.train.size() <= o.samples) return;
    auto const all = at::arange(task.train.size(), at::kLong);
    task.train = task.train.select(chosen_rows(all, o.samples, generator_of(seed, "limit/" + task.name)));
    task.classes = classes_of(task.train);
  });
  stream.notes.emplace_back("limit", std::to_string(o.samples) + " training samples of each task");
  return stream;
}

// ------------------------------------------------------------------------------------------------------- imbalanced

struct ImbalancedOptions {
  double factor = 100;
  std::string order = "shuffled";
  void describe(OptionVisitor& v) {
    v.field("factor", factor, {.help = "samples of the largest class over those of the smallest", .min = 1});
    v.field("order", order,
            {.help = "which classes are large: the first as numbered, or in an order drawn from the seed",
             .choices = {"numbered", "shuffled"}});
  }
};

/// All labels of the stream's training data, ascending.
std::vector<std::int64_t> labels_of(Stream const& stream) {
  std::vector<std::int64_t> all;
  for (auto const* task : stream.tasks()) all.insert(all.end(), task->classes.begin(), task->classes.end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Stream imbalanced(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  refuse_unlabelled(stream, "imbalanced", where);
  auto const o = read_options<ImbalancedOptions>(options, where, {"kind"});
  auto classes = labels_of(stream);
  auto const last = static_cast<double>(std::max<std::size_t>(classes.size(), 2) - 1);
  if (o.order == "shuffled") {
    auto const order = random_order(static_cast<std::int64_t>(classes.size()), generator_of(seed, "imbalanced"));
    classes = numbers_of(at::tensor(classes, at::kLong).index_select(0, order));
  }
  each_task(stream, [&](Task& task) {
    std::vector<at::Tensor> kept;
    for (std::size_t rank = 0; rank < classes.size(); ++rank) {
      auto const rows = task.train.labels().eq(classes[rank]).nonzero().squeeze(1);
      if (rows.size(0) == 0) continue;
      auto const share = std::pow(o.factor, -static_cast<double>(rank) / last);
      auto const count = std::max<std::int64_t>(1, rounded(share * static_cast<double>(rows.size(0))));
      auto const name = "imbalanced/" + task.name + "/" + std::to_string(classes[rank]);
      kept.push_back(chosen_rows(rows, count, generator_of(seed, name)));
    }
    task.train = task.train.select(std::get<0>(at::cat(kept).sort()));
  });
  stream.notes.emplace_back("imbalance", "factor " + format_number(o.factor) + "; classes from the largest to the " +
                                             "smallest: " + numbers_text(classes));
  return stream;
}

// ----------------------------------------------------------------------------------------------------- noisy labels

struct NoisyLabelsOptions {
  double share = 0.2;
  void describe(OptionVisitor& v) {
    v.field("share", share, {.help = "share of the training labels that are drawn anew", .min = 0, .max = 1});
  }
};

Stream noisy_labels(Stream stream, Json const& options, std::string const& where, std::uint64_t seed) {
  refuse_unlabelled(stream, "noisy-labels", where);
  auto const o = read_options<NoisyLabelsOptions>(options, where, {"kind"});
  each_task(stream, [&](Task& task) {
    auto generator = generator_of(seed, "noisy-labels/" + task.name);
    auto const count = rounded(o.share * static_cast<double>(task.train.size()));
    if (count == 0) return;
    auto const rows = random_order(task.train.size(), generator).narrow(0, 0, count);
    auto const drawn = at::randint(static_cast<std::int64_t>(task.classes.size()), {count}, generator, at::kLong);
    auto labels = task.train.labels().clone();
    labels.index_copy_(0, rows, at::tensor(task.classes, at::kLong).index_select(0, drawn));
    task.train = task.train.with(task.train.data(), labels);
  });
  stream.notes.emplace_back("noisy labels", percent(o.share) + " of each task's training labels drawn anew");
  return stream;
}

}  // namespace

ChangeRow pooled_split_row() {
  return {.info = {.name = "pooled-split",
                   .summary = "training and test samples of each task are pooled and split anew into as many of each; "
                              "figures are then not those of the standard split",
                   .paper = "as in the released code of Ye and Bors 2024, Lifelong generative adversarial autoencoder, "
                            "IEEE TNNLS 35(10)",
                   .options = list_options<NoOptions>},
          .apply = pooled_split,
          .splits = true};
}

ChangeRow limit_row() {
  return {{.name = "limit",
           .summary = "only so many training samples of each task, drawn from the seed",
           .options = list_options<LimitOptions>},
          limit};
}

ChangeRow imbalanced_row() {
  return {{.name = "imbalanced",
           .summary = "long-tailed classes: the number of training samples falls exponentially from class to class",
           .equation = "n_r = n factor^(-r / (C - 1)) for the class of rank r = 0..C-1 with n samples in the task",
           .paper = "Cui et al. 2019, Class-balanced loss based on effective number of samples, arXiv:1901.05555; in "
                    "continual learning Liu et al. 2022, Long-tailed class incremental learning, arXiv:2210.00266",
           .options = list_options<ImbalancedOptions>},
          imbalanced};
}

ChangeRow noisy_labels_row() {
  return {{.name = "noisy-labels",
           .summary = "a share of the training labels is drawn anew, uniformly from the task's classes",
           .differences = "a new label may by chance be the old one, so with C classes share (C - 1) / C are wrong",
           .options = list_options<NoisyLabelsOptions>},
          noisy_labels};
}

}  // namespace mneme
