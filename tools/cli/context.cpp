#include "tools/cli/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kPageItems = 1000;
constexpr std::size_t kSecondsText = 19;  // of "2023-11-14T22:13:20"

rt::Result<std::string> series_path(const SeriesChoice& choice) {
  std::string path = "/api/v1/series";
  char separator = '?';
  const auto add = [&](const std::string& name, const std::string& value) {
    path += separator + encode_query(name) + "=" + encode_query(value);
    separator = '&';
  };
  if (!choice.node.empty()) add("node", choice.node);
  if (!choice.measurement.empty()) add("measurement", choice.measurement);
  if (!choice.field.empty()) add("field", choice.field);
  if (!choice.ids.empty()) add("series", fmt::format("{}", fmt::join(choice.ids, ",")));
  for (const std::string& tag : choice.tags) {
    const std::size_t equals = tag.find('=');
    if (equals == std::string::npos || equals == 0) {
      return rt::Error{rt::Errc::kInvalid, "--tag: expected KEY=VALUE, not \"" + tag + "\""};
    }
    add("tag." + tag.substr(0, equals), tag.substr(equals + 1));
  }
  return path;
}

}  // namespace

bool Context::print(std::string_view text) const {
  const bool whole = std::fwrite(text.data(), 1, text.size(), out) == text.size();
  return whole && std::fflush(out) == 0;
}

int Context::fail(const rt::Error& error) const {
  fmt::print(err, "fieldpost: {}\n", error.message);
  return exit_code_of(error.code);
}

rt::Result<Json> fetch_json(Context& context, const std::string& path) {
  auto answer = fetch_good(
      context.fetcher, {.method = "GET", .path = path, .headers = {}, .body = {}, .on_data = {}});
  if (!answer) return answer.error();
  Json document = Json::parse(answer->body, nullptr, false);
  if (!document.is_discarded()) return document;
  return rt::Error{rt::Errc::kIo, "what answers at " + context.fetcher.url() +
                                      " does not speak JSON: is it a fieldpost coordinator?"};
}

/// What comes from the command line need not be UTF-8.
rt::Result<Json> send_json(Context& context, const char* method, const std::string& path,
                           const Json& body) {
  const auto answer = fetch_good(
      context.fetcher,
      {.method = method,
       .path = path,
       .headers = {{"Content-Type", "application/json"}},
       .body = body.is_null() ? "" : body.dump(-1, ' ', false, Json::error_handler_t::replace)});
  if (!answer) return answer.error();
  Json document = Json::parse(answer->body, nullptr, false);
  if (document.is_object()) return document;
  return rt::Error{rt::Errc::kIo, "the answer to " + path + " is not understood"};
}

rt::Status for_each_item(Context& context, const std::string& path,
                         const std::function<bool(const Json&)>& take) {
  const std::string base = path + (path.find('?') == std::string::npos ? "?" : "&") +
                           fmt::format("limit={}", kPageItems);
  std::string cursor;
  while (true) {
    const auto page = fetch_json(context, base + (cursor.empty() ? "" : "&cursor=" + cursor));
    if (!page) return page.error();
    if (!page->is_object() || !page->contains("items") || !page->contains("next_cursor")) {
      return rt::Error{rt::Errc::kIo, "the answer to " + path + " is not a list"};
    }
    for (const Json& item : page->at("items")) {
      if (!take(item)) return rt::ok();
    }
    if (!page->at("next_cursor").is_string()) return rt::ok();
    cursor = encode_query(page->at("next_cursor").get<std::string>());
  }
}

rt::Result<std::vector<Json>> find_series(Context& context, const SeriesChoice& choice) {
  const auto path = series_path(choice);
  if (!path) return path.error();
  std::vector<Json> found;
  const auto walked = for_each_item(context, *path, [&](const Json& series) {
    found.push_back(series);
    return true;
  });
  if (!walked) return walked.error();
  return found;
}

std::string series_words(const Json& series) {
  std::string words = series.at("measurement").get<std::string>();
  for (const auto& [key, value] : series.at("tags").items()) {
    words += "," + key + "=" + value.get<std::string>();
  }
  return words + " " + series.at("field").get<std::string>();
}

std::string value_words(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string time_words(const Json& time) {
  if (!time.is_string()) return "-";
  std::string text = time.get<std::string>().substr(0, kSecondsText);
  std::replace(text.begin(), text.end(), 'T', ' ');
  return text;
}

}  // namespace fieldpost::cli
