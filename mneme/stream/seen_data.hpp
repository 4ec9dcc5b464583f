// SeenData: the training data of the tasks learnt so far, less what was forgotten: what a request to forget is about.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mneme/stream/stream.hpp"

namespace mneme {

/// Real training data, each sample with the task that it was learnt in. Rows of one set are in none of the other.
struct ForgetData {
  Dataset forget;  // what is asked to be forgotten; never empty
  Dataset retain;  // everything else that is to be known; never empty
};

class SeenData {
 public:
  /// What stands after the first `events` events of the stream. Throws as `forget`.
  [[nodiscard]] static SeenData after(Stream const& stream, std::size_t events);
  void learn(Task const& task);
  /// Tasks that were learnt, those that were forgotten among them.
  [[nodiscard]] std::int64_t tasks() const { return static_cast<std::int64_t>(parts_.size()); }
  /// ConfigError, with nothing changed, for a request that names nothing, two kinds of things, a thing twice, a class
  /// or task that was never learnt or is forgotten already, a sample that there is not, or all that is known.
  [[nodiscard]] ForgetData split(Request const& request) const;
  /// Whether this sample, as a request counts them, was learnt and is not forgotten.
  [[nodiscard]] bool knows(std::int64_t sample) const;
  /// Samples that are asked for, and all that are known. Throws as `split`.
  struct Count {
    std::int64_t forget, known;
  };
  [[nodiscard]] Count count(Request const& request) const;
  /// Throws as `split`.
  void forget(Request const& request);

 private:
  struct Part {
    std::string name;
    std::int64_t id;
    Dataset train;
    at::Tensor known;  // bool [N]: false once forgotten
  };
  /// What is asked for, bool [N] for each part.
  [[nodiscard]] std::vector<at::Tensor> asked(Request const& request) const;
  void mark_classes(Request const& request, std::vector<at::Tensor>& marks) const;
  void mark_tasks(Request const& request, std::vector<at::Tensor>& marks) const;
  /// The sample's part and its place there; nothing where there is no such sample.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::int64_t>> place_of(std::int64_t sample) const;
  void mark_samples(Request const& request, std::vector<at::Tensor>& marks) const;

  std::vector<Part> parts_;  // in the order of learning
};

}  // namespace mneme
