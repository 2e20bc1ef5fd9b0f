#include "tools/load/player.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <iterator>
#include <utility>

#include "tools/bench/daemon.h"

namespace fieldpost::load {
namespace {

constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
constexpr std::int64_t kLead = kNanosPerSecond / 5;  ///< nobody is late because of the start
constexpr std::int64_t kAnswerWithin = 10 * kNanosPerSecond;
constexpr int kEventsMax = 256;

std::int64_t steady_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

float seconds(std::int64_t ns) {
  return static_cast<float>(static_cast<double>(ns) / kNanosPerSecond);
}

}  // namespace

Player::Player(const Plan& plan, const bench::TcpAddress& address, std::string node)
    : plan_(plan),
      head_(fmt::format("POST /write?node={} HTTP/1.1\r\nHost: {}\r\nContent-Length: ", node,
                        address.name)),
      poll_(::epoll_create1(EPOLL_CLOEXEC)) {
  users_.reserve(plan.users);
  for (std::size_t i = 0; i < plan.users; ++i) {
    users_.push_back({.connection = UserConnection(address, poll_, i)});
  }
}

Player::~Player() {
  users_.clear();
  ::close(poll_);
}

/// Since the beginning.
std::int64_t Player::now_ns() const {
  return steady_ns() - began_ns_;
}

Played Player::play() {
  played_.requests.resize(plan_.requests());
  began_ns_ = steady_ns() + kLead;
  played_.began_wall_ns = bench::wall_ns() + kLead;
  const std::int64_t last_sent = plan_.duration_ns() + plan_.every_ns;
  for (std::int64_t now = now_ns(); now < last_sent + kAnswerWithin; now = now_ns()) {
    sending_ = now < last_sent;
    take_turns(now);
    const bool all_sent = next_turn_ == plan_.turns();
    if (under_way_ == 0 && (all_sent || !sending_)) break;
    wait(all_sent ? (sending_ ? last_sent : last_sent + kAnswerWithin) : plan_.due_ns(next_turn_));
  }
  give_up_rest();
  played_.took_s = static_cast<double>(last_answer_ns_) / kNanosPerSecond;
  return std::move(played_);
}

void Player::take_turns(std::int64_t now) {
  while (next_turn_ < plan_.turns() && plan_.due_ns(next_turn_) <= now) {
    const std::size_t user = next_turn_++ % plan_.users;
    users_[user].turns_due += 1;
    go_on(user);
  }
}

void Player::wait(std::int64_t until) {
  const std::int64_t left = std::max<std::int64_t>(until - now_ns(), 0);
  const timespec timeout{left / kNanosPerSecond, left % kNanosPerSecond};
  std::array<epoll_event, kEventsMax> events;
  const int count = ::epoll_pwait2(poll_, events.data(), kEventsMax, &timeout, nullptr);
  for (int i = 0; i < count; ++i) {
    const auto user = static_cast<std::size_t>(events[static_cast<std::size_t>(i)].data.u64);
    switch (users_[user].connection.on_ready()) {
      case UserConnection::Progress::kNone: continue;
      case UserConnection::Progress::kAnswered: take_answer(user); break;
      case UserConnection::Progress::kBroken: end_request(user, Outcome::kUnanswered); break;
    }
    go_on(user);
  }
}

/// The number of one of a user's requests.
std::size_t Player::request_of(std::size_t user, std::size_t own) const {
  const std::size_t each = plan_.requests_a_turn();
  return (own / each * plan_.users + user) * each + own % each;
}

void Player::go_on(std::size_t index) {
  User& user = users_[index];
  const std::size_t due = user.turns_due * plan_.requests_a_turn();
  while (sending_ && !user.under_way && user.sent < due) {
    user.under_way = true;
    under_way_ += 1;
    user.sent_ns = now_ns();
    const std::string text = text_of(request_of(index, user.sent++));
    const auto progress = user.connection.send(text);
    if (progress == UserConnection::Progress::kBroken) end_request(index, Outcome::kUnanswered);
  }
}

void Player::take_answer(std::size_t index) {
  const HttpAnswer& answer = users_[index].connection.answer();
  if (answer.status == 204) return end_request(index, Outcome::kAccepted);
  if (answer.status == 503 && answer.has_retry_after) return end_request(index, Outcome::kRefused);
  played_.errors[fmt::format("answered {}", answer.status)] += 1;
  end_request(index, Outcome::kFailed);
}

void Player::end_request(std::size_t index, Outcome outcome) {
  User& user = users_[index];
  if (outcome == Outcome::kUnanswered) played_.errors[user.connection.problem()] += 1;
  const std::int64_t now = now_ns();
  const std::size_t number = request_of(index, user.sent - 1);
  const std::int64_t due = plan_.due_ns(plan_.turn_of_request(number));
  played_.requests[number] = {outcome, seconds(now - due), seconds(now - user.sent_ns)};
  user.under_way = false;
  under_way_ -= 1;
  last_answer_ns_ = now;
}

void Player::give_up_rest() {
  sending_ = false;
  const std::int64_t now = now_ns();
  for (std::size_t i = 0; i < users_.size(); ++i) {
    User& user = users_[i];
    if (std::exchange(user.under_way, false)) {
      const std::size_t number = request_of(i, user.sent - 1);
      const std::int64_t due = plan_.due_ns(plan_.turn_of_request(number));
      played_.requests[number] = {Outcome::kUnanswered, seconds(now - due),
                                  seconds(now - user.sent_ns)};
      played_.errors["no answer in time"] += 1;
    }
    for (std::size_t own = user.sent; own < plan_.ticks * plan_.requests_a_turn(); ++own) {
      const std::size_t number = request_of(i, own);
      played_.requests[number].from_due_s =
          seconds(now - plan_.due_ns(plan_.turn_of_request(number)));
    }
  }
}

std::string Player::text_of(std::size_t request) const {
  const std::size_t turn = plan_.turn_of_request(request);
  const std::int64_t time = played_.began_wall_ns + plan_.due_ns(turn);
  const std::size_t first = request * plan_.samples_each();
  std::string body;
  for (std::size_t sample = first; sample < first + plan_.samples_each(); ++sample) {
    fmt::format_to(std::back_inserter(body), "srs,user={},sensor={} value={} {}\n",
                   turn % plan_.users, sample % plan_.sensors, sample, time);
  }
  return fmt::format("{}{}\r\n\r\n{}", head_, body.size(), body);
}

}  // namespace fieldpost::load
