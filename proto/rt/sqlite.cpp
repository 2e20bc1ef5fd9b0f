#include "proto/rt/sqlite.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <bit>
#include <cerrno>
#include <utility>

namespace fieldpost::rt {

namespace {

Errc errc_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return Errc::kBusy;
    case SQLITE_FULL: return Errc::kFull;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return Errc::kCorrupt;
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH: return Errc::kDenied;
    case SQLITE_TOOBIG:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH: return Errc::kInvalid;
    default: return Errc::kIo;
  }
}

}  // namespace

Error sqlite_error(sqlite3* db, std::string_view doing) {
  const int code = sqlite3_extended_errcode(db);
  const int system = sqlite3_system_errno(db);
  // SQLite says only that it cannot open a file; what to do about it depends on why.
  const bool denied = (code & 0xff) == SQLITE_CANTOPEN && (system == EACCES || system == EPERM);
  return {denied ? Errc::kDenied : errc_of(code),
          fmt::format("{}: {} (SQLite {})", doing, sqlite3_errmsg(db), code)};
}

Statement& Statement::bind(int index, std::int64_t value) {
  FP_CHECK(error_ || sqlite3_bind_int64(stmt_, index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind(int index, std::uint64_t value) {
  return bind(index, std::bit_cast<std::int64_t>(value));
}

Statement& Statement::bind(int index, double value) {
  FP_CHECK(error_ || sqlite3_bind_double(stmt_, index, value) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_text(int index, std::string_view text) {
  // A null pointer would bind NULL; an empty view may hold one.
  const char* data = text.empty() ? "" : text.data();
  FP_CHECK(error_ || sqlite3_bind_text(stmt_, index, data, static_cast<int>(text.size()),
                                       SQLITE_TRANSIENT) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_blob(int index, std::string_view bytes) {
  const char* data = bytes.empty() ? "" : bytes.data();
  FP_CHECK(error_ ||
           sqlite3_bind_blob64(stmt_, index, data, bytes.size(), SQLITE_STATIC) == SQLITE_OK);
  return *this;
}

Statement& Statement::bind_null(int index) {
  FP_CHECK(error_ || sqlite3_bind_null(stmt_, index) == SQLITE_OK);
  return *this;
}

Result<bool> Statement::step() {
  if (error_) return *error_;
  const int code = sqlite3_step(stmt_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) {
    reset();
    return false;
  }
  Error error = sqlite_error(sqlite3_db_handle(stmt_), sqlite3_sql(stmt_));
  reset();
  return error;
}

Status Statement::run() {
  for (;;) {
    const auto row = step();
    if (!row) return row.error();
    if (!*row) return ok();
  }
}

void Statement::reset() {
  if (error_) return;
  sqlite3_reset(stmt_);
  sqlite3_clear_bindings(stmt_);
}

std::int64_t Statement::i64(int column) const {
  return sqlite3_column_int64(stmt_, column);
}

std::uint64_t Statement::u64(int column) const {
  return std::bit_cast<std::uint64_t>(i64(column));
}

double Statement::f64(int column) const {
  return sqlite3_column_double(stmt_, column);
}

std::string_view Statement::blob(int column) const {
  const void* data = sqlite3_column_blob(stmt_, column);
  const int size = sqlite3_column_bytes(stmt_, column);
  return {static_cast<const char*>(data), static_cast<std::size_t>(size)};
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(stmt_, column) == SQLITE_NULL;
}

Result<Database> Database::open(const std::string& path, const DatabaseOptions& options) {
  sqlite3* raw = nullptr;
  int flags = options.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  if (!options.read_only && options.create) flags |= SQLITE_OPEN_CREATE;
  flags |= SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &raw, flags,
                                   options.vfs.empty() ? nullptr : options.vfs.c_str());
  Database db(raw);
  if (code != SQLITE_OK) return sqlite_error(raw, fmt::format("opening {}", path));
  sqlite3_busy_timeout(raw, options.busy_timeout_ms);
  std::string pragmas = fmt::format("PRAGMA cache_size = -{};", options.cache_kib);
  if (!options.read_only) {
    pragmas += fmt::format(
        "PRAGMA page_size = {}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL; PRAGMA journal_size_limit = {}; PRAGMA temp_store = MEMORY;"
        "PRAGMA wal_autocheckpoint = {};",
        options.page_size, options.journal_size_limit, options.checkpoint_pages);
  }
  if (auto done = db.execute(pragmas); !done) {
    return Error{done.error().code, fmt::format("opening {}: {}", path, done.error().message)};
  }
  if (!options.read_only) {
    if (auto done = db.empty_wal(); !done) {
      return Error{done.error().code, fmt::format("opening {}: {}", path, done.error().message)};
    }
  }
  db.keeps_wal_ = options.keeps_wal;
  return db;
}

Database::Database(Database&& other) noexcept
    : db_(std::exchange(other.db_, nullptr)),
      statements_(std::move(other.statements_)),
      failed_(std::move(other.failed_)),
      raw_(std::move(other.raw_)),
      keeps_wal_(other.keeps_wal_) {
  other.statements_.clear();
  other.raw_.clear();
}

Database& Database::operator=(Database&& other) noexcept {
  if (this != &other) {
    close();
    db_ = std::exchange(other.db_, nullptr);
    statements_ = std::move(other.statements_);
    raw_ = std::move(other.raw_);
    keeps_wal_ = other.keeps_wal_;
    other.statements_.clear();
    other.raw_.clear();
  }
  return *this;
}

Database::~Database() {
  close();
}

void Database::close() {
  for (auto& [sql, stmt] : raw_) sqlite3_finalize(stmt);
  raw_.clear();
  statements_.clear();
  if (db_ == nullptr) return;
  if (keeps_wal_) {
    // A WAL that persists is cut to nothing on closing unless it has no limit.
    static_cast<void>(execute("PRAGMA journal_size_limit = -1"));
    int on = 1;
    sqlite3_file_control(db_, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
  }
  sqlite3_close(std::exchange(db_, nullptr));
}

Statement& Database::prepare(std::string_view sql) {
  std::string key(sql);
  if (auto it = statements_.find(key); it != statements_.end()) {
    it->second->reset();
    return *it->second;
  }
  sqlite3_stmt* stmt = nullptr;
  const int code = sqlite3_prepare_v3(db_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &stmt, nullptr);
  if (code != SQLITE_OK) {
    const Error error = sqlite_error(db_, fmt::format("preparing {}", sql));
    if ((code & 0xff) == SQLITE_ERROR || code == SQLITE_MISUSE) {  // our SQL is wrong
      std::fprintf(stderr, "%s\n", error.message.c_str());
      std::abort();
    }
    failed_ = std::make_unique<Statement>(error);
    return *failed_;
  }
  raw_.emplace(key, stmt);
  auto [it, added] = statements_.emplace(std::move(key), std::make_unique<Statement>(stmt));
  return *it->second;
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return ok();
  return sqlite_error(db_, sql.substr(0, 80));
}

Status Database::begin() {
  return execute("BEGIN IMMEDIATE");
}

Status Database::commit() {
  auto done = execute("COMMIT");
  if (!done && in_transaction()) rollback();
  return done;
}

void Database::rollback() {
  // SQLite may have rolled back by itself (full disk, I/O error); then there is nothing to do.
  if (in_transaction()) sqlite3_exec(db_, "ROLLBACK", nullptr, nullptr, nullptr);
}

bool Database::in_transaction() const {
  return sqlite3_get_autocommit(db_) == 0;
}

std::int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(db_);
}

std::int64_t Database::changes() const {
  return sqlite3_changes64(db_);
}

Result<std::int64_t> Database::bytes_used() {
  std::int64_t pages[3] = {};
  const std::string_view pragmas[3] = {"PRAGMA page_count", "PRAGMA freelist_count",
                                       "PRAGMA page_size"};
  for (int i = 0; i < 3; ++i) {
    Statement& stmt = prepare(pragmas[i]);
    const auto row = stmt.step();
    if (!row) return row.error();
    pages[i] = *row ? stmt.i64(0) : 0;
    stmt.reset();
  }
  return (pages[0] - pages[1]) * pages[2];
}

Status Database::migrate(std::span<const std::string_view> migrations) {
  std::size_t version = 0;
  {
    Statement& stmt = prepare("PRAGMA user_version");
    const auto row = stmt.step();
    if (!row) return row.error();
    version = static_cast<std::size_t>(stmt.i64(0));
    stmt.reset();
  }
  if (version > migrations.size()) {
    return Error{
        Errc::kInvalid,
        fmt::format("the file has schema version {}, this program knows {} at most: it was "
                    "written by a newer version",
                    version, migrations.size())};
  }
  for (; version < migrations.size(); ++version) {
    Transaction transaction(*this);
    if (auto done = transaction.begin(); !done) return done;
    if (auto done = execute(std::string(migrations[version])); !done) return done;
    if (auto done = execute(fmt::format("PRAGMA user_version = {}", version + 1)); !done)
      return done;
    if (auto done = transaction.commit(); !done) return done;
  }
  return ok();
}

/// A process whose fsync failed may have left frames that are in the page cache and never reached
/// the disk (Linux forgets what it could not write), and SQLite takes them for committed. Whatever
/// is committed behind them would go with them when the power fails. So all of the WAL is written
/// anew, to the file, before anything is added to it.
Status Database::empty_wal() {
  const int code =
      sqlite3_wal_checkpoint_v2(db_, nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
  if (code == SQLITE_BUSY) {
    return Error{Errc::kBusy,
                 "emptying the WAL: another program is reading the file; end it, or wait for it"};
  }
  return code == SQLITE_OK ? ok() : Status(sqlite_error(db_, "emptying the WAL"));
}

Status Database::checkpoint(bool truncate) {
  const int mode = truncate ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code = sqlite3_wal_checkpoint_v2(db_, nullptr, mode, nullptr, nullptr);
  return code == SQLITE_OK ? ok() : Status(sqlite_error(db_, "checkpointing the WAL"));
}

Status Database::quick_check() {
  Statement& stmt = prepare("PRAGMA quick_check(1)");
  const auto row = stmt.step();
  if (!row) return row.error();
  const std::string line(stmt.text(0));
  stmt.reset();
  if (line == "ok") return ok();
  return Error{Errc::kCorrupt, fmt::format("quick_check: {}", line)};
}

Transaction::~Transaction() {
  db_->rollback();
}

Savepoint::~Savepoint() {
  undo();
}

Status Savepoint::begin() {
  FP_CHECK(db_->in_transaction());
  auto done = db_->prepare("SAVEPOINT part").run();
  open_ = done.has_value();
  return done;
}

Status Savepoint::keep() {
  auto done = db_->prepare("RELEASE part").run();
  if (done) open_ = false;
  return done;
}

void Savepoint::undo() {
  // SQLite may have rolled the whole transaction back by itself; then there is nothing to do.
  if (std::exchange(open_, false) && db_->in_transaction()) {
    sqlite3_exec(db_->handle(), "ROLLBACK TO part; RELEASE part", nullptr, nullptr, nullptr);
  }
}

}  // namespace fieldpost::rt
