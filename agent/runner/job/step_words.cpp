#include "agent/runner/job/step_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kNameBytesMax = 200;

class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}

  bool next(std::string_view& line) {
    if (rest_.empty()) return false;
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    line = rest_.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    number_ += 1;
    return true;
  }
  [[nodiscard]] rt::Error error(std::string_view expected) const {
    return {rt::Errc::kInvalid, fmt::format("line {}: expected {}", number_, expected)};
  }

 private:
  std::string_view rest_;
  std::size_t number_ = 0;
};

rt::Result<std::string> read_lines(Lines& lines, std::string_view delimiter) {
  std::string value;
  std::string_view line;
  for (bool first = true; lines.next(line); first = false) {
    if (line == delimiter) return value;
    if (!first) value += '\n';
    value += line;
  }
  return lines.error(fmt::format("\"{}\", where the value ends, before the file does", delimiter));
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax;
}

}  // namespace

rt::Result<Pairs> parse_step_values(std::string_view text) {
  Pairs values;
  Lines lines(text);
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty()) continue;
    if (values.size() == kStepWordsMax) {
      return lines.error(fmt::format("at most {} values", kStepWordsMax));
    }
    const std::size_t equals = line.find('=');
    const std::size_t opens = line.find("<<");
    if (opens < equals && is_name(line.substr(0, opens)) && opens + 2 < line.size()) {
      auto value = read_lines(lines, line.substr(opens + 2));
      if (!value) return value.error();
      values.emplace_back(line.substr(0, opens), *std::move(value));
    } else if (equals != std::string_view::npos && is_name(line.substr(0, equals))) {
      values.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    } else {
      return lines.error("name=value or name<<DELIMITER");
    }
    if (values.back().second.find('\0') != std::string::npos) return lines.error("no zeros");
  }
  return values;
}

rt::Result<std::vector<std::string>> parse_step_paths(std::string_view text) {
  std::vector<std::string> paths;
  Lines lines(text);
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty()) continue;
    if (paths.size() == kStepWordsMax) {
      return lines.error(fmt::format("at most {} directories", kStepWordsMax));
    }
    if (line.find_first_of(std::string_view(":\0", 2)) != std::string_view::npos) {
      return lines.error("a directory without colons and zeros");
    }
    paths.emplace_back(line);
  }
  return paths;
}

bool is_reserved_variable(std::string_view name) {
  return name.starts_with("GITHUB_") || name.starts_with("FIELDPOST_") || name == "CI" ||
         name == "HOME" || name == "PATH";
}

void set_pair(Pairs& pairs, const std::string& name, std::string value) {
  const auto found = std::ranges::find(pairs, name, &Pairs::value_type::first);
  if (found != pairs.end()) {
    found->second = std::move(value);
  } else {
    pairs.emplace_back(name, std::move(value));
  }
}

}  // namespace fieldpost::agent::runner
