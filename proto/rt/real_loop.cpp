#include "proto/rt/real_loop.h"

#include <sys/timerfd.h>
#include <time.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "proto/rt/asio_access.h"
#include "proto/rt/result.h"
#include "proto/rt/timer_queue.h"

namespace fieldpost::rt {

namespace asio = boost::asio;

namespace {

constexpr int kPostsATurnMax = 256;  ///< then timers and sockets get their share

Nanos clock_now(clockid_t clock) {
  timespec time{};
  FP_CHECK(clock_gettime(clock, &time) == 0);
  return Seconds{time.tv_sec} + Nanos{time.tv_nsec};
}

int open_timer() {
  const int fd = timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  FP_CHECK(fd >= 0);
  return fd;
}

}  // namespace

struct RealLoop::Impl {
  Impl() : timer_fd(io, open_timer()), signals(io) {}

  void turn(const std::function<void()>& task);
  void arm();
  void wait_for_timer();
  void run_due();
  void drain_posts();
  std::optional<std::function<void()>> take_post();
  void wait_for_signal();

  asio::io_context io{1};
  asio::posix::stream_descriptor timer_fd;
  TimerQueue timers;
  std::optional<Instant> armed_for;

  std::mutex posts_mutex;
  std::deque<std::function<void()>> posts;  ///< guarded by posts_mutex

  asio::signal_set signals;
  std::map<int, std::function<void(int)>> signal_tasks;
  std::function<void(Nanos)> on_long_turn;
  std::uint64_t long_turns = 0;
};

void RealLoop::Impl::turn(const std::function<void()>& task) {
  const Nanos began = clock_now(CLOCK_MONOTONIC);
  task();
  const Nanos took = clock_now(CLOCK_MONOTONIC) - began;
  if (took <= kLongTurn) return;
  long_turns += 1;
  if (on_long_turn) on_long_turn(took);
}

void RealLoop::Impl::arm() {
  const auto due = timers.next_due();
  if (due == armed_for) return;
  armed_for = due;
  itimerspec spec{};  // all zero disarms
  if (due) {
    const Nanos at = std::max(due->since_boot, Nanos{1});
    spec.it_value.tv_sec = at / Seconds{1};
    spec.it_value.tv_nsec = (at % Seconds{1}).count();
  }
  FP_CHECK(timerfd_settime(timer_fd.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void RealLoop::Impl::wait_for_timer() {
  timer_fd.async_wait(asio::posix::stream_descriptor::wait_read,
                      [this](const boost::system::error_code& failed) {
                        if (failed) return;
                        run_due();
                        wait_for_timer();
                      });
}

void RealLoop::Impl::run_due() {
  std::uint64_t expirations = 0;
  [[maybe_unused]] const auto size =
      ::read(timer_fd.native_handle(), &expirations, sizeof expirations);
  armed_for.reset();  // it has fired, or was set anew
  const std::uint64_t mark = timers.mark();
  const Instant now{clock_now(CLOCK_BOOTTIME)};
  while (!io.stopped()) {
    const auto task = timers.take_due(now, mark);
    if (!task) break;
    turn(task);
  }
  armed_for.reset();
  arm();
}

std::optional<std::function<void()>> RealLoop::Impl::take_post() {
  const std::lock_guard lock(posts_mutex);
  if (posts.empty()) return std::nullopt;
  auto task = std::move(posts.front());
  posts.pop_front();
  return task;
}

void RealLoop::Impl::drain_posts() {
  for (int i = 0; i < kPostsATurnMax && !io.stopped(); ++i) {
    const auto task = take_post();
    if (!task) return;
    turn(*task);
  }
  asio::post(io, [this] { drain_posts(); });
}

void RealLoop::Impl::wait_for_signal() {
  signals.async_wait([this](const boost::system::error_code& failed, int signal) {
    if (failed) return;
    turn([this, signal] { signal_tasks.at(signal)(signal); });
    wait_for_signal();
  });
}

RealLoop::RealLoop() : impl_(std::make_unique<Impl>()) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed peer is an error of the write, not the end of us
  impl_->wait_for_timer();
}

RealLoop::~RealLoop() {
  impl_->io.stop();
  // Tasks go before the loop does: what they capture may cancel timers.
  const TimerQueue dropped = std::exchange(impl_->timers, {});
  while (impl_->take_post()) {
  }
}

Instant RealLoop::now() const {
  return {clock_now(CLOCK_BOOTTIME)};
}

TimerId RealLoop::after(Nanos delay, std::function<void()> task) {
  const TimerId timer = impl_->timers.add(now() + std::max(delay, Nanos{0}), std::move(task));
  impl_->arm();
  return timer;
}

void RealLoop::cancel(TimerId timer) {
  impl_->timers.cancel(timer);
  impl_->arm();
}

void RealLoop::post(std::function<void()> task) {
  bool first = false;
  {
    const std::lock_guard lock(impl_->posts_mutex);
    first = impl_->posts.empty();
    impl_->posts.push_back(std::move(task));
  }
  if (first) asio::post(impl_->io, [impl = impl_.get()] { impl->drain_posts(); });
}

void RealLoop::on_signals(const std::vector<int>& signals, const std::function<void(int)>& task) {
  const bool is_first = impl_->signal_tasks.empty();
  for (const int signal : signals) {
    impl_->signal_tasks.insert_or_assign(signal, task);
    impl_->signals.add(signal);
  }
  if (is_first) impl_->wait_for_signal();
}

void RealLoop::on_long_turn(std::function<void(Nanos)> report) {
  impl_->on_long_turn = std::move(report);
}

std::uint64_t RealLoop::long_turns() const {
  return impl_->long_turns;
}

void RealLoop::run() {
  impl_->io.restart();
  const auto work = asio::make_work_guard(impl_->io);
  impl_->io.run();
}

void RealLoop::stop() {
  impl_->io.stop();
}

bool RealLoop::run_until(const std::function<bool()>& condition, Nanos at_most) {
  impl_->io.restart();
  const auto work = asio::make_work_guard(impl_->io);
  const Nanos end = clock_now(CLOCK_MONOTONIC) + at_most;
  while (!condition()) {
    const Nanos left = end - clock_now(CLOCK_MONOTONIC);
    if (left <= Nanos{0}) return false;
    impl_->io.run_one_for(left);
  }
  return true;
}

asio::io_context& AsioAccess::io_context(RealLoop& loop) {
  return loop.impl_->io;
}

void AsioAccess::turn(RealLoop& loop, const std::function<void()>& task) {
  loop.impl_->turn(task);
}

}  // namespace fieldpost::rt
