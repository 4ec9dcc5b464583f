#include "mneme/strategies/event_importance.hpp"

#include "mneme/core/text.hpp"

namespace mneme {

ImportanceRequest importance_request(std::string const& name, Dataset const& data, FisherOptions options,
                                     EventContext& context) {
  return {.learner = context.learner,
          .data = data,
          .options = std::move(options),
          .choice = context.streams->get("fisher"),
          .noise = context.streams->get("fisher-noise"),
          .note =
              [&log = context.log, name](std::string const& text) {
                log.write({{"kind", "note"}, {"text", name + ": " + text}});
              },
          .per_sample_loss = {},
          .poll = context.poll,
          .task = context.known_task(),
          .activate = context.activate,
          .gates = context.gates};
}

void log_importance(std::string const& name, at::Tensor const& importance, EventContext& context, Json const& more) {
  auto const summary = summarise(importance);
  Json quantiles = Json::object();
  for (auto const& [p, value] : summary.quantiles) quantiles[format_number(p)] = value;
  Json line = {{"kind", "importance"},
               {"strategy", name},
               {"trace", summary.trace},
               {"quantiles", quantiles},
               {"zero_share", summary.zero_share}};
  line.update(more);
  context.log.write(line);
}

void log_importance(std::string const& name, at::Tensor const& importance, EventContext& context,
                    FisherOptions const& options, std::int64_t available) {
  log_importance(name, importance, context, {{"samples", options.count(available)}, {"labels", options.labels}});
}

}  // namespace mneme
