#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "proto/rt/sqlite.h"

/// What statements are mostly asked for.
namespace fieldpost::rt {

/// All rows, each as `read(Statement&)` makes it.
template <typename Read>
auto read_rows(Statement& stmt, Read read)
    -> Result<std::vector<std::invoke_result_t<Read, Statement&>>> {
  std::vector<std::invoke_result_t<Read, Statement&>> out;
  for (;;) {
    const auto row = stmt.step();
    if (!row) return row.error();
    if (!*row) return out;
    out.push_back(read(stmt));
  }
}

/// The first row's first column; 0 without a row.
inline Result<std::int64_t> read_number(Statement& stmt) {
  const auto row = stmt.step();
  if (!row) return row.error();
  const std::int64_t found = *row ? stmt.i64(0) : 0;
  stmt.reset();
  return found;
}

[[nodiscard]] inline std::optional<std::int64_t> number_or_none(const Statement& row, int column) {
  return row.is_null(column) ? std::nullopt : std::optional(row.i64(column));
}

inline Statement& bind_or_null(Statement& stmt, int index, std::optional<std::int64_t> value) {
  return value ? stmt.bind(index, *value) : stmt.bind_null(index);
}

}  // namespace fieldpost::rt
