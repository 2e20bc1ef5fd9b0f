#include "firmware-bridge/flash/flash_transaction.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::bridge {
namespace {

using File = FlashJournal::File;

constexpr std::string_view kInterruptedBefore =
    "the bridge was stopped before anything was written";
constexpr std::string_view kInterruptedAfter = "the bridge was stopped after the write had begun";
constexpr std::string_view kForeignBoard =
    "what is plugged in holds neither the old firmware nor the new one, so it is another board and "
    "was not written to: plug in the one that was flashed, or call the flash off (docs/bridge.md)";

}  // namespace

FlashTransaction::FlashTransaction(const FlashParts& parts, FlashRecord record, Handlers handlers)
    : parts_(parts), record_(std::move(record)), handlers_(std::move(handlers)) {}

FlashTransaction::~FlashTransaction() {
  parts_.loop.cancel(timer_);
}

void FlashTransaction::begin(const std::string& hex) {
  enter(FlashStep::kCheck);
  auto image = parse_intel_hex(hex);
  if (!image) return end_unchanged(image.error());
  const auto part = find_avr_part(record_.part);
  if (!part) return end_unchanged(part.error());
  part_ = *part;
  if (auto fits = check_image(*image, part_, record_.programmer); !fits) {
    return end_unchanged(fits.error());
  }
  new_ = *std::move(image);
  record_.new_sha256 = new_.sha256().hex();
  record_.old_version = parts_.board.version();
  if (auto done = parts_.journal.begin(record_, new_); !done) return end_unchanged(done.error());
  journaled_ = true;
  enter(FlashStep::kSuspend);
  suspend(&FlashTransaction::on_suspended);
}

void FlashTransaction::recover() {
  journaled_ = true;
  record_.interrupted = true;
  if (record_.state == FlashRecord::State::kBegun) {
    record_.failed_step = FlashStep::kRead;  // the last before a write: it got no further
    return end(FlashState::kUnchanged, std::string(kInterruptedBefore));
  }
  writes_ = true;
  if (record_.state == FlashRecord::State::kWriting) {
    step_ = FlashStep::kWrite;
    return take_back({rt::Errc::kUnavailable, std::string(kInterruptedAfter)});
  }
  revert_again();
}

void FlashTransaction::revert_again() {
  revert_tries_ = 0;
  enter(FlashStep::kRevert);
  revert();
}

void FlashTransaction::suspend(Next next) {
  auto on_free = then(next);
  timer_ = parts_.loop.after(kSuspendMost, [on_free] {
    on_free(rt::Error{rt::Errc::kBusy, "the bridge did not let go of the port"});
  });
  parts_.board.suspend(std::move(on_free));
}

void FlashTransaction::on_suspended(const Status& done) {
  if (!done) return end_unchanged(done.error());
  enter(FlashStep::kIdentify);
  const auto board = target();
  if (!board) return end_unchanged(board.error());
  parts_.tool.identify(*board, then(&FlashTransaction::on_identified));
}

void FlashTransaction::on_identified(const Status& done) {
  if (!done) return end_unchanged(done.error());
  enter(FlashStep::kRead);
  auto begun = start_read(&FlashTransaction::on_read);
  if (!begun) end_unchanged(begun.error());
}

FlashTransaction::Status FlashTransaction::start_read(Next next) {
  if (auto cleared = parts_.journal.clear_read(record_.device); !cleared) return cleared;
  const auto board = target();
  if (!board) return board.error();
  parts_.tool.read(*board, parts_.journal.path(record_.device, File::kRead), progress(),
                   then(next));
  return rt::ok();
}

void FlashTransaction::on_read(const Status& done) {
  if (!done) return end_unchanged(done.error());
  prepare_write();
}

void FlashTransaction::prepare_write() {
  const auto read = parts_.journal.load(record_.device, File::kRead);
  if (!read) return end_unchanged(read.error());
  FlashJournal::Images images;
  images.old = read->below(application_end(part_, record_.programmer));
  images.old = images.old.below(static_cast<std::uint32_t>(images.old.flat().size()));
  if (images.old.is_blank() && !record_.old_version.empty()) {
    return end_unchanged(
        {rt::Errc::kDenied, fmt::format("its flash reads as empty though it runs {}: it is "
                                        "read-protected, and could not be taken back",
                                        record_.old_version)});
  }
  record_.old_sha256 = images.old.sha256().hex();
  if (is_bootloader(record_.programmer)) {
    images.write = pages_to_write(new_, images.old, part_.page_bytes);
    images.revert = same_pages(images.write, images.old, part_.page_bytes);
  } else {
    // The chip is erased first, so all of it has to be written.
    images.write = new_;
    images.revert =
        images.old.is_blank() ? same_pages(new_, images.old, part_.page_bytes) : images.old;
  }
  const auto board = target();
  if (!board) return end_unchanged(board.error());
  if (images.write.size() > 0) {
    FlashRecord record = record_;
    record.state = FlashRecord::State::kWriting;
    auto done = parts_.journal.begin_write(record, images);
    if (!done) return end_unchanged(done.error());
    record_ = std::move(record);
    writes_ = true;
  }
  enter(writes_ ? FlashStep::kWrite : FlashStep::kVerify);
  if (!writes_) return on_written(rt::ok());
  parts_.tool.write(*board, parts_.journal.path(record_.device, File::kWrite), progress(),
                    then(&FlashTransaction::on_written));
}

void FlashTransaction::on_written(const Status& done) {
  if (!done) return take_back(done.error());
  enter(FlashStep::kVerify);
  const auto board = target();
  if (!board) return take_back(board.error());
  parts_.tool.verify(*board, parts_.journal.path(record_.device, File::kNew), progress(),
                     then(&FlashTransaction::on_verified));
}

void FlashTransaction::on_verified(const Status& done) {
  if (!done) return take_back(done.error());
  enter(FlashStep::kConfirm);
  parts_.board.resume();
  parts_.board.await(record_.version, record_.timeout, then(&FlashTransaction::on_confirmed));
}

void FlashTransaction::on_confirmed(const Status& done) {
  if (!done) return take_back(done.error());
  enter(FlashStep::kCommit);
  commit();
}

/// The outcome on disk is the commit: until then a restart takes the flash back. A disk that
/// refuses it is waited for, since the board runs already.
void FlashTransaction::commit() {
  Status done = rt::ok();
  if (writes_) {
    const auto old = parts_.journal.load(record_.device, File::kOld);
    // What cannot be read cannot be kept either, and waiting does not mend it.
    if (old && !old->is_blank()) {
      done = parts_.journal.keep_image(record_.device, *old, record_.old_version);
    }
    if (!done && done.error().code == rt::Errc::kCorrupt) done = rt::ok();
  }
  if (done)
    done = parts_.journal.keep_outcome({record_.id, record_.device, FlashState::kDone,
                                        FlashStep::kCommit, "", false, record_.old_sha256,
                                        record_.new_sha256, record_.version});
  if (!done) {
    if (!std::exchange(commit_waits_, true)) handlers_.on_commit_waits(done.error());
    return pause(kCommitPause, &FlashTransaction::commit);
  }
  end(FlashState::kDone, "");
}

/// What failed after the write had begun, or what the new image did not do.
void FlashTransaction::take_back(const rt::Error& why) {
  if (!writes_) return end_unchanged(why);
  record_.failed_step = step_;
  record_.failure = why.message;
  FlashRecord record = record_;
  record.state = FlashRecord::State::kReverting;
  // Without it a restart reverts as well, and tells less of why.
  if (parts_.journal.begin_revert(record)) record_ = std::move(record);
  revert_again();
}

void FlashTransaction::revert() {
  revert_tries_ += 1;
  suspend(&FlashTransaction::on_revert_suspended);
}

void FlashTransaction::on_revert_suspended(const Status& done) {
  if (!done) return revert_failed(done.error());
  auto begun = start_read(&FlashTransaction::on_revert_read);
  if (!begun) revert_failed(begun.error());
}

/// Somebody may have plugged in a spare, whose firmware nobody kept.
void FlashTransaction::on_revert_read(const Status& done) {
  if (!done) return revert_failed(done.error());
  const auto content = content_read();
  if (!content) return revert_failed(content.error());
  if (*content == BoardContent::kOld) return wait_for_life();
  if (*content == BoardContent::kForeign) {
    return revert_failed({rt::Errc::kInvalid, std::string(kForeignBoard)});
  }
  const auto board = target();
  if (!board) return revert_failed(board.error());
  parts_.tool.write(*board, parts_.journal.path(record_.device, File::kRevert), progress(),
                    then(&FlashTransaction::on_revert_written));
}

void FlashTransaction::on_revert_written(const Status& done) {
  if (!done) return revert_failed(done.error());
  auto begun = start_read(&FlashTransaction::on_revert_checked);
  if (!begun) revert_failed(begun.error());
}

void FlashTransaction::on_revert_checked(const Status& done) {
  if (!done) return revert_failed(done.error());
  const auto content = content_read();
  if (!content) return revert_failed(content.error());
  if (*content != BoardContent::kOld) {
    return revert_failed({rt::Errc::kCorrupt, "it was written and reads as something else"});
  }
  wait_for_life();
}

void FlashTransaction::wait_for_life() {
  parts_.board.resume();
  parts_.board.await(std::nullopt, record_.timeout, then(&FlashTransaction::on_life_sign));
}

/// The old image is back either way; whether it lives is said.
void FlashTransaction::on_life_sign(const Status& done) {
  std::string error = record_.failure;
  if (!done) error += "; the old image is back and verified, but: " + done.error().message;
  end(FlashState::kReverted, std::move(error));
}

void FlashTransaction::revert_failed(const rt::Error& why) {
  if (revert_tries_ < kRevertTriesMax) return pause(kRevertPause, &FlashTransaction::revert);
  // Another board measures as well as any, until the right one is there.
  if (why.code == rt::Errc::kInvalid) parts_.board.resume();
  end(FlashState::kBroken,
      fmt::format("{}; writing the old image back failed: {}", record_.failure, why.message));
}

void FlashTransaction::end_unchanged(const rt::Error& why) {
  record_.failed_step = step_;
  if (step_ != FlashStep::kCheck) parts_.board.resume();
  end(FlashState::kUnchanged, why.message);
}

void FlashTransaction::end(FlashState state, std::string error) {
  ++turn_;
  parts_.loop.cancel(std::exchange(timer_, rt::TimerId::kNone));
  const bool is_done = state == FlashState::kDone;
  FlashOutcome outcome{record_.id,
                       record_.device,
                       state,
                       is_done ? FlashStep::kCommit : record_.failed_step,
                       std::move(error),
                       record_.interrupted,
                       record_.old_sha256,
                       record_.new_sha256,
                       record_.version};
  // A disk that refuses either: the next start finds the record and comes to the same outcome.
  Status kept = is_done ? rt::ok() : parts_.journal.keep_outcome(outcome);
  if (kept && journaled_ && state != FlashState::kBroken) {
    kept = parts_.journal.forget(record_.device);
  }
  parts_.loop.post([alive = std::weak_ptr(alive_), on_outcome = handlers_.on_outcome,
                    outcome = std::move(outcome)] {
    if (!alive.expired()) on_outcome(outcome);
  });
}

void FlashTransaction::enter(FlashStep step) {
  step_ = step;
  if (handlers_.on_progress) handlers_.on_progress({step, 0});
}

rt::Result<FlashTarget> FlashTransaction::target() const {
  auto port = parts_.board.port();
  if (!port) return port.error();
  return FlashTarget{*std::move(port), record_.part, record_.programmer, parts_.baud};
}

/// Of the board, as it was read last.
rt::Result<BoardContent> FlashTransaction::content_read() const {
  const auto part = find_avr_part(record_.part);
  if (!part) return part.error();
  const auto found = parts_.journal.load(record_.device, File::kRead);
  if (!found) return found.error();
  const auto old = parts_.journal.load(record_.device, File::kOld);
  if (!old) return old.error();
  const auto write = parts_.journal.load(record_.device, File::kWrite);
  if (!write) return write.error();
  return judge_content(*found, *old, *write, *part, record_.programmer);
}

/// For an answer of the step that begins now; one that comes later, or twice, is nothing.
std::function<void(rt::Status)> FlashTransaction::then(Next next) {
  return [this, next, turn = ++turn_, alive = std::weak_ptr(alive_)](const Status& done) {
    if (alive.expired() || turn != turn_) return;
    ++turn_;
    parts_.loop.cancel(std::exchange(timer_, rt::TimerId::kNone));
    (this->*next)(done);
  };
}

FlashTool::OnProgress FlashTransaction::progress() {
  return [this, step = step_, alive = std::weak_ptr(alive_)](unsigned percent) {
    if (alive.expired() || step != step_ || !handlers_.on_progress) return;
    handlers_.on_progress({step, percent});
  };
}

void FlashTransaction::pause(rt::Nanos span, void (FlashTransaction::*next)()) {
  parts_.loop.cancel(timer_);
  timer_ = parts_.loop.after(span, [this, next] { (this->*next)(); });
}

}  // namespace fieldpost::bridge
