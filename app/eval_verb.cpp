// mneme eval and mneme predict: a stored learner on other data.
#include <torch/types.h>

#include <cmath>
#include <map>
#include <memory>
#include <tuple>

#include "inputs.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/files.hpp"
#include "mneme/core/text.hpp"
#include "mneme/data/numbers.hpp"
#include "mneme/learners/recalls.hpp"
#include "mneme/report/html.hpp"
#include "mneme/train/evaluate.hpp"
#include "mneme/train/trainer.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

constexpr std::int64_t kBatch = 500;

struct EvalFlags {
  ArmFlags arm;
  std::string on, as, split = "test", task;
  std::vector<std::string> folders;
  bool json = false;
};

int eval(EvalFlags const& flags) {
  if (flags.on.empty()) throw ConfigError("--data: missing; name a data set, a folder of pictures or a file");
  if (flags.split != "test" && flags.split != "train") throw ConfigError("--split " + flags.split + ": test or train");
  DataLibrary library(with_stored_folders(data_search(flags.folders), flags.arm.run));
  auto arm = load_stored(flags.arm, library);
  auto const data = labelled_input({.path = flags.on, .as = flags.as, .task = flags.task}, flags.split, arm, library);
  auto& learner = *arm.loaded.learner;
  learner.check(data);
  bool const by_class = learner.metrics().front().name == "accuracy";
  if (by_class && data.size() > 0 && data.labels().min().item<std::int64_t>() < 0)
    throw DataError(flags.on + ": holds samples without a label (-1), against which accuracy cannot be measured");
  auto const values = arm.loaded.trainer->test(data, task_of(arm, flags.task));
  Json figures = Json::object();
  for (std::size_t i = 0; i < values.size(); ++i)  // without a task nothing says which domain would be right
    if (std::isfinite(values[i])) figures[learner.metrics()[i].name] = values[i];
  if (flags.json) {
    print(Json{{"data", flags.on}, {"samples", data.size()}, {"figures", figures}}.dump(1) + "\n");
    return 0;
  }
  std::vector<std::vector<std::string>> rows;
  for (auto const& [name, value] : figures.items()) rows.push_back({name, format_number(value.get<double>())});
  print(columns({}, rows));
  say(std::to_string(data.size()) + " samples of " + flags.on);
  return 0;
}

struct PredictFlags {
  ArmFlags arm;
  std::vector<std::string> files, folders;
  std::string out = "-", as, task;
};

Batch unlabelled_batch(at::Tensor const& x, std::optional<std::int64_t> task) {
  return {x, at::Tensor(), task.value_or(-1), Visibility{.task_at_training = task.has_value()}};
}

/// Probabilities of the classes [N, C].
at::Tensor probabilities(StoredArm& arm, at::Tensor const& x, std::optional<std::int64_t> task) {
  auto& learner = *arm.loaded.learner;
  learner.check(Dataset("the files", x, at::zeros({x.size(0)}, at::kLong), {"unknown"}));
  RandomStreams streams(static_cast<std::uint64_t>(arm.seed));
  TestScope const around(arm.loaded.trainer->strategies(), {learner, task});
  std::vector<at::Tensor> parts;
  for (auto const& rows : x.split(kBatch)) {
    auto batch = unlabelled_batch(rows.to(learner.parameters().device()), task);
    arm.loaded.trainer->activate(batch);
    auto const output = mneme::predict(learner, arm.loaded.trainer->strategies(), batch, streams.get("eval"));
    parts.push_back(active_logits(batch, output.logits).softmax(1).cpu());
  }
  return at::cat(parts);
}

/// The names of the domains that a model of domains takes the rows for; empty of another learner.
std::vector<std::string> domains_of(StoredArm const& arm, at::Tensor const& x) {
  auto const* model = dynamic_cast<Recalls const*>(arm.loaded.learner.get());
  if (model == nullptr) return {};
  std::map<std::int64_t, std::string> names;
  for (auto const* task : arm.loaded.stream.tested()) names.emplace(task->id, task->name);
  std::vector<std::string> list;
  for (auto const& rows : x.split(kBatch))
    for (auto const id : numbers_of(model->domains_of(rows.to(arm.loaded.learner->parameters().device()))))
      list.push_back(names.contains(id) ? names.at(id) : std::to_string(id));
  return list;
}

int predict(PredictFlags const& flags) {
  DataLibrary library(with_stored_folders(data_search(flags.folders), flags.arm.run));
  auto arm = load_stored(flags.arm, library);
  auto const input = unlabelled_input(flags.files, flags.as, arm, library);
  auto const domains = domains_of(arm, input.x);
  bool const classes = arm.loaded.learner->metrics().front().name == "accuracy";
  if (!classes && domains.empty())
    throw ConfigError("predict: the run's learner is a " + arm.loaded.learner->kind() + ", which gives no classes");
  at::Tensor probability, label;
  if (classes) std::tie(probability, label) = probabilities(arm, input.x, task_of(arm, flags.task)).max(1);
  std::vector<std::string> head{"file"};
  if (!domains.empty()) head.emplace_back("domain");
  if (classes) head.insert(head.end(), {"class", "probability"});
  auto csv = join(head, ",");
  std::map<std::string, std::vector<std::string>> names_in;  // by task, empty: the run's
  for (std::size_t row = 0; row < input.names.size(); ++row) {
    std::vector<std::string> cells{csv_field(input.names[row])};
    if (!domains.empty()) cells.push_back(csv_field(domains[row]));
    if (classes) {
      auto const i = static_cast<std::int64_t>(row);
      auto const number = label[i].item<std::int64_t>();
      auto const& task = !flags.task.empty() || domains.empty() ? flags.task : domains[row];
      if (!names_in.contains(task)) names_in[task] = output_names(arm, task);
      auto const& names = names_in.at(task);
      auto const known = number < static_cast<std::int64_t>(names.size());
      cells.push_back(csv_field(known ? names[static_cast<std::size_t>(number)] : std::to_string(number)));
      cells.push_back(html::fixed(probability[i].item<double>(), 6));
    }
    csv.append(1, '\n').append(join(cells, ","));
  }
  csv.append(1, '\n');
  if (flags.out == "-") {
    print(csv);
  } else {
    write_file(flags.out, csv);
    say(std::to_string(input.names.size()) + " predictions in " + flags.out);
  }
  return 0;
}

}  // namespace

void add_eval(Command& program) {
  auto const flags = std::make_shared<EvalFlags>();
  auto& verb = program.verb("eval", "test a stored learner on a data set, a folder of pictures or a file");
  add_arm_flags(verb, flags->arm);
  verb.option(
      "--data", "WHAT", flags->on,
      "name of a data set, folder <dir>/<class>/<picture>, or file: .csv, .tsv, .json, texts, .bin (CIFAR), .mat "
      "(SVHN), .safetensors");
  verb.option("--as", "NAME", flags->as, "read the file as the run's own data set of this name is read");
  verb.option("--split", "NAME", flags->split, "which part of a data set that has both: test (default) or train");
  verb.option("--task", "NAME", flags->task, "which of the run's tasks the data is of; task-incremental runs need it");
  verb.option("--data-dir", "DIR", flags->folders, "folder with data sets, as --data of `mneme run`");
  verb.flag("--json", flags->json, "print an object");
  verb.action([flags] { return eval(*flags); });
}

void add_predict(Command& program) {
  auto const flags = std::make_shared<PredictFlags>();
  auto& verb = program.verb("predict", "class and probability for pictures, texts or the rows of a file");
  add_arm_flags(verb, flags->arm);
  verb.arguments(
      "files", flags->files,
      "pictures (any size; brought to the learner's), .txt (a text a line), or files as --data of `mneme eval`");
  verb.option("--as", "NAME", flags->as, "read the files as the run's own data set of this name is read");
  verb.option("-o,--output", "FILE", flags->out,
              "CSV with file, class, probability, of an lgaa the domain too (without labels the domain alone); - for "
              "standard output (default)");
  verb.option("--task", "NAME", flags->task, "which of the run's tasks the data is of; task-incremental runs need it");
  verb.option("--data", "DIR", flags->folders, "folder with the run's data sets, as for `mneme run`");
  verb.action([flags] { return predict(*flags); });
}

}  // namespace mneme::app
