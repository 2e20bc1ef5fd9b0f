#include "proto/rt/http.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/rt/http_text.h"

namespace fieldpost::rt {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  const char l = lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
    const int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
    if (low < 0) {
      return Error{Errc::kInvalid,
                   fmt::format("percent sign at {} is not followed by two hex digits", i + 1)};
    }
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

}  // namespace

bool same_http_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view HttpHeaders::get(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (same_http_name(field, name)) return value;
  }
  return {};
}

std::optional<std::string_view> HttpRequest::query(std::string_view name) const {
  for (const auto& [key, value] : target.query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_http_form(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> fields;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    if (part.empty()) continue;
    const std::size_t equals = std::min(part.find('='), part.size());
    auto name = percent_decode(part.substr(0, equals), true);
    if (!name) return name.error();
    auto value = percent_decode(part.substr(std::min(part.size(), equals + 1)), true);
    if (!value) return value.error();
    fields.emplace_back(*std::move(name), *std::move(value));
  }
  return fields;
}

Result<HttpTarget> parse_http_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return Error{Errc::kInvalid, "the request's target does not start with a slash"};
  }
  target = target.substr(0, target.find('#'));
  const std::size_t mark = std::min(target.find('?'), target.size());
  auto path = percent_decode(target.substr(0, mark), false);
  if (!path) return path.error();
  auto query = parse_http_form(target.substr(std::min(target.size(), mark + 1)));
  if (!query) return query.error();
  return HttpTarget{*std::move(path), *std::move(query)};
}

}  // namespace fieldpost::rt
