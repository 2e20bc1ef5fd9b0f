#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "firmware-bridge/protocols/line_format.h"

namespace re2 {
class RE2;
}  // namespace re2

namespace fieldpost::bridge {

inline constexpr int kPatternGroupsMax = 64;

/// Lines that a regular expression (RE2, time linear in the line) fits from end to end. Each named
/// group is a field: a number where all of its text is one, else a text; what is empty is nothing.
class PatternLines : public LineFormat {
 public:
  /// kInvalid: RE2's error, too many groups, or none that has a name.
  static rt::Result<std::unique_ptr<PatternLines>> make(const std::string& pattern);
  ~PatternLines() override;
  PatternLines(const PatternLines&) = delete;
  PatternLines& operator=(const PatternLines&) = delete;

  rt::Result<bool> take(std::string_view line, std::int64_t arrived, LineFound& found) override;

 private:
  explicit PatternLines(std::unique_ptr<re2::RE2> pattern);

  std::unique_ptr<re2::RE2> pattern_;
  std::vector<std::pair<std::size_t, std::string>> fields_;  ///< by number of the group
};

}  // namespace fieldpost::bridge
