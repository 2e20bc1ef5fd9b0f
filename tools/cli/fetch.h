#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"

namespace fieldpost::cli {

struct Fetch {
  std::string method = "GET";
  std::string path;  ///< "/api/v1/nodes?limit=5"
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  /// Called with the status before `on_data` is called for the first time.
  std::function<void(int status)> on_status;
  /// Takes the body of a 2xx piece by piece instead of gathering it; false: enough, stop.
  std::function<bool(std::string_view)> on_data;
  /// Called about once a second while the answer is awaited or read; it may fetch something else.
  /// False: enough, stop.
  std::function<bool()> on_tick;
};

struct Fetched {
  int status = 0;
  std::string body;  ///< empty when `on_data` took it
  std::vector<std::pair<std::string, std::string>> headers;
  std::int64_t date_s = 0;  ///< of the answer, by the server's clock; 0: not told
  [[nodiscard]] std::string_view header(std::string_view name) const;
};

/// Where HTTP goes out.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  /// Whatever the status. kUnavailable: nobody answers, or the answer broke off.
  virtual rt::Result<Fetched> fetch(const Fetch& fetch) = 0;
  [[nodiscard]] virtual const std::string& url() const = 0;
};

/// The answer of a 2xx; otherwise the server's own words as an error: 401 and 403 kDenied,
/// 404 kNotFound, 409 and 503 kBusy, other 4xx kInvalid, 5xx kIo.
[[nodiscard]] rt::Result<Fetched> fetch_good(Fetcher& fetcher, const Fetch& fetch);

/// The same of an answer that is here already.
[[nodiscard]] rt::Result<Fetched> only_good(rt::Result<Fetched> answer);

/// Percent-encodes everything that is not unreserved.
[[nodiscard]] std::string encode_query(std::string_view text);

}  // namespace fieldpost::cli
