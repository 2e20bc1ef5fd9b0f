#include "agent/sources/exec.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace fieldpost::agent {
namespace {

std::string describe(rt::ExitStatus status, std::string_view said) {
  std::string text = status.signal != 0 ? fmt::format("ended by signal {}", status.signal)
                                        : fmt::format("exit code {}", status.code);
  while (said.ends_with('\n')) said.remove_suffix(1);
  const std::string_view last = said.substr(said.rfind('\n') + 1);
  return last.empty() ? text : fmt::format("{}: {}", text, last);
}

}  // namespace

std::string exec_raw_name(const ExecConfig& config) {
  return fmt::format("exec:{}", fmt::join(config.argv, " "));
}

rt::Result<mapping::RawKeeper> exec_keeper(const ExecConfig& config) {
  mapping::MappingRules rules;
  rules.format = mapping::RuleFormat::kLineProtocol;
  return mapping::RawKeeper::make(exec_raw_name(config), rules);
}

Exec::Exec(LinePorts ports, rt::Spawner& spawner, ExecConfig config)
    : ports_(ports),
      spawner_(spawner),
      config_(std::move(config)),
      intake_(ports.loop, ports.intake),
      restart_pause_(config_.restart_first),
      every_(config_.every),
      next_run_(ports.loop.now()) {
  FP_CHECK(!config_.argv.empty());
  health_.name = "exec:" + config_.argv.front();
  if (config_.keep_raw) {
    auto keeper = exec_keeper(config_);
    FP_CHECK(keeper.has_value());
    teller_.emplace(*keeper);
    keeper_ = std::make_shared<mapping::RawKeeper>(*std::move(keeper));
  }
  run_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { start_run(); });
}

Exec::~Exec() {
  ports_.loop.cancel(run_timer_);
  ports_.loop.cancel(kill_timer_);
}

bool Exec::obeys_hint_for(std::string_view measurement) const {
  return std::ranges::find(config_.sampling, measurement) != config_.sampling.end();
}

void Exec::set_sampling(const SamplingHints& hints) {
  every_ = hints.shortest_of(config_.sampling).value_or(config_.every);
  const rt::Instant now = ports_.loop.now();
  // The end of a run looks at the interval by itself.
  if (run_ || config_.stream || next_run_ <= now + every_) return;
  next_run_ = now + every_;
  ports_.loop.cancel(run_timer_);
  run_timer_ = ports_.loop.after(every_, [this] { start_run(); });
}

void Exec::start_run() {
  runs_ += 1;
  Run& run = run_.emplace();
  run.began = ports_.loop.now();
  run.pump = std::make_unique<LinePump>(
      ports_, EmptyLine::kIgnored,
      [this](LineFeed::Output output, bool ended) { on_output(std::move(output), ended); },
      keeper_);
  auto child = spawner_.spawn({config_.argv, config_.environment, config_.directory},
                              {[this](std::string bytes) { on_stdout(std::move(bytes)); },
                               [this](const std::string& bytes) { on_stderr(bytes); },
                               [this](rt::ExitStatus status) { on_exit(status); }});
  if (!child) {
    run.failed = true;
    count_error(1, child.error().message);
    end_run();
    return;
  }
  run.child = *std::move(child);
  if (!config_.stream) {
    kill_timer_ = ports_.loop.after(config_.timeout, [this] { on_timeout(); });
  }
}

void Exec::on_stdout(std::string bytes) {
  if (run_->killed) return;
  const std::size_t waiting = run_->pump->bytes() + run_->pieces_bytes + offered_bytes_;
  if (waiting + bytes.size() > kWaitingBytesMax) {
    kill(fmt::format("printed faster than its lines are taken: {} bytes wait", kWaitingBytesMax));
    return;
  }
  run_->pump->add(std::move(bytes));
}

void Exec::on_stderr(std::string_view bytes) {
  std::string& tail = run_->stderr_tail;
  tail += bytes.substr(bytes.size() - std::min(bytes.size(), kStderrBytesMax));
  if (tail.size() > kStderrBytesMax) tail.erase(0, tail.size() - kStderrBytesMax);
}

void Exec::on_timeout() {
  const auto seconds = std::chrono::duration<double>(config_.timeout).count();
  kill(fmt::format("did not end within {} s", seconds));
}

void Exec::kill(std::string why) {
  count_error(1, std::move(why));
  run_->killed = true;
  run_->failed = true;
  run_->child->signal_group(SIGTERM);
  ports_.loop.cancel(kill_timer_);
  kill_timer_ = ports_.loop.after(kKillPause, [this] { run_->child->signal_group(SIGKILL); });
}

void Exec::on_exit(rt::ExitStatus status) {
  ports_.loop.cancel(std::exchange(kill_timer_, rt::TimerId::kNone));
  const bool good = status.code == 0 && status.signal == 0;
  if (!good) run_->failed = true;
  if (!good && !run_->killed) count_error(1, describe(status, run_->stderr_tail));
  run_->pump->end(good ? LastLine::kKept : LastLine::kDropped);
}

void Exec::on_output(LineFeed::Output output, bool ended) {
  for (LineFeed::Piece& piece : output.pieces) {
    run_->pieces_bytes += piece.bytes;
    run_->pieces.push_back(std::move(piece));
  }
  if (config_.stream) take_pieces();
  if (output.cut_line != 0) count_error(1, "ended in the middle of a line");
  if (output.long_line != 0) {
    run_->failed = true;
    count_error(1, fmt::format("printed a line longer than {} bytes", LineFeed::kLineBytesMax));
  }
  // Not here: the pump and the child are in the middle of their calls.
  if (!ended) return;
  ports_.loop.cancel(run_timer_);
  run_timer_ = ports_.loop.after(rt::Nanos{0}, [this] { end_run(); });
}

void Exec::take_pieces() {
  if (teller_) teller_->tell(ports_.intake, ports_.clock.now());
  run_->pieces_bytes = 0;
  for (LineFeed::Piece& piece : std::exchange(run_->pieces, {})) take_piece(std::move(piece));
}

void Exec::take_piece(LineFeed::Piece piece) {
  wire::ParsedLines& lines = piece.lines;
  if (lines.lines_bad > 0) count_error(lines.lines_bad, lines.errors.front().what);
  if (!piece.not_kept.empty()) count_error(1, piece.not_kept);
  if (lines.readings == 0) return;
  const std::size_t readings = piece.readings;
  if (!config_.durable) {
    health_.readings += readings;
    ports_.intake.accept_sampled(std::move(lines));
    return;
  }
  offered_bytes_ += piece.bytes;
  intake_.offer(std::move(lines), {},
                [this, bytes = piece.bytes, readings,
                 alive = std::weak_ptr(alive_)](const rt::Result<Accepted>& result) {
                  if (alive.expired()) return;
                  offered_bytes_ -= bytes;
                  if (result) health_.readings += readings;
                  if (!result) count_error(1, result.error().message);
                });
}

/// Dropping the child kills what is left of its group.
void Exec::end_run() {
  ports_.loop.cancel(std::exchange(kill_timer_, rt::TimerId::kNone));
  const rt::Nanos lasted = ports_.loop.now() - run_->began;
  if (lasted > config_.restart_most) restart_pause_ = config_.restart_first;
  if (run_->failed) runs_failed_ += 1;
  if (!run_->failed) take_pieces();
  run_.reset();
  rearm();
}

void Exec::rearm() {
  const rt::Instant now = ports_.loop.now();
  if (config_.stream) {
    next_run_ = now + restart_pause_;
    restart_pause_ = std::min(restart_pause_ * 2, config_.restart_most);
  } else {
    // A run that took longer than its interval skips the turns it missed.
    const std::int64_t turns = 1 + std::max(now - next_run_, rt::Nanos{0}) / every_;
    next_run_ = next_run_ + turns * every_;
  }
  run_timer_ = ports_.loop.after(next_run_ - now, [this] { start_run(); });
}

void Exec::count_error(std::size_t count, std::string what) {
  health_.errors += count;
  health_.last_error = std::move(what);
}

}  // namespace fieldpost::agent
