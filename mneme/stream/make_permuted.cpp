// permuted: one data set, its pixels in another order for every task. Training and test set of a task are permuted
// once, alike, so no loader can draw a permutation of its own.
#include <torch/types.h>

#include "mneme/stream/making.hpp"

namespace mneme {
namespace {

struct PermutedOptions {
  std::string dataset = "mnist";
  std::int64_t tasks = 10;
  std::string scenario = "domain";
  bool first_plain = true;
  std::int64_t pad = 0;
  void describe(OptionVisitor& v) {
    v.field("dataset", dataset, {.help = "data set whose pixels are permuted"});
    v.field("tasks", tasks, {.help = "number of tasks", .min = 1});
    describe_scenario(v, scenario);
    v.field("first_plain", first_plain, {.help = "leave the first task as it is"});
    v.field(
        "pad", pad,
        {.help =
             "images are padded with zeros to this height and width before they are permuted, as 32 for MNIST: what "
             "van de Ven and Tolias did; 0: not padded",
         .unit = "pixels",
         .min = 0,
         .source = "van de Ven and Tolias 2018, arXiv:1809.10635"});
  }
};

Dataset with_pad(Dataset const& data, std::int64_t side, std::string const& where) {
  if (side == 0) return data;
  if (!holds_images(data))
    throw ConfigError(where + ".pad: '" + data.name() + "' holds no images; only images can be padded");
  if (data.data().size(2) > side || data.data().size(3) > side)
    throw ConfigError(where + ".pad: " + std::to_string(side) + " is smaller than the images of '" + data.name() +
                      "' (" + shape_text(data.sample_shape()) + ")");
  return data.with(padded(data.data(), side, side), data.labels());
}

Stream make_permuted(Json const& options, std::string const& where, DataSource const& source, std::uint64_t seed) {
  auto const o = read_options<PermutedOptions>(options, where, {"kind"});
  auto const train = with_pad(source(o.dataset, "train"), o.pad, where);
  auto const test = with_pad(source(o.dataset, "test"), o.pad, where);
  auto stream = empty_stream("permuted", o.scenario);
  auto const pixels = train.data().numel() / train.size();
  for (std::int64_t t = 0; t < o.tasks; ++t) {
    auto const name = o.dataset + "-permuted-" + std::to_string(t);
    if (t == 0 && o.first_plain) {
      stream.events.emplace_back(make_task(o.dataset, t, train, test));
      continue;
    }
    auto const permutation = random_order(pixels, generator_of(seed, name));
    auto const permute = [&](Dataset const& d) {
      return d.with(d.data().flatten(1).index_select(1, permutation).view(d.data().sizes()), d.labels());
    };
    stream.events.emplace_back(make_task(name, t, permute(train), permute(test)));
  }
  if (o.pad > 0) stream.notes.emplace_back("samples", "padded to " + shape_text(train.sample_shape()));
  assign_outputs(stream, o.scenario);
  return stream;
}

}  // namespace

StreamRow permuted_row() {
  return {{.name = "permuted",
           .summary = "one data set under a fixed random permutation of the pixels per task",
           .paper = "Goodfellow et al. 2013, An empirical investigation of catastrophic forgetting, arXiv:1312.6211",
           .options = list_options<PermutedOptions>},
          make_permuted};
}

}  // namespace mneme
