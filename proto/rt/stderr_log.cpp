#include "proto/rt/stderr_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace fieldpost::rt {

namespace {

struct Level {
  std::string_view name;
  std::string_view journal_prefix;  // sd-daemon(3)
  spdlog::level::level_enum of_spdlog;
};

constexpr std::array<Level, 4> kLevels{{{"debug", "<7>", spdlog::level::debug},
                                        {"info", "<6>", spdlog::level::info},
                                        {"warning", "<4>", spdlog::level::warn},
                                        {"error", "<3>", spdlog::level::err}}};

const Level& at(LogLevel level) {
  return kLevels[static_cast<std::size_t>(level)];
}

}  // namespace

StderrLog::StderrLog(StderrLogOptions options)
    : logger_(
          std::make_shared<spdlog::logger>("", std::make_shared<spdlog::sinks::stderr_sink_mt>())),
      journal_(options.journal) {
  set_level(options.level);
  logger_->set_pattern(journal_ ? "%v" : "%Y-%m-%dT%H:%M:%S.%e%z %l %v");
}

void StderrLog::set_level(LogLevel level) {
  logger_->set_level(at(level).of_spdlog);
}

void StderrLog::write(LogLevel level, std::string_view line) {
  const spdlog::level::level_enum of_spdlog = at(level).of_spdlog;
  if (!logger_->should_log(of_spdlog)) return;
  std::string one_line = journal_ ? std::string(at(level).journal_prefix) : std::string();
  one_line += line;
  // A line feed from outside must not begin a line that looks like ours.
  std::replace(one_line.begin(), one_line.end(), '\n', ' ');
  logger_->log(of_spdlog, "{}", one_line);
}

bool StderrLog::stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat found {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &found) != 0) return false;
  return fmt::format("{}:{}", found.st_dev, found.st_ino) == stream;
}

std::optional<LogLevel> StderrLog::parse_level(std::string_view name) {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    if (kLevels[i].name == name) return static_cast<LogLevel>(i);
  }
  return std::nullopt;
}

}  // namespace fieldpost::rt
