#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/ingest/conclusion.h"
#include "coordinator/ingest/ingest.h"
#include "coordinator/store/body_store.h"
#include "coordinator/store/chunk_purge.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/eraser.h"
#include "coordinator/store/import_step.h"
#include "coordinator/store/ledger.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/replacement.h"
#include "coordinator/store/sampling_table.h"
#include "proto/rt/random.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/wire/batch_encoder.h"

namespace fieldpost::coordinator {

/// A file that becomes a body.
struct AdoptedBody {
  std::string path;
  wire::BodyReference reference;
};

/// Readings that came over the coordinator's own HTTP.
struct HttpRecords {
  std::string node;
  std::vector<wire::EncodedReadings> records;
  std::string idempotency_key;  ///< empty: none
  std::size_t lines = 0;
  std::optional<AdoptedBody> body;  ///< stored with them
};

/// What a node said of itself.
struct ToldState {
  wire::NodeState state;
  /// ns: all that it accepted before is settled; 0: it did not say so.
  std::int64_t settled_until = 0;
};

struct StoreOptions {
  QuarantineOptions quarantine;
  std::size_t welcome_entries_max = kWelcomeEntriesMax;
  rt::Files* files = nullptr;  ///< for bodies; null: their fragments stay fragments
  std::string blob_directory;  ///< of bodies
  BodyLimits bodies;
};

/// Everything the coordinator stores: one SQLite file, one writer. Store thread only.
class Store {
 public:
  /// Opens or creates it. The caller holds the lock that makes it the only coordinator [lock].
  static rt::Result<std::unique_ptr<Store>> open(const std::string& path, const std::string& vfs,
                                                 const StoreOptions& options, rt::Random& random,
                                                 rt::UnixTime now);

  [[nodiscard]] Ledger& ledger() { return ledger_; }
  [[nodiscard]] Ingest& ingest() { return ingest_; }
  [[nodiscard]] Concluder& concluder() { return concluder_; }
  [[nodiscard]] ReadingStore& readings() { return readings_; }
  [[nodiscard]] Eraser& eraser() { return eraser_; }
  [[nodiscard]] BodyStore& bodies() { return bodies_; }
  [[nodiscard]] rt::Database& database() { return db_; }

  /// [wel-5], durably.
  rt::Status draw_generation(std::uint64_t value, rt::UnixTime now);

  /// Stores them under this start's own incarnation [name-7], in order: neighbours in one
  /// transaction, but each that has a body in one of its own, so that trouble with its file is its
  /// own. What became of each: of those whose idempotency key was known, the lines stored then.
  struct HttpStored {
    std::size_t lines = 0;
    std::vector<StoredReadings> stored;
  };
  std::vector<rt::Result<HttpStored>> store_http(const std::vector<HttpRecords>& bodies,
                                                 rt::UnixTime now);

  /// Deletes what the coordinator has heard of by now, stored or on its way; no answer has it from
  /// then on, and `eraser` takes it out. kNotFound: no series is meant; kFull: too many deletions.
  rt::Result<std::vector<Deletion>> delete_readings(const DeletionRequest& request,
                                                    rt::UnixTime now);

  /// All of it or nothing. Old readings that arrive later stay, but lose against fresh ones of
  /// their time unless they outrank them. kNotFound: no such node; kCorrupt: a batch or chunk is
  /// damaged and was set aside, nothing was replaced: it may be tried again.
  rt::Result<Replaced> replace_readings(const Replacement& replacement, rt::UnixTime now);

  /// Enters an import, with an incarnation of its own; what is written over HTTP afterwards goes
  /// before its readings. One with this id that is there already stays as it is, and is returned.
  /// kFull: too many.
  rt::Result<ImportRow> add_import(ImportRow row, rt::UnixTime now);
  /// Runs with the rest of a step, and may change the row.
  using AlsoImported = std::function<rt::Status(Store& store, ImportRow& row)>;
  /// Stores a step with its readings and where it ends, all or nothing. What is a press of a button
  /// starts nothing. Readings of more new nodes than it may make are left out and told in its row.
  /// `also` may be empty. kNotFound: no such import.
  rt::Result<ImportRow> store_import(const std::string& id, const ImportStep& step,
                                     const AlsoImported& also, rt::UnixTime now);

  /// Remembers what a node said of itself.
  /// Of a node that a confirmed hello or a write made known; of others nothing is kept.
  rt::Status note_state(const std::string& node, const ToldState& told, rt::UnixTime now);

  /// [cmd-1]: a command with the node's next id, not signed for a session yet.
  rt::Result<wire::Command> add_command(const std::string& node, const wire::SpoolId& spool,
                                        const std::string& verb, const std::string& arguments,
                                        rt::UnixTime now, rt::UnixTime expires);
  /// A command that tells a node how often to measure, and what the store keeps of that, in one.
  rt::Result<wire::Command> tell_sampling(const std::string& node, const wire::SpoolId& spool,
                                          const SamplingIntervals& every_s, rt::UnixTime now,
                                          rt::UnixTime expires);
  /// Commands to nodes to send again what was damaged here; each batch is asked for once.
  struct NodeCommand {
    std::string node;
    wire::Command command;
  };
  rt::Result<std::vector<NodeCommand>> ask_for_damaged(rt::UnixTime now, rt::UnixTime expires);
  /// Unconfirmed gaps that waited so long become declared; commands that expired without an outcome
  /// get one, which gives way to what the node may tell yet.
  rt::Status end_overdue(const Moment& now, rt::Nanos unconfirmed_for);
  /// The highest id that either side knows; a mark beyond `kToldNumberMax` is not believed. One
  /// beyond the store's own tells of commands that it does not know, one below an answered command
  /// that the node's spool was set back to before it.
  rt::Result<std::uint64_t> exchange_mark(NodeNo node, std::uint64_t mark);
  /// Commands of the node that have no outcome yet and have not expired.
  rt::Result<std::vector<wire::Command>> open_commands(const std::string& node,
                                                       const wire::SpoolId& spool,
                                                       rt::UnixTime now);

 private:
  Store(rt::Database db, const StoreOptions& options)
      : db_(std::move(db)),
        ledger_(db_),
        readings_(db_),
        eraser_(db_),
        bodies_(db_, options.files, options.blob_directory, options.bodies),
        ingest_(db_, ledger_, readings_, bodies_, options.quarantine),
        set_back_(db_),
        concluder_(db_, ledger_, set_back_, options.welcome_entries_max) {}
  /// Inside a transaction.
  rt::Result<std::uint64_t> command_counter(NodeNo node);
  rt::Result<wire::Command> insert_command(wire::Command command, const std::string& node,
                                           rt::UnixTime now);
  rt::Result<std::vector<wire::Rank>> ranks_heard_of(NodeNo node);
  /// In one transaction.
  rt::Result<std::vector<HttpStored>> store_together(std::span<const HttpRecords> bodies,
                                                     rt::UnixTime now);
  rt::Result<HttpStored> store_body(const HttpRecords& body, rt::UnixTime now);
  struct Payload {
    const std::string& bytes;
    std::uint8_t codec = 0;
    std::uint32_t raw_size = 0;
  };
  rt::Result<ReadingBatch> make_batch(const wire::SeriesSet& set, const Payload& payload);
  rt::Result<StoredReadings> store_encoded(NodeNo node, const wire::EncodedReadings& encoded,
                                           const wire::Rank& rank, rt::UnixTime now);
  rt::Result<Replaced> replace_inside(NodeNo node, const Replacement& replacement,
                                      ChunkPurge& chunks, rt::UnixTime now);
  rt::Status store_fresh(NodeNo node, const FreshReadings& fresh, const wire::Rank& name,
                         rt::UnixTime now);
  /// Made if new; 0: it is, and no more may be made.
  rt::Result<NodeNo> node_of(const std::string& id, std::uint64_t nodes_left, ImportRow& row,
                             rt::UnixTime now);
  rt::Result<ImportRow> import_inside(const std::string& id, const ImportStep& step,
                                      const AlsoImported& also, rt::UnixTime now);

  rt::Database db_;
  Ledger ledger_;
  ReadingStore readings_;
  Eraser eraser_;
  BodyStore bodies_;
  Ingest ingest_;
  SetBack set_back_;
  Concluder concluder_;
  std::uint64_t http_ordinal_ = 0;
  std::uint64_t http_seq_ = 0;
};

}  // namespace fieldpost::coordinator
