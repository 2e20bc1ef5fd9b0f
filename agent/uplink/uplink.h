#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "agent/spool/spool_front.h"
#include "agent/uplink/backoff.h"
#include "agent/uplink/byte_budget.h"
#include "agent/uplink/link_window.h"
#include "agent/uplink/outbox.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/mqtt.h"
#include "proto/rt/random.h"
#include "proto/wire/messages.h"
#include "proto/wire/topics.h"

namespace fieldpost::agent {

struct UplinkOptions {
  std::string site;
  std::string node;
  std::string version;
  std::vector<std::string> labels;
  rt::MqttOptions mqtt;  ///< client id and will are filled in here
  LaneShares shares;
  std::uint64_t bytes_per_second = 0;  ///< 0: as fast as the link
  std::uint64_t bytes_per_day = 0;     ///< 0: no budget; what sessions need goes even above it
  bool pin_at_first_sight = false;     ///< loopback only [topic-3]
  rt::UnixTime built;                  ///< no right clock stands before it [topic-6]
};

/// Fills what the uplink does not know of the node's state: sources, forecast.
using FillState = std::function<void(wire::NodeState&)>;
/// A command addressed to this node and spool, signed for the session that is on [cmd-4].
using OnCommand = std::function<void(const wire::Command&)>;

struct UplinkCounters {
  std::uint64_t ignored = 0;  ///< messages not signed, not ours, or of another session
  std::uint64_t sessions = 0;
  std::uint64_t republished = 0;
  std::uint64_t wire_bytes = 0;  ///< of envelopes handed to the broker
  std::uint64_t conflicts = 0;
};

/// The node's end of the session (proto/README.md, section 4): connects, says hello, publishes
/// inside the credit, takes verdicts. All state is of the session and may be lost at any time. Loop
/// thread.
class Uplink final : public RecordSink {
 public:
  Uplink(rt::Loop& loop, const rt::WallClock& clock, rt::Random& random, rt::Mqtt& mqtt,
         rt::Log& log, SpoolFront& front, UplinkOptions options);
  ~Uplink() override;

  void set_fill_state(FillState fill) { fill_state_ = std::move(fill); }
  void set_on_command(OnCommand on_command) { on_command_ = std::move(on_command); }
  /// The highest command id in the inbox; the larger one stays.
  void set_command_mark(std::uint64_t mark) { command_mark_ = std::max(command_mark_, mark); }
  /// At which a server's certificate is checked at the caller's `attempt` to connect; none: at the
  /// wall clock [topic-6].
  [[nodiscard]] std::optional<rt::UnixTime> certificate_time(std::uint64_t attempt) const;
  void start();
  /// Says goodbye to the broker. The session ends; what is in memory stays in memory.
  void stop();

  [[nodiscard]] bool is_up() const { return state_ == State::kUp; }
  [[nodiscard]] const UplinkCounters& counters() const { return counters_; }
  /// The coordinator's time as last heard; nullopt before the first welcome.
  [[nodiscard]] std::optional<rt::UnixTime> coordinator_time() const;
  /// Queues stored records to be published again in this session, for names the coordinator lost
  /// the data of [commit-8]. Returns for how many there was room; 0 outside a session.
  std::size_t replay(std::vector<SpoolRecord> records);

  // RecordSink
  void on_record(const SpoolRecord& record, bool on_disk) override;
  void on_spooled(const wire::Name& name) override;
  void on_marked(const std::vector<wire::NameRange>& ranges) override;
  void on_statement_outdated(const std::string& why) override;

 private:
  enum class State : std::uint8_t {
    kOffline,  ///< not connected; a timer brings it back
    kConnecting,
    kAlone,    ///< connected, no coordinator in sight
    kStating,  ///< the statement is being taken, or what it will say put on disk
    kHelloSent,
    kAnswered,
    kWelcoming,  ///< the welcome is being put on disk
    kUp,
  };
  struct Backlog {
    RecordClass from, to;
    wire::Lane lane;
    std::int64_t cursor = 0;
    bool loading = false;
    bool exhausted = false;
  };

  void connect();
  void on_connected();
  void on_disconnected(const std::string& why);
  void on_message(rt::MqttMessage message);
  void on_presence(const std::string& topic, const wire::Presence& presence);
  void ignore_foreign(const std::string& topic);
  void say_hello(bool list_all);
  void send_hello(std::vector<wire::IncarnationStatement> statement, bool list_all);
  void hand_over_pages();
  void on_challenge(const wire::Challenge& challenge);
  void on_welcome(const wire::Welcome& welcome);
  void on_welcomed(const wire::Welcome& welcome, rt::Result<WelcomeOutcome> outcome);
  void on_receipt(const wire::Receipt& receipt);
  void on_command(const wire::Command& command);
  void on_needs(const std::vector<wire::Hash128>& needs);
  void on_waits(const std::vector<wire::NameRange>& waits);
  void leave_session(const std::string& why);
  void hello_again(const std::string& why);
  void arm_hello_timer();
  void on_puback(std::uint64_t token);
  void on_tick();
  void arm_tick();
  void watch();
  [[nodiscard]] bool is_time_to_ask(rt::Instant at);
  void pump();
  void request_pump();
  void await_room();
  bool publish(Outgoing& item);
  rt::Result<std::uint64_t> hand_over(rt::MqttMessage message, bool more_waits);
  [[nodiscard]] wire::Envelope envelope_of(const Outgoing& item);
  void load_backlog();
  void load_backlog(Backlog& backlog);
  /// false: the copy in memory is damaged; the item is gone and its gap is on the way [env-3].
  bool check_own_copy(const Outgoing& item);
  void declare_too_large(const Outgoing& item, std::size_t bytes);
  void publish_state();
  [[nodiscard]] bool is_state_outdated() const;
  [[nodiscard]] rt::MqttMessage gone_state() const;
  [[nodiscard]] bool budget_allows(std::size_t bytes);
  [[nodiscard]] bool day_is_spent();
  void resume_budget();
  void note_budget();
  [[nodiscard]] std::string topic(wire::TopicKind kind, wire::Lane lane = wire::Lane::kEvent) const;
  [[nodiscard]] wire::Clock now() const { return clock_now(loop_, clock_); }
  /// How long the slowest link that we put up with may be busy with what was handed over.
  [[nodiscard]] rt::Nanos time_on_the_link() const;
  template <typename Message, typename Decode>
  std::optional<Message> open(const rt::MqttMessage& message, Decode decode);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Random& random_;
  rt::Mqtt& mqtt_;
  rt::Log& log_;
  SpoolFront& front_;
  UplinkOptions options_;
  FillState fill_state_;
  OnCommand on_command_;

  State state_ = State::kOffline;
  Outbox outbox_;
  LinkWindow link_;
  std::vector<Backlog> backlogs_;
  std::uint64_t nonce_ = 0;
  std::uint64_t generation_ = 0;  ///< of the challenge answered, then of the session
  std::uint64_t presence_generation_ = 0;
  bool answered_ = false;
  std::deque<std::string> pages_;      ///< of the hello, until there is room for them on the link
  wire::Hash128 statement_hash_;       ///< of all its pages [chal-3]
  std::uint64_t last_page_token_ = 0;  ///< of those handed over; 0: none
  std::unordered_set<wire::Hash128> known_sets_;
  std::vector<wire::NameRange> marks_;  ///< to tell
  std::uint64_t command_mark_ = 0;
  std::optional<rt::UnixTime> coordinator_time_;
  rt::Instant coordinator_time_at_;
  rt::Instant last_progress_;  ///< a receipt that settled something, or nothing to wait for
  rt::Nanos patience_;
  Backoff hello_retry_;
  rt::Nanos hello_patience_{0};        ///< once the broker has taken the hello
  Backoff hunger_;                     ///< between hellos that ask for credit
  std::optional<rt::Instant> ask_at_;  ///< when to ask for it; none: there is some
  Backoff reconnect_;
  std::uint64_t attempts_ = 0;  ///< to connect
  rt::TimerId reconnect_timer_ = rt::TimerId::kNone;
  rt::TimerId hello_timer_ = rt::TimerId::kNone;
  rt::TimerId tick_ = rt::TimerId::kNone;
  rt::TimerId pump_timer_ = rt::TimerId::kNone;
  rt::TimerId link_timer_ = rt::TimerId::kNone;
  rt::Instant state_published_;
  struct Told {
    bool up = false;
    bool held = false;  ///< records on disk
    std::uint64_t shed = 0;
    bool shedding = false;  ///< more had been shed than the time before
  };
  Told told_;  ///< by the state published last
  ByteBudget budget_;
  bool held_back_ = false;  ///< by the budget: what goes next waits for it
  bool day_spent_logged_ = false;
  UplinkCounters counters_;
  bool foreign_logged_ = false;
  bool stopping_ = false;
};

}  // namespace fieldpost::agent
