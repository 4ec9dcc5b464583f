#include "mneme/experiment/code_files.hpp"

#include <torch/types.h>

#include <algorithm>

#include "mneme/core/files.hpp"
#include "mneme/core/text.hpp"
#include "mneme/eval/codes.hpp"
#include "mneme/experiment/event_rows.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/learners/conditional.hpp"
#include "mneme/train/evaluate.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

constexpr std::int64_t kCodes = 2000;
constexpr std::int64_t kLabels[] = {1, 10, 100};  // of each class, for the probe

at::Tensor places(at::Tensor const& mask) { return mask.nonzero().squeeze(1); }

/// The first n samples of each class in a random order; classes with fewer give what they have.
at::Tensor of_each_class(at::Tensor const& labels, at::Tensor const& order, std::int64_t n) {
  auto const shuffled = labels.index_select(0, order);
  std::vector<at::Tensor> chosen;
  for (std::int64_t c = 0; c <= labels.max().item<std::int64_t>(); ++c) {
    auto const of_class = places(shuffled.eq(c));
    chosen.push_back(order.index_select(0, of_class.narrow(0, 0, std::min(n, of_class.size(0)))));
  }
  return at::cat(chosen);
}

}  // namespace

CodeObserver::CodeObserver(fs::path folder, StrategyList& strategies, Stream const& stream, std::uint64_t seed)
    : folder_(std::move(folder)), strategies_(strategies), task_known_(stream.visibility.task_at_test), streams_(seed) {
  for (auto const* task : stream.tested()) tested_.push_back(*task);
  if (fs::exists(folder_ / "codes.json")) rows_ = read_json(folder_ / "codes.json").at("rows");
}

void CodeObserver::evaluated(EvaluationMatrix const& matrix, Learner& learner) {
  auto const& row = matrix.rows.back();
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  auto const* by_domain = dynamic_cast<Recalls const*>(&learner);
  if (row.event < 0 || (by_class == nullptr && (by_domain == nullptr || !by_domain->encodes()))) return;
  at::NoGradGuard const no_grad;
  auto const device = learner.parameters().device();
  auto const of = sample();
  if (of.labels.size(0) == 0) return;
  auto const codes = codes_of(learner, of, false);
  auto const name = std::to_string(row.event) + "_" + row.kind;
  write_table(name, codes, of, by_domain != nullptr);
  if (by_class != nullptr) write_table(name + "_flat", codes_of(learner, of, true), of, false);
  if (by_domain == nullptr) return;
  keep_before(rows_, row.event);
  Json line = {{"event", row.event}, {"kind", row.kind}, {"task", row.task}};
  line.update(figures(*by_domain, codes, of, device));
  rows_.push_back(std::move(line));
  write_json(folder_ / "codes.json", {{"rows", rows_}});
}

CodeObserver::Sample CodeObserver::sample() const {
  std::int64_t total = 0;
  for (auto const& task : tested_) total += task.test.size();
  total = std::max<std::int64_t>(1, total);
  std::vector<at::Tensor> images, labels, domains;
  std::vector<std::int64_t> counts;
  for (auto const& task : tested_) {
    auto choice = streams_.fresh("codes/" + task.name);
    auto const count = std::min(std::max<std::int64_t>(1, task.test.size() * kCodes / total), task.test.size());
    auto const index = draw_permutation(task.test.size(), choice, at::kCPU).narrow(0, 0, count);
    images.push_back(task.test.gather(index));
    labels.push_back(task.test.labels().index_select(0, index));
    domains.push_back(at::full({count}, task.id, at::kLong));
    counts.push_back(count);
  }
  return {.images = at::cat(images), .labels = at::cat(labels), .domains = at::cat(domains), .counts = counts};
}

at::Tensor CodeObserver::codes_of(Learner& learner, Sample const& of, bool flat) {
  auto const* by_class = dynamic_cast<Conditional const*>(&learner);
  auto const device = learner.parameters().device();
  std::vector<at::Tensor> codes;
  auto const images = of.images.split_with_sizes(of.counts), labels = of.labels.split_with_sizes(of.counts);
  for (std::size_t t = 0; t < tested_.size(); ++t) {  // several may be of one task: what a request names, and the rest
    if (of.counts[t] == 0) continue;
    auto const x = images[t].to(device);
    TestScope const scope(strategies_, {learner, task_known_ ? std::optional(tested_[t].id) : std::nullopt});
    if (by_class == nullptr) {
      codes.push_back(dynamic_cast<Recalls const&>(learner).infer(x).z);
      continue;
    }
    auto const told = by_class->condition(labels[t].to(device));
    codes.push_back(by_class->encode(x, flat ? at::full_like(told, 1.0 / static_cast<double>(told.size(1))) : told));
  }
  return at::cat(codes).cpu().contiguous();
}

void CodeObserver::write_table(std::string const& name, at::Tensor const& codes, Sample const& of, bool domains) const {
  constexpr double kDigits = 1e4;
  auto const rounded = (codes.to(at::kDouble) * kDigits).round() / kDigits;
  auto const z = rounded.accessor<double, 2>();
  auto const label = of.labels.accessor<std::int64_t, 1>(), domain = of.domains.accessor<std::int64_t, 1>();
  std::string text = domains ? "class,domain" : "class";
  for (std::int64_t i = 0; i < codes.size(1); ++i) text += ",z" + std::to_string(i);
  text += '\n';
  for (std::int64_t n = 0; n < codes.size(0); ++n) {
    text += std::to_string(label[n]);
    if (domains) text.append(1, ',').append(std::to_string(domain[n]));
    for (std::int64_t i = 0; i < codes.size(1); ++i) text += ',' + format_number(z[n][i]);
    text += '\n';
  }
  fs::create_directories(folder_ / "codes");
  write_file(folder_ / "codes" / (name + ".csv"), text);
}

Json CodeObserver::figures(Recalls const& model, at::Tensor const& codes, Sample const& of, at::Device device) const {
  auto const met = model.met().sum(1).gt(0);
  std::vector<Task const*> tasks;
  for (auto const& task : tested_)
    if (task.test.size() > 0 && task.id < met.size(0) && met[task.id].item<bool>()) tasks.push_back(&task);
  Json domains = Json::object();
  at::Tensor all = at::zeros_like(of.domains, at::kBool);
  for (auto const* task : tasks) {
    auto const mine = of.domains.eq(task->id);
    all.logical_or_(mine);
    auto const own = codes.index_select(0, places(mine)), labels = of.labels.index_select(0, places(mine));
    domains[task->name] = Json::object();
    if (labels.min().item<std::int64_t>() < 0) continue;  // nothing to compare with
    auto noise = streams_.fresh("clusters/" + task->name);
    auto const clusters = std::min(std::get<0>(at::_unique(labels)).size(0), own.size(0));
    Json entry = {{"clusters", normalised_mutual_information(k_means(own, clusters, noise), labels)}};
    if (task->train.size() > 0 && task->train.labels().max().item<std::int64_t>() >= 0) {
      auto const train_labels = task->train.labels().cpu();
      auto const order = draw_permutation(task->train.size(), noise, at::kCPU);
      auto const most = at::bincount(train_labels.masked_select(train_labels.ge(0))).max().item<std::int64_t>();
      for (auto const n : kLabels) {
        if (n > most) break;  // no class has so many
        auto const index = of_each_class(train_labels, order, n);
        auto const z = model.infer(task->train.gather(index.to(task->train.device())).to(device)).z.cpu();
        entry["probe"][std::to_string(n)] = probe_accuracy(z, train_labels.index_select(0, index), own, labels);
      }
    }
    domains[task->name] = std::move(entry);
  }
  Json figures = {{"domains", domains}};
  if (tasks.size() < 2) return figures;
  auto noise = streams_.fresh("clusters");
  auto const cluster = k_means(codes.index_select(0, places(all)), static_cast<std::int64_t>(tasks.size()), noise);
  figures["clusters"] = normalised_mutual_information(cluster, of.domains.index_select(0, places(all)));
  return figures;
}

Json last_codes(fs::path const& file) {
  auto figures = read_json(file).at("rows").back();
  for (auto const* key : {"event", "kind", "task"}) figures.erase(key);
  return figures;
}

}  // namespace mneme
