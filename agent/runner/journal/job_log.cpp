#include "agent/runner/journal/job_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::agent::runner {

JobLog::JobLog(rt::Loop& loop, JobJournal& journal, const Pairs& secrets, Events events)
    : loop_(loop), journal_(journal), masker_(secrets), events_(std::move(events)) {}

JobLog::~JobLog() {
  loop_.cancel(held_timer_);
  loop_.cancel(sync_timer_);
}

void JobLog::add(std::string_view bytes) {
  append(masker_.add(bytes));
  if (held_timer_ != rt::TimerId::kNone || !masker_.holds_back()) return;
  held_timer_ = loop_.after(kHeldMost, [this] {
    held_timer_ = rt::TimerId::kNone;
    append(masker_.flush());
  });
}

void JobLog::end_step() {
  loop_.cancel(std::exchange(held_timer_, rt::TimerId::kNone));
  append(masker_.flush());
}

void JobLog::say(std::string_view line) {
  end_step();
  std::string one(masked(line));
  std::ranges::replace(one, '\n', ' ');
  append((in_line_ ? "\n" : "") + one + "\n");
}

void JobLog::group(std::string_view name) {
  say(fmt::format("##[group]{}", name));
}

void JobLog::end_group() {
  say("##[endgroup]");
}

void JobLog::error(std::string_view what) {
  say(fmt::format("##[error]{}", what));
}

void JobLog::append(std::string_view bytes) {
  if (bytes.empty()) return;
  in_line_ = !bytes.ends_with('\n');
  if (waiting_.size() + bytes.size() <= kWaitingMax || !failure_) waiting_ += bytes;
  if (failure_) return;
  if (!write_out() && events_.on_failure) return events_.on_failure();
  look_at_room();
}

rt::Status JobLog::write_out() {
  if (auto done = journal_.append_log(waiting_); !done) {
    if (!failure_) failure_ = done.error();
    return done;
  }
  waiting_.clear();
  sync_later();
  return rt::ok();
}

void JobLog::look_at_room() {
  const std::uint64_t unfetched = journal_.log_size() - std::min(fetched_, journal_.log_size());
  if (!full_ && unfetched >= kUnfetchedMax) {
    full_ = true;
    if (!std::exchange(told_full_, true)) {
      say(
          fmt::format("##[warning]{} MiB of the log wait to be fetched: the step stands still "
                      "whenever it has more to say",
                      kUnfetchedMax >> 20U));
    }
  } else if (full_ && unfetched <= kUnfetchedMax / 2) {
    full_ = false;
    if (events_.on_room) events_.on_room();
  }
}

void JobLog::fetched(std::uint64_t offset) {
  fetched_ = std::max(fetched_, std::min(offset, journal_.log_synced()));
  if (!failure_) look_at_room();
}

void JobLog::sync_later() {
  if (sync_timer_ != rt::TimerId::kNone || journal_.log_synced() == journal_.log_size()) return;
  sync_timer_ = loop_.after(kSyncPause, [this] {
    sync_timer_ = rt::TimerId::kNone;
    if (auto done = journal_.sync_log(); done) {
      if (events_.on_synced) events_.on_synced();
    } else if (!failure_) {
      failure_ = done.error();
      if (events_.on_failure) events_.on_failure();
    }
  });
}

}  // namespace fieldpost::agent::runner
