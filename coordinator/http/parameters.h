#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "proto/rt/http.h"

namespace fieldpost::coordinator {

enum class TimeFormat : std::uint8_t { kRfc3339, kNs };

/// RFC 3339, or integer nanoseconds.
[[nodiscard]] std::optional<std::int64_t> parse_time(std::string_view text);
inline constexpr std::string_view kTimeExpected =
    "expected a time of RFC 3339 such as 2024-05-01T12:00:00Z, or integer nanoseconds since 1970";

/// Reads the query of a request. Each question names a parameter; after the last one, `problem`
/// says what is wrong with the first bad one, or names one that nobody asked for (a misspelt
/// parameter must not silently widen an answer).
class Parameters {
 public:
  explicit Parameters(const rt::HttpTarget& target) : query_(target.query) {}

  [[nodiscard]] std::string text(std::string_view name);
  /// RFC 3339, or integer nanoseconds.
  [[nodiscard]] std::optional<std::int64_t> time(std::string_view name);
  [[nodiscard]] std::size_t count(std::string_view name, std::size_t otherwise, std::size_t most);
  /// Of `limit`: what is above `most` means `most`; the next page goes on from there.
  [[nodiscard]] std::size_t limit(std::size_t otherwise, std::size_t most);
  /// Whether the parameter was given at all.
  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name);
  /// The index of the value among `choices`; 0 when it is not given.
  [[nodiscard]] std::size_t choice(std::string_view name,
                                   std::initializer_list<std::string_view> choices);
  /// Ids, separated by commas or in repeated parameters; distinct, in order, at most `most`.
  [[nodiscard]] std::vector<SeriesId> series(std::size_t most);
  /// `prefix`K=V for every K.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> prefixed(std::string_view prefix);
  /// Of `from` and `to`: may be empty; times that go backwards are a problem.
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> range();
  [[nodiscard]] TimeFormat times();

  void complain(std::string_view name, std::string_view expected);
  [[nodiscard]] std::optional<std::string> problem() const;

 private:
  [[nodiscard]] const std::string* find(std::string_view name);

  const std::vector<std::pair<std::string, std::string>>& query_;
  std::vector<std::string> asked_;
  std::vector<std::string> prefixes_;
  std::string first_problem_;
};

/// `node`, `measurement`, `field` and `tag.*`.
[[nodiscard]] SeriesFilter filter_of(Parameters& parameters);

}  // namespace fieldpost::coordinator
