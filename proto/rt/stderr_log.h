#pragma once

#include <memory>
#include <optional>

#include "proto/rt/log.h"

namespace spdlog {
class logger;
}

namespace fieldpost::rt {

struct StderrLogOptions {
  LogLevel level = LogLevel::kInfo;  ///< and above
  bool journal = false;  ///< priority prefixes for the journal in place of time and level
};

/// One line a message on stderr. Any thread.
class StderrLog final : public Log {
 public:
  explicit StderrLog(StderrLogOptions options);
  void write(LogLevel level, std::string_view line) override;
  void set_level(LogLevel level);

  [[nodiscard]] static bool stderr_is_journal();  ///< by JOURNAL_STREAM
  /// "debug", "info", "warning", "error"
  [[nodiscard]] static std::optional<LogLevel> parse_level(std::string_view name);

 private:
  std::shared_ptr<spdlog::logger> logger_;
  bool journal_;
};

}  // namespace fieldpost::rt
