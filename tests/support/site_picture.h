#pragma once

#include <map>
#include <string>

#include "tests/support/real_site.h"

namespace fieldpost::test {

/// All of a site that a message could change, as a text for each place: rows of store and spool,
/// readings, gaps, commands, nodes. What changes by itself is left out.
[[nodiscard]] std::map<std::string, std::string> picture(const RealSite& site);

/// Readings stored of the series that a filter of /api/v1/series names.
[[nodiscard]] int count_readings(const RealSite& site, const std::string& filter);

/// Nothing is under way: the agent holds nothing and has all its delivered marks on disk. From then
/// on a picture changes only when something happens.
[[nodiscard]] bool is_settled(const RealSite& site);

/// A number of the coordinator's /metrics.
[[nodiscard]] double metric(const RealSite& site, const std::string& name);

}  // namespace fieldpost::test
