#include "proto/rt/live_config.h"

#include <algorithm>

namespace fieldpost::rt {
namespace {

std::vector<std::string> changed_keys(const ConfigSchema& schema, const Config& before,
                                      const Config& after, bool needs_restart) {
  std::vector<std::string> keys;
  for (ConfigChange& change : compare_configs(schema, before, after)) {
    if (change.needs_restart == needs_restart) keys.push_back(std::move(change.key));
  }
  return keys;
}

}  // namespace

void LiveConfig::take(const Result<Config>& found) {
  const Status fits = found ? hooks_.check(*found) : Status(found.error());
  if (!fits) {
    log_.error("configuration not reloaded, the one before stays: {}", fits.error().message);
    return;
  }
  const auto waiting = changed_keys(schema_, started_with_, *found, true);
  const auto live = changed_keys(schema_, applied_, *found, false);
  // As errors, because whoever sent SIGHUP has to be told at every level of the log.
  for (const std::string& key : waiting) {
    log_.error("{} changed: it takes effect at the next start", key);
  }
  hooks_.apply(*found);
  applied_ = *found;
  for (const std::string& key : live) log_.info("{} changed: it is in effect", key);
  if (waiting.empty() && live.empty()) log_.info("configuration read again: nothing changed");
}

}  // namespace fieldpost::rt
