#include "agent/board_flash.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "proto/rt/base64.h"
#include "proto/rt/json_depth.h"
#include "proto/wire/flash_order.h"
#include "proto/wire/hash.h"

namespace fieldpost::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kAnswerBytesMax = 64 * 1024;  ///< of one line of a bridge

constexpr std::string_view kAbsentAdvice =
    "; check that fieldpost-bridge runs on that node, and that its socket is among [bridge] "
    "sockets "
    "of agent.toml";

/// The same command has the same id at the bridge, and one of another coordinator's another one.
std::string id_of(const wire::Command& command) {
  return fmt::format("command-{}-{}", command.id, wire::hash128(command.arguments).hex());
}

std::string text_of(const json& object, const char* key) {
  return object.contains(key) && object.at(key).is_string() ? object.at(key).get<std::string>()
                                                            : std::string();
}

/// What a bridge says in one line; nullopt: it is no JSON object.
std::optional<json> parse_line(std::string_view line) {
  if (rt::nests_too_deep(line)) return std::nullopt;
  json object = json::parse(line, nullptr, false);
  if (!object.is_object()) return std::nullopt;
  return object;
}

/// nullopt: it is no outcome.
std::optional<Inbox::Answer> answer_of(const json& outcome) {
  const std::string state = text_of(outcome, "outcome");
  const std::string version = text_of(outcome, "version");
  const std::string old_image = text_of(outcome, "old_sha256");
  const std::string before =
      old_image.empty() ? "" : fmt::format("; the image before it: {}", old_image);
  if (state == "done")
    return Inbox::Answer{true, fmt::format("firmware {} runs{}", version, before)};
  std::string board;
  if (state == "unchanged") board = "nothing was written";
  if (state == "reverted") board = "the board holds the old firmware again";
  if (state == "broken") {
    board = "the board holds neither firmware; the bridge goes on writing the old one";
  }
  if (board.empty()) return std::nullopt;
  return Inbox::Answer{false, fmt::format("{} ({}): {}{}", text_of(outcome, "error"),
                                          text_of(outcome, "step"), board, before)};
}

}  // namespace

/// One order, until it is answered.
class BoardFlash::Job : public std::enable_shared_from_this<Job> {
 public:
  Job(BoardFlash& owner, const wire::Command& command, const wire::FlashOrder& order, bool resumed,
      Answered answered)
      : owner_(owner),
        command_(command.id),
        id_(id_of(command)),
        board_(order.board),
        silent_max_(kSilentMax + rt::Seconds(order.timeout_s)),
        is_resumed_(resumed),
        answered_(std::move(answered)) {}
  ~Job() { owner_.loop_.cancel(timer_); }
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;

  void flash(const wire::FlashOrder& order) {
    json question = {{"verb", "flash"},
                     {"id", id_},
                     {"device", order.board},
                     {"version", order.version},
                     {"timeout_s", order.timeout_s},
                     {"by", fmt::format("command {}", command_)}};
    if (order.image.empty()) {
      question["sha256"] = order.sha256;
    } else {
      question["image"] = rt::to_base64(order.image);
    }
    ask(std::move(question));
  }
  void ask_for_outcome() { ask({{"verb", "flash_result"}, {"id", id_}}); }
  [[nodiscard]] std::uint64_t command() const { return command_; }

 private:
  void ask(json question) {
    question_ = question.dump() + "\n";
    begun_at_ = owner_.loop_.now();
    heard_at_ = begun_at_;
    try_bridge(0);
  }

  void try_bridge(std::size_t index) {
    if (index == 0) {
      whys_.clear();
      patience_ = rt::Nanos{0};
      is_unknown_ = false;
      is_busy_ = false;
      is_absent_ = false;
    }
    if (index == owner_.sockets_.size()) return end_round();
    auto stream = owner_.streams_.connect_unix(owner_.sockets_[index]);
    if (!stream) {
      // One that had it in a former life may have it.
      give_time(index, is_resumed_ ? silent_max_ : kBridgeAbsentMax);
      is_absent_ = true;
      return pass_on(index, stream.error().message);
    }
    line_.clear();
    stream_ = *std::move(stream);
    stream_->start({.on_data = [this, index](const std::string& bytes) { take(index, bytes); },
                    .on_closed = [this, index](const std::string&) { lose(index, "it hung up"); }});
    stream_->send(question_);
    limit_silence(index);
  }

  void limit_silence(std::size_t index) {
    owner_.loop_.cancel(timer_);
    timer_ = owner_.loop_.after(silent_max_, [this, index] { lose(index, "it says nothing"); });
  }

  void take(std::size_t index, const std::string& bytes) {
    if (is_over_) return;
    line_ += bytes;
    limit_silence(index);
    for (std::size_t end = line_.find('\n'); end != std::string::npos; end = line_.find('\n')) {
      const auto said = parse_line(std::string_view(line_).substr(0, end));
      line_.erase(0, end + 1);
      if (!said) return misunderstand(index, "its answer is not understood");
      if (said->contains("outcome")) return take_outcome(index, *said);
      if (said->contains("error")) return take_error(index, *said);
      heard_at_ = owner_.loop_.now();
      had_.insert(index);
    }
    if (line_.size() > kAnswerBytesMax) misunderstand(index, "its answer is too long");
  }

  void take_outcome(std::size_t index, const json& said) {
    auto answer = answer_of(said);
    if (!answer) return misunderstand(index, "its answer is not understood");
    finish(*std::move(answer));
  }

  void take_error(std::size_t index, const json& said) {
    if (text_of(said, "code") == "busy") {
      heard_at_ = owner_.loop_.now();  // it is well, and may have other boards to flash for hours
      is_busy_ = true;
      give_time(index, silent_max_);
    }
    leave(index, text_of(said, "error"));
  }

  void misunderstand(std::size_t index, const std::string& why) {
    had_.insert(index);
    leave(index, why);
  }

  void lose(std::size_t index, const std::string& why) {
    if (is_over_) return;
    had_.insert(index);
    give_time(index, silent_max_);
    leave(index, why);
  }

  /// That bridge may say more later. One that had the order is waited for longest.
  void give_time(std::size_t index, rt::Nanos most) {
    patience_ = std::max(patience_, had_.contains(index) ? silent_max_ : most);
    is_unknown_ = is_unknown_ || is_resumed_;
  }

  /// Not from inside the stream's own handler: it goes.
  void leave(std::size_t index, const std::string& why) {
    later(rt::Nanos{0}, [this, index, why] { pass_on(index, why); });
  }

  void pass_on(std::size_t index, const std::string& why) {
    whys_ += fmt::format("{}{}: {}", whys_.empty() ? "" : "; ", owner_.sockets_[index], why);
    is_unknown_ = is_unknown_ || had_.contains(index);
    try_bridge(index + 1);
  }

  void end_round() {
    const rt::Instant now = owner_.loop_.now();
    if (now - heard_at_ < patience_ && now - begun_at_ < kOrderMax) {
      return later(is_busy_ ? kBusyEvery : kRetryEvery, [this] { try_bridge(0); });
    }
    finish({false, fmt::format("{} {}: {}{}",
                               is_unknown_ ? "it is not known what came of flashing"
                                           : "no bridge of this node flashed",
                               board_, whys_.empty() ? "none is configured" : whys_,
                               is_absent_ ? kAbsentAdvice : "")});
  }

  void later(rt::Nanos delay, std::function<void()> task) {
    is_over_ = true;  // what the bridge says now is too late
    owner_.loop_.cancel(timer_);
    timer_ = owner_.loop_.after(delay, [self = weak_from_this(), task = std::move(task)] {
      const auto job = self.lock();
      if (!job) return;
      job->is_over_ = false;
      job->stream_.reset();
      task();
    });
  }

  void finish(Inbox::Answer answer) {
    if (answer.detail.size() > kDetailBytesMax) answer.detail.resize(kDetailBytesMax);
    later(rt::Nanos{0}, [this, answer = std::move(answer)]() mutable {
      owner_.log_.info("flash of {}: {}", board_, answer.detail);
      const Answered answered = std::move(answered_);
      owner_.jobs_.erase(command_);  // this goes with the last who holds it
      owner_.resume_next();
      answered(std::move(answer));
    });
  }

  BoardFlash& owner_;
  std::uint64_t command_;
  std::string id_;
  std::string board_;
  rt::Nanos silent_max_;
  bool is_resumed_;
  Answered answered_;
  std::string question_;
  std::unique_ptr<rt::Stream> stream_;
  bool is_over_ = false;  ///< with this stream
  std::string line_;      ///< not ended yet
  std::string whys_;      ///< of the round, as the next three
  rt::Nanos patience_{0};
  bool is_busy_ = false;       ///< a bridge was
  bool is_absent_ = false;     ///< some bridge could not be asked
  bool is_unknown_ = false;    ///< a bridge may have flashed it
  std::set<std::size_t> had_;  ///< bridges that took the order, or may have
  rt::Instant begun_at_;
  rt::Instant heard_at_;
  rt::TimerId timer_ = rt::TimerId::kNone;
};

BoardFlash::BoardFlash(rt::Loop& loop, rt::Streams& streams, rt::Log& log,
                       std::vector<std::string> sockets)
    : loop_(loop), streams_(streams), log_(log), sockets_(std::move(sockets)) {}

BoardFlash::~BoardFlash() = default;

Inbox::SlowVerb BoardFlash::verb() {
  return {.act = [this](const wire::Command& command,
                        Answered answered) { begin(command, false, std::move(answered)); },
          .resume = [this](const wire::Command& command,
                           Answered answered) { begin(command, true, std::move(answered)); }};
}

void BoardFlash::begin(const wire::Command& command, bool resumed, Answered answered) {
  const auto order = wire::parse_flash_order(command.arguments);
  if (!order) {
    return answered({false,
                     "expected {\"board\": NAME, \"image\": base64 of an Intel HEX file or "
                     "\"sha256\": HEX, \"version\": TEXT, \"timeout_s\": 1 to 3600}"});
  }
  if (!resumed && jobs_.size() >= kJobsMax) {
    return answered({false, fmt::format("{} orders wait already; ask again", kJobsMax)});
  }
  const auto job = std::make_shared<Job>(*this, command, *order, resumed, std::move(answered));
  log_.info("flash of {} is {}", order->board, resumed ? "looked after" : "begun");
  if (resumed) {
    resumed_.push_back(job);
    return resume_next();
  }
  jobs_[command.id] = job;
  job->flash(*order);
}

/// Refusing one would be a wrong answer: it may have been flashed.
void BoardFlash::resume_next() {
  while (!resumed_.empty() && jobs_.size() < kJobsMax) {
    const std::shared_ptr<Job> job = std::move(resumed_.front());
    resumed_.pop_front();
    jobs_[job->command()] = job;
    job->ask_for_outcome();
  }
}

}  // namespace fieldpost::agent
