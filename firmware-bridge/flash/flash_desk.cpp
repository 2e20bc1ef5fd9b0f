#include "firmware-bridge/flash/flash_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::bridge {
namespace {

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; });
}

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

rt::Error invalid(std::string message) {
  return {rt::Errc::kInvalid, std::move(message)};
}

}  // namespace

FlashDesk::FlashDesk(Parts parts) : parts_(std::move(parts)) {}

FlashDesk::~FlashDesk() {
  parts_.loop.cancel(timer_);
}

rt::Status FlashDesk::start() {
  auto unfinished = parts_.journal.load_unfinished();
  if (!unfinished) return unfinished.error();
  started_ = true;
  for (const auto& [device, why] : unfinished->damaged) {
    parts_.log.error("flash of {}: {}", device, why.message);
    damaged_.insert(device);
  }
  for (FlashRecord& record : unfinished->records) {
    const FlashOutcome* outcome = parts_.journal.find_outcome(record.id);
    if (outcome != nullptr && outcome->state != FlashState::kBroken) {
      auto done = parts_.journal.forget(record.device);
      if (!done) parts_.log.warning("flash {}: {}", record.id, done.error().message);
    } else if (!parts_.devices.contains(record.device)) {
      parts_.log.error(
          "flash {}: {} was being flashed and is not configured any more; it may hold no whole "
          "image until it is configured again (docs/bridge.md: how to call a flash off)",
          record.id, record.device);
    } else {
      left_.push_back(std::move(record));
    }
  }
  run_next();
  return rt::ok();
}

rt::Status FlashDesk::flash(const FlashRequest& request, const FlashFollowerPtr& follower) {
  auto known = follow(request.id, follower);
  if (known || known.error().code != rt::Errc::kNotFound) return known;
  if (auto good = check(request); !good) return good;
  auto hex = image_of(request);
  if (!hex) return hex.error();
  const FlashOptions& options = parts_.devices.at(request.device).options;
  FlashRecord record;
  record.id = request.id;
  record.device = request.device;
  record.asked_by = request.asked_by;
  record.part = options.part;
  record.programmer = options.programmer;
  record.version = request.version;
  record.timeout = request.timeout;
  parts_.log.info("flash {}: {} to version {}, asked by {}", record.id, record.device,
                  record.version, record.asked_by.empty() ? "nobody named" : record.asked_by);
  Running& running = run(record.id, record.device, make(record));
  running.version = record.version;
  running.followers.push_back(follower);
  running.transaction->begin(*hex);
  return rt::ok();
}

rt::Status FlashDesk::follow(std::string_view id, const FlashFollowerPtr& follower) {
  if (running_ && running_->id == id) {
    std::erase_if(running_->followers, [](const auto& each) { return each.expired(); });
    if (running_->followers.size() >= kFollowersMax) {
      return rt::Error{rt::Errc::kBusy, fmt::format("{} follow it already", kFollowersMax)};
    }
    running_->followers.push_back(follower);
    return rt::ok();
  }
  const FlashOutcome* outcome = parts_.journal.find_outcome(id);
  if (outcome != nullptr) {
    tell_later(follower, *outcome);
    return rt::ok();
  }
  const bool waits =
      std::ranges::any_of(left_, [&](const FlashRecord& record) { return record.id == id; });
  if (waits) return rt::Error{rt::Errc::kBusy, "it was interrupted, and is looked after soon"};
  return rt::Error{rt::Errc::kNotFound, "unknown"};
}

rt::Result<std::vector<KeptImage>> FlashDesk::images(const std::string& device) const {
  if (!parts_.devices.contains(device)) {
    return rt::Error{rt::Errc::kNotFound,
                     fmt::format("there is no device {} that can be flashed", device)};
  }
  return parts_.journal.load_images(device);
}

bool FlashDesk::is_out_of_service(const std::string& device) const {
  return (running_ && running_->device == device) || broken_.contains(device) ||
         damaged_.contains(device) || std::ranges::any_of(left_, [&](const FlashRecord& record) {
           return record.device == device;
         });
}

rt::Status FlashDesk::check(const FlashRequest& request) const {
  if (request.id.empty() || request.id.size() > kIdBytesMax || !is_plain(request.id)) {
    return invalid(fmt::format("id: expected 1 to {} printable characters", kIdBytesMax));
  }
  if (request.version.empty() || request.version.size() > kVersionBytesMax ||
      has_control(request.version)) {
    return invalid(fmt::format(
        "version: expected what the board will say, 1 to {} bytes without control characters",
        kVersionBytesMax));
  }
  if (request.asked_by.size() > kAskedByBytesMax || has_control(request.asked_by)) {
    return invalid(
        fmt::format("by: expected at most {} bytes without control characters", kAskedByBytesMax));
  }
  if (request.image.empty() == request.sha256.empty()) {
    return invalid("expected either image or sha256");
  }
  if (request.timeout < rt::Seconds{1} || request.timeout > kTimeoutMost) {
    return invalid("timeout_s: expected 1 to 3600");
  }
  if (!parts_.devices.contains(request.device)) {
    return rt::Error{rt::Errc::kNotFound,
                     fmt::format("there is no device {} that can be flashed", request.device)};
  }
  if (!started_) {
    return rt::Error{rt::Errc::kCorrupt, "the flash journal cannot be read, see the bridge's log"};
  }
  if (damaged_.contains(request.device)) {
    return rt::Error{rt::Errc::kCorrupt,
                     fmt::format("what is on disk of {}'s last flash cannot be read: the bridge's "
                                 "log says what to do",
                                 request.device)};
  }
  if (running_) {
    return rt::Error{
        rt::Errc::kBusy,
        running_->waits.empty()
            ? fmt::format("{} is being flashed, one at a time: ask again", running_->device)
            : running_->waits + "; one at a time: ask again"};
  }
  if (is_out_of_service(request.device)) {
    return rt::Error{
        rt::Errc::kBusy,
        fmt::format("{} was left without a whole image: its old one is written back first",
                    request.device)};
  }
  return rt::ok();
}

rt::Result<std::string> FlashDesk::image_of(const FlashRequest& request) const {
  if (!request.image.empty()) return request.image;
  const auto kept = parts_.journal.load_image(request.device, request.sha256);
  if (!kept) return kept.error();
  return format_intel_hex(*kept);
}

FlashDesk::Transaction FlashDesk::make(const FlashRecord& record) {
  const Device& device = parts_.devices.at(record.device);
  return std::make_unique<FlashTransaction>(
      FlashParts{parts_.loop, parts_.tool, device.board, parts_.journal, device.options.baud},
      record,
      FlashTransaction::Handlers{[this](const FlashProgress& progress) { on_progress(progress); },
                                 [this](const rt::Error& why) { on_commit_waits(why); },
                                 [this](const FlashOutcome& outcome) { on_outcome(outcome); }});
}

FlashDesk::Running& FlashDesk::run(std::string id, std::string device, Transaction transaction) {
  FP_CHECK(!running_);
  Running& running = running_.emplace();
  running.id = std::move(id);
  running.device = std::move(device);
  running.transaction = std::move(transaction);
  return running;
}

/// What was interrupted first, then broken boards whose time has come.
void FlashDesk::run_next() {
  parts_.loop.cancel(std::exchange(timer_, rt::TimerId::kNone));
  if (running_) return;
  if (!left_.empty()) {
    const FlashRecord record = std::move(left_.front());
    left_.pop_front();
    parts_.log.warning("flash {}: {} was interrupted", record.id, record.device);
    run(record.id, record.device, make(record)).transaction->recover();
    return;
  }
  const auto first =
      std::ranges::min_element(broken_, {}, [](const auto& each) { return each.second.due; });
  if (first == broken_.end()) return;
  const rt::Instant now = parts_.loop.now();
  if (first->second.due > now) {
    timer_ = parts_.loop.after(first->second.due - now, [this] { run_next(); });
    return;
  }
  auto taken = broken_.extract(first);
  Broken& broken = taken.mapped();
  run(std::move(broken.id), taken.key(), std::move(broken.transaction)).transaction->revert_again();
}

void FlashDesk::on_progress(const FlashProgress& progress) {
  if (!running_) return;
  for (const auto& each : std::vector(running_->followers)) {
    const auto follower = each.lock();
    if (follower && follower->on_progress) follower->on_progress(progress);
  }
}

void FlashDesk::on_commit_waits(const rt::Error& why) {
  FP_CHECK(running_.has_value());
  running_->waits = fmt::format("{} runs {}; its outcome cannot be written: {}", running_->device,
                                running_->version, why.message);
  parts_.log.error("flash {}: {}", running_->id, running_->waits);
}

void FlashDesk::on_outcome(const FlashOutcome& outcome) {
  FP_CHECK(running_.has_value());
  Running over = std::move(*running_);
  running_.reset();
  if (outcome.state == FlashState::kDone) {
    parts_.log.info("flash {}: {} runs version {}", outcome.id, outcome.device, outcome.version);
  } else {
    parts_.log.error("flash {}: {} is {}: {} failed: {}", outcome.id, outcome.device,
                     to_string(outcome.state), to_string(outcome.step), outcome.error);
  }
  const auto followers = std::exchange(over.followers, {});
  if (outcome.state == FlashState::kBroken) {
    set_aside(std::move(over));
  } else {
    pause_.erase(over.device);
  }
  run_next();
  for (const auto& each : followers) {
    const auto follower = each.lock();
    if (follower && follower->on_outcome) follower->on_outcome(outcome);
  }
}

void FlashDesk::set_aside(Running running) {
  const auto next = pause_.try_emplace(running.device, kRetryFirst).first;
  const rt::Nanos pause = next->second;
  next->second = std::min(pause * 2, rt::Nanos{kRetryMost});
  std::string device = running.device;
  broken_.insert_or_assign(
      std::move(device),
      Broken{std::move(running.id), std::move(running.transaction), parts_.loop.now() + pause});
}

void FlashDesk::tell_later(const FlashFollowerPtr& follower, const FlashOutcome& outcome) {
  parts_.loop.post([follower = std::weak_ptr(follower), outcome, alive = std::weak_ptr(alive_)] {
    const auto told = follower.lock();
    if (!alive.expired() && told && told->on_outcome) told->on_outcome(outcome);
  });
}

}  // namespace fieldpost::bridge
