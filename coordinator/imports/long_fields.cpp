#include "coordinator/imports/long_fields.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "proto/rt/json_depth.h"

namespace fieldpost::coordinator {
namespace {

using nlohmann::json;

constexpr std::string_view kSpace = " \t\r\n";

/// Goes over a text that is JSON, value by value.
class JsonWalk {
 public:
  explicit JsonWalk(std::string_view text) : text_(text) {}

  /// Takes the character, if it is the next one.
  bool take(char c) {
    skip_space();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  /// The text of the next value, whatever is inside of it.
  std::string_view take_value() {
    skip_space();
    const std::size_t begin = at_;
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool is_end =
          c == ',' || c == ':' || c == ']' || c == '}' || kSpace.find(c) != std::string_view::npos;
      if (depth == 0 && is_end) break;
      if (c == '"') skip_string();
      if (c == '[' || c == '{') ++depth;
      if (c == ']' || c == '}') --depth;
      ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_space() { at_ = std::min(text_.find_first_not_of(kSpace, at_), text_.size()); }
  /// To its last quote.
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// Counts values without making them; stops at too many.
class ValueCount final : public nlohmann::json_sax<json> {
 public:
  bool null() override { return count(); }
  bool boolean(bool) override { return count(); }
  bool number_integer(number_integer_t) override { return count(); }
  bool number_unsigned(number_unsigned_t) override { return count(); }
  bool number_float(number_float_t, const string_t&) override { return count(); }
  bool string(string_t&) override { return count(); }
  bool binary(binary_t&) override { return count(); }
  bool start_object(std::size_t) override { return count(); }
  bool key(string_t&) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return count(); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t, const std::string&, const json::exception&) override {
    return false;
  }

 private:
  bool count() { return ++count_ <= LongFields::kValuesMax; }
  std::size_t count_ = 0;
};

bool has_more_than(std::string_view list, std::size_t count_max) {
  JsonWalk walk(list);
  static_cast<void>(walk.take('['));
  for (std::size_t count = 0; !walk.take(']'); ++count) {
    if (count == count_max) return true;
    static_cast<void>(walk.take_value());
    static_cast<void>(walk.take(','));
  }
  return false;
}

bool has_too_many_values(std::string_view text) {
  // Each one needs its character and one that parts it from the next.
  if (text.size() < 2 * LongFields::kValuesMax) return false;
  ValueCount count;
  return !json::sax_parse(text, &count);
}

std::string too_many(std::string_view what) {
  return fmt::format("{} has more than {} values", what, LongFields::kValuesMax);
}

}  // namespace

LongFields::LongFields(std::string_view text, std::string_view expected,
                       std::initializer_list<std::string_view> lists)
    : text_(text), rest_("", expected) {
  if (rt::nests_too_deep(text) || !json::accept(text)) {
    problem_ = expected;
  } else {
    split(lists, expected);
  }
}

void LongFields::split(std::initializer_list<std::string_view> lists, std::string_view expected) {
  JsonWalk walk(text_);
  if (!walk.take('{')) {
    problem_ = expected;
    return;
  }
  std::string rest;
  while (!walk.take('}')) {
    const std::string_view key = walk.take_value();
    static_cast<void>(walk.take(':'));
    const std::string_view value = walk.take_value();
    static_cast<void>(walk.take(','));
    const std::string_view name = key.substr(1, key.size() - 2);  // between its quotes
    if (value.starts_with('[') && std::ranges::find(lists, name) != lists.end()) {
      lists_[name] = value;
    } else {
      rest += fmt::format("{}{}:{}", rest.empty() ? "" : ",", key, value);
    }
  }
  rest = "{" + rest + "}";
  if (has_too_many_values(rest)) {
    problem_ = too_many("what is in no list");
  } else {
    rest_ = JsonFields(rest, expected);
  }
}

void LongFields::each(std::string_view name, std::size_t count_max,
                      const std::function<void(JsonFields&)>& read) {
  if (!problem().empty()) return;
  const auto list = lists_.find(name);
  if (list == lists_.end()) {
    for (JsonFields& object : rest_.objects(name, count_max)) read(object);
    return;
  }
  if (has_more_than(list->second, count_max)) {
    problem_ = fmt::format("\"{}\": expected a list of at most {}", name, count_max);
    return;
  }
  JsonWalk walk(list->second);
  static_cast<void>(walk.take('['));
  for (std::size_t i = 0; !walk.take(']'); ++i) {
    const std::string_view text = walk.take_value();
    static_cast<void>(walk.take(','));
    const std::string path = fmt::format("{}/{}/", name, i);
    if (!text.starts_with('{')) {
      problem_ = fmt::format("\"{}\": expected a list of objects", name);
    } else if (has_too_many_values(text)) {
      problem_ = too_many(path);
    } else {
      JsonFields object(text, "expected an object", path);
      read(object);
      problem_ = object.problem();
    }
    if (!problem_.empty()) return;
  }
}

const std::string& LongFields::problem() const {
  return problem_.empty() ? rest_.problem() : problem_;
}

}  // namespace fieldpost::coordinator
