// Archive: every part names each field that must survive once, and the same code saves and loads it.
//
//   void state(Archive& a) { a.field("importance", importance_); a.field("seen", seen_); }
//
// Tensors go to safetensors, the rest to JSON (train/checkpoint.hpp). Loading throws CheckpointError when a field is
// missing, or when a tensor's shape differs from the defined tensor that it is loaded into.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/json.hpp"

namespace mneme {

class Archive {
 public:
  using Tensors = std::map<std::string, at::Tensor>;

  /// An empty archive to save into.
  Archive() = default;
  /// An archive to load from; `origin` names it in messages.
  Archive(Tensors tensors, Json values, std::string origin)
      : tensors_(std::move(tensors)), values_(std::move(values)), origin_(std::move(origin)), loading_(true) {}

  [[nodiscard]] bool loading() const { return loading_; }

  /// Where tensors that are loaded into an undefined one are put; the CPU unless said.
  void load_to(at::Device device) { device_ = device; }

  /// Saving stores the tensor as it is (no copy: write it out before it changes). An undefined tensor is kept as such.
  void field(std::string_view name, at::Tensor& tensor);
  void field(std::string_view name, std::int64_t& value);
  void field(std::string_view name, double& value);
  void field(std::string_view name, bool& value);
  void field(std::string_view name, std::string& value);
  void field(std::string_view name, Json& value);
  /// Copies into an existing row instead of replacing it: rows that others hold views of.
  void row(std::string_view name, at::Tensor const& row);

  /// Prefixes the names of a scope: "ewc/" …
  class Scope {
   public:
    Scope(Archive& archive, std::string_view name) : archive_(archive), length_(archive.prefix_.size()) {
      archive.prefix_ += std::string(name) + "/";
    }
    ~Scope() { archive_.prefix_.resize(length_); }
    Scope(Scope const&) = delete;
    Scope& operator=(Scope const&) = delete;

   private:
    Archive& archive_;
    std::size_t length_;
  };

  [[nodiscard]] Tensors const& tensors() const { return tensors_; }
  [[nodiscard]] Json const& values() const { return values_; }
  /// Whether anything under this scope's name was stored (loading).
  [[nodiscard]] bool has(std::string_view name) const;

 private:
  template <class T>
  void plain(std::string_view name, T& value);
  [[noreturn]] void missing(std::string const& key) const;
  [[nodiscard]] std::string key(std::string_view name) const { return prefix_ + std::string(name); }

  Tensors tensors_;
  Json values_ = Json::object();
  std::string prefix_;
  std::string origin_ = "archive";
  bool loading_ = false;
  at::Device device_ = at::kCPU;
};

}  // namespace mneme
