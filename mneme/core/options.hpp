// Options: every configurable part has one options struct whose `describe` names each field once, with range, help and
// source. The configuration key, the `-s key=value` override, validation, `--help`, the JSON schema and the options
// page are all made from it.
//
//   struct EwcOptions {
//     double lambda = 1e3;
//     void describe(OptionVisitor& v) { v.field("lambda", lambda, {.help = "penalty strength", .min = 0}); }
//   };
//   EwcOptions o = read_options<EwcOptions>(json, "strategy.ewc");    // ConfigError on an unknown key or a bad value
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mneme/core/json.hpp"

namespace mneme {

/// What is said about a field where it is declared. Ranges are inclusive; `above` and `below` are exclusive bounds.
struct OptionNote {
  std::string help;
  std::string unit = {};
  std::optional<double> min = {};
  std::optional<double> above = {};
  std::optional<double> max = {};
  std::optional<double> below = {};
  std::vector<std::string> choices = {};
  std::string source = {};  // paper, equation or code that the default comes from
};

/// A field as listed for help, schema and documentation.
struct OptionInfo {
  std::string key;
  std::string type;  // boolean, integer, number, string, integers, numbers, strings
  Json default_value;
  OptionNote note;
};
using OptionList = std::vector<OptionInfo>;

class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void field(std::string_view key, bool& value, OptionNote note) = 0;
  virtual void field(std::string_view key, std::int64_t& value, OptionNote note) = 0;
  virtual void field(std::string_view key, double& value, OptionNote note) = 0;
  virtual void field(std::string_view key, std::string& value, OptionNote note) = 0;
  virtual void field(std::string_view key, std::vector<std::int64_t>& value, OptionNote note) = 0;
  virtual void field(std::string_view key, std::vector<double>& value, OptionNote note) = 0;
  virtual void field(std::string_view key, std::vector<std::string>& value, OptionNote note) = 0;
};

/// Collects the fields with their defaults.
class OptionLister final : public OptionVisitor {
 public:
  OptionList list;
  void field(std::string_view key, bool& value, OptionNote note) override;
  void field(std::string_view key, std::int64_t& value, OptionNote note) override;
  void field(std::string_view key, double& value, OptionNote note) override;
  void field(std::string_view key, std::string& value, OptionNote note) override;
  void field(std::string_view key, std::vector<std::int64_t>& value, OptionNote note) override;
  void field(std::string_view key, std::vector<double>& value, OptionNote note) override;
  void field(std::string_view key, std::vector<std::string>& value, OptionNote note) override;
};

/// Reads fields from a JSON object. `finish` throws ConfigError for a key that no field claimed, naming the nearest.
class OptionReader final : public OptionVisitor {
 public:
  /// `where` is the dotted path of `table` in the configuration, for messages. Keys in `ignored` belong to somebody
  /// else. `table` must outlive the reader; null means that nothing was set. Throws ConfigError when it is no table.
  OptionReader(Json const& table, std::string where, std::vector<std::string> ignored = {});
  void field(std::string_view key, bool& value, OptionNote note) override;
  void field(std::string_view key, std::int64_t& value, OptionNote note) override;
  void field(std::string_view key, double& value, OptionNote note) override;
  void field(std::string_view key, std::string& value, OptionNote note) override;
  void field(std::string_view key, std::vector<std::int64_t>& value, OptionNote note) override;
  void field(std::string_view key, std::vector<double>& value, OptionNote note) override;
  void field(std::string_view key, std::vector<std::string>& value, OptionNote note) override;
  void finish() const;

 private:
  Json const* claim(std::string_view key);
  template <class T>
  void read_one(std::string_view key, Json const& json, T& value, OptionNote const& note) const;
  template <class T>
  void read_many(std::string_view key, std::vector<T>& values, OptionNote const& note);
  [[noreturn]] void refuse(std::string_view key, std::string const& problem) const;
  void check_range(std::string_view key, double value, OptionNote const& note) const;
  void check_choice(std::string_view key, std::string const& value, OptionNote const& note) const;

  Json const& table_;
  std::string where_;
  std::vector<std::string> known_;
  std::vector<std::string> ignored_;
};

/// Writes every field, defaults included, into a JSON object.
class OptionWriter final : public OptionVisitor {
 public:
  Json table = Json::object();
  void field(std::string_view key, bool& value, OptionNote note) override;
  void field(std::string_view key, std::int64_t& value, OptionNote note) override;
  void field(std::string_view key, double& value, OptionNote note) override;
  void field(std::string_view key, std::string& value, OptionNote note) override;
  void field(std::string_view key, std::vector<std::int64_t>& value, OptionNote note) override;
  void field(std::string_view key, std::vector<double>& value, OptionNote note) override;
  void field(std::string_view key, std::vector<std::string>& value, OptionNote note) override;
};

template <class Options>
Options read_options(Json const& table, std::string const& where, std::vector<std::string> ignored = {}) {
  Options options;
  OptionReader reader(table, where, std::move(ignored));
  options.describe(reader);
  reader.finish();
  return options;
}

template <class Options>
Json write_options(Options options) {
  OptionWriter writer;
  options.describe(writer);
  return writer.table;
}

template <class Options>
OptionList list_options() {
  Options options;
  OptionLister lister;
  options.describe(lister);
  return lister.list;
}

/// `table` with every option of the list in it, checked as `read_options` checks it. Keys in `ignored` stay as they
/// are.
Json complete_options(OptionList const& list, Json const& table, std::string const& where,
                      std::vector<std::string> ignored = {});

/// The known name nearest to `name` by edit distance, or empty when nothing is near.
std::string nearest_name(std::string_view name, std::vector<std::string> const& known);

/// "did you mean 'x'? known: a, b, c"
std::string suggestion(std::string_view name, std::vector<std::string> const& known);

/// JSON schema (draft 2020-12) of one options list, as an object schema that allows no further keys.
Json options_schema(OptionList const& list);

}  // namespace mneme
