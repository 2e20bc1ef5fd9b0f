#include "agent/runner/job/plain_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "proto/rt/json_depth.h"

namespace fieldpost::agent::runner {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 32;  ///< of parentheses and negations
constexpr std::string_view kOpen = "${{";
constexpr std::string_view kClose = "}}";
constexpr std::string_view kBlanks = " \t\r\n";

bool is_yes(std::string_view value) {
  return !value.empty() && value != "false" && value != "0";
}

std::string text_of(bool value) {
  return value ? "true" : "false";
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool is_in_name(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.';
}

/// Values are texts throughout; nothing is both read and skipped.
class Reader {
 public:
  Reader(std::string_view text, const ExpressionContext& context, const json& names)
      : text_(text), context_(context), names_(names) {}

  rt::Result<std::string> read() {
    std::string value = read_either(0);
    skip_blanks();
    if (!failed_ && at_ < text_.size()) fail("an operator or the end");
    if (failed_) return *failed_;
    return value;
  }

 private:
  std::string read_either(int depth) {
    std::string value = read_both(depth);
    while (takes("||")) {
      std::string other = read_both(depth);
      if (!is_yes(value)) value = std::move(other);
    }
    return value;
  }

  std::string read_both(int depth) {
    std::string value = read_compared(depth);
    while (takes("&&")) {
      std::string other = read_compared(depth);
      if (is_yes(value)) value = std::move(other);
    }
    return value;
  }

  std::string read_compared(int depth) {
    const std::string value = read_one(depth);
    if (takes("==")) return text_of(value == read_one(depth));
    if (takes("!=")) return text_of(value != read_one(depth));
    return value;
  }

  std::string read_one(int depth) {
    if (depth > kDepthMax) return fail("fewer parentheses");
    if (takes("!")) return text_of(!is_yes(read_one(depth + 1)));
    if (takes("(")) {
      std::string value = read_either(depth + 1);
      if (!takes(")")) return fail("\")\"");
      return value;
    }
    if (takes("'")) return read_quoted();
    return read_name();
  }

  /// '' inside is one quote.
  std::string read_quoted() {
    std::string value;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c != '\'') {
        value += c;
      } else if (at_ < text_.size() && text_[at_] == '\'') {
        value += c;
        at_ += 1;
      } else {
        return value;
      }
    }
    return fail("\"'\"");
  }

  std::string read_name() {
    skip_blanks();
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_in_name(text_[at_])) at_ += 1;
    const std::string_view name = text_.substr(begin, at_ - begin);
    if (name.empty()) return fail("a name, a text in single quotes, \"!\" or \"(\"");
    if (takes("(")) return takes(")") ? call(name) : fail("\")\": functions take nothing");
    if (name[0] >= '0' && name[0] <= '9') return std::string(name);
    return name == "true" || name == "false" ? std::string(name) : look_up(name);
  }

  std::string call(std::string_view name) {
    if (name == "always") return "true";
    if (name == "success") return text_of(!context_.failed && !context_.cancelled);
    if (name == "failure") return text_of(context_.failed && !context_.cancelled);
    if (name == "cancelled") return text_of(context_.cancelled);
    return fail("success(), failure(), cancelled() or always()");
  }

  [[nodiscard]] std::string look_up(std::string_view path) const {
    const json* at = &names_;
    while (!path.empty()) {
      const std::string name(path.substr(0, path.find('.')));
      if (!at->is_object() || !at->contains(name)) return {};
      at = &at->at(name);
      path.remove_prefix(std::min(name.size() + 1, path.size()));
    }
    if (at->is_null()) return {};
    if (at->is_string()) return at->get<std::string>();
    return at->dump(-1, ' ', false, json::error_handler_t::replace);
  }

  /// "!" is not taken out of "!=".
  bool takes(std::string_view word) {
    skip_blanks();
    if (failed_ || !text_.substr(at_).starts_with(word)) return false;
    if (word == "!" && text_.substr(at_).starts_with("!=")) return false;
    at_ += word.size();
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && kBlanks.find(text_[at_]) != std::string_view::npos) at_ += 1;
  }

  std::string fail(std::string_view expected) {
    if (failed_) return {};
    failed_ = rt::Error{
        rt::Errc::kInvalid,
        fmt::format("expression \"{}\", character {}: expected {}", text_, at_ + 1, expected)};
    return {};
  }

  std::string_view text_;
  const ExpressionContext& context_;
  const json& names_;
  std::size_t at_ = 0;
  std::optional<rt::Error> failed_;
};

rt::Result<std::string> evaluate(std::string_view text, const ExpressionContext& context) {
  if (rt::nests_too_deep(context.json)) {
    return rt::Error{rt::Errc::kInvalid, "the context of expressions nests too deep"};
  }
  const json names = json::parse(context.json, nullptr, false);
  return Reader(text, context, names).read();
}

}  // namespace

rt::Result<bool> PlainConditions::is_true(std::string_view text,
                                          const ExpressionContext& context) const {
  std::string_view bare = trimmed(text);
  if (bare.starts_with(kOpen) && bare.ends_with(kClose)) {
    bare = bare.substr(kOpen.size(), bare.size() - kOpen.size() - kClose.size());
  }
  const auto value = evaluate(bare, context);
  if (!value) return value.error();
  return is_yes(*value);
}

rt::Result<std::string> PlainConditions::interpolate(std::string_view text,
                                                     const ExpressionContext& context) const {
  std::string out;
  for (;;) {
    const std::size_t begin = text.find(kOpen);
    out += text.substr(0, begin);
    if (begin == std::string_view::npos) return out;
    text.remove_prefix(begin + kOpen.size());
    const std::size_t end = text.find(kClose);
    if (end == std::string_view::npos) {
      return rt::Error{rt::Errc::kInvalid, "an expression that begins with ${{ has no }}"};
    }
    auto value = evaluate(text.substr(0, end), context);
    if (!value) return value.error();
    out += *value;
    text.remove_prefix(end + kClose.size());
  }
}

}  // namespace fieldpost::agent::runner
