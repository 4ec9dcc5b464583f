// domain: one data set after another. Sets of images of different sizes and channels are brought to one shape.
#include <algorithm>
#include <set>

#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

struct DomainOptions {
  std::vector<std::string> datasets = {"fashion-mnist", "mnist"};
  std::string scenario = "domain";
  std::string fit = "pad";
  std::int64_t size = 0, width = 0, channels = 0, classes = 0;
  void describe(OptionVisitor& v) {
    v.field("datasets", datasets,
            {.help = "data sets in order, each is one task; \"inverted-\" before the name of a set of images: 255 less "
                     "each value, white on black becomes black on white"});
    describe_scenario(v, scenario);
    v.field("fit", fit,
            {.help = "how images of different sizes become one size. pad: zeros around the smaller; resize: bilinear; "
                     "refuse: an error. Gray among colour becomes three equal channels",
             .choices = {"pad", "resize", "refuse"}});
    v.field("size", size, {.help = "side of that size; 0: the largest height and width", .unit = "pixels", .min = 0});
    v.field("width", width, {.help = "its width where that is another; 0: `size`", .unit = "pixels", .min = 0});
    v.field("channels", channels, {.help = "1 gray, 3 colour, 0 the most that a set has", .min = 0, .max = 3});
    v.field(
        "classes", classes,
        {.help = "only so many classes of each set, the first as it counts them (10 of emnist-letters: A to J); 0: all",
         .min = 0});
  }
};

struct Frame {
  std::int64_t channels, height, width;
  [[nodiscard]] std::vector<std::int64_t> shape() const { return {channels, height, width}; }
};

/// Labels are outputs, so a class that two sets name must be the same output in both.
void refuse_renumbered_classes(Dataset const& before, Dataset const& other, std::string const& where) {
  for (std::size_t i = 0; i < before.class_names().size(); ++i)
    for (std::size_t j = 0; j < other.class_names().size(); ++j)
      if (before.class_names()[i] == other.class_names()[j] && i != j)
        throw ConfigError(
            where + ".datasets: class '" + other.class_names()[j] + "' is output " + std::to_string(i) + " in '" +
            before.name() + "' and output " + std::to_string(j) + " in '" + other.name() +
            "'. Where they are the same classes, put them in the same order in both; where only the name is "
            "the same, rename one of them; scenario = \"class\" gives every set outputs of its own");
}

/// The shape that all sets are brought to.
Frame common_frame(std::vector<Task const*> const& tasks, DomainOptions const& o, std::string const& where) {
  if (o.width > 0 && o.size == 0)
    throw ConfigError(where + ".width: " + std::to_string(o.width) + " without a height; set `size` too");
  Frame frame{o.channels, o.size, o.width > 0 ? o.width : o.size};
  for (auto const* task : tasks) {
    auto const& shape = task->train.data().sizes();
    if (o.channels == 0) frame.channels = std::max(frame.channels, shape[1]);
    if (o.size > 0) continue;
    frame.height = std::max(frame.height, shape[2]);
    frame.width = std::max(frame.width, shape[3]);
  }
  if (frame.channels == 2) throw ConfigError(where + ".channels: 2; use 1 (gray) or 3 (colour)");
  return frame;
}

at::Tensor fitted(Dataset const& data, Frame const& to, DomainOptions const& o, std::string const& where) {
  auto const& images = data.data();
  if (images.size(1) != to.channels && images.size(1) != 1 && !(images.size(1) == 3 && to.channels == 1))
    throw ConfigError(where + ".channels: '" + data.name() + "' has " + std::to_string(images.size(1)) +
                      " channels, which cannot become " + std::to_string(to.channels));
  if (o.fit == "pad" && (images.size(2) > to.height || images.size(3) > to.width))
    throw ConfigError(where + ".size: " + std::to_string(to.height) + " x " + std::to_string(to.width) +
                      " is smaller than the images of '" + data.name() + "' (" + shape_text(data.sample_shape()) +
                      "); use fit = \"resize\" or a larger size");
  return framed(images, to.shape(), o.fit);
}

/// Brings all sets to one shape and says so.
void fit_shapes(Stream& stream, DomainOptions const& o, std::string const& where) {
  auto const tasks = stream.tasks();
  auto const& first = *tasks.front();
  bool const equal = std::all_of(tasks.begin(), tasks.end(), [&](Task const* task) {
    return task->train.sample_shape() == first.train.sample_shape() &&
           task->test.sample_shape() == first.train.sample_shape();
  });
  if (equal && o.size == 0 && o.width == 0 && o.channels == 0) return;
  for (auto const* task : tasks)
    for (auto const* data : {&task->train, &task->test}) {
      if (!holds_images(*data))
        throw ConfigError(where + ".datasets: '" + task->name + "' has samples of " + shape_text(data->sample_shape()) +
                          ", which are no images; a domain stream needs equal shapes, and only images can be brought "
                          "to one");
      if (o.fit == "refuse" && data->sample_shape() != first.train.sample_shape())
        throw ConfigError(where + ".datasets: '" + task->name + "' has samples of " + shape_text(data->sample_shape()) +
                          ", '" + first.name + "' of " + shape_text(first.train.sample_shape()) +
                          "; with fit = \"refuse\" all must be equal. Use fit = \"pad\" or \"resize\"");
    }
  auto const frame = common_frame(tasks, o, where);
  for (auto& event : stream.events) {
    auto& task = std::get<Task>(event);
    auto const before = task.train.sample_shape();
    for (auto* data : {&task.train, &task.test}) *data = data->with(fitted(*data, frame, o, where), data->labels());
    if (before != frame.shape())
      stream.notes.emplace_back(task.name, shape_text(before) + (o.fit == "pad" ? ", padded to " : ", resized to ") +
                                               shape_text(frame.shape()));
  }
}

/// What a name in the list stands for.
Dataset named_set(std::string const& name, std::string const& split, DataSource const& source,
                  std::string const& where) {
  if (!name.starts_with(kInverted)) return source(name, split);
  auto const data = source(plain_name(name), split);
  if (!holds_images(data))
    throw ConfigError(where + ".datasets: '" + name + "': '" + data.name() +
                      "' holds no images of whole values from 0 to " + "255, which alone can be inverted");
  return data.with(data.data().bitwise_not(), data.labels()).renamed(name);  // of a byte: 255 less it
}

/// The first `count` classes of a set.
Dataset first_classes(Dataset const& data, std::int64_t count, std::string const& split, std::string const& where) {
  if (count == 0 || class_count(data) <= count) return data;
  auto const part = data.select(data.labels().lt(count).nonzero().squeeze(1));
  if (part.size() == 0)
    throw ConfigError(where + ".classes: the first " + std::to_string(count) + " classes of '" + data.name() +
                      "' have no " + split + " samples; take more classes");
  auto names = data.class_names();
  names.resize(std::min(names.size(), static_cast<std::size_t>(count)));
  return relabelled(part, part.labels(), std::move(names));
}

Stream make_domain(Json const& options, std::string const& where, DataSource const& source, std::uint64_t) {
  auto const o = read_options<DomainOptions>(options, where, {"kind"});
  if (o.datasets.empty()) throw ConfigError(where + ".datasets: empty; name at least one data set");
  auto stream = empty_stream("domain", o.scenario);
  std::set<std::string> seen;
  for (auto const& name : o.datasets) {
    auto const train =
        first_classes(named_set(name, "train", source, where), o.classes, "training", where);  // noted in this order
    auto const test = first_classes(named_set(name, "test", source, where), o.classes, "test", where);
    auto task = make_task(name, static_cast<std::int64_t>(stream.events.size()), train, test);
    for (int copy = 2; !seen.insert(task.name).second; ++copy) task.name = name + "-" + std::to_string(copy);
    if (o.scenario == "domain")
      for (auto const* before : stream.tasks()) refuse_renumbered_classes(before->train, task.train, where);
    stream.events.emplace_back(std::move(task));
  }
  if (o.classes > 0) stream.notes.emplace_back("classes", "the first " + std::to_string(o.classes) + " of each set");
  fit_shapes(stream, o, where);
  assign_outputs(stream, o.scenario);
  return stream;
}

}  // namespace

StreamRow domain_row() {
  return {{.name = "domain",
           .summary = "one data set after another; images of different sizes and channels are brought to one shape",
           .options = list_options<DomainOptions>},
          make_domain};
}

}  // namespace mneme
