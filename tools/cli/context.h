#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/clock.h"
#include "tools/cli/exit_code.h"
#include "tools/cli/fetch.h"

namespace fieldpost::cli {

/// What every verb works with.
struct Context {
  Fetcher& fetcher;
  const rt::WallClock& clock;
  bool json = false;
  bool terminal = false;      ///< standard error is one: progress bars
  bool out_terminal = false;  ///< standard output is one
  std::FILE* out = stdout;
  std::FILE* err = stderr;
  std::FILE* in = stdin;
  std::function<void(std::int64_t milliseconds)> pause;  ///< between tries
  std::function<std::string()> make_key;                 ///< never the same one twice

  /// False when nobody reads any more (a pipe that closed): stop, with success.
  bool print(std::string_view text) const;
  /// "fieldpost: …" on standard error; the exit code of it.
  int fail(const rt::Error& error) const;
};

/// Which series a verb is about: ids, or all that match.
struct SeriesChoice {
  std::vector<std::int64_t> ids;
  std::string node, measurement, field;
  std::vector<std::string> tags;  ///< "key=value"
};

/// Calls `take` with each item of a list, page by page; false stops.
rt::Status for_each_item(Context& context, const std::string& path,
                         const std::function<bool(const nlohmann::ordered_json&)>& take);
/// The document that `path` answers with.
[[nodiscard]] rt::Result<nlohmann::ordered_json> fetch_json(Context& context,
                                                            const std::string& path);
/// The document that answers a request with a JSON body (null: none).
[[nodiscard]] rt::Result<nlohmann::ordered_json> send_json(Context& context, const char* method,
                                                           const std::string& path,
                                                           const nlohmann::ordered_json& body);
/// The series meant, as the API shows them; may be none. kInvalid: a tag without `=`.
[[nodiscard]] rt::Result<std::vector<nlohmann::ordered_json>> find_series(
    Context& context, const SeriesChoice& choice);
/// "air,pos=top temperature" of a series as the API shows it.
[[nodiscard]] std::string series_words(const nlohmann::ordered_json& series);
/// A value as the API shows it; strings bare.
[[nodiscard]] std::string value_words(const nlohmann::ordered_json& value);
/// "2023-11-14 22:13:20" in UTC; "-" for null.
[[nodiscard]] std::string time_words(const nlohmann::ordered_json& time);

}  // namespace fieldpost::cli
