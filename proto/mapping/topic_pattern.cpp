#include "proto/mapping/topic_pattern.h"

#include <fmt/format.h>

#include <algorithm>

namespace fieldpost::mapping {
namespace {

std::vector<std::string> split(std::string_view topic) {
  std::vector<std::string> levels;
  while (true) {
    const std::size_t slash = topic.find('/');
    levels.emplace_back(topic.substr(0, slash));
    if (slash == std::string_view::npos) return levels;
    topic.remove_prefix(slash + 1);
  }
}

bool is_named(std::string_view level) {
  return level.size() > 2 && level.front() == '{' && level.back() == '}';
}

}  // namespace

rt::Result<TopicPattern> TopicPattern::parse(std::string_view text) {
  TopicPattern pattern;
  pattern.levels_ = split(text);
  for (std::size_t i = 0; i < pattern.levels_.size(); ++i) {
    const std::string& level = pattern.levels_[i];
    const bool last = i + 1 == pattern.levels_.size();
    const bool wild = level == "+" || is_named(level) || (level == "#" && last);
    if (text.empty() || (!wild && level.find_first_of("+#{}") != std::string::npos)) {
      return rt::Error{rt::Errc::kInvalid,
                       fmt::format("\"{}\" is no topic pattern: a level is text, +, {{name}}, or "
                                   "at the end #",
                                   text)};
    }
    if (i > 0) pattern.filter_ += '/';
    pattern.filter_ += is_named(level) ? "+" : level;
  }
  return pattern;
}

std::vector<std::string> TopicPattern::names() const {
  std::vector<std::string> names;
  for (const std::string& level : levels_) {
    if (is_named(level)) names.push_back(level.substr(1, level.size() - 2));
  }
  return names;
}

bool TopicPattern::has_wildcard() const {
  return std::ranges::any_of(levels_,
                             [](const std::string& level) { return level == "+" || level == "#"; });
}

std::optional<TopicPattern::Names> TopicPattern::match(std::string_view topic) const {
  const std::vector<std::string> levels = split(topic);
  Names names;
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (levels_[i] == "#") return names;
    if (i >= levels.size()) return std::nullopt;
    if (is_named(levels_[i])) {
      names.emplace_back(levels_[i].substr(1, levels_[i].size() - 2), levels[i]);
    } else if (levels_[i] != "+" && levels_[i] != levels[i]) {
      return std::nullopt;
    }
  }
  if (levels.size() != levels_.size()) return std::nullopt;
  return names;
}

}  // namespace fieldpost::mapping
