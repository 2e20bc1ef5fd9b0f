#include "tools/cli/curl_fetcher.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::cli {
namespace {

constexpr long kConnectSeconds = 10;
constexpr long kQuietSeconds = 60;  // without a byte: the server beats every 15 s on a live stream

struct Exchange {
  const Fetch& fetch;
  Fetched answer;
  CURL* curl;
  bool told = false;  ///< the status, to `on_status`
  bool enough = false;
};

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  long status = 0;
  curl_easy_getinfo(exchange.curl, CURLINFO_RESPONSE_CODE, &status);
  if (!exchange.fetch.on_data || status < 200 || status > 299) {
    exchange.answer.body.append(bytes, size);
    return size;
  }
  if (exchange.fetch.on_status && !std::exchange(exchange.told, true)) {
    exchange.fetch.on_status(static_cast<int>(status));
  }
  if (exchange.fetch.on_data({bytes, size})) return size;
  exchange.enough = true;
  return size + 1;  // what libcurl takes as "stop"
}

std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* user) {
  std::string_view line(bytes, size);
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return size;
  std::string_view value = line.substr(colon + 1);
  while (value.starts_with(' ')) value.remove_prefix(1);
  static_cast<Exchange*>(user)->answer.headers.emplace_back(line.substr(0, colon), value);
  return size;
}

/// libcurl asks it about once a second; not zero is what it takes as "stop".
int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& exchange = *static_cast<Exchange*>(user);
  if (exchange.fetch.on_tick()) return 0;
  exchange.enough = true;
  return 1;
}

struct List {
  ~List() { curl_slist_free_all(first); }
  void add(const std::string& line) { first = curl_slist_append(first, line.c_str()); }
  curl_slist* first = nullptr;
};

void set_method(CURL* curl, const Fetch& fetch) {
  if (fetch.method == "GET") {
    curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    return;
  }
  if (fetch.method == "HEAD") {
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    return;
  }
  curl_easy_setopt(curl, CURLOPT_POST, 1L);
  curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, fetch.method.c_str());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, fetch.body.data());
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(fetch.body.size()));
}

}  // namespace

struct CurlFetcher::Handle {
  Handle() : curl(curl_easy_init()) { FP_CHECK(curl != nullptr); }
  ~Handle() { curl_easy_cleanup(curl); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  CURL* curl;
};

CurlFetcher::CurlFetcher(std::string url, std::string token)
    : url_(std::move(url)), token_(std::move(token)), handle_(std::make_unique<Handle>()) {
  while (url_.ends_with('/')) url_.pop_back();
}

CurlFetcher::~CurlFetcher() = default;

rt::Result<Fetched> CurlFetcher::fetch(const Fetch& fetch) {
  // Taken for as long as it is in use: what `on_tick` fetches meanwhile gets one of its own.
  auto handle = handle_ ? std::move(handle_) : std::make_unique<Handle>();
  auto answer = exchange_with(*handle, fetch);
  handle_ = std::move(handle);
  return answer;
}

rt::Result<Fetched> CurlFetcher::exchange_with(Handle& handle, const Fetch& fetch) {
  CURL* const curl = handle.curl;
  Exchange exchange{fetch, {}, curl};
  List headers;
  headers.add("Expect:");
  if (!token_.empty()) headers.add("Authorization: Bearer " + token_);
  for (const auto& [name, value] : fetch.headers) headers.add(name + ": " + value);
  const std::string url = url_ + fetch.path;
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.first);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kQuietSeconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &take_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &exchange);
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &take_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &exchange);
  if (fetch.on_tick) {
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, &on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &exchange);
  }
  set_method(curl, fetch);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK && !exchange.enough) {
    return rt::Error{rt::Errc::kUnavailable, fmt::format("asking the coordinator at {}: {}", url_,
                                                         curl_easy_strerror(code))};
  }
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  exchange.answer.status = static_cast<int>(status);
  const std::string date(exchange.answer.header("Date"));
  exchange.answer.date_s = std::max<std::int64_t>(0, curl_getdate(date.c_str(), nullptr));
  return std::move(exchange.answer);
}

}  // namespace fieldpost::cli
