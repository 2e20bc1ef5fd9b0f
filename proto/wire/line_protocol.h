#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/readings.h"

/// InfluxDB line protocol (docs.influxdata.com, "Line protocol reference", v1 and v2).
namespace fieldpost::wire {

struct LineError {
  std::size_t line = 0;  ///< from 1
  std::string what;      ///< what is wrong and what was expected
};

/// Readings gathered by series, in order of arrival. Not thread-safe; moved between threads.
class ParsedLines {
 public:
  std::vector<std::string> keys;  ///< canonical series keys, distinct
  std::vector<ValueType> types;
  std::vector<Column> columns;    ///< one for each key
  std::vector<LineError> errors;  ///< the first kLineErrorsMax bad lines, in order
  std::size_t lines_stored = 0;
  std::size_t lines_bad = 0;
  std::size_t readings = 0;
  std::size_t string_bytes = 0;      ///< in the strings of the columns
  std::size_t readings_stamped = 0;  ///< readings that were given a time here, having none
  std::int64_t stamp_ns = 0;  ///< that time; a reading that says this very one counts as such

  static constexpr std::size_t kLineErrorsMax = 10;
};

enum class Precision : std::uint8_t { kNs, kUs, kMs, kS, kMinute, kHour };
/// "n" "ns" "u" "us" "µ" "ms" "s" "m" "h" and "" (= ns); kInvalid otherwise.
rt::Result<Precision> parse_precision(std::string_view text);

struct LineOptions {
  Precision precision = Precision::kNs;
  rt::UnixTime now;  ///< for lines without a time
  std::string tags;  ///< canonical ",k=v,…" added to each line unless it has that tag; may be empty
};

/// Parses lines separated by LF or CR LF; empty lines and lines that start with `#` count for
/// nothing. A bad line is stored not at all (no field of it) and is reported; the good ones stand.
/// A time outside 1678…2262 after scaling is an error. Keeps a look-up from raw series text to
/// series across calls (bounded), so one parser a producer makes repeated series cheap.
class LineParser {
 public:
  LineParser();
  ~LineParser();
  LineParser(LineParser&&) noexcept;
  LineParser& operator=(LineParser&&) noexcept;
  [[nodiscard]] ParsedLines parse(std::string_view text, const LineOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// One reading as a line, for `fieldpost tail` and exports. The unit has no place in it; NaN and
/// the infinities are written "nan" and "inf", which no parser takes.
[[nodiscard]] std::string format_line(const SeriesKey& key, std::int64_t time_ns,
                                      std::uint64_t value, std::string_view string_value);

}  // namespace fieldpost::wire
