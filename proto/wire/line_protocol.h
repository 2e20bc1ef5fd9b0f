#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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

/// Lines `#unit MEASUREMENT[,TAG=V...] FIELD UNIT` say the unit of that series, of whatever type,
/// from there on; names are escaped as in other lines, the unit is the rest of the line as it
/// stands, and nothing behind the space means none.
enum class UnitLines : std::uint8_t {
  kComments,  ///< they count for nothing, as for all who only know line protocol
  kObeyed,    ///< by this parser, in later calls too; a malformed one is a bad line
};

/// Parses lines separated by LF or CR LF; empty lines and lines that start with `#` count for
/// nothing. A bad line is stored not at all (no field of it) and is reported; the good ones stand.
/// A time outside 1678…2262 after scaling is an error. Keeps a look-up from raw series text to
/// series across calls (bounded), so one parser a producer makes repeated series cheap.
class LineParser {
 public:
  static constexpr std::size_t kUnitsMax = 4096;            ///< more: the line that says it is bad
  static constexpr std::size_t kUnitBytesMax = 512 * 1024;  ///< of the units and their series

  explicit LineParser(UnitLines unit_lines = UnitLines::kComments);
  ~LineParser();
  LineParser(LineParser&&) noexcept;
  LineParser& operator=(LineParser&&) noexcept;
  [[nodiscard]] ParsedLines parse(std::string_view text, const LineOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// `measurement[,tag=value...] field`, as lines and `#unit` lines begin.
[[nodiscard]] std::string format_line_name(const SeriesKey& key);
/// Appends `=` and the value, as in a line behind its name.
void append_line_value(std::string& line, ValueType type, std::uint64_t value,
                       std::string_view string_value);
/// One reading as a line. The unit has no place in it; NaN and the infinities are written "nan" and
/// "inf", which no parser takes. Without a time the line has none.
[[nodiscard]] std::string format_line(const SeriesKey& key, std::optional<std::int64_t> time_ns,
                                      std::uint64_t value, std::string_view string_value);

}  // namespace fieldpost::wire
