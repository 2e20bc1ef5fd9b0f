#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tools/cli/text_table.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {

using Json = nlohmann::ordered_json;
using Align = TextTable::Align;

int run_series(Context& context, const SeriesChoice& choice) {
  const auto found = find_series(context, choice);
  if (!found) return context.fail(found.error());
  if (context.json) {
    context.print(Json({{"items", *found}, {"next_cursor", nullptr}}).dump(2) + "\n");
    return kExitDone;
  }
  TextTable table({{"ID", Align::kRight},
                   {"NODE", {}},
                   {"SERIES", {}},
                   {"TYPE", {}},
                   {"UNIT", {}},
                   {"READINGS", Align::kRight},
                   {"FIRST", {}},
                   {"LAST", {}}});
  for (const Json& series : *found) {
    const Json& unit = series.at("unit");
    table.add({series.at("id").dump(), value_words(series.at("node")), series_words(series),
               value_words(series.at("type")), unit.is_null() ? "" : value_words(unit),
               count_words(series.at("count").get<std::uint64_t>()),
               time_words(series.at("first_time")), time_words(series.at("last_time"))});
  }
  context.print(found->empty() ? "no series matches\n" : table.text());
  return kExitDone;
}

}  // namespace fieldpost::cli
