#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proto/rt/result.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace fieldpost::coordinator {

/// A pattern for the names of branches and tags and for paths, as in GitHub's workflows:
///
///   `*` any characters but '/'; `**` any characters; `**/` at the beginning of a name or behind a
///   '/': any directories, or none; `?` the character before it, or nothing; `+` the character
///   before it, once or more; `[]` one of the characters in it, with ranges of a-z, A-Z or 0-9;
///   `\` the character behind it as it is; `!` at the beginning: what fits is left out again.
///
/// It fits a whole name. Time is linear in the name. A value that shares what it was compiled to;
/// any thread.
class FilterPattern {
 public:
  static constexpr std::size_t kBytesMax = 512;

  /// kInvalid: the message holds the pattern and what is wrong at which byte of it.
  static rt::Result<FilterPattern> parse(std::string_view pattern);

  [[nodiscard]] bool is_negated() const { return is_negated_; }
  [[nodiscard]] bool fits(std::string_view name) const;  ///< without regard to the negation

 private:
  bool is_negated_ = false;
  std::shared_ptr<const re2::RE2> expression_;
};

/// Patterns in order; of those that fit a name the last one decides.
class FilterPatterns {
 public:
  static constexpr std::size_t kCountMax = 100;

  /// kInvalid, also for more than kCountMax, for none, and for negations alone, which no name would
  /// pass.
  static rt::Result<FilterPatterns> parse(const std::vector<std::string>& patterns);
  /// The same for names that are to be left out. Negations are kInvalid: whoever wants both uses
  /// the list of what is wanted.
  static rt::Result<FilterPatterns> parse_ignored(const std::vector<std::string>& patterns);

  [[nodiscard]] bool pass(std::string_view name) const;

 private:
  static rt::Result<FilterPatterns> parse_all(const std::vector<std::string>& patterns);

  std::vector<FilterPattern> patterns_;
};

}  // namespace fieldpost::coordinator
