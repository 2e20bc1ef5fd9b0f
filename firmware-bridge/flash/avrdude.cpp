#include "firmware-bridge/flash/avrdude.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "firmware-bridge/flash/avr_parts.h"

namespace fieldpost::bridge {
namespace {

constexpr std::string_view kSignature = "device signature = ";
constexpr unsigned kMarksOfAll = 50;
constexpr std::size_t kLineBytesMax = 200;  // as much of a line as is looked at
constexpr std::size_t kLinesTold = 3;
constexpr int kNoSuchProgram = 127;  // the exit code of who was to execute it

bool has(std::string_view text, std::string_view what) {
  return text.find(what) != std::string_view::npos;
}

/// Lines that say nothing: bars, thanks, and complaints about lines that a port does not have.
bool is_noise(std::string_view line) {
  return has(line, " | ####") || has(line, "avrdude done.") || has(line, "TIOCM") ||
         line.find_first_not_of(" \t\r") == std::string_view::npos;
}

/// The last lines that say something, in their order, joined by "; ".
std::string last_lines(std::string_view said) {
  std::vector<std::string> lines;
  while (!said.empty() && lines.size() < kLinesTold) {
    const std::size_t begin = said.find_last_of("\r\n");
    std::string_view line = begin == std::string_view::npos ? said : said.substr(begin + 1);
    said = said.substr(0, begin == std::string_view::npos ? 0 : begin);
    if (is_noise(line)) continue;
    line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size()));
    lines.emplace_back(line.substr(0, kLineBytesMax));
  }
  std::reverse(lines.begin(), lines.end());
  return fmt::format("{}", fmt::join(lines, "; "));
}

rt::Errc code_of(std::string_view said) {
  // An invalid signature is a board that answers nonsense, not another part.
  if (has(said, "Invalid device signature")) return rt::Errc::kUnavailable;
  if (has(said, "expected signature for")) return rt::Errc::kInvalid;
  if (has(said, "verification mismatch") || has(said, "verification error") ||
      has(said, "content mismatch")) {
    return rt::Errc::kCorrupt;
  }
  if (has(said, "not responding") || has(said, "not in sync") || has(said, "unable to open") ||
      has(said, "cannot open port") || has(said, "timeout") || has(said, "initialization failed")) {
    return rt::Errc::kUnavailable;
  }
  return rt::Errc::kIo;
}

std::vector<std::string> arguments(const std::string& program, const FlashTarget& target) {
  return {program,
          "-p",
          target.part,
          "-c",
          target.programmer,
          "-P",
          target.port,
          "-b",
          std::to_string(target.baud)};
}

std::vector<std::string> transfer(const std::string& program, const FlashTarget& target, char verb,
                                  const std::string& file) {
  std::vector<std::string> argv = arguments(program, target);
  // A bootloader erases page by page: without -D avrdude asks it for an erase of the chip that it
  // cannot do, and without -A pages that end in erased bytes are not written as they are.
  if (is_bootloader(target.programmer)) argv.insert(argv.end(), {"-D", "-A"});
  if (verb == 'w') argv.emplace_back("-V");
  argv.insert(argv.end(), {"-U", fmt::format("flash:{}:{}:i", verb, file)});
  return argv;
}

}  // namespace

std::optional<unsigned> AvrdudeBars::take(std::string_view bytes) {
  std::optional<unsigned> percent;
  for (const char c : bytes) {
    if (c == '\n' || c == '\r') {
      line_.clear();
      in_bar_ = false;
      marks_ = 0;
    } else if (c == '|') {
      in_bar_ = !in_bar_;
    } else if (in_bar_ && c == '#' && marks_ < kMarksOfAll) {
      marks_ += 1;
      if (signature_seen_) percent = marks_ * 100 / kMarksOfAll;
    } else if (line_.size() < kLineBytesMax) {
      line_ += c;
      signature_seen_ = signature_seen_ || has(line_, kSignature);
    }
  }
  return percent;
}

rt::Error avrdude_error(std::string_view doing, rt::ExitStatus status, std::string_view said) {
  const std::string lines = last_lines(said);
  const std::string how = status.signal != 0 ? fmt::format("signal {}", status.signal)
                                             : fmt::format("exit code {}", status.code);
  // It is started by setpriv, which is there also where avrdude is not.
  if (status.code == kNoSuchProgram && has(said, "failed to execute")) {
    return {rt::Errc::kNotFound, fmt::format("{}: avrdude is not installed ({})", doing, lines)};
  }
  return {code_of(said), fmt::format("{}: avrdude: {}", doing, lines.empty() ? how : lines)};
}

Avrdude::Avrdude(rt::Loop& loop, rt::Spawner& spawner, std::string program)
    : loop_(loop), spawner_(spawner), program_(std::move(program)) {}

Avrdude::~Avrdude() {
  for (const rt::TimerId timer : {limit_timer_, stall_timer_, finish_timer_}) loop_.cancel(timer);
}

void Avrdude::identify(const FlashTarget& target, OnDone on_done) {
  std::vector<std::string> argv = arguments(program_, target);
  argv.emplace_back("-qq");
  start(fmt::format("asking {} what it is", target.port), std::move(argv), kIdentifyMost, nullptr,
        std::move(on_done));
}

void Avrdude::read(const FlashTarget& target, const std::string& file, OnProgress on_progress,
                   OnDone on_done) {
  start(fmt::format("reading the flash at {}", target.port), transfer(program_, target, 'r', file),
        kTransferMost, std::move(on_progress), std::move(on_done));
}

void Avrdude::write(const FlashTarget& target, const std::string& file, OnProgress on_progress,
                    OnDone on_done) {
  start(fmt::format("writing the flash at {}", target.port), transfer(program_, target, 'w', file),
        kTransferMost, std::move(on_progress), std::move(on_done));
}

void Avrdude::verify(const FlashTarget& target, const std::string& file, OnProgress on_progress,
                     OnDone on_done) {
  start(fmt::format("verifying the flash at {}", target.port),
        transfer(program_, target, 'v', file), kTransferMost, std::move(on_progress),
        std::move(on_done));
}

void Avrdude::start(std::string doing, std::vector<std::string> argv, rt::Nanos at_most,
                    OnProgress on_progress, OnDone on_done) {
  FP_CHECK(!run_);
  run_ = std::make_unique<Run>();
  run_->doing = std::move(doing);
  run_->is_transfer = at_most == kTransferMost;
  run_->on_progress = std::move(on_progress);
  run_->on_done = std::move(on_done);
  auto child = spawner_.spawn(
      {.argv = std::move(argv), .environment = {"LC_ALL=C"}, .dies_with_us = true},
      {nullptr, [this](const std::string& bytes) { on_said(bytes); },
       [this](rt::ExitStatus status) {
         const bool good = status.code == 0 && status.signal == 0;
         finish(good ? rt::ok() : rt::Status(avrdude_error(run_->doing, status, run_->said)));
       }});
  if (!child) {
    const rt::Error& why = child.error();
    return finish(rt::Error{why.code, fmt::format("{}: {}", run_->doing, why.message)});
  }
  run_->child = *std::move(child);
  limit_timer_ =
      loop_.after(at_most, [this, at_most] { end_after(at_most, "did not end within"); });
}

/// avrdude 7.1 does not end by itself when the board is pulled.
void Avrdude::limit_stall() {
  loop_.cancel(stall_timer_);
  stall_timer_ = loop_.after(kStallMost, [this] { end_after(kStallMost, "came no further for"); });
}

void Avrdude::end_after(rt::Nanos span, std::string_view what) {
  const auto seconds = std::chrono::duration_cast<rt::Seconds>(span).count();
  finish(rt::Error{rt::Errc::kUnavailable, fmt::format("{}: avrdude {} {} s: {}", run_->doing, what,
                                                       seconds, last_lines(run_->said))});
}

void Avrdude::on_said(std::string_view bytes) {
  if (run_->is_over) return;
  std::string& said = run_->said;
  said += bytes;
  if (said.size() > kSaidBytesMax) said.erase(0, said.size() - kSaidBytesMax);
  if (run_->is_transfer) limit_stall();
  const auto percent = run_->bars.take(bytes);
  if (percent && run_->on_progress) run_->on_progress(*percent);
}

/// Not here: the child is in the middle of its call, and whoever waits may start the next run.
/// Until then the child lives on, and what it says or that it exits changes nothing any more.
void Avrdude::finish(rt::Status done) {
  if (std::exchange(run_->is_over, true)) return;
  loop_.cancel(std::exchange(limit_timer_, rt::TimerId::kNone));
  loop_.cancel(std::exchange(stall_timer_, rt::TimerId::kNone));
  loop_.cancel(finish_timer_);
  finish_timer_ = loop_.after(rt::Nanos{0}, [this, done = std::move(done)] {
    const OnDone on_done = std::move(run_->on_done);
    run_.reset();
    on_done(done);
  });
}

}  // namespace fieldpost::bridge
