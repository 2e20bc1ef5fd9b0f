#include "tools/cli/fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/rt/http_text.h"

namespace fieldpost::cli {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

rt::Errc code_of(int status) {
  if (status == 401 || status == 403) return rt::Errc::kDenied;
  if (status == 404) return rt::Errc::kNotFound;
  if (status == 409 || status == 503) return rt::Errc::kBusy;
  return status < 500 ? rt::Errc::kInvalid : rt::Errc::kIo;
}

/// The detail of a problem document, or the `error` or `message` of InfluxDB's kind of answer.
std::string words_of(const Fetched& answer) {
  const auto document = nlohmann::json::parse(answer.body, nullptr, false);
  for (const char* name : {"detail", "error", "message"}) {
    if (document.is_object() && document.contains(name) && document[name].is_string()) {
      return document[name].get<std::string>();
    }
  }
  return fmt::format("the server answered {}", answer.status);
}

}  // namespace

std::string_view Fetched::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (std::equal(key.begin(), key.end(), name.begin(), name.end(),
                   [](char a, char b) { return lower(a) == lower(b); })) {
      return value;
    }
  }
  return {};
}

rt::Result<Fetched> fetch_good(Fetcher& fetcher, const Fetch& fetch) {
  return only_good(fetcher.fetch(fetch));
}

rt::Result<Fetched> only_good(rt::Result<Fetched> answer) {
  if (!answer || (answer->status >= 200 && answer->status < 300)) return answer;
  return rt::Error{code_of(answer->status), words_of(*answer)};
}

std::string encode_query(std::string_view text) {
  return rt::percent_encode(text);
}

}  // namespace fieldpost::cli
