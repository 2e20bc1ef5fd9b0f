#pragma once

#include <functional>
#include <string>
#include <vector>

#include "proto/rt/log.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {

/// Keeps warnings and errors (the newest kLinesMax), counts all, and folds each line into the
/// trace.
class SimLog final : public rt::Log {
 public:
  struct Line {
    rt::Nanos at;
    rt::LogLevel level;
    std::string text;
  };
  static constexpr std::size_t kLinesMax = 1000;

  SimLog(SimWorld& world, std::string_view program) : world_(world), program_(program) {}
  void write(rt::LogLevel level, std::string_view line) override {
    world_.note(line);
    counts_[static_cast<std::size_t>(level)] += 1;
    if (level < keep_from_) return;
    if (lines_.size() == kLinesMax) lines_.erase(lines_.begin());
    lines_.push_back({world_.now(), level, program_ + ": " + std::string(line)});
  }
  void keep_from(rt::LogLevel level) { keep_from_ = level; }  ///< for replaying a seed
  [[nodiscard]] const std::vector<Line>& lines() const { return lines_; }
  [[nodiscard]] std::uint64_t count(rt::LogLevel level) const {
    return counts_[static_cast<std::size_t>(level)];
  }
  /// How many of the kept lines contain `part`.
  [[nodiscard]] std::size_t count_containing(std::string_view part) const {
    std::size_t found = 0;
    for (const Line& line : lines_)
      if (line.text.find(part) != std::string::npos) found += 1;
    return found;
  }

 private:
  SimWorld& world_;
  std::string program_;
  rt::LogLevel keep_from_ = rt::LogLevel::kWarning;
  std::vector<Line> lines_;
  std::array<std::uint64_t, 4> counts_{};
};

}  // namespace fieldpost::sim
