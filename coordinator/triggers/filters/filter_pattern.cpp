#include "coordinator/triggers/filters/filter_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "coordinator/triggers/in_quotes.h"

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

constexpr std::int64_t kPatternMemoryBytes = 1 << 20;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_alphanumeric(char c) {
  return is_digit(c) || is_lower(c) || is_upper(c);
}

bool is_range(char first, char last) {
  const bool same_kind = (is_digit(first) && is_digit(last)) ||
                         (is_lower(first) && is_lower(last)) || (is_upper(first) && is_upper(last));
  return same_kind && first <= last;
}

/// Of a character in UTF-8, from its first byte; 1 for what is none.
std::size_t character_size(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte < 0xc0) return 1;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/// Writes a pattern as a regular expression over bytes.
class Translation {
 public:
  explicit Translation(std::string_view pattern) : pattern_(pattern) {}

  Status run() {
    while (at_ < pattern_.size()) {
      if (auto done = take(); !done) return done;
    }
    return rt::ok();
  }
  [[nodiscard]] const std::string& expression() const { return out_; }

 private:
  Status take() {
    switch (pattern_[at_]) {
      case '*': return take_star();
      case '?':
      case '+': return take_repetition();
      case '[': return take_class();
      case '\\':
        if (at_ + 1 == pattern_.size()) return wrong("expected a character behind the backslash");
        at_ += 1;
        return take_literal();
      default: return take_literal();
    }
  }

  Status take_star() {
    const std::string_view rest = pattern_.substr(at_);
    const bool begins_part = at_ == 0 || pattern_[at_ - 1] == '/';
    can_repeat_ = false;
    if (rest.starts_with("**/") && begins_part) {
      at_ += 3;
      out_ += "(?:.*/)?";
      return rt::ok();
    }
    const std::size_t stars = std::min(rest.find_first_not_of('*'), rest.size());
    at_ += stars;
    out_ += stars > 1 ? ".*" : "[^/]*";
    return rt::ok();
  }

  Status take_repetition() {
    if (!can_repeat_) {
      return wrong("expected a character or [] before it; with a backslash it stands for itself");
    }
    out_ += pattern_[at_++];
    can_repeat_ = false;
    return rt::ok();
  }

  Status take_literal() {
    const std::size_t size = std::min(character_size(pattern_[at_]), pattern_.size() - at_);
    const std::string_view character = pattern_.substr(at_, size);
    out_ += "(?:" + re2::RE2::QuoteMeta(re2::StringPiece(character.data(), size)) + ")";
    at_ += size;
    can_repeat_ = true;
    return rt::ok();
  }

  Status take_class() {
    const std::size_t end = pattern_.find(']', at_);
    if (end == std::string_view::npos) return wrong("expected a ] behind it");
    const std::string_view members = pattern_.substr(at_ + 1, end - at_ - 1);
    if (members.empty()) return wrong("expected characters in it");
    out_ += '[';
    for (std::size_t i = 0; i < members.size(); ++i) {
      const bool begins_range = i + 2 < members.size() && members[i + 1] == '-';
      if (begins_range) {
        if (!is_range(members[i], members[i + 2])) return wrong("expected ranges of a-z, A-Z, 0-9");
        out_.append(members.substr(i, 3));
        i += 2;
      } else if (is_alphanumeric(members[i]) || members[i] == '.' || members[i] == '_') {
        out_ += members[i];
      } else if (members[i] == '-') {
        out_ += "\\-";
      } else {
        return wrong("expected letters, digits, '.', '_', '-' and ranges in it");
      }
    }
    out_ += ']';
    at_ = end + 1;
    can_repeat_ = true;
    return rt::ok();
  }

  [[nodiscard]] Error wrong(std::string_view what) const {
    return {Errc::kInvalid, fmt::format("at its byte {} ({}): {}", at_ + 1,
                                        in_quotes(pattern_.substr(at_, 1)), what)};
  }

  std::string_view pattern_;
  std::size_t at_ = 0;
  bool can_repeat_ = false;
  std::string out_;
};

Error wrong_pattern(std::string_view pattern, std::string_view what) {
  return {Errc::kInvalid, fmt::format("pattern {}: {}", in_quotes(pattern), what)};
}

}  // namespace

Result<FilterPattern> FilterPattern::parse(std::string_view pattern) {
  if (pattern.size() > kBytesMax) {
    return wrong_pattern(pattern, fmt::format("it is longer than {} bytes", kBytesMax));
  }
  FilterPattern out;
  out.is_negated_ = pattern.starts_with('!');
  const std::string_view rest = pattern.substr(out.is_negated_ ? 1 : 0);
  const bool is_plain =
      std::ranges::none_of(rest, [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  if (rest.empty() || !is_plain) {
    return wrong_pattern(pattern, "expected a name or path, without control characters");
  }
  Translation translation(rest);
  if (auto done = translation.run(); !done) return wrong_pattern(pattern, done.error().message);
  re2::RE2::Options options;
  options.set_encoding(re2::RE2::Options::EncodingLatin1);  // names are bytes
  options.set_dot_nl(true);
  options.set_never_capture(true);
  options.set_log_errors(false);
  options.set_max_mem(kPatternMemoryBytes);
  auto expression = std::make_shared<re2::RE2>(translation.expression(), options);
  if (!expression->ok()) return wrong_pattern(pattern, expression->error());
  out.expression_ = std::move(expression);
  return out;
}

bool FilterPattern::fits(std::string_view name) const {
  return re2::RE2::FullMatch(re2::StringPiece(name.data(), name.size()), *expression_);
}

Result<FilterPatterns> FilterPatterns::parse_all(const std::vector<std::string>& patterns) {
  if (patterns.empty() || patterns.size() > kCountMax) {
    return Error{Errc::kInvalid,
                 fmt::format("expected 1 to {} patterns, found {}", kCountMax, patterns.size())};
  }
  FilterPatterns out;
  for (const std::string& each : patterns) {
    auto pattern = FilterPattern::parse(each);
    if (!pattern) return pattern.error();
    out.patterns_.push_back(*std::move(pattern));
  }
  return out;
}

Result<FilterPatterns> FilterPatterns::parse(const std::vector<std::string>& patterns) {
  auto out = parse_all(patterns);
  if (out && std::ranges::all_of(out->patterns_, &FilterPattern::is_negated)) {
    return Error{Errc::kInvalid, "expected a pattern without '!' as well, or nothing ever fits"};
  }
  return out;
}

Result<FilterPatterns> FilterPatterns::parse_ignored(const std::vector<std::string>& patterns) {
  auto out = parse_all(patterns);
  if (out && std::ranges::any_of(out->patterns_, &FilterPattern::is_negated)) {
    return Error{Errc::kInvalid, "expected patterns without '!' in a list of what is ignored"};
  }
  return out;
}

bool FilterPatterns::pass(std::string_view name) const {
  const auto last = std::find_if(patterns_.rbegin(), patterns_.rend(),
                                 [name](const FilterPattern& each) { return each.fits(name); });
  return last != patterns_.rend() && !last->is_negated();
}

}  // namespace fieldpost::coordinator
