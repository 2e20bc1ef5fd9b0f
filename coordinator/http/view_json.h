#pragma once

#include <string>

#include "coordinator/http/parameters.h"
#include "coordinator/http/views.h"
#include "coordinator/query/reading_query.h"

/// Views as the JSON objects of the API.
namespace fieldpost::coordinator {

[[nodiscard]] std::string to_json(const NodeView& node, TimeFormat times);
[[nodiscard]] std::string to_json(const Hole& hole, TimeFormat times);
[[nodiscard]] std::string to_json(const GapView& gap, TimeFormat times);
[[nodiscard]] std::string to_json(const CommandView& command, TimeFormat times);
[[nodiscard]] std::string to_json(const SeriesInfo& series, TimeFormat times);

}  // namespace fieldpost::coordinator
