#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "proto/rt/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace fieldpost::rt {

/// A prepared statement, bound and stepped. Valid as long as its Database; one thread.
/// Binds count from 1, columns from 0, as SQLite's own do. Views returned by column getters live
/// until the next step or reset.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* stmt) : stmt_(stmt) {}
  /// One that could not be prepared: binds do nothing, the first step returns `error`.
  explicit Statement(Error error) : error_(std::move(error)) {}
  Statement& bind(int index, std::int64_t value);
  Statement& bind(int index, std::uint64_t value);  ///< stored as the same 64 bits
  Statement& bind(int index, int value) { return bind(index, static_cast<std::int64_t>(value)); }
  Statement& bind(int index, double value);
  Statement& bind_text(int index, std::string_view text);   ///< copied
  Statement& bind_blob(int index, std::string_view bytes);  ///< NOT copied: keep it until reset
  Statement& bind_null(int index);

  /// true: a row is there. false: done. The statement resets itself when done or failed.
  Result<bool> step();
  /// Steps to the end, discarding rows, then resets.
  Status run();
  void reset();  ///< also clears the bindings

  [[nodiscard]] std::int64_t i64(int column) const;
  [[nodiscard]] std::uint64_t u64(int column) const;
  [[nodiscard]] double f64(int column) const;
  [[nodiscard]] std::string_view blob(int column) const;
  [[nodiscard]] std::string_view text(int column) const { return blob(column); }
  [[nodiscard]] bool is_null(int column) const;

 private:
  sqlite3_stmt* stmt_ = nullptr;
  std::optional<Error> error_;
};

struct DatabaseOptions {
  bool read_only = false;
  bool create = true;
  int page_size = 4096;  ///< of a new file
  int busy_timeout_ms = 5000;
  std::string vfs;                             ///< name of a registered VFS; empty: the system's
  std::int64_t journal_size_limit = 16 << 20;  ///< bytes the WAL is cut back to
  int checkpoint_pages = 1000;                 ///< in the WAL, when they go to the file
  bool keeps_wal = false;                      ///< its space stays taken when it is closed
  int cache_kib = 4096;
};

/// One connection to one SQLite file: WAL, synchronous = FULL, auto_vacuum = INCREMENTAL,
/// foreign keys off. One thread at a time. Every SQLite code becomes an Errc here and nowhere else.
class Database {
 public:
  /// Opens or creates. kCorrupt: not a database, or damaged; kFull: no space; kIo otherwise.
  static Result<Database> open(const std::string& path, const DatabaseOptions& options);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  /// The statement for `sql`, prepared once and kept. `sql` must be a literal (bounded set). A
  /// mistake in the text aborts; a failure to read the file comes out at the first step.
  Statement& prepare(std::string_view sql);
  /// Runs one or more statements without results.
  Status execute(const std::string& sql);
  Status begin();   ///< BEGIN IMMEDIATE
  Status commit();  ///< on failure the transaction is rolled back
  void rollback();
  [[nodiscard]] bool in_transaction() const;
  [[nodiscard]] std::int64_t last_insert_rowid() const;
  [[nodiscard]] std::int64_t changes() const;
  /// Size of the database file in use, without free pages, bytes.
  [[nodiscard]] Result<std::int64_t> bytes_used();
  /// Applies migrations[user_version …] one transaction each and sets user_version. kInvalid when
  /// the file was written by a newer version.
  Status migrate(std::span<const std::string_view> migrations);
  /// PRAGMA wal_checkpoint(TRUNCATE or PASSIVE). kBusy when a reader holds it up: no harm.
  Status checkpoint(bool truncate);
  /// PRAGMA quick_check; kCorrupt with its first line.
  Status quick_check();
  [[nodiscard]] sqlite3* handle() { return db_; }  ///< backup and hooks only

 private:
  explicit Database(sqlite3* db) : db_(db) {}
  Status empty_wal();
  void close();
  sqlite3* db_ = nullptr;
  std::unordered_map<std::string, std::unique_ptr<Statement>> statements_;
  std::unique_ptr<Statement> failed_;  ///< the last one that could not be prepared
  std::unordered_map<std::string, sqlite3_stmt*> raw_;
  bool keeps_wal_ = false;
};

/// The error of a connection's last failed call; `doing` says what was attempted.
Error sqlite_error(sqlite3* db, std::string_view doing);

/// Rolls back when it goes out of scope without a commit.
class Transaction {
 public:
  explicit Transaction(Database& db) : db_(&db) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Status begin() { return db_->begin(); }
  Status commit() { return db_->commit(); }

 private:
  Database* db_;
};

/// A part of the open transaction: undone when it goes out of scope without a `keep`, while what
/// was written before it stays. May lie in another one.
class Savepoint {
 public:
  explicit Savepoint(Database& db) : db_(&db) {}
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;
  Status begin();
  Status keep();  ///< as part of the transaction
  void undo();

 private:
  Database* db_;
  bool open_ = false;
};

}  // namespace fieldpost::rt
