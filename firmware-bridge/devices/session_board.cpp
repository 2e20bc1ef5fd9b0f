#include "firmware-bridge/devices/session_board.h"

#include <fmt/format.h>

#include <utility>

namespace fieldpost::bridge {

using rt::Errc;
using rt::Error;

SessionBoard::SessionBoard(rt::Loop& loop, DeviceSession& session, FindPath find_path)
    : loop_(loop), session_(session), find_path_(std::move(find_path)) {
  session_.set_on_heard([this](const Heard& heard) { on_heard(heard); });
}

SessionBoard::~SessionBoard() {
  loop_.cancel(timer_);
  session_.set_on_heard(nullptr);
}

void SessionBoard::suspend(OnDone on_free) {
  session_.suspend([on_free = std::move(on_free)] { on_free(rt::ok()); });
}

void SessionBoard::resume() {
  told_.reset();
  measures_ = false;
  session_.resume();
}

void SessionBoard::await(std::optional<std::string> version, rt::Nanos within, OnDone on_done) {
  loop_.cancel(timer_);
  wanted_ = std::move(version);
  on_done_ = std::move(on_done);
  timer_ = loop_.after(within, [this] {
    std::string heard = "nothing was heard of it";
    if (measures_) heard = "it measures, but does not say its version";
    if (told_) heard = fmt::format("it says that it is {}, but measures nothing", *told_);
    end(Error{Errc::kUnavailable, fmt::format("waiting for the board: {}", heard)});
  });
  look();
}

void SessionBoard::on_heard(const Heard& heard) {
  if (heard.hello) told_ = heard.hello->firmware;
  if (!heard.readings.empty()) measures_ = true;
  look();
}

void SessionBoard::look() {
  if (!on_done_) return;
  if (wanted_ && told_ && *told_ != *wanted_) {
    return end(Error{Errc::kInvalid, fmt::format("the board says that it is {}, expected was {}",
                                                 *told_, *wanted_)});
  }
  if (measures_ && (!wanted_ || told_)) end(rt::ok());
}

/// Not from inside: whoever waits may be calling.
void SessionBoard::end(rt::Status done) {
  loop_.cancel(timer_);
  timer_ = loop_.after(rt::Nanos{0}, [on_done = std::exchange(on_done_, nullptr),
                                      done = std::move(done)] { on_done(done); });
}

rt::Result<std::string> SessionBoard::port() {
  return find_path_(session_.config().address);
}

std::string SessionBoard::version() {
  if (!session_.is_known()) return {};  // what was said may have been another board
  const auto hello = session_.state().hello;
  return hello ? hello->firmware : std::string();
}

}  // namespace fieldpost::bridge
