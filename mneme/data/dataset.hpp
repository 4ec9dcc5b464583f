// data: resident data sets, the catalogue, where files are looked for, downloads.
//
// Dataset: samples that stay in memory, images as uint8; a batch is one gather and one conversion. Cheap to copy: the
// tensors are shared.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mneme/io/labelled.hpp"

namespace mneme {

class Dataset {
 public:
  Dataset() = default;
  /// data: uint8 [N, C, H, W] (read as the float product data * (1 / 255)), float [N, ...] or token ids int64 [N, L],
  /// 0 where a text has ended; labels int64 [N].
  /// DataError when their counts differ.
  Dataset(std::string name, at::Tensor data, at::Tensor labels, std::vector<std::string> class_names,
          std::string sha256 = "");
  static Dataset from(std::string name, LabelledData const& data);

  [[nodiscard]] std::string const& name() const { return name_; }
  [[nodiscard]] std::string const& sha256() const { return sha256_; }
  [[nodiscard]] at::Device device() const { return data_.device(); }
  [[nodiscard]] std::int64_t size() const { return labels_.defined() ? labels_.size(0) : 0; }
  [[nodiscard]] at::Tensor const& data() const { return data_; }
  [[nodiscard]] at::Tensor const& labels() const { return labels_; }
  /// int64 [N]: task of each sample where they are of several (joint, blurry streams); undefined: all of one.
  [[nodiscard]] at::Tensor const& tasks() const { return tasks_; }
  [[nodiscard]] std::vector<std::string> const& class_names() const { return class_names_; }
  [[nodiscard]] std::vector<std::int64_t> sample_shape() const;

  /// x float (token ids: int64) [n, ...] for the samples index int64 [n]. c10::IndexError for a sample that is not
  /// there.
  [[nodiscard]] at::Tensor gather(at::Tensor const& index) const;
  /// x float for samples [first, first + n): no copy of the source.
  [[nodiscard]] at::Tensor slice(std::int64_t first, std::int64_t n) const;
  /// Data as the learner sees it: uint8 becomes float / 255.
  [[nodiscard]] static at::Tensor to_input(at::Tensor const& raw);

  [[nodiscard]] Dataset select(at::Tensor const& index) const;
  [[nodiscard]] Dataset with(at::Tensor data, at::Tensor labels) const;
  [[nodiscard]] Dataset with_tasks(at::Tensor tasks) const;
  /// The same samples on a device.
  [[nodiscard]] Dataset to(at::Device device) const;
  [[nodiscard]] Dataset renamed(std::string name) const;

 private:
  std::string name_;
  at::Tensor data_, labels_, tasks_;
  std::vector<std::string> class_names_;
  std::string sha256_;
};

/// One after the other. ConfigError when shapes or types differ.
Dataset concatenate(std::string name, std::vector<Dataset> const& parts);

}  // namespace mneme
