#include "mneme/strategies/list.hpp"

#include <algorithm>

#include "mneme/core/errors.hpp"
#include "mneme/core/seed.hpp"

namespace mneme {
namespace {

struct Parsed {
  std::size_t row;
  Json options;
  std::string where;
};

Parsed parse_member(Json const& config, std::string const& where) {
  Json const options = config.is_string() ? Json{{"kind", config}} : config;
  if (!options.is_object() || !options.contains("kind") || !options["kind"].is_string())
    throw ConfigError(where + ": expected a strategy's name or a table with `kind`, found " + config.dump());
  auto const rows = strategy_table();
  auto const& row = find_row(rows, "strategy", options["kind"].get<std::string>());
  return {static_cast<std::size_t>(&row - rows.data()), options, where};
}

/// The name and what differs from the defaults.
std::string print(StrategyRow const& row, Json const& options) {
  std::string inside;
  for (auto const& option : row.info.options()) {
    auto const value = options.value(option.key, option.default_value);
    if (value != option.default_value)
      inside += (inside.empty() ? "" : ", ") + option.key + "=" +
                (value.is_string() ? value.get<std::string>() : value.dump());
  }
  return row.info.name + (inside.empty() ? "" : "(" + inside + ")");
}

}  // namespace

StrategyList::Member::Member(std::string name, std::unique_ptr<Strategy> s, Needs n, std::uint64_t seed)
    : key(std::move(name)),
      strategy(std::move(s)),
      needs(std::move(n)),
      streams(stream_seed(seed, "strategy/" + key)) {}

StrategyList::StrategyList(Json const& config, std::string const& where, std::uint64_t seed) {
  std::vector<Parsed> parsed;
  if (config.is_array())
    for (std::size_t i = 0; i < config.size(); ++i)
      parsed.push_back(parse_member(config[i], where + "." + std::to_string(i)));
  else
    parsed.push_back(parse_member(config, where));
  if (parsed.empty()) throw ConfigError(where + ": an empty list; use \"naive\" for plain training");
  std::stable_sort(parsed.begin(), parsed.end(), [](auto const& a, auto const& b) { return a.row < b.row; });
  text_.clear();
  for (auto const& p : parsed) {
    auto const& row = strategy_table()[p.row];
    text_ += (text_.empty() ? "" : ", ") + print(row, p.options);
    if (row.wrap) wraps_.push_back(row.wrap);
    auto strategy = row.make(p.options, p.where);
    auto needs = row.wrap ? row.needs : strategy->needs();  // which options may change
    members_.emplace_back(row.info.name, std::move(strategy), std::move(needs), seed);
    // Methods that forget take part in other events, but none goes into a stream that the strategy makes itself.
    auto const beside = std::ranges::count_if(parsed, [&](Parsed const& other) {
      return other.row != p.row && (row.wrap || !strategy_table()[other.row].needs.forgets);
    });
    if (!row.needs.alone.empty() && beside > 0)
      throw ConfigError(where + ": '" + row.info.name + "' goes with no other strategy: " + row.needs.alone +
                        ". Use it alone");
    for (std::size_t i = 0; i + 1 < members_.size(); ++i)
      if (members_[i].key == row.info.name)
        throw ConfigError(where + ": '" + row.info.name + "' stands twice in the list");
  }
  if (parsed.size() > 1) text_ = "[" + text_ + "]";
}

StrategyList::StrategyList(std::string key, std::unique_ptr<Strategy> strategy, std::uint64_t seed) : text_(key) {
  add(std::move(key), std::move(strategy), seed);
}

void StrategyList::add(std::string key, std::unique_ptr<Strategy> strategy, std::uint64_t seed) {
  auto needs = strategy->needs();
  members_.emplace_back(std::move(key), std::move(strategy), std::move(needs), seed);
}

void StrategyList::absorb(std::string const& prefix, StrategyList&& other) {
  for (auto& member : other.members_) {
    member.key = prefix + member.key;
    member.arm = prefix;
    members_.push_back(std::move(member));
  }
  other.members_.clear();
}

void StrategyList::check(Learner const& learner, Visibility const& visibility) const {
  auto const only_one = [&](bool Needs::*claim, std::string const& what) {
    for (bool const forgets : {false, true}) {  // these take part in other events than those
      Member const* first = nullptr;
      for (auto const& m : members_) {
        if (!(m.needs.*claim) || m.needs.forgets != forgets) continue;
        if (first != nullptr && first->arm == m.arm)
          throw ConfigError("strategies '" + first->key + "' and '" + m.key + "' do not go together: each " + what +
                            "; keep one of them");
        first = &m;
      }
    }
  };
  only_one(&Needs::replaces_objective, "replaces the learner's loss");
  only_one(&Needs::projects, "projects the gradient");
  only_one(&Needs::stages, "brings training stages of its own");
  only_one(&Needs::gates, "multiplies the hidden layers");
  only_one(&Needs::forgets, "brings a request to forget about");
  for (auto const& m : members_)
    for (auto const& other : members_) {
      auto const bare = other.key.substr(other.arm.size());
      if (auto const found = m.needs.excludes.find(bare); other.arm == m.arm && found != m.needs.excludes.end())
        throw ConfigError("strategies '" + m.key + "' and '" + other.key + "' do not go together: " + found->second +
                          "; keep one of them");
    }
  for (auto const& m : members_) {
    auto const& kinds = m.needs.learners;
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), learner.kind()) == kinds.end())
      throw ConfigError("strategy '" + m.key + "' does not work with the learner '" + learner.kind() + "'");
    if (m.needs.task_at_training && !visibility.task_at_training)
      throw ConfigError("strategy '" + m.key + "' needs the task id at training, which this stream hides");
    if (m.needs.task_at_test && !visibility.task_at_test)
      throw ConfigError("strategy '" + m.key + "' needs the task id at test, which this stream hides");
    if (m.needs.boundaries && !visibility.boundaries)
      throw ConfigError("strategy '" + m.key + "' needs task boundaries, which this stream does not have");
  }
}

bool StrategyList::can_forget() const {
  return std::any_of(members_.begin(), members_.end(), [](Member const& m) { return m.needs.forgets; });
}

Prefix StrategyList::prefix() const {
  auto strongest = Prefix::kPlain;
  for (auto const& m : members_) strongest = std::max(strongest, m.needs.prefix);
  return strongest;
}

Gates StrategyList::gates(Batch const& batch, bool training) {
  Gates gates;
  for (auto& member : members_)
    if (auto own = member.strategy->gates(batch, training); !own.empty()) gates = std::move(own);
  return gates;
}

Stream StrategyList::wrap(Stream const& stream) const {
  Stream wrapped = stream;
  for (auto const& wrap : wraps_) wrapped = wrap(wrapped);
  return wrapped;
}

}  // namespace mneme
