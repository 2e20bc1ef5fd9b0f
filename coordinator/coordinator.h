#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/ingest/credit_pool.h"
#include "coordinator/ingest/downlink.h"
#include "coordinator/ingest/statement.h"
#include "coordinator/nodes/live_feed.h"
#include "coordinator/store/store.h"
#include "coordinator/store/studies.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/mqtt.h"
#include "proto/rt/random.h"
#include "proto/rt/worker.h"
#include "proto/wire/batch_encoder.h"
#include "proto/wire/messages.h"
#include "proto/wire/signing.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {

struct CoordinatorOptions {
  std::string site;
  std::string version;
  rt::MqttOptions mqtt;  ///< client id and will are filled in here
  CreditOptions credit;
  CompactionLimits compaction;
  rt::Nanos compaction_every = rt::Seconds(5);
  RetentionRules retention;
  rt::Nanos unconfirmed_for = std::chrono::hours(7 * 24);  ///< then gaps are declared [back-1]
  wire::EncoderOptions http_encoder;
};

struct CoordinatorCounters {
  std::uint64_t envelopes = 0;
  std::uint64_t envelope_bytes = 0;
  std::uint64_t bad_crc = 0;
  std::uint64_t undecodable = 0;  ///< envelopes, hellos, answers, states, topics
  std::uint64_t strangers = 0;    ///< records of incarnations that no hello stated
  std::uint64_t overflow = 0;     ///< arrivals dropped at the bound; published again
  std::uint64_t turned_away = 0;  ///< states and hellos beyond what is remembered of unknown nodes
  std::uint64_t stored = 0;       ///< records, for the first time
  std::uint64_t again = 0;        ///< records that were settled before
  std::uint64_t conflicts = 0;
  std::uint64_t quarantined = 0;
  std::uint64_t quarantine_full = 0;  ///< records not understood and not taken; the nodes keep them
  std::uint64_t fragments_waited = 0;  ///< of bodies that might not begin; published again
  std::uint64_t bodies = 0;            ///< that became files
  std::uint64_t bodies_broken = 0;     ///< whose bytes were not those of their hash
  std::uint64_t replays_refused = 0;   ///< of stored names, not understood; nothing changed
  std::uint64_t readings = 0;
  std::uint64_t erased = 0;  ///< readings
  std::uint64_t commits = 0;
  std::uint64_t commit_failures = 0;
  std::uint64_t welcomes = 0;
  std::uint64_t numbers_refused = 0;  ///< ordinals and marks that no coordinator can have given
};

/// What the coordinator knows of a node besides what the store says.
struct NodeLive {
  bool online = false;  ///< it was heard within the last minute and did not say goodbye
  rt::Instant last_heard;
  std::optional<wire::NodeState> state;
  rt::UnixTime state_at;
  double clock_offset_s = 0;
  std::int64_t settled_until = 0;  ///< ns; as of ToldState
  std::string alarm;
  // Counted since the coordinator's start.
  std::uint64_t undecodable = 0;      ///< envelopes
  std::uint64_t no_room = 0;          ///< records that the full quarantine did not take
  std::uint64_t numbers_refused = 0;  ///< ordinals and marks
  std::uint64_t bodies_broken = 0;    ///< their bytes were not those of their hash
  std::uint64_t ignored_lately = 0;   ///< messages, between its last two states
};

/// The central daemon's decisions: takes what nodes send, commits it, answers. All state but the
/// store's belongs to the loop; the store thread runs one job at a time, in order.
class Coordinator {
 public:
  Coordinator(rt::Loop& loop, const rt::WallClock& clock, rt::Random& random, rt::Mqtt& mqtt,
              rt::Worker& store_worker, rt::Worker& encoder, rt::Log& log, wire::SigningKey key,
              CoordinatorOptions options, std::unique_ptr<Store> store);
  ~Coordinator();
  void start();
  void stop();

  [[nodiscard]] const CoordinatorCounters& counters() const { return counters_; }
  [[nodiscard]] bool is_connected() const { return generation_ != 0; }
  [[nodiscard]] const std::map<std::string, NodeLive>& nodes() const { return nodes_; }
  [[nodiscard]] LiveFeed& live() { return live_; }
  [[nodiscard]] const CoordinatorOptions& options() const { return options_; }
  /// Called after commits that changed a node's or gaps' rows, with the gaps that are new.
  void set_on_changed(
      std::function<void(const std::string& node, const std::vector<std::int64_t>& gaps)> f) {
    on_changed_ = std::move(f);
  }

  /// A body of line protocol over HTTP; `done` after the commit. `body` is stored with it.
  void write_http(const std::string& node, wire::ParsedLines lines, std::string idempotency_key,
                  std::function<void(rt::Result<std::size_t>)> done,
                  std::optional<AdoptedBody> body = std::nullopt);
  void delete_readings(DeletionRequest request,
                       std::function<void(rt::Result<std::vector<Deletion>>)> done);
  void replace_readings(Replacement replacement, std::function<void(rt::Result<Replaced>)> done);
  /// Runs a job on the store's thread, then `done`; transactions are the job's own.
  void run_store(std::function<rt::Status(Store&)> job, std::function<void(rt::Status)> done);
  /// Runs a job on studies in a transaction, which commits when it succeeds; then `done`.
  void change_studies(std::function<rt::Status(Studies&)> job,
                      std::function<void(rt::Status)> done);
  void send_command(const std::string& node, const std::string& verb, const std::string& arguments,
                    std::function<void(rt::Result<wire::Command>)> done);
  /// Tells a node how often to measure, as Store::tell_sampling keeps it; `done` after the commit.
  /// kUnavailable: it has no session.
  void tell_sampling(const std::string& node, const SamplingIntervals& every_s,
                     std::function<void(rt::Status)> done);
  /// Goes through the quarantine (of `node`; empty: of all): what is understood now is stored, what
  /// is not stays, or is given up into a gap [commit-7]. kNotFound: no such node.
  void reprocess(const std::string& node, bool give_up,
                 std::function<void(rt::Result<Reprocessed>)> done);
  /// [back-3].
  void release(const std::string& node, std::function<void(rt::Status)> done);

 private:
  struct Session {
    std::uint64_t hello_nonce = 0;  ///< of the newest complete hello
    std::uint64_t challenge = 0;    ///< 0: none is open
    std::shared_ptr<const Statement> statement;
    std::uint64_t nonce = 0;  ///< of the welcomed session; 0: none
    wire::SpoolId spool;
    std::optional<wire::NameRange> last_missing;  ///< of more than the welcome told
    rt::Instant last_heard;
  };
  struct PendingHttp {
    HttpRecords body;
    std::function<void(rt::Result<std::size_t>)> done;
  };

  void connect();
  void on_connected();
  void open_generation(std::uint64_t generation);
  void on_disconnected(const std::string& why);
  void on_message(rt::MqttMessage message);
  void on_envelope(const std::string& node, const rt::MqttMessage& message);
  void on_hello(const std::string& node, const rt::MqttMessage& message);
  void on_answer(const std::string& node, const rt::MqttMessage& message);
  void on_state(const std::string& node, const rt::MqttMessage& message);
  void note_heard(const std::string& node);
  void set_online(const std::string& node, bool online);
  void set_all_offline();
  void forget_silent();
  void keep_state(const std::string& node);  ///< what it said last, if the store knows the node
  void challenge(const std::string& node, std::shared_ptr<const Statement> statement);
  void conclude(const std::string& node, std::shared_ptr<const Statement> statement);
  void welcome(const std::string& node, const Statement& statement, Conclusion conclusion,
               std::uint64_t mark, std::vector<wire::Command> commands);
  void note_refused_numbers(const std::string& node, int count);
  void end_session(const std::string& node);
  [[nodiscard]] std::size_t arrival_bytes_max() const;
  bool has_place(const std::string& node);
  void take_turn();
  void commit_arrivals();
  void submit_arrivals();
  void on_committed(rt::Result<std::vector<Settled>> settled, const std::vector<Arrival>& arrivals);
  void forget(const std::vector<Arrival>& committed);
  void end_to_ask_on(const std::vector<Settled>& settled);
  void send_receipts(const std::vector<Settled>& settled);
  void send_receipt(const std::string& node, wire::Receipt receipt, const Credit& credit);
  void balance_credit();
  void note(const Settled& settled);
  void commit_http();
  [[nodiscard]] rt::MqttMessage presence_message(const wire::Presence& presence) const;
  void publish_presence(bool online);
  void send_signed(const std::string& node, wire::TopicKind kind, const std::string& body);
  void refuse_command(const std::string& node, std::function<void(rt::Result<wire::Command>)> done);
  /// In the node's session; does nothing when that has another spool, or there is none.
  void send_signed_command(const std::string& node, wire::Command command);
  void on_tick();
  void end_overdue();
  void ask_for_damaged();
  void compact();
  void assemble_bodies();
  void on_bodies(const BodyStore::Step& step, const std::string& node);
  void erase();
  void on_erased(const Eraser::Step& step);
  void warn_of_clock(bool synchronised);
  void retry_quarantined();
  struct Reprocessing;
  void reprocess_step(std::shared_ptr<Reprocessing> work);

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Random& random_;
  rt::Mqtt& mqtt_;
  rt::Worker& store_worker_;
  rt::Worker& encoder_worker_;
  rt::Log& log_;
  wire::SigningKey key_;
  CoordinatorOptions options_;
  std::shared_ptr<Store> store_;  ///< the store thread's while a job runs
  wire::StoreId store_id_;
  std::shared_ptr<wire::BatchEncoder> http_encoder_;

  std::uint64_t generation_ = 0;  ///< 0: not connected
  std::uint64_t connection_ = 0;  ///< counts them and their ends: what is late is of another
  std::map<std::string, Session> sessions_;
  std::map<std::string, NodeLive> nodes_;
  CreditPool credit_;
  StatementInbox hellos_;
  Downlink downlink_;
  LiveFeed live_;
  std::vector<Arrival> arrivals_;
  std::size_t arrival_bytes_ = 0;
  std::map<std::string, std::size_t> uncommitted_;  ///< arrivals of each node, under way or waiting
  int commits_under_way_ = 0;
  bool http_under_way_ = false;
  std::vector<PendingHttp> http_;
  std::size_t http_readings_ = 0;
  bool compacting_ = false;
  bool erasing_ = false;
  bool assembling_ = false;
  bool assembly_failed_ = false;  ///< the last step
  bool rules_wait_ = false;       ///< told: the clock is not synchronised
  std::uint64_t outlived_ = 0;    ///< readings that rules took, not told yet
  bool turn_requested_ = false;
  rt::Instant last_compaction_, last_erasure_, last_assembly_, presence_published_;
  std::optional<rt::Instant> last_overdue_;
  rt::Nanos reconnect_wait_;
  rt::TimerId reconnect_timer_ = rt::TimerId::kNone;
  rt::TimerId tick_ = rt::TimerId::kNone;
  CoordinatorCounters counters_;
  std::function<void(const std::string&, const std::vector<std::int64_t>&)> on_changed_;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace fieldpost::coordinator
