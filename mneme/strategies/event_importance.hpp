// The importance of parameters as a strategy asks for it in an event, and its line in the log.
#pragma once

#include <string>

#include "mneme/importance/fisher.hpp"
#include "mneme/strategies/strategy.hpp"

namespace mneme {

/// A request for an importance on `data`, through the heads and gates of the run, from random streams of the strategy's
/// own; a slow way is said in the log under `name`. Must not outlive context or data.
[[nodiscard]] ImportanceRequest importance_request(std::string const& name, Dataset const& data, FisherOptions options,
                                                   EventContext& context);

/// Trace, quantiles and share of zeros; `more` says where the numbers are from.
void log_importance(std::string const& name, at::Tensor const& importance, EventContext& context,
                    Json const& more = Json::object());
/// The same of what `options` took of so many samples.
void log_importance(std::string const& name, at::Tensor const& importance, EventContext& context,
                    FisherOptions const& options, std::int64_t available);

}  // namespace mneme
