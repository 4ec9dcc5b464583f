#include "mneme/experiment/run.hpp"

#include <torch/types.h>

#include <algorithm>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/toml.hpp"
#include "mneme/experiment/code_files.hpp"
#include "mneme/experiment/forget_audit.hpp"
#include "mneme/experiment/judging.hpp"
#include "mneme/experiment/pictures.hpp"
#include "mneme/experiment/risk.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/json_file.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/nets/device.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/train/trainer.hpp"

namespace mneme {
namespace fs = std::filesystem;
namespace {

/// Rewrites matrix.csv after every row.
class MatrixFile final : public Observer {
 public:
  explicit MatrixFile(fs::path file) : file_(std::move(file)) {}
  void evaluated(EvaluationMatrix const& matrix, Learner&) override { write_file(file_, matrix.to_csv()); }

 private:
  fs::path file_;
};

}  // namespace

std::string Unit::label() const {
  return (shared >= 0 ? "shared/" + std::to_string(shared) : arm) + "/seed-" + std::to_string(seed);
}

struct ExperimentRun::Session {
  LoadedArm arm;
  std::vector<std::unique_ptr<Observer>> observers;
  JudgeObserver* judge = nullptr;  // one of them
  ForgetAudit* audit = nullptr;    // another
};

std::unique_ptr<ExperimentRun::Session> ExperimentRun::prepare(Unit const& unit, RunFiles& files,
                                                               ExecuteOptions const& options) {
  auto session = std::make_unique<Session>();
  auto const member = [&](ArmPlan const& arm) {
    return unit.shared >= 0 ? arm.shared == unit.shared : arm.name == unit.arm;
  };
  auto const first = std::find_if(plan_.arms.begin(), plan_.arms.end(), member);
  auto tree = first->tree;
  if (std::any_of(first, plan_.arms.end(), [&](ArmPlan const& arm) {
        return member(arm) && arm.tree.at("stream") != tree.at("stream");
      })) {  // they differ in requests: what each wants measured apart is its own, so here nothing is
    tree["stream"] = without_requests(tree["stream"]);
  }
  session->arm = build_arm(tree, "arm." + first->name, unit.seed, *library_);
  auto& trainer = *session->arm.trainer;
  if (unit.shared >= 0) {
    // All arms' recorders watch the one prefix; each member is known by its arm.
    StrategyList own = std::move(trainer.strategies());
    trainer.strategies() = {};
    trainer.strategies().absorb(first->name + ":", std::move(own));
    for (auto arm = std::next(first); arm != plan_.arms.end(); ++arm)
      if (member(*arm))
        trainer.strategies().absorb(arm->name + ":", StrategyList(arm->tree["strategy"], "arm." + arm->name,
                                                                  static_cast<std::uint64_t>(unit.seed)));
    trainer.only_prefix(true);
  }
  session->observers.push_back(std::make_unique<MatrixFile>(files.folder / "matrix.csv"));
  session->observers.push_back(std::make_unique<PictureObserver>(files, trainer.strategies(), session->arm.stream,
                                                                 static_cast<std::uint64_t>(unit.seed)));
  session->observers.push_back(std::make_unique<CodeObserver>(files.folder, trainer.strategies(), session->arm.stream,
                                                              static_cast<std::uint64_t>(unit.seed)));
  if (first->tree.contains("judge")) {
    auto const wanted = read_options<JudgeOptions>(first->tree["judge"], "judge");
    auto const find = judges_->finder(wanted, first->tree, session->arm.stream, *library_, options.on_judge);
    auto observer = std::make_unique<JudgeObserver>(
        files.folder / "judge.json", judged_parts(trainer.learner(), session->arm.stream, find), trainer.strategies(),
        session->arm.stream, static_cast<std::uint64_t>(unit.seed));
    session->judge = observer.get();
    session->observers.push_back(std::move(observer));
  }
  auto const train = read_options<TrainOptions>(first->tree.at("train"), "train");
  auto const seed = static_cast<std::uint64_t>(unit.seed);
  if (first->tree.contains("risk"))
    session->observers.push_back(std::make_unique<RiskObserver>(files.folder / "risk.json",
                                                                read_options<RiskOptions>(first->tree["risk"], "risk"),
                                                                session->arm.stream, trainer, train, seed));
  auto audit = std::make_unique<ForgetAudit>(files, session->arm.stream, trainer, train, seed);
  session->audit = audit.get();
  session->observers.push_back(std::move(audit));
  for (auto const& observer : session->observers) trainer.attach(observer.get());
  for (auto* observer : options.observers) trainer.attach(observer);
  trainer.attach(&files);
  if (options.stop_after_seconds) trainer.stop_after(std::chrono::duration<double>(*options.stop_after_seconds));
  return session;
}

// ------------------------------------------------------------------------------------------------------ the folder

ExperimentRun::ExperimentRun(fs::path folder, ExperimentPlan plan, DataLibrary library)
    : folder_(std::move(folder)),
      plan_(std::move(plan)),
      library_(std::make_shared<DataLibrary>(std::move(library))),
      judges_(std::make_shared<Judges>()) {}

ExperimentRun ExperimentRun::start(ExperimentPlan plan, fs::path const& out, std::string command, DataLibrary library,
                                   std::optional<BranchPoint> const& from) {
  auto const device = find_device(plan.options.device);  // refused before there is a folder
  if (plan.options.device == "auto") {  // what it stands for here belongs to the run: a GPU's numbers are not a CPU's
    auto tree = plan.tree;
    tree["device"] = device.is_cpu() ? "cpu" : "cuda";
    plan = plan_experiment(tree);
  }
  if (from) check_branch(plan, *from, library);
  auto const config = config_text(plan);
  auto const now = utc_timestamp(TimeFormat::kCompact);
  auto const digest = sha256_hex(as_bytes(config)).substr(0, 8);
  auto const base = out / plan.options.name;
  fs::path folder = base / (now + "-" + digest);
  std::error_code error;
  fs::create_directories(base, error);
  for (int copy = 2; !error && !fs::create_directory(folder, error); ++copy) {
    if (error) break;  // not there and cannot be made
    folder = base / (now + "-" + digest + "-" + std::to_string(copy));
  }
  if (error)
    throw IoError(folder.string() + ": cannot be made: " + error.message() + ". Choose another place with --out");
  ExperimentRun run(folder, std::move(plan), std::move(library));
  run.lock_ = std::make_shared<FolderLock>(folder);
  if (from) try {
      run.lay(*from);
    } catch (...) {
      fs::remove_all(folder, error);  // a part of a branch is of no use
      throw;
    }
  write_json(folder / "environment.json", describe_environment());
  Json folders = Json::array();
  for (auto const& path : run.library_->search().folders) folders.push_back(fs::absolute(path).string());
  write_json(folder / "command.json",
             {{"command", command}, {"created", utc_timestamp(TimeFormat::kIso)}, {"data_folders", folders}});
  write_file(folder / "config.toml", config);  // last: a folder that has it can be resumed
  run.write_summary("running");
  return run;
}

DataSearch with_stored_folders(DataSearch search, fs::path const& run) {
  if (fs::exists(run / "command.json"))
    for (auto const& path : read_json(run / "command.json").value("data_folders", Json::array()))
      search.folders.emplace_back(path.get<std::string>());
  return search;
}

ExperimentRun ExperimentRun::open(fs::path const& folder, DataSearch search, bool lock) {
  auto plan = stored_plan(folder);
  auto held = lock ? std::make_shared<FolderLock>(folder) : nullptr;
  ExperimentRun run(folder, std::move(plan), DataLibrary(with_stored_folders(std::move(search), folder)));
  run.lock_ = std::move(held);
  return run;
}

fs::path ExperimentRun::unit_folder(Unit const& unit) const {
  if (unit.shared < 0) return seed_folder(folder_, unit.arm, unit.seed);
  return folder_ / "shared" / std::to_string(unit.shared) / ("seed-" + std::to_string(unit.seed));
}

bool ExperimentRun::ready(Unit const& unit) const {
  if (unit.shared >= 0) return true;
  int const shared = plan_.arm(unit.arm).shared;
  return shared < 0 || finished({shared, "", unit.seed}) ||
         CheckpointStore(unit_folder(unit) / "checkpoints", 60).newest();
}

std::vector<std::vector<Unit>> waves_of(ExperimentPlan const& plan) {
  std::vector<std::vector<Unit>> list(2);
  for (auto const seed : plan.options.seeds) {
    for (int shared = 0; shared < plan.shared_prefixes; ++shared) list[0].push_back({shared, "", seed});
    for (auto const& arm : plan.arms) list[1].push_back({-1, arm.name, seed});
  }
  return list;
}

bool ExperimentRun::finished(Unit const& unit) const {
  auto const folder = unit_folder(unit);
  if (unit.shared >= 0) {
    auto const needs = [&](ArmPlan const& arm) {  // a branch's arms begin elsewhere
      return arm.shared == unit.shared && !fs::exists(unit_folder({-1, arm.name, unit.seed}) / "branched.json");
    };
    return fs::exists(folder / "checkpoints" / "event-0" / "state.json") ||
           std::none_of(plan_.arms.begin(), plan_.arms.end(), needs);
  }
  return fs::exists(folder / "arm.json") && read_json(folder / "arm.json").value("status", "") == "finished";
}

namespace {

/// What a unit leaves behind besides checkpoints, from one folder to another.
void copy_record(fs::path const& from, fs::path const& to) {
  for (auto const* name :
       {"metrics.jsonl", "log.txt", "matrix.csv", "data.json", "judge.json", "codes.json", "forget.json", "risk.json"})
    if (fs::exists(from / name)) fs::copy_file(from / name, to / name, fs::copy_options::overwrite_existing);
  for (auto const* folder : {"samples", "codes"})
    if (fs::exists(from / folder))
      fs::copy(from / folder, to / folder, fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

}  // namespace

void ExperimentRun::take_prefix(Unit const& unit) const {
  auto const& arm = plan_.arm(unit.arm);
  auto const from = unit_folder({arm.shared, "", unit.seed}), to = unit_folder(unit);
  fs::create_directories(to / "samples");
  copy_record(from, to);
}

void ExperimentRun::execute(Unit const& unit, ExecuteOptions const& options) {
  if (finished(unit)) return;
  if (options.on_unit) options.on_unit(unit);
  auto const folder = unit_folder(unit);
  CheckpointStore const stored(folder / "checkpoints", 60);
  auto checkpoint = stored.newest();
  std::string member_prefix;
  if (!checkpoint && unit.shared < 0)
    if (auto const shared = plan_.arm(unit.arm).shared; shared >= 0) {
      take_prefix(unit);
      checkpoint = CheckpointStore(unit_folder({shared, "", unit.seed}) / "checkpoints", 60).find("event-0");
      member_prefix = unit.arm + ":";
    }
  RunFiles files(folder, plan_.options.checkpoint_seconds);
  if (!checkpoint) {  // nothing to go on from: whatever an earlier try wrote is not part of this run
    files.metrics.truncate_to(0);
    files.log.truncate_to(0);
    files.samples.truncate_to(0);
  }
  if (options.on_files) options.on_files(unit, files);
  auto session = prepare(unit, files, options);
  auto& trainer = *session->arm.trainer;
  if (auto const data = folder / "data.json"; fs::exists(data))
    refuse_other_data(read_json(data), session->arm.data);
  else
    write_json(data, session->arm.data);
  if (checkpoint) {
    auto archive = read_checkpoint(*checkpoint, options.allow_drift, trainer.learner().parameters().device());
    bool const branched = fs::exists(folder / "branched.json") && checkpoint->filename() == "branched";
    trainer.state(archive, branched, member_prefix);
    // What the branch begins with is looked at, or nothing could be said to have fallen.
    if (auto const& rows = trainer.matrix().rows;
        branched && !rows.empty() && rows.back().event + 1 == trainer.events_done()) {
      if (session->judge != nullptr && session->judge->empty())
        session->judge->evaluated(trainer.matrix(), trainer.learner());
      auto const copy = trainer.reviewed(session->arm.stream);  // GDumb's net, which is trained for tests alone
      session->audit->look_before(trainer.events_done(), copy ? *copy : trainer.learner());
    }
    if (!member_prefix.empty()) trainer.save("event-0", true);
  }
  if (unit.shared < 0) write_arm(unit, session->arm, "running");
  try {
    trainer.run(session->arm.stream);
    if (unit.shared < 0) {
      trainer.save("final", true);
      write_arm(unit, session->arm, "finished");
    }
  } catch (Stopped const&) {
    if (unit.shared < 0) write_arm(unit, session->arm, "stopped");
    throw;
  } catch (std::exception const& e) {
    if (unit.shared < 0) try {
        write_arm(unit, session->arm, "failed", e.what());
      } catch (IoError const&) {  // the first failure is the one to tell
      }
    throw;
  }
}

namespace {

/// Whether it is the stored stream, with requests to forget behind its last event or without.
bool goes_on(Json const& stored, Json const& branch) {
  auto const before = stored.value("with", Json::array()), now = branch.value("with", Json::array());
  auto with_before = branch;
  with_before.erase("with");
  if (!before.empty()) with_before["with"] = before;
  if (with_before != stored || now.size() < before.size()) return false;
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i < before.size() ? now[i] != before[i] : now[i].at("kind") != "forget" || now[i].value("after", -1) != -1)
      return false;
  }
  return true;
}

/// A strategy may make a stream of its own (joint, cumulative): with another one the events that lie behind the branch
/// would be others than those that were trained on.
void refuse_other_events(Stream const& was, Stream const& now, std::size_t begun) {
  for (std::size_t i = 0; i < std::min(begun, was.events.size()); ++i) {
    auto const samples = [](Event const& event) {
      auto const* task = std::get_if<Task>(&event);
      return task ? task->train.size() : 0;
    };
    if (i < now.events.size() && event_name(was.events[i]) == event_name(now.events[i]) &&
        samples(was.events[i]) == samples(now.events[i]))
      continue;
    throw ConfigError(
        "a branch goes on with what the stored run was trained on, and the stored strategy makes a stream "
        "of its own of it: its event " +
        std::to_string(i) + " is '" + event_name(was.events[i]) + "', " + std::to_string(samples(was.events[i])) +
        " samples, which the branch would train anew as something else. Keep the strategy (-s strategy=... "
        "changes it); to forget, learn the same data as one task (a stream of one data set) and ask that "
        "run");
  }
}

}  // namespace

void check_branch(ExperimentPlan const& plan, BranchPoint const& from, DataLibrary& library) {
  auto const source_plan = stored_plan(from.run);
  auto const& stored = source_plan.arm(from.arm).tree;
  for (auto const& arm : plan.arms)
    for (auto const* key : {"stream", "data", "datasets"})
      if (key == std::string("stream") ? !goes_on(stored.at(key), arm.tree.at(key))
                                       : stored.value(key, Json()) != arm.tree.value(key, Json()))
        throw ConfigError("a branch goes on with what the stored run was trained on, so `" + std::string(key) +
                          "` cannot change; start a new run for that");
  for (auto const seed : plan.options.seeds) {
    auto as_stored = stored;
    as_stored["device"] = plan.options.device;  // the stored one need not be here
    auto const was = build_arm(as_stored, "arm." + from.arm, seed, library).stream;
    for (auto const& arm : plan.arms) {
      auto const now = branched_arm(arm.tree, "arm." + arm.name, seed, from, library);
      auto const point =
          CheckpointStore(seed_folder(from.run, from.arm, seed) / "checkpoints", 60).find(from.checkpoint);
      bool const amid = point.filename().string().starts_with("step-");
      refuse_other_events(was, now.stream, static_cast<std::size_t>(now.trainer->events_trained() + (amid ? 1 : 0)));
    }
  }
}

LoadedArm branched_arm(Json const& tree, std::string const& where, std::int64_t seed, BranchPoint const& from,
                       DataLibrary& library) {
  auto const source = seed_folder(from.run, from.arm, seed);
  auto loaded = build_arm(tree, where, seed, library);
  auto archive = read_checkpoint(CheckpointStore(source / "checkpoints", 60).find(from.checkpoint), from.allow_drift,
                                 loaded.learner->parameters().device());
  if (fs::exists(source / "data.json")) refuse_other_data(read_json(source / "data.json"), loaded.data);
  loaded.trainer->state(archive, true);
  return loaded;
}

void ExperimentRun::lay(BranchPoint const& from) const {
  for (auto const seed : plan_.options.seeds)
    for (auto const& arm : plan_.arms) {
      auto const source = seed_folder(from.run, from.arm, seed);
      auto const checkpoint = CheckpointStore(source / "checkpoints", 60).find(from.checkpoint);
      auto const target = unit_folder({-1, arm.name, seed});
      fs::create_directories(target / "checkpoints");
      fs::create_directories(target / "samples");
      fs::copy(checkpoint, target / "checkpoints" / "branched", fs::copy_options::recursive);
      copy_record(source, target);
      if (auto const audit = target / "forget.json"; fs::exists(audit)) {  // of another method than the branch's
        auto entries = read_audit(audit);
        for (auto& entry : entries) entry["inherited"] = true;
        write_json(audit, entries);
      }
      write_json(target / "branched.json", {{"run", fs::absolute(from.run).string()},
                                            {"arm", from.arm},
                                            {"checkpoint", checkpoint.filename().string()}});
    }
}

}  // namespace mneme
