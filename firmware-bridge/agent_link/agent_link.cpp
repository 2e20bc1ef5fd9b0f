#include "firmware-bridge/agent_link/agent_link.h"

#include <fmt/format.h>

#include <charconv>
#include <iterator>

namespace fieldpost::bridge {
namespace {

constexpr std::string_view kOk = "ok ";
constexpr std::string_view kError = "error ";
constexpr std::string_view kFull = "spool is full";  ///< of some class, and perhaps not of others

/// Takes the number at the front off `text`.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

AgentLink::AgentLink(AgentLinkPorts ports, std::string path)
    : ports_(ports), path_(std::move(path)) {
  connect_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { connect(); });
}

AgentLink::~AgentLink() {
  for (const rt::TimerId timer : {connect_timer_, window_timer_, pause_timer_, room_timer_}) {
    ports_.loop.cancel(timer);
  }
}

AgentLinkState AgentLink::state() const {
  AgentLinkState state = counts_;
  state.connected = stream_ != nullptr;
  state.held = held_.count();
  state.held_bytes = held_.bytes();
  if (state.why.empty()) state.why = full_why_;
  return state;
}

void AgentLink::offer(std::vector<Measured> readings, std::function<void(rt::Status)> on_disk) {
  const auto offer = std::make_shared<HeldOffer>();
  offer->on_disk = std::move(on_disk);
  offer->arrived = ports_.loop.now();
  offer->open = 1;  // until the last reading is held: some may be shed before
  hold(make_lines(std::move(readings), *offer), offer);
  held_.close_one(offer);
  pump();
  tell_finished();
}

/// None when they are too many: others' readings would go for theirs.
std::vector<HeldLine> AgentLink::make_lines(std::vector<Measured> readings, HeldOffer& offer) {
  std::vector<HeldLine> lines;
  lines.reserve(std::min(readings.size(), kOfferBytesMax / sizeof(HeldLine)));
  std::size_t bytes = 0, bad = 0;
  for (Measured& reading : readings) {
    auto line = make_held_line(std::move(reading));
    if (!line) {
      bad += 1;
      note_bad(offer, line.error(), 1);
      continue;
    }
    bytes += line->held_bytes();
    if (bytes > kOfferBytesMax) {
      note_bad(offer,
               {rt::Errc::kInvalid,
                fmt::format("a message takes more than {} MiB of memory as readings: send less at "
                            "once",
                            kOfferBytesMax >> 20)},
               readings.size() - bad);
      return {};
    }
    lines.push_back(*std::move(line));
  }
  return lines;
}

void AgentLink::note_bad(HeldOffer& offer, rt::Error why, std::size_t count) {
  counts_.bad += count;
  if (why.message != std::exchange(bad_told_, why.message)) {
    ports_.log.warning("{} lost: {}", count == 1 ? "a reading is" : "readings are", why.message);
  }
  if (!offer.failure) offer.failure = std::move(why);
}

void AgentLink::hold(std::vector<HeldLine> lines, const std::shared_ptr<HeldOffer>& offer) {
  const bool has_untimed =
      std::ranges::any_of(lines, [](const HeldLine& line) { return !line.time; });
  if (has_untimed) set_ages_apart(lines);
  if (has_untimed && ports_.clock.synchronised()) offer->arrived_at = ports_.clock.now().ns;
  for (HeldLine& line : lines) {
    if (!line.time && offer->arrived_at) line.time = *offer->arrived_at - line.age;
    line.offer = offer;
    held_.add(std::move(line));
    shed();
  }
}

void AgentLink::connect() {
  connect_timer_ = rt::TimerId::kNone;
  auto stream = ports_.streams.connect_unix(path_);
  if (!stream) return disconnect(stream.error().message);
  stream_ = *std::move(stream);
  stream_->start({.on_data = [this](const std::string& bytes) { on_data(bytes); },
                  .on_closed =
                      [this](const std::string& why) {
                        const std::string said = answer_.refused.value_or(
                            why.empty() ? "it closed the connection" : why);
                        disconnect(said);
                      }});
  pump();
}

/// Also when there was no connection: whatever is not answered is sent again on the next one.
void AgentLink::disconnect(std::string why) {
  stream_.reset();
  input_.clear();
  answer_ = {};
  units_said_.clear();
  for (HeldBatch* batch : sent_) batch->sent = false;
  sent_.clear();
  note_failure(fmt::format("the agent at {} cannot be reached: {}", path_, why));
  connect_timer_ = ports_.loop.after(reconnect_.take(), [this] { connect(); });
  shed();
  tell_finished();
}

void AgentLink::note_failure(std::string why) {
  if (!std::exchange(failure_told_, true)) {
    ports_.log.warning("{}; readings are held, {} MiB of them at most", why,
                       HeldLines::kBytesMax >> 20);
  }
  counts_.why = std::move(why);
}

void AgentLink::pump() {
  ports_.loop.cancel(std::exchange(window_timer_, rt::TimerId::kNone));
  while (stream_ && pause_timer_ == rt::TimerId::kNone) {
    HeldBatch* const batch = held_.next();
    if (batch == nullptr || !may_send(*batch)) return;
    const rt::Nanos age = ports_.loop.now() - batch->begun;
    if (!batch->closed && age < kWindow) {
      window_timer_ = ports_.loop.after(kWindow - age, [this] { pump(); });
      return;
    }
    send(*batch);
  }
}

/// What has no time goes alone: the agent gives what comes together one time. So does a measurement
/// that goes apart: the agent refuses together what comes together.
bool AgentLink::may_send(HeldBatch& batch) {
  if (sent_.size() == kInFlightMax) return false;
  stamp(batch);
  if (sent_.empty()) return true;
  const HeldBatch& last = *sent_.back();
  return batch.untimed.empty() && last.untimed.empty() && batch.measurement == last.measurement;
}

void AgentLink::stamp(HeldBatch& batch) const {
  if (batch.untimed.empty() || !ports_.clock.synchronised()) return;
  const std::int64_t now = ports_.clock.now().ns;
  const rt::Instant on_loop = ports_.loop.now();
  for (HeldLine& line : batch.lines) {
    if (line.time) continue;
    HeldOffer& offer = *line.offer;
    if (!offer.arrived_at) offer.arrived_at = now - (on_loop - offer.arrived).count();
    line.time = *offer.arrived_at - line.age;
  }
  batch.untimed.clear();
}

void AgentLink::send(HeldBatch& batch) {
  std::string text;
  std::size_t place = 0;
  for (HeldLine& line : batch.lines) {
    place += say_unit(line, text) ? 2U : 1U;
    line.place = place;
    text += line.text;
    if (line.time) fmt::format_to(std::back_inserter(text), " {}", *line.time);
    text += '\n';
  }
  text += '\n';
  batch.closed = true;
  batch.sent = true;
  sent_.push_back(&batch);
  stream_->send(std::move(text));
}

/// Appends the line that says the unit, where the agent believes another one.
bool AgentLink::say_unit(const HeldLine& line, std::string& text) {
  const auto said = units_said_.find(line.name());
  if ((said == units_said_.end() ? std::string_view() : std::string_view(said->second)) ==
      line.unit) {
    return false;
  }
  if (said != units_said_.end()) {
    said->second = line.unit;
  } else if (units_said_.size() < kUnitsMax) {
    units_said_.emplace(line.name(), line.unit);
  } else {
    if (!std::exchange(units_told_, true)) {
      ports_.log.warning("more than {} series have units: {} goes without its own", kUnitsMax,
                         line.name());
    }
    return false;
  }
  fmt::format_to(std::back_inserter(text), "#unit {} {}\n", line.name(), line.unit);
  return true;
}

void AgentLink::on_data(const std::string& bytes) {
  input_ += bytes;
  std::size_t at = 0;
  while (stream_) {
    const std::size_t feed = input_.find('\n', at);
    if (feed == std::string::npos) break;
    const std::string line = input_.substr(at, feed - at);
    at = feed + 1;
    take_answer(line);
  }
  if (!stream_) return;
  input_.erase(0, at);
  if (input_.size() > kAnswerBytesMax) disconnect("an answer without an end");
}

void AgentLink::take_answer(const std::string& line) {
  std::string_view rest = line;
  if (line.starts_with(kOk)) {
    rest.remove_prefix(kOk.size());
    const auto stored = take_number(rest);
    if (stored && rest.empty() && !sent_.empty()) return on_ok(*stored);
  } else if (line.starts_with(kError)) {
    rest.remove_prefix(kError.size());
    const auto place = take_number(rest);
    if (place && rest.starts_with(": ")) {
      const std::string what(rest.substr(2));
      if (*place == 0) {
        answer_.refused = what;
      } else {
        answer_.bad = BadLine{*place, what};
      }
      return;
    }
  }
  disconnect(fmt::format("it does not answer as an agent does: {}", line.substr(0, 100)));
}

void AgentLink::on_ok(std::size_t stored) {
  HeldBatch& batch = *sent_.front();
  sent_.pop_front();
  const Answer answer = std::exchange(answer_, {});
  if (answer.refused && stored < batch.lines.size()) {
    refuse(batch, *answer.refused);
  } else {
    settle(batch, stored, answer.bad);
  }
  shed();
  pump();
  tell_finished();
}

/// It stands before those that came later still, and is sent again before them.
void AgentLink::refuse(HeldBatch& batch, std::string why) {
  batch.sent = false;
  if (why.starts_with(kFull)) return refuse_full(batch, why);
  note_failure(fmt::format("the agent at {} takes no readings: {}", path_, why));
  if (pause_timer_ != rt::TimerId::kNone) return;
  pause_timer_ = ports_.loop.after(resend_.take(), [this] {
    pause_timer_ = rt::TimerId::kNone;
    pump();
  });
}

/// Where a class is full, others may have room: they pass it.
void AgentLink::refuse_full(HeldBatch& batch, std::string_view why) {
  const std::string measurement = batch.lines.front().measurement;
  if (!held_.refuse(batch)) return;
  full_why_ = fmt::format("the agent at {} takes no readings of {}: {}", path_, measurement, why);
  if (!std::exchange(full_told_, true)) {
    ports_.log.warning("{}; they are held, {} MiB of all readings at most", full_why_,
                       HeldLines::kBytesMax >> 20);
  }
  if (room_timer_ != rt::TimerId::kNone) return;
  room_timer_ = ports_.loop.after(ask_for_room_.take(), [this] {
    room_timer_ = rt::TimerId::kNone;
    held_.try_again();
    pump();
  });
}

/// Of several bad lines the agent names the first; the others are among those behind it.
void AgentLink::settle(HeldBatch& batch, std::size_t stored, const std::optional<BadLine>& bad) {
  const std::size_t gone = batch.lines.size() - std::min(stored, batch.lines.size());
  counts_.on_disk += batch.lines.size() - gone;
  counts_.bad += gone;
  const std::string what = bad ? bad->what : "the agent did not store it and does not say why";
  if ((bad || gone > 0) && what != std::exchange(bad_told_, what)) {
    ports_.log.warning("{} of {} readings were bad lines to the agent: {}", gone,
                       batch.lines.size(), what);
  }
  const std::size_t first = bad ? bad->place : 0;
  const bool named = std::ranges::find(batch.lines, first, &HeldLine::place) != batch.lines.end();
  const bool others = gone > (named ? 1U : 0U);
  if (!batch.measurement.empty()) ask_for_room_.reset();
  held_.settle(batch, [&](const HeldLine& line) -> std::optional<rt::Error> {
    const bool may_be_gone = line.place == first || (others && line.place > first);
    if (gone == 0 || !may_be_gone) return std::nullopt;
    return rt::Error{rt::Errc::kInvalid, "a bad line to the agent: " + what};
  });
  if (std::exchange(failure_told_, false)) {
    ports_.log.info("the agent takes readings again; {} wait, {} were lost", held_.count(),
                    counts_.lost);
  }
  if (!held_.has_apart()) {
    if (std::exchange(full_told_, false)) {
      ports_.log.info("the agent has room for all readings again");
    }
    full_why_.clear();
    loss_told_ = false;
  }
  counts_.why.clear();
  reconnect_.reset();
  resend_.reset();
}

void AgentLink::shed() {
  const std::size_t lost = held_.shed();
  counts_.lost += lost;
  if (lost > 0 && !std::exchange(loss_told_, true)) {
    ports_.log.error("{} MiB of readings wait for the agent: the oldest are being lost",
                     HeldLines::kBytesMax >> 20);
  }
}

void AgentLink::tell_finished() {
  auto finished = held_.take_finished();
  if (finished.empty()) return;
  ports_.loop.post([finished = std::move(finished), alive = std::weak_ptr(alive_)] {
    for (const auto& offer : finished) {
      if (alive.expired()) return;
      if (!offer->on_disk) continue;
      offer->on_disk(offer->failure ? rt::Status(*offer->failure) : rt::ok());
    }
  });
}

}  // namespace fieldpost::bridge
