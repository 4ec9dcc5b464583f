// StrategyList: several strategies as one. Each hook runs for all members, in the order of the table, before the next
// hook; every member has its own random streams. Combinations that make no sense are refused by name and reason.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "mneme/strategies/strategy.hpp"

namespace mneme {

class StrategyList {
 public:
  struct Member {
    Member(std::string name, std::unique_ptr<Strategy> s, Needs n, std::uint64_t seed);
    std::string key;  // unique in the list: names its state in a checkpoint
    std::unique_ptr<Strategy> strategy;
    Needs needs;
    RandomStreams streams;  // of (seed, name): no two members draw the same numbers
    std::string arm = {};   // whose recorder it is, in a prefix that several arms share
  };

  StrategyList() = default;
  /// From a configuration: a name, a table with `kind`, or a list of these. ConfigError says what does not go together.
  StrategyList(Json const& config, std::string const& where, std::uint64_t seed);
  /// One strategy of the user's own.
  StrategyList(std::string key, std::unique_ptr<Strategy> strategy, std::uint64_t seed);

  void add(std::string key, std::unique_ptr<Strategy> strategy, std::uint64_t seed);
  /// Takes the members of another arm's list as recorders: their keys get the prefix.
  void absorb(std::string const& prefix, StrategyList&& other);

  /// Throws ConfigError if the members cannot run together, or on this learner and stream.
  void check(Learner const& learner, Visibility const& visibility) const;
  [[nodiscard]] bool can_forget() const;
  /// The strongest claim of the members.
  [[nodiscard]] Prefix prefix() const;
  [[nodiscard]] Stream wrap(Stream const& stream) const;
  [[nodiscard]] std::string describe() const { return text_; }

  /// Calls `hook(strategy, context)`, with the member's own streams in the context, for each member that takes part in
  /// the context's event: in a Forget event those that bring it about, in a Learn event all others.
  template <class Context, class Hook>
  void each(Context& context, Hook hook) {
    every(context, hook, [&](Member const& m) { return m.needs.forgets != is_learn(context.event); });
  }
  /// Likewise for all members, or those of which `takes_part` is true.
  template <class Context, class Hook, class Filter>
  void every(Context& context, Hook hook, Filter takes_part) {
    for (auto& member : members_) {
      if (!takes_part(member)) continue;
      context.streams = &member.streams;
      hook(*member.strategy, context);
    }
  }
  template <class Context, class Hook>
  void every(Context& context, Hook hook) {
    every(context, hook, [](Member const&) { return true; });
  }

  /// Of the last member that gates.
  [[nodiscard]] Gates gates(Batch const& batch, bool training);

  [[nodiscard]] std::vector<Member>& members() { return members_; }
  [[nodiscard]] std::vector<Member> const& members() const { return members_; }
  [[nodiscard]] bool empty() const { return members_.empty(); }

 private:
  std::vector<Member> members_;
  std::vector<Stream (*)(Stream const&)> wraps_;
  std::string text_ = "naive";
};

}  // namespace mneme
