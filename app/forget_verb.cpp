// mneme forget: makes a finished run forget classes, samples or tasks, in a new run folder that begins at its end.
#include <torch/types.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <memory>
#include <set>
#include <string_view>
#include <unordered_map>

#include "execute.hpp"
#include "inputs.hpp"
#include "load.hpp"
#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/experiment/loaded_arm.hpp"
#include "mneme/strategies/list.hpp"
#include "mneme/strategies/strategy.hpp"
#include "mneme/stream/output_names.hpp"
#include "mneme/stream/seen_data.hpp"
#include "mneme/train/trainer.hpp"
#include "process.hpp"
#include "stored.hpp"
#include "values.hpp"
#include "verbs.hpp"

namespace mneme::app {
namespace {

struct ForgetFlags {
  std::string run, arm, samples, as, out = "runs";
  std::vector<std::string> classes, tasks, records, methods;
  ChangeFlags change;
  ExecuteFlags execute;
};

std::int64_t number_of(std::string const& text, std::string const& where) {
  std::int64_t value = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw ConfigError(where + ": '" + text + "' is no number of a class or sample; expected 0, 1, 2, ...");
  return value;
}

/// Numbers between white space.
Json sample_numbers(std::string const& file) {
  std::ifstream in(file);
  if (!in) throw DataError(file + ": cannot be read; --samples names a text file of sample numbers, one a line");
  Json list = Json::array();
  for (std::string word; in >> word;) list.push_back(number_of(word, file));
  if (list.empty()) throw DataError(file + ": holds no number of a sample");
  return list;
}

/// Numbers of all training samples that are known and equal a record of these files, byte for byte as the learner takes
/// them. DataError for a record that none equals.
Json numbers_of_records(ForgetFlags const& flags, StoredArm const& arm, DataLibrary& library) {
  auto const bytes_of = [](at::Tensor const& row) {
    return std::string_view(static_cast<char const*>(row.const_data_ptr()), row.nbytes());
  };
  auto const records = unlabelled_input(flags.records, flags.as, arm, library);
  auto const wanted = records.x.contiguous();
  std::unordered_map<std::string_view, std::vector<std::int64_t>> found;
  for (std::int64_t i = 0; i < wanted.size(0); ++i) found[bytes_of(wanted[i])];
  std::int64_t number = 0;
  for (auto const* task : arm.loaded.stream.tasks())
    for (auto const& part : task->train.data().cpu().split(1000)) {
      auto const x = Dataset::to_input(part).contiguous();
      for (std::int64_t i = 0; i < x.size(0); ++i, ++number)
        if (auto const match = found.find(bytes_of(x[i])); match != found.end()) match->second.push_back(number);
    }
  auto const seen = SeenData::after(arm.loaded.stream, arm.loaded.stream.events.size());
  std::set<std::int64_t> numbers;
  for (std::int64_t i = 0; i < wanted.size(0); ++i) {
    auto& equal = found.at(bytes_of(wanted[i]));
    auto const& name = records.names[static_cast<std::size_t>(i)];
    if (equal.empty())
      throw DataError(name +
                      ": no training sample of the run equals it. Give the record as it was trained on; a stream that "
                      "changes samples (permuted, rotated) has other ones, which only --samples can name");
    std::erase_if(equal, [&](std::int64_t sample) { return !seen.knows(sample); });
    if (equal.empty()) throw DataError(name + ": is forgotten already; leave it out");
    numbers.insert(equal.begin(), equal.end());
  }
  return numbers;
}

/// The output of a class, by its name or its number.
std::int64_t class_of(std::string const& text, StoredArm const& arm) {
  auto const names = output_names(arm);
  if (auto const found = output_meant(names, text, "--class")) return *found;
  throw ConfigError("--class " + text +
                    (names.empty() ? ": no number, and the run's tasks name their outputs differently; give the number "
                                     "of the output, from 0"
                                   : ": no class of the run: " + suggestion(text, names) + "; or its number, from 0"));
}

/// What is asked for, as an entry of the stream's `with`; classes and the samples of records are found in the arm's
/// stream.
Json request_of(ForgetFlags const& flags, ArmPlan const& arm, std::int64_t seed, DataLibrary& library) {
  int const given = (flags.classes.empty() ? 0 : 1) + (flags.tasks.empty() ? 0 : 1) + (flags.samples.empty() ? 0 : 1) +
                    (flags.records.empty() ? 0 : 1);
  if (given != 1)
    throw ConfigError("say what is to be forgotten: either --class, or --task, or --samples, or --records" +
                      std::string(given > 1 ? "; one of them at a time" : ""));
  Json request = {{"kind", "forget"}};
  if (!flags.tasks.empty()) request["tasks"] = flags.tasks;
  if (!flags.samples.empty()) request["samples"] = sample_numbers(flags.samples);
  if (flags.classes.empty() && flags.records.empty()) return request;
  StoredArm const stored{arm, seed, build_arm(arm.tree, "arm." + arm.name, seed, library)};
  for (auto const& c : flags.classes) request["classes"].push_back(class_of(c, stored));
  if (!flags.records.empty()) request["samples"] = numbers_of_records(flags, stored, library);
  return request;
}

Json method_of(std::string const& text) {
  Json method;
  try {
    ConfigLayers layers;
    layers.assign("--method", "method=" + text);
    auto const value = layers.merged().at("method");
    method = value.is_string() ? Json{{"kind", value}} : value;
  } catch (ConfigError const&) {  // speaks of an option that nobody named
  }
  if (!method.is_object() || !method.contains("kind") || !method["kind"].is_string())
    throw ConfigError("--method " + text + ": expected a name, or a table such as '{ kind = \"salun\", epochs = 2 }'");
  std::vector<std::string> names;
  auto const kind = method["kind"].get<std::string>();
  StrategyRow const* found = nullptr;
  for (auto const& row : strategy_table()) {
    if (row.needs.forgets) names.push_back(row.info.name);
    if (row.info.name == kind || std::ranges::find(row.info.aliases, kind) != row.info.aliases.end()) found = &row;
  }
  if (found == nullptr) throw ConfigError("--method " + text + ": no such method: " + suggestion(kind, names));
  if (!found->needs.forgets)
    throw ConfigError("--method " + text + ": has no way to forget; those that have are " + join(names));
  method["kind"] = found->info.name;
  return method;
}

/// What forgets where nobody says how.
std::string default_method(Json const& tree, bool of_tasks) {
  auto const& learner = tree.at("learner").at("kind");
  if (learner == "cvae") return "selective-amnesia";  // it is asked for classes
  if (learner != "classifier") {
    auto const& excludes = find_row(strategy_table(), "strategy", "retrain").needs.excludes;
    auto const members = as_list(tree.at("strategy"));
    bool const refused = std::ranges::any_of(
        members, [&](Json const& one) { return excludes.contains(one.at("kind").get<std::string>()); });
    return refused ? "fine-tune-retained" : "retrain";
  }
  bool const told = tree.at("stream").value("scenario", "") == "task";  // a softmax is over the task's classes alone
  return told || of_tasks ? "grad-diff" : "salun";  // other labels for a whole domain would be the wrong ones, taught
}

void refuse_unfinished(BranchPoint const& point, ArmPlan const& arm, std::vector<std::int64_t> const& seeds,
                       DataLibrary const& library) {
  auto const run = ExperimentRun::open(point.run, library.search(), false);
  for (auto const seed : seeds)
    if (!run.finished({-1, arm.name, seed}))
      throw ConfigError(
          point.run.string() + ": arm '" + arm.name + "', seed " + std::to_string(seed) +
          (std::ranges::find(run.plan().options.seeds, seed) == run.plan().options.seeds.end()
               ? ", is none of the run's; leave --seed out, or run it first"
               : ", is not finished; `mneme resume " + shell_line({point.run.string()}) + "` goes on with it"));
}

void refuse_streams_of_their_own(Json const& stored) {
  for (auto const& member : as_list(stored))
    if (auto const kind = member.at("kind").get<std::string>(); find_row(strategy_table(), "strategy", kind).wrap)
      throw ConfigError("the run's strategy is '" + kind +
                        "', which makes a stream of its own that no request goes into. Learn the same data as one task "
                        "(a stream of one data set) with the strategy naive, and ask that run");
}

/// The stored strategy with this method in place of what it forgot with, if anything.
Json strategy_with(Json const& stored, Json const& method) {
  Json list = Json::array();
  for (auto const& member : as_list(stored)) {
    auto const kind = member.at("kind").get<std::string>();
    if (kind != "naive" && !find_row(strategy_table(), "strategy", kind).needs.forgets) list.push_back(member);
  }
  list.push_back(method);
  return list.size() == 1 ? method : list;
}

/// A strategy may answer by more than the net: means, gates, nets of its own. Without it (-s strategy=...) the model is
/// another one, and what is asked to be forgotten lies elsewhere.
void refuse_other_answers(BranchPoint const& point, Json const& stored, Json asked, Json const& method,
                          std::vector<std::int64_t> const& seeds, DataLibrary& library) {
  constexpr double kNotable = 0.01;
  if (as_list(stored) == as_list(asked.at("strategy"))) return;
  asked["strategy"] = strategy_with(asked.at("strategy"), method);
  for (auto const seed : seeds) {
    auto const arm = branched_arm(asked, "arm." + point.arm, seed, point, library);
    auto const& matrix = arm.trainer->matrix();
    if (arm.learner->metrics().front().name != "accuracy" || matrix.rows.empty()) continue;
    for (auto const* task : arm.stream.tested())
      for (std::size_t t = 0; t < matrix.tasks.size(); ++t) {
        auto const was = matrix.tasks[t] == task->name ? matrix.values.back()[t] : Cell();
        if (!was || task->test.size() == 0) continue;
        auto const now = arm.trainer->test(task->test, task->id).front();
        if (std::abs(now - *was) > kNotable)
          throw ConfigError("-s strategy: the run answers by more than its net: with this strategy accuracy on '" +
                            task->name + "' is " + format_number(std::round(now * 1000) / 10) + " %, and the run has " +
                            format_number(std::round(*was * 1000) / 10) +
                            " %. Such a run cannot be asked; train one with a strategy that forgets, or naive");
      }
  }
}

/// Samples are told by number, and a stream whose order is drawn from the seed has others in each seed.
void refuse_other_samples(ExperimentPlan const& plan, DataLibrary& library) {
  at::Tensor first;
  for (auto const seed : plan.options.seeds) {
    auto const stream = build_arm(plan.arms.front().tree, "arm." + plan.arms.front().name, seed, library).stream;
    auto const asked =
        SeenData::after(stream, stream.events.size() - 1).split(std::get<Request>(stream.events.back())).forget.data();
    if (!first.defined()) first = asked;
    if (!at::equal(first, asked))
      throw ConfigError(
          "--samples, --records: the seeds of this run have the tasks or classes in orders of their own, so that the "
          "same numbers are other samples in each; ask one seed at a time, with --seed");
  }
}

ExperimentPlan plan_forgetting(ArmPlan const& arm, ForgetFlags const& flags, BranchPoint const& point,
                               DataLibrary& library) {
  refuse_streams_of_their_own(arm.tree.at("strategy"));
  ConfigLayers layers;
  layers.add("the stored run", arm.tree);
  apply_changes(layers, flags.change);
  auto const asked = plan_experiment(experiment_tree(layers));  // names what is wrong with a setting
  if (asked.arms.size() != 1) throw ConfigError("-s arm...: a request is put to one arm; choose it with --arm");
  Json tree = asked.arms.front().tree;
  refuse_unfinished(point, arm, asked.options.seeds, library);
  tree["stream"]["with"].push_back(request_of(flags, asked.arms.front(), asked.options.seeds.front(), library));
  auto const methods = flags.methods.empty() ? std::vector{default_method(tree, !flags.tasks.empty())} : flags.methods;
  refuse_other_answers(point, arm.tree.at("strategy"), asked.arms.front().tree, method_of(methods.front()),
                       asked.options.seeds, library);
  for (auto const& text : methods) {
    auto const method = method_of(text);
    auto const kind = method.at("kind").get<std::string>();
    auto name = kind;
    for (int copy = 2; tree.contains("arm") && tree["arm"].contains(name); ++copy)
      name = kind + "-" + std::to_string(copy);
    tree["arm"][name]["strategy"] = strategy_with(tree.at("strategy"), method);
  }
  tree.erase("strategy");
  return plan_experiment(tree);
}

int forget(ForgetFlags const& flags) {
  check_flags(flags.execute);
  BranchPoint point{.run = flags.run, .arm = {}, .checkpoint = "final"};
  point.allow_drift = flags.execute.allow_drift;
  auto const stored = stored_plan(point.run);
  auto const& arm = chosen_arm(stored, flags.arm);
  point.arm = arm.name;
  DataLibrary library(with_stored_folders(data_search(flags.execute.data), point.run));
  use_threads(stored.options.threads);
  auto plan = plan_forgetting(arm, flags, point, library);
  use_threads(plan.options.threads);
  check_arms(plan, library);
  if (!(flags.samples.empty() && flags.records.empty()) && plan.options.seeds.size() > 1)
    refuse_other_samples(plan, library);
  auto run = ExperimentRun::start(std::move(plan), flags.out, shell_line(arguments()), std::move(library), point);
  return execute(run, flags.execute);
}

}  // namespace

void add_forget(Command& program) {
  auto const flags = std::make_shared<ForgetFlags>();
  auto& verb = program.verb("forget", "make a finished run forget classes, samples or tasks, in a new run folder");
  verb.argument("run", flags->run, "the run's folder");
  verb.option("--class", "NAME", flags->classes, "a class to be forgotten, by its name or number; may be repeated");
  verb.option("--task", "NAME", flags->tasks, "a task to be forgotten; may be repeated");
  verb.option("--samples", "FILE", flags->samples,
              "a text file of numbers of training samples to be forgotten, from 0 in the order of the tasks");
  verb.option("--records", "FILE", flags->records,
              "pictures, a folder <class>/<picture> or a table: every training sample that equals one of its records "
              "is to be forgotten; may be repeated");
  verb.option("--as", "NAME", flags->as, "records are read as the run's own data set of this name");
  verb.option(
      "--method", "NAME", flags->methods,
      "how: retrain, ssd, ... or a table, '{ kind = \"salun\", epochs = 2 }'; may be repeated, an arm for each: beside "
      "retrain the others are compared with it (default: of a classifier salun, or grad-diff for tasks and where it is "
      "told the task; of a cvae selective-amnesia; else retrain, or fine-tune-retained beside a penalty on weights)");
  verb.option("--arm", "NAME", flags->arm, "the arm that is to forget; may be left out where the run has one only");
  verb.option("--out", "DIR", flags->out, "folder of run folders (default runs)");
  add_change_flags(verb, flags->change);
  verb.flag("--allow-drift", flags->execute.allow_drift, "forget although torch, threads or processor differ");
  add_execute_flags(verb, flags->execute);
  verb.action([flags] { return forget(*flags); });
}

}  // namespace mneme::app
