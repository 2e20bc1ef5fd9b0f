#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/runner/journal/job_journal.h"
#include "agent/runner/journal/masker.h"
#include "proto/rt/loop.h"
#include "proto/rt/result.h"

namespace fieldpost::agent::runner {

/// The log of a job that runs: what its steps say, without secrets, and lines of our own between,
/// as GitHub marks them: ##[group]…, ##[endgroup], ##[error]…. Nothing of it is ever cut: when too
/// much waits to be fetched, `is_full` asks to read no more. Synced, and told of, a little later.
class JobLog {
 public:
  static constexpr std::uint64_t kUnfetchedMax = 64 << 20;
  static constexpr rt::Seconds kHeldMost{1};           ///< what might begin a secret
  static constexpr rt::Millis kSyncPause{500};         ///< between two syncs, while there is more
  static constexpr std::size_t kWaitingMax = 1 << 20;  ///< for a disk that takes nothing

  struct Events {
    std::function<void()> on_synced;   ///< there is more to be fetched
    std::function<void()> on_room;     ///< `is_full` is over
    std::function<void()> on_failure;  ///< once: see `failure`; not from within `fetched`
  };
  JobLog(rt::Loop& loop, JobJournal& journal, const Pairs& secrets, Events events);
  ~JobLog();
  JobLog(const JobLog&) = delete;
  JobLog& operator=(const JobLog&) = delete;

  void add(std::string_view bytes);   ///< that a step said
  void end_step();                    ///< it says no more
  void say(std::string_view line);    ///< of our own, without its end
  void group(std::string_view name);  ///< what follows belongs to it, until `end_group`
  void end_group();
  void error(std::string_view what);
  [[nodiscard]] std::string masked(std::string_view text) const { return masker_.masked(text); }

  /// The agent has it up to here for good.
  void fetched(std::uint64_t offset);
  [[nodiscard]] bool is_full() const { return full_; }
  /// Why the disk does not take it; what it did not take waits, up to kWaitingMax.
  [[nodiscard]] const std::optional<rt::Error>& failure() const { return failure_; }
  /// Tries again. Everything is on disk when it succeeds, but what came above kWaitingMax.
  rt::Status write_out();

 private:
  void append(std::string_view bytes);
  void look_at_room();
  void sync_later();

  rt::Loop& loop_;
  JobJournal& journal_;
  Masker masker_;
  Events events_;
  std::string waiting_;  ///< for the disk
  std::optional<rt::Error> failure_;
  std::uint64_t fetched_ = 0;
  bool full_ = false;
  bool told_full_ = false;
  bool in_line_ = false;  ///< the last line has no end yet
  rt::TimerId held_timer_ = rt::TimerId::kNone;
  rt::TimerId sync_timer_ = rt::TimerId::kNone;
};

}  // namespace fieldpost::agent::runner
