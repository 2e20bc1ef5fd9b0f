#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/intake.h"
#include "agent/spool/batcher.h"
#include "agent/spool/forecast.h"
#include "agent/spool/shedding.h"
#include "agent/spool/spool.h"
#include "proto/rt/clock.h"
#include "proto/rt/log.h"
#include "proto/rt/loop.h"
#include "proto/rt/random.h"
#include "proto/rt/worker.h"
#include "proto/wire/batch_encoder.h"

namespace fieldpost::agent {

struct SpoolFrontOptions {
  BatcherOptions batch;
  wire::EncoderOptions encoder;
  ShedOptions shed;
  rt::Nanos spool_delay = rt::Seconds(2);
  std::size_t memory_bytes_max = 32 << 20;  ///< of sampled records, when nothing can be written
  std::size_t ready_bytes_max = 8 << 20;    ///< of those that have no name yet
  std::string path;                         ///< of the spool's file
  std::string vfs;
};

/// Who takes records on towards the coordinator. Implemented by the uplink; loop thread.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  /// A record has its name and, unless `on_disk` is false, is synced.
  virtual void on_record(const SpoolRecord& record, bool on_disk) = 0;
  /// A record that was in memory is on disk now.
  virtual void on_spooled(const wire::Name& name) = 0;
  /// Delivered marks (or the dropping of records that were in memory only) are done.
  virtual void on_marked(const std::vector<wire::NameRange>& ranges) = 0;
  /// Names or incarnations changed under the session: say hello again. `why` is for the log.
  virtual void on_statement_outdated(const std::string& why) = 0;
};

/// What is asked of the welcome's content once it is on disk.
struct WelcomeOutcome {
  std::vector<wire::Name> conflicts;  ///< stored under this name, but with another hash
  bool renew = false;                 ///< the live incarnation must not go on [wel-7]
  std::uint64_t gone = 0;  ///< names that the store lacks and the spool, too: state them anew
};

/// The spool as the loop sees it: names records, keeps sampled ones in memory, and drives the store
/// thread, one job at a time in order. All state belongs to the loop; the Spool itself to the
/// worker.
class SpoolFront final : public Intake {
 public:
  SpoolFront(rt::Loop& loop, const rt::WallClock& clock, rt::Random& random, rt::Worker& store,
             rt::Worker& encoder, rt::Log& log, SpoolFrontOptions options, Spool spool);
  ~SpoolFront() override;

  void set_sink(RecordSink* sink) { sink_ = sink; }
  /// Called once, on the loop, when the spool's file proves to be damaged: the process marks it
  /// (open_spool.h), ends and starts again, and so salvages. Until then producers are refused.
  void set_on_damaged(std::function<void()> on_damaged) { on_damaged_ = std::move(on_damaged); }
  [[nodiscard]] bool needs_salvage() const { return needs_salvage_; }
  /// At a clean stop, when the store's worker is gone and the spool this thread's: what is only in
  /// memory goes to disk, and so do the gaps that are owed.
  rt::Status save_memory();
  /// While there is no link, sampled batches close only at spool_delay: fewer, fuller records.
  /// Either way no hello is unanswered any more [hello-4].
  void set_linked(bool linked);

  // Intake
  void accept_sampled(wire::ParsedLines lines) override;
  void accept_durable(wire::ParsedLines lines, DurableOptions options,
                      std::function<void(rt::Result<Accepted>)> done) override;
  void accept_fragments(std::vector<wire::Record> fragments,
                        std::function<void(rt::Status)> done) override;
  [[nodiscard]] BodyRoom body_room() const override;
  void accept_window(std::vector<wire::Record> fragments, std::optional<BodyPlace> place,
                     std::function<void(rt::Status)> done) override;
  void load_body_place(std::function<void(rt::Result<std::optional<BodyPlace>>)> done) override;
  void forget_body_place(std::function<void(rt::Status)> done) override;
  [[nodiscard]] bool is_busy() const override;

  /// A durable record that is not readings: an event. `done` after it is on disk; kBusy when as
  /// many are held as ShedOptions::event_reserve says, of a log at half of it; `also` happens in
  /// the same transaction.
  void append_record(wire::Record record, RecordClass record_class,
                     std::function<void(rt::Status)> done, SpoolWork also = nullptr);

  // For the uplink
  [[nodiscard]] const LiveIncarnation& live() const { return live_; }
  [[nodiscard]] wire::SpoolId spool_id() const { return spool_id_; }
  [[nodiscard]] const SpoolTotals& totals() const { return totals_; }
  [[nodiscard]] const Pin& pin() const { return pin_; }
  [[nodiscard]] std::uint64_t age_ms() const;
  /// Age of the oldest record that is still owed, ms; 0: nothing is.
  [[nodiscard]] std::uint64_t oldest_age_ms() const;
  /// What is lost first if nothing were delivered from now on.
  [[nodiscard]] std::optional<Forecast> forecast();
  /// Readings that got a name since the spool was made. On disk with the next write or lease.
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }
  /// Readings shed since the spool was made, those included that were never on disk.
  [[nodiscard]] std::uint64_t shed() const { return totals_.shed + memory_shed_; }
  [[nodiscard]] std::uint64_t readings_in_memory() const { return memory_readings_; }
  [[nodiscard]] std::size_t records_in_memory() const { return memory_.size(); }
  /// Unreceipted sampled records, in order of their names.
  void for_each_in_memory(const std::function<void(const SpoolRecord&)>& visit) const;
  /// [hello-2], [hello-3]: disk and memory as one; before, what is kept is bounded (kept_ranges.h).
  /// No name is given out between its taking and `done`. From here to set_linked a hello counts as
  /// unanswered: when kept records have to go meanwhile, on_statement_outdated is called [hello-4].
  using Statement = std::vector<wire::IncarnationStatement>;
  void take_statement(std::function<void(rt::Result<Statement>)> done);
  /// [wel-2], [wel-4] and the pin, durably; then `done`.
  void apply_welcome(const wire::Welcome& welcome, const Pin& pin,
                     std::function<void(rt::Result<WelcomeOutcome>)> done);
  void settle(const std::vector<wire::VerdictRange>& verdicts);
  /// [commit-4]; then on_statement_outdated.
  void rename(std::vector<wire::Name> names);
  using Loaded = std::function<void(rt::Result<std::vector<SpoolRecord>>)>;
  void load_held(RecordClass from, RecordClass to, std::int64_t after, std::size_t bytes_max,
                 Loaded done);
  void load_names(std::vector<wire::Name> names, Loaded done);
  /// The record's bytes are broken: a gap says so, the record goes [env-3].
  void declare_damaged(const SpoolRecord& record);
  void set_pin(const Pin& pin);
  /// Runs `work` on the store thread with the spool in hand, then `done` on the loop: for inbox and
  /// doctor, which keep tables of their own in the same file.
  void with_spool(std::function<rt::Status(Spool&)> work, std::function<void(rt::Status)> done);

 private:
  using Wanted = std::function<bool(const SpoolRecord&)>;
  struct Encoded {
    std::vector<SpoolRecord> records;
    std::vector<Waiter> waiters;
    bool durable = false;
    std::function<void(rt::Status)> done;  ///< of append_record
    SpoolWork also;                        ///< in the same transaction; may be empty
    bool counts_as_batch = false;
    bool named = false;
    std::uint64_t shed = 0;  ///< readings from memory that its gap tells of
    [[nodiscard]] std::uint64_t readings() const;
    [[nodiscard]] std::uint64_t bytes(const Wanted& wanted) const;
  };
  struct Writing {
    std::vector<Encoded> batch;
    std::vector<SpoolRecord> sampled;  ///< overdue ones, from memory
    std::vector<SpoolRecord> all;
    std::vector<Idempotency> keys;
    std::vector<SpoolWork> also;
    [[nodiscard]] bool empty() const { return batch.empty() && sampled.empty(); }
    [[nodiscard]] std::uint64_t bytes(const Wanted& wanted) const;
  };
  struct InMemory {
    SpoolRecord record;
    rt::Instant since;
    bool being_written = false;
  };
  using Memory = std::map<wire::Name, InMemory>;
  /// What a job leaves of the spool's state.
  struct State {
    LiveIncarnation live;
    wire::SpoolId id;
    SpoolTotals totals;
  };
  [[nodiscard]] static State state_of(const Spool& spool);

  void add_fragments(std::vector<wire::Record> fragments, SpoolWork also,
                     std::function<void(rt::Status)> done);
  void on_closed(ClosedBatch batch);
  void on_encoded(Encoded encoded);
  void pump();  ///< names what is ready, then writes what is due
  bool try_name(std::vector<SpoolRecord>& records);  ///< false: not now, pump() comes back to it
  void write_due();
  void take_overdue(Writing& work);
  [[nodiscard]] bool drops_newest(const SpoolRecord& record) const;
  void release(const SpoolRecord& record);  ///< of the memory: it is not being written any more
  [[nodiscard]] bool has_room_for_bodies(const Writing& work) const;
  void make_room(const std::shared_ptr<Writing>& work);
  void shed_for(const std::shared_ptr<Writing>& work);
  void refuse(Writing& work, const rt::Error& error, const Wanted& refused);
  void write(const std::shared_ptr<Writing>& work);
  void on_written(const rt::Status& status, Writing& work);
  void finish(Encoded& encoded, const rt::Status& status);
  void answer(Encoded& encoded, const rt::Status& status);
  void run_job(std::function<rt::Status()> job, std::function<void(rt::Status)> done);
  void lend_names(std::function<rt::Status(std::uint64_t& next_seq)> job,
                  std::function<void(rt::Status)> done);
  void extend_lease();
  void flush_settled();
  void declare_damaged_among(std::vector<SpoolRecord>& records);
  void note_damage(const rt::Error& error);
  void look_at_oldest();
  void shed_aged();
  void merge_gaps();
  void scrub();  ///< reads on where it stopped, so that damage shows while its record is in memory
  void arm_tick();
  void on_tick();
  void drop_from_memory(const wire::NameRange& range, std::vector<wire::NameRange>& marked);
  void remember(const SpoolRecord& record);
  Memory::iterator forget(Memory::iterator held);
  void forget(const wire::Name& name);  ///< if it is in memory
  void bound_memory();
  void name_losses();
  void add_owed_gap();
  rt::Status name_and_add_gaps(std::vector<SpoolRecord>& records, std::uint64_t& shed);
  void copy_state(const State& state);
  void for_each_waiting(const std::function<void(const Encoded&)>& visit) const;
  void read_statement(std::function<void(rt::Result<Statement>)> done);
  void merge_memory(Statement& statement, std::uint64_t highest) const;

  rt::Loop& loop_;
  const rt::WallClock& clock_;
  rt::Random& random_;
  rt::Worker& store_;
  rt::Worker& encoder_worker_;
  rt::Log& log_;
  SpoolFrontOptions options_;
  std::shared_ptr<Spool> spool_;                 ///< the store thread's while a job runs
  std::shared_ptr<wire::BatchEncoder> encoder_;  ///< the encoder thread's
  RecordSink* sink_ = nullptr;
  Batcher batcher_;

  // The loop's copy of the spool's state, as of the last finished job: made within that job, for
  // the store thread may be in the next one when `done` is called.
  LiveIncarnation live_;
  wire::SpoolId spool_id_;
  SpoolTotals totals_;
  Pin pin_;  ///< the loop's own: the file follows

  std::shared_ptr<std::uint64_t> next_seq_ =
      std::make_shared<std::uint64_t>(1);  ///< a job's while lent
  int names_lent_ = 0;                     ///< > 0: a job may give out names, so the loop must not
  bool lease_under_way_ = false;
  std::shared_ptr<Writing> writing_;  ///< null: nothing is being written
  bool hello_open_ = false;
  std::uint64_t age_base_ms_ = 0;
  rt::Instant started_;
  std::deque<Encoded> ready_;  ///< encoded, not named yet
  std::size_t ready_bytes_ = 0;
  std::uint64_t unnamed_lost_ = 0;        ///< readings that went before there was a name for them
  std::vector<Encoded> due_;              ///< durable, to be written
  std::vector<wire::GapNames> owed_gap_;  ///< lost from memory, or never used; not in a record yet
  std::size_t due_readings_ = 0;
  Memory memory_;
  std::uint64_t memory_readings_ = 0;
  std::size_t memory_bytes_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t memory_shed_ = 0;  ///< readings in gaps that are not on disk yet
  Inflow inflow_;
  std::optional<OldestHeld> oldest_, oldest_readings_;  ///< on disk, as last looked at
  std::size_t encoding_readings_ = 0;
  std::vector<wire::VerdictRange> settled_;  ///< for records on disk, not written yet
  std::vector<std::string> keys_under_way_;
  rt::TimerId tick_ = rt::TimerId::kNone;
  bool failed_logged_ = false;   ///< the last write failed
  bool retries_memory_ = false;  ///< since the last tick; see take_overdue
  bool refused_logged_ = false;
  rt::Instant aged_at_;                 ///< when the age bound was last looked at
  std::uint64_t gaps_merge_above_ = 0;  ///< bytes of held gap records
  std::function<void()> on_damaged_;
  bool needs_salvage_ = false;
  rt::Instant scrubbed_at_;
  std::int64_t scrubbed_to_ = 0;  ///< row
  std::shared_ptr<bool> alive_;   ///< false: jobs that come back find nobody
};

}  // namespace fieldpost::agent
