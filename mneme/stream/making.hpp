// What the makers of streams share: tasks from data sets, outputs by scenario, images brought to one shape.
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/no_options.hpp"
#include "mneme/data/numbers.hpp"
#include "mneme/stream/makers.hpp"

namespace mneme {

/// ConfigError for any option.
void take_no_options(Json const& options, std::string const& where);

/// The labels that occur, ascending; -1 stands for none.
[[nodiscard]] std::vector<std::int64_t> classes_of(Dataset const& data);
[[nodiscard]] Task make_task(std::string name, std::int64_t id, Dataset train, Dataset test);
/// Its training data, each sample with the id of its task, so that samples of several tasks can be mixed.
[[nodiscard]] Dataset with_own_tasks(Task const& task);
/// ConfigError for the change `name`, which goes by labels, where a training sample has none.
void refuse_unlabelled(Stream const& stream, std::string const& name, std::string const& where);
/// Outputs that a data set needs: its names, or 1 + the highest label.
[[nodiscard]] std::int64_t class_count(Dataset const& data);

/// A source of random numbers of its own for everything that has a name.
[[nodiscard]] at::Generator generator_of(std::uint64_t seed, std::string_view name);
/// A random order of 0..n-1, int64 [n].
[[nodiscard]] at::Tensor random_order(std::int64_t n, at::Generator generator);
/// "3 1 2".
[[nodiscard]] std::string numbers_text(std::vector<std::int64_t> const& numbers);

/// The option `scenario` of makers whose tasks have the same classes each.
void describe_scenario(OptionVisitor& v, std::string& scenario);
/// A stream without events in the scenario "class", "domain" or "task".
[[nodiscard]] Stream empty_stream(std::string name, std::string const& scenario);
/// The outputs of a stream whose tasks count their labels from 0 each. Domain: the same for all. Class and task: those
/// of a task come after those of the tasks before it, so with C classes each the labels of task t are raised by t C.
void assign_outputs(Stream& stream, std::string const& scenario);

/// The same samples with other labels, and what these are called.
[[nodiscard]] Dataset relabelled(Dataset const& data, at::Tensor labels, std::vector<std::string> class_names);

[[nodiscard]] bool holds_images(Dataset const& data);
/// Images [N, C, H, W] in the middle of a larger frame of zeros.
[[nodiscard]] at::Tensor padded(at::Tensor const& images, std::int64_t height, std::int64_t width);
/// Images brought to another size by bilinear interpolation (antialiased where they shrink).
[[nodiscard]] at::Tensor resized(at::Tensor const& images, std::int64_t height, std::int64_t width);
/// Gray becomes three equal channels; colour becomes gray as 0.299 R + 0.587 G + 0.114 B.
[[nodiscard]] at::Tensor with_channels(at::Tensor const& images, std::int64_t channels);
/// "inverted-" before the name of a set of images in a domain stream: its negative. The name without it.
inline constexpr std::string_view kInverted = "inverted-";
[[nodiscard]] std::string plain_name(std::string const& name);
/// Images [N, C, H, W] brought to the shape {channels, height, width}; fit: pad (they are no larger) or resize.
[[nodiscard]] at::Tensor framed(at::Tensor const& images, std::vector<std::int64_t> const& shape,
                                std::string const& fit);
/// "28 x 28 x 1": height, width, channels; other samples "13", "64 x 3".
[[nodiscard]] std::string shape_text(std::vector<std::int64_t> const& shape);

// The rows of the table, each in its own file make_<name>.cpp.
[[nodiscard]] StreamRow domain_row();
[[nodiscard]] StreamRow split_row();
[[nodiscard]] StreamRow permuted_row();
[[nodiscard]] StreamRow rotated_row();

}  // namespace mneme
