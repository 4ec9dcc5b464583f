// Requests to forget, put between the tasks of a stream.
#include <torch/types.h>

#include <algorithm>
#include <set>

#include "mneme/core/errors.hpp"
#include "mneme/core/text.hpp"
#include "mneme/io/bytes.hpp"
#include "mneme/io/sha256.hpp"
#include "mneme/stream/changes.hpp"
#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

struct ForgetOptions {
  std::int64_t after = -1;
  std::vector<std::int64_t> classes, samples;
  std::vector<std::string> tasks;
  std::string name;
  void describe(OptionVisitor& v) {
    v.field("after", after, {.help = "number of the event that it follows, from 0; -1: the last", .min = -1});
    v.field("classes", classes, {.help = "labels to be forgotten, as the stream numbers them", .min = 0});
    v.field("samples", samples,
            {.help = "training samples to be forgotten, counted from 0 over all that were learnt before, in the order "
                     "of the tasks",
             .min = 0});
    v.field("tasks", tasks, {.help = "names of tasks to be forgotten"});
    v.field("name", name, {.help = "what the event is called; empty: what it asks for, such as \"class 5\""});
  }
};

/// Of a request that was not given a name.
std::string usual_name(ForgetOptions const& o) {
  if (!o.tasks.empty()) return join(o.tasks, " ");
  if (!o.samples.empty()) {  // two lists of one length are two requests
    auto const text = numbers_text(o.samples);
    auto const hash = sha256_hex(as_bytes(text));
    return std::to_string(o.samples.size()) + " samples " + hash.substr(0, 6);
  }
  return (o.classes.size() == 1 ? "class " : "classes ") + numbers_text(o.classes);
}

/// Its own, or the usual one, numbered where an earlier request has it.
std::string name_of(ForgetOptions const& o, Stream const& stream, std::string const& where) {
  if (o.name.find('/') != std::string::npos)
    throw ConfigError(where + ".name: '" + o.name + "' holds a '/', but files of the run folder are named by it");
  if (!o.name.empty()) return o.name;
  auto const usual = usual_name(o);
  auto const taken = [&](std::string const& name) {
    return std::any_of(stream.events.begin(), stream.events.end(),
                       [&](Event const& event) { return !is_learn(event) && event_name(event) == name; });
  };
  auto name = usual;
  for (int count = 2; taken(name); ++count) name = usual + " (" + std::to_string(count) + ")";
  return name;
}

/// bool [N]
at::Tensor has_class(Dataset const& data, std::vector<std::int64_t> const& classes) {
  return at::isin(data.labels(), at::tensor(classes, at::kLong));
}

/// The test samples of the classes become a column of their own, named as the request is, and leave the others: so
/// what is to be known and what is to be forgotten are never one figure. `at`: the event that it will be.
void test_apart(Stream& stream, Request const& request, std::int64_t at, std::string const& where) {
  std::set<std::string> later, asked;  // tasks that are learnt after the request, and may bring the class again
  for (auto i = static_cast<std::size_t>(at); i < stream.events.size(); ++i)
    if (auto const* task = std::get_if<Task>(&stream.events[i])) later.insert(task->name);
  for (auto const& event : stream.events)
    if (auto const* other = std::get_if<Request>(&event)) asked.insert(other->name);
  std::vector<Task> columns;
  std::vector<Dataset> apart;
  std::int64_t id = 0;
  for (auto const* task : stream.tested()) {
    if (task->name == request.name)
      throw ConfigError(where + ".name: '" + request.name + "' is the name of " +
                        (asked.contains(request.name) ? "an earlier request" : "a task") + "; choose another");
    // What an earlier request named stays its column: if it was learnt again, that was from a later task.
    if (later.contains(task->name) || asked.contains(task->name)) {
      columns.push_back(*task);
      continue;
    }
    auto const mask = has_class(task->test, request.classes);
    auto const own = task->test.select(mask.nonzero().squeeze(1)),
               rest = task->test.select(mask.logical_not().nonzero().squeeze(1));
    if (own.size() > 0) {
      if (apart.empty()) id = task->id;
      apart.push_back(own);
    }
    if (rest.size() == 0) continue;
    columns.push_back(*task);
    columns.back().test = rest;
  }
  if (apart.empty()) return;  // never learnt, which whoever runs the stream will say
  if (apart.size() > 1 && stream.visibility.task_at_test)
    throw ConfigError(where + ": the classes " + numbers_text(request.classes) +
                      " are of several tasks, and a test sample of this stream is told its task; ask for those of each "
                      "task in a request of its own");
  auto const test = apart.size() == 1 ? apart.front() : concatenate(request.name, apart);
  columns.push_back({.name = request.name, .id = id, .train = test, .test = test, .classes = request.classes});
  stream.evaluated = std::move(columns);
}

Stream forget(Stream stream, Json const& options, std::string const& where, std::uint64_t) {
  auto const o = read_options<ForgetOptions>(options, where, {"kind"});
  auto const events = static_cast<std::int64_t>(stream.events.size());
  if (o.after >= events)
    throw ConfigError(where + ".after: " + std::to_string(o.after) + ", but the stream has the events 0 to " +
                      std::to_string(events - 1));
  Request const request{
      .name = name_of(o, stream, where), .classes = o.classes, .samples = o.samples, .tasks = o.tasks};
  if ((o.classes.empty() ? 0 : 1) + (o.samples.empty() ? 0 : 1) + (o.tasks.empty() ? 0 : 1) != 1)
    throw ConfigError(where + ": name what is to be forgotten: either classes, or samples, or tasks");
  auto at = o.after < 0 ? events : o.after + 1;
  auto const is_request = [&](std::int64_t i) {
    return std::holds_alternative<Request>(stream.events[static_cast<std::size_t>(i)]);
  };
  while (at < events && is_request(at)) ++at;  // in the order in which they stand
  if (!o.classes.empty()) test_apart(stream, request, at, where);
  stream.notes.emplace_back("event " + std::to_string(at), "forget " + request.name);
  stream.events.insert(stream.events.begin() + at, request);
  return stream;
}

}  // namespace

Json without_requests(Json stream) {
  if (!stream.contains("with")) return stream;
  Json others = Json::array();
  for (auto const& change : stream["with"])
    if (change.at("kind") != "forget") others.push_back(change);
  stream.erase("with");
  if (!others.empty()) stream["with"] = others;
  return stream;
}

ChangeRow forget_row() {
  return {{.name = "forget",
           .summary = "a request to forget classes, samples or tasks, after one of the events",
           .differences = "test samples of the classes are measured in a column of their own",
           .options = list_options<ForgetOptions>},
          forget};
}

}  // namespace mneme
