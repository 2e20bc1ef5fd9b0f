#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "proto/rt/http.h"
#include "proto/wire/line_protocol.h"

/// InfluxDB's HTTP write interface, 1.x and 2.x, as functions over values. Who serves it decides
/// where the lines go and when to answer:
///
///     if (auto fixed = answer_influx(request)) …                    // ping, health, query
///     if (is_influx_write(request)) begin_influx_write(request)     // loop: cheap checks
///       → parse_influx_write(write, options)                        // worker: unpack, parse
///       → store the lines → answer_influx_write(…)                  // loop
namespace fieldpost::wire {

inline constexpr std::size_t kInfluxBodyBytesMax = 32 << 20;  ///< after unpacking; more: 413
inline constexpr std::size_t kIdempotencyKeyBytesMax = 256;
inline constexpr int kRetryAfterBusySeconds = 1;
inline constexpr int kRetryAfterFullSeconds = 30;

enum class InfluxVersion : std::uint8_t { k1, k2 };

struct InfluxWrite {
  InfluxVersion version = InfluxVersion::k1;
  Precision precision = Precision::kNs;
  bool gzip = false;
  std::string body;
  std::string idempotency_key;  ///< empty: none
};

inline constexpr std::string_view kInfluxPaths[] = {"/write", "/api/v2/write", "/ping", "/health",
                                                    "/query"};

/// `/ping`, `/health` and `/query`. Empty for any other path.
[[nodiscard]] std::optional<rt::HttpResponse> answer_influx(const rt::HttpRequest& request);

/// `/write` or `/api/v2/write`, whatever the method.
[[nodiscard]] bool is_influx_write(const rt::HttpRequest& request);

/// Takes the body and the options out of a write, or says what is wrong with it. Databases,
/// retention policies, organisations and buckets are accepted and not looked at.
[[nodiscard]] std::variant<InfluxWrite, rt::HttpResponse> begin_influx_write(
    rt::HttpRequest request);

/// Unpacks and parses; options.precision is set from the write. Any thread. Bad lines are no error
/// here: they are in the result. kFull: too large; kInvalid: broken gzip.
[[nodiscard]] rt::Result<ParsedLines> parse_influx_write(InfluxWrite& write, LineOptions options);

/// What the answer needs of lines that have moved on to the store.
struct LineReport {
  std::vector<LineError> errors;
  std::size_t lines_bad = 0;
  std::size_t lines_stored = 0;
  static LineReport of(const ParsedLines& lines) {
    return {lines.errors, lines.lines_bad, lines.lines_stored};
  }
};

/// 204, or 400 naming up to ten bad lines (the good ones are stored).
[[nodiscard]] rt::HttpResponse answer_influx_write(InfluxVersion version, const LineReport& report);

/// kBusy and kFull: 503 with Retry-After; kInvalid: 400; others: 500. Nothing was stored.
[[nodiscard]] rt::HttpResponse refuse_influx_write(InfluxVersion version, const rt::Error& error);
/// 413, for a body that `parse_influx_write` or the server found too large.
[[nodiscard]] rt::HttpResponse refuse_influx_size(InfluxVersion version);

}  // namespace fieldpost::wire
