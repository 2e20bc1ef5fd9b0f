#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "proto/rt/result.h"

namespace fieldpost::mapping {

/// A topic with names: "site/{room}/+/{field}" or "stat/{device}/#". `{x}` takes one level.
class TopicPattern {
 public:
  /// kInvalid: an empty pattern, a level that mixes text and wildcards, `#` before the end.
  static rt::Result<TopicPattern> parse(std::string_view text);
  [[nodiscard]] const std::string& filter() const { return filter_; }  ///< for the broker

  /// Of its `{x}`, in order.
  [[nodiscard]] std::vector<std::string> names() const;
  /// It has a + or a #.
  [[nodiscard]] bool has_wildcard() const;

  using Names = std::vector<std::pair<std::string, std::string>>;  ///< name, level
  [[nodiscard]] std::optional<Names> match(std::string_view topic) const;

 private:
  std::vector<std::string> levels_;
  std::string filter_;
};

}  // namespace fieldpost::mapping
