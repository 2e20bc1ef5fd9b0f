#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "proto/rt/sqlite.h"
#include "proto/wire/messages.h"
#include "proto/wire/readings.h"

namespace fieldpost::sim {

/// What a store's file says, read by plain SQL.
struct StoreRows {
  struct Range {
    std::uint64_t first = 0, last = 0;
    wire::Verdict verdict = wire::Verdict::kNone;
  };
  using Ranges = std::map<wire::IncarnationId, std::vector<Range>>;
  Ranges settled, not_stored, unconfirmed;
  std::map<wire::IncarnationId, std::uint64_t> high;
  std::map<wire::IncarnationId, std::int64_t> ordinal;
  std::map<std::int64_t, int> in_batches;  ///< how often each number is in what was not compacted
  bool compacted = false;                  ///< some readings are in chunks

  [[nodiscard]] bool is_settled(const wire::Name& name) const;
  [[nodiscard]] bool is_stored(const wire::Name& name) const;
  [[nodiscard]] bool is_gapped(const wire::Name& name) const;  ///< or in an unconfirmed gap
  [[nodiscard]] bool is_unconfirmed(const wire::Name& name) const;
  [[nodiscard]] bool is_any_stored(const std::vector<wire::Name>& names) const;
  [[nodiscard]] bool is_any_gapped(const std::vector<wire::Name>& names) const;
};

/// Of a reading as the machines number them: its value, or for a body the name in its text.
[[nodiscard]] std::int64_t number_of(std::string_view text);
[[nodiscard]] std::int64_t number_of(const wire::Column& column, std::uint64_t value);

/// None when the file has no tables yet.
[[nodiscard]] std::optional<StoreRows> read_store(rt::Database& db);

}  // namespace fieldpost::sim
