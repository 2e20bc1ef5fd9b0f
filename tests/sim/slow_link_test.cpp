// Draining an outage over links of any speed: the link is kept busy, and what is new does not wait.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "agent/spool/open_spool.h"
#include "proto/wire/limits.h"
#include "proto/wire/readings_codec.h"
#include "tests/sim/sim_site.h"

namespace fieldpost::sim {
namespace {

constexpr std::uint64_t kMbit = 125'000;  // bytes a second
constexpr std::size_t kTextBytes = 1000;
constexpr std::uint16_t kReadings = static_cast<std::uint16_t>(wire::RecordKind::kReadings);

struct Link {
  std::uint64_t bytes_per_second = 0;
  rt::Nanos delay = rt::Millis(2);  ///< each way
};

/// A node whose link was down while it took in `records` of `texts` KB each, and is up now; it
/// takes in a small reading every 200 ms.
class Drain {
 public:
  Drain(Link link, int records, int texts) : link_(link), world_(3), broker_(world_) {
    world_.set_jitter(rt::Millis(1));
    broker_.set_faults({.delay_least = link.delay, .delay_most = link.delay});
    broker_.set_rate(kClient, link.bytes_per_second);
    broker_.set_tap([this](const std::string& from, const rt::MqttMessage& message) {
      if (from == kClient) on_taken(message);
      return true;
    });
    site_.start();
    start_node();
    broker_.set_link(kClient, LinkState::kReset);
    for (int i = 0; i < records; ++i) {
      front_->accept_durable(texts_of(texts), {}, [](rt::Result<agent::Accepted>) {});
      world_.run_for(rt::Millis(50));
    }
    world_.run_for(rt::Seconds(5));
    backlog_ = front_->totals().bytes_held;
    broker_.set_link(kClient, LinkState::kUp);
    feed_live();
  }
  ~Drain() { loop_.kill(); }

  bool run() {
    const auto done = [this] { return first_.count() > 0 && front_->totals().records_held == 0; };
    return world_.run_until(done, std::chrono::hours(2));
  }

  /// The share of the time, from the first record of the drain to the last, in which the link was
  /// carrying something.
  [[nodiscard]] double busy() const {
    const double span = std::chrono::duration<double>(last_ - first_).count();
    return static_cast<double>(bytes_) / (span * static_cast<double>(link_.bytes_per_second));
  }
  [[nodiscard]] double drain_seconds() const {
    return std::chrono::duration<double>(last_ - first_).count();
  }
  /// Of live readings, taken in until the broker has them.
  [[nodiscard]] double p99_seconds() {
    if (latencies_.empty()) return 0;
    std::sort(latencies_.begin(), latencies_.end());
    return latencies_[latencies_.size() * 99 / 100];
  }
  [[nodiscard]] std::size_t longest() const { return longest_; }

 private:
  static constexpr const char* kClient = "fp-lab-n1";

  void start_node() {
    auto spool = agent::open_spool("/spool/spool.db", vfs_.name(), files_, random_, log_);
    REQUIRE(spool.has_value());
    front_ = std::make_unique<agent::SpoolFront>(loop_, clock_, random_, store_, encoder_, log_,
                                                 agent::SpoolFrontOptions{}, std::move(*spool));
    agent::UplinkOptions options;
    options.site = "lab";
    options.node = "n1";
    options.pin_at_first_sight = true;
    uplink_ =
        std::make_unique<agent::Uplink>(loop_, clock_, random_, mqtt_, log_, *front_, options);
    uplink_->start();
  }

  wire::ParsedLines texts_of(int count) {
    wire::ParsedLines lines;
    lines.keys = {"backlog text s"};
    lines.types = {wire::ValueType::kString};
    lines.columns.resize(1);
    for (int i = 0; i < count; ++i) {
      std::string text(kTextBytes, ' ');
      for (char& each : text) each = static_cast<char>(dice_.below(256));
      lines.columns[0].times.push_back(clock_.now().ns + i);
      lines.columns[0].values.push_back(static_cast<std::uint64_t>(i));
      lines.columns[0].strings.push_back(std::move(text));
    }
    lines.readings = lines.lines_stored = static_cast<std::size_t>(count);
    lines.string_bytes = kTextBytes * static_cast<std::size_t>(count);
    return lines;
  }

  void feed_live() {
    wire::ParsedLines lines;
    lines.keys = {"live fed i"};
    lines.types = {wire::ValueType::kI64};
    lines.columns.resize(1);
    lines.columns[0].times = {clock_.now().ns};
    lines.columns[0].values = {static_cast<std::uint64_t>(world_.now().count())};
    lines.readings = lines.lines_stored = 1;
    front_->accept_sampled(std::move(lines));
    loop_.after(rt::Millis(200), [this] { feed_live(); });
  }

  void on_taken(const rt::MqttMessage& message) {
    const std::size_t bytes = message.topic.size() + message.payload.size();
    const auto envelope = wire::decode_envelope(message.payload);
    if (!envelope) return;
    if (envelope->lane == wire::Lane::kLive) note_live(*envelope);
    if (envelope->lane == wire::Lane::kBackfill) {
      longest_ = std::max(longest_, message.payload.size());
      if (first_.count() == 0) {
        first_ = world_.now();
      } else {
        bytes_ += std::exchange(since_, 0) + bytes;
      }
      last_ = world_.now();
    } else if (first_.count() > 0) {
      since_ += bytes;
    }
  }

  void note_live(const wire::Envelope& envelope) {
    const auto record = wire::decode_record(envelope.record);
    if (!record || record->kind != kReadings || first_.count() == 0) return;
    const auto raw = wire::decompress(record->payload, record->codec, record->raw_size);
    if (!raw) return;
    static constexpr std::array kTypes = {wire::ValueType::kI64};
    const auto columns = wire::decode_columns(*raw, kTypes);
    if (!columns) return;
    for (const std::uint64_t fed : columns->columns.at(0).values) {
      const rt::Nanos fed_at(static_cast<std::int64_t>(fed));
      if (fed_at < first_) continue;  // taken in while there was no session
      const rt::Nanos waited = world_.now() - fed_at;
      latencies_.push_back(std::chrono::duration<double>(waited).count());
    }
  }

  Link link_;
  SimWorld world_;
  SimBroker broker_;
  SimSite site_{world_, broker_};
  Dice dice_ = world_.dice("texts");
  SimDisk disk_;
  SimVfs vfs_{disk_, "slow"};
  SimFiles files_{disk_};
  SimWallClock clock_{world_, "slow"};
  SimLog log_{world_, "slow"};
  SimLoop loop_{world_};
  SimRandom random_{world_.dice("random slow")};
  SimMqtt mqtt_{loop_, broker_};
  SimWorker store_{loop_, world_.dice("store slow")}, encoder_{loop_, world_.dice("encoder slow")};
  std::unique_ptr<agent::SpoolFront> front_;
  std::unique_ptr<agent::Uplink> uplink_;

  std::uint64_t backlog_ = 0;
  std::uint64_t bytes_ = 0;  ///< from the first record of the drain to the last
  std::uint64_t since_ = 0;  ///< of other lanes, since the last record of the drain
  rt::Nanos first_{0}, last_{0};
  std::size_t longest_ = 0;
  std::vector<double> latencies_;
};

TEST_CASE("a link of 1 Mbit/s is kept busy by a drain, and what is new does not wait behind it") {
  for (const rt::Nanos delay : {rt::Millis(1), rt::Millis(50)}) {
    for (const int texts : {5, 20, 60}) {
      INFO(delay.count(), " ns each way, envelopes of ", texts, " KB");
      Drain drain({.bytes_per_second = kMbit, .delay = delay}, 4000 / texts, texts);
      REQUIRE(drain.run());
      CHECK(drain.busy() >= 0.95);
      CHECK(drain.p99_seconds() < 1.0);
    }
  }
}

TEST_CASE("on a link of 64 kbit/s what is new waits for little more than the envelope before it") {
  const Link link{.bytes_per_second = kMbit * 64 / 1000, .delay = rt::Millis(50)};
  for (const int texts : {1, 5, 60}) {
    INFO("envelopes of ", texts, " KB");
    Drain drain(link, 1000 / texts, texts);
    REQUIRE(drain.run());
    CHECK(drain.busy() >= 0.85);
    const auto longest = static_cast<double>(drain.longest());
    CHECK(drain.p99_seconds() < longest / static_cast<double>(link.bytes_per_second) + 1.0);
  }
}

TEST_CASE("a link with a long way is not left idle for the lack of answers") {
  Drain drain({.bytes_per_second = kMbit * 10, .delay = rt::Millis(300)}, 400, 60);
  REQUIRE(drain.run());
  CHECK(drain.busy() >= 0.6);  // the credit of one node allows no more
  CHECK(drain.p99_seconds() < 1.0);
}

TEST_CASE("a fat link is kept busy, too") {
  for (const std::uint64_t mbit : {10u, 100u}) {
    INFO(mbit, " Mbit/s");
    Drain drain({.bytes_per_second = kMbit * mbit, .delay = rt::Millis(1)}, 400, 60);
    REQUIRE(drain.run());
    CHECK(drain.busy() >= 0.95);
    CHECK(drain.p99_seconds() < 0.5);
  }
}

}  // namespace
}  // namespace fieldpost::sim
