#pragma once

#include <string>
#include <string_view>

#include "proto/rt/http.h"

namespace fieldpost::rt {

/// Without regard to the case of ASCII letters: names of header fields, codings.
[[nodiscard]] bool same_http_name(std::string_view a, std::string_view b);

/// "Not Found" for 404; empty for a status without a phrase of its own.
[[nodiscard]] std::string_view http_phrase(int status);

/// RFC 9457: {"type":"about:blank","title":…,"status":…,"detail":…}.
[[nodiscard]] HttpResponse problem_response(int status, std::string_view detail);

/// All but letters, digits and "-_.~" as %XX.
[[nodiscard]] std::string percent_encode(std::string_view text);
/// A target that parse_http_target reads back as this one.
[[nodiscard]] std::string format_http_target(const HttpTarget& target);

enum class HttpFraming : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

struct HttpHead {
  int status = 200;
  HttpFraming framing = HttpFraming::kLength;
  std::size_t body_bytes = 0;  ///< kLength only
  bool keeps_alive = true;
  std::int64_t date_s = 0;  ///< seconds since the Unix epoch
};

/// Status line and header with the empty line. Fields that would break the framing (a line break
/// in them, or a name that HttpHead decides) are left out.
[[nodiscard]] std::string format_http_head(const HttpHead& head, const HttpHeaders& headers);

/// One chunk of the chunked coding; nothing for no bytes.
[[nodiscard]] std::string format_http_chunk(std::string_view bytes);
inline constexpr std::string_view kLastHttpChunk = "0\r\n\r\n";

}  // namespace fieldpost::rt
