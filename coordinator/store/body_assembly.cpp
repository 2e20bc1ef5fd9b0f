// From fragments to files.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "coordinator/store/blob_path.h"
#include "coordinator/store/body_store.h"
#include "coordinator/store/gap_table.h"
#include "proto/wire/limits.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr unsigned kDirectories = 256;
constexpr std::uint64_t kBytesPerStep = 4 << 20;
constexpr std::uint64_t kFragmentsPerStep = kBytesPerStep / wire::kFragmentBytes;
constexpr std::size_t kBeyondDigest = 33;  ///< bytes: after every digest
constexpr unsigned kBlobMode = 0640;
constexpr std::string_view kTemporaryEnd = ".part";
constexpr int kSweepTries = 3;  ///< of a directory that cannot be looked through

std::string directory_name(unsigned prefix) {
  return fmt::format("{:02x}", prefix);
}

}  // namespace

Result<BodyStore::Step> BodyStore::step(rt::UnixTime now) {
  if (files_ == nullptr) return Step{};
  if (swept_ < kDirectories) return sweep();
  const auto let = let_go();
  if (!let) return let.error();
  if (*let) return Step{.more = true};
  return assemble(now);
}

// ---- after a start ----

Result<BodyStore::Step> BodyStore::sweep() {
  Step step{.more = true};
  Status done = swept_ == 0 ? sweep_temporaries() : ok();
  if (done) done = sweep_directory(swept_, step.missing);
  // What cannot be swept must not hold up what comes.
  if (done || ++sweep_failures_ == kSweepTries) {
    swept_ += 1;
    sweep_failures_ = 0;
  }
  return done ? Result<Step>(std::move(step)) : done.error();
}

/// Whatever is put here by others and is no file stays.
Status BodyStore::remove_stray(const std::string& path) {
  const auto info = files_->info(path);
  if (info && info->is_directory) return ok();
  return files_->remove(path);
}

Status BodyStore::sweep_temporaries() {
  if (auto made = files_->make_directories(directory_); !made) return made;
  const auto names = files_->list(directory_);
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (!name.ends_with(kTemporaryEnd)) continue;
    if (auto done = remove_stray(directory_ + "/" + name); !done) return done;
  }
  return ok();
}

Status BodyStore::sweep_directory(unsigned prefix, std::vector<wire::Sha256Digest>& missing) {
  const std::string directory = directory_ + "/" + directory_name(prefix);
  auto names = files_->list(directory);
  if (!names && names.error().code != Errc::kNotFound) return names.error();
  std::vector<std::string> left = names ? std::move(*names) : std::vector<std::string>{};
  const std::string from(1, static_cast<char>(prefix));
  const std::string to = prefix + 1 < kDirectories ? std::string(1, static_cast<char>(prefix + 1))
                                                   : std::string(kBeyondDigest, '\xff');
  std::vector<std::pair<wire::Sha256Digest, bool>> changed;
  rt::Statement& rows =
      db_.prepare("SELECT hash, missing FROM blob WHERE hash >= ?1 AND hash < ?2");
  rows.bind_blob(1, from).bind_blob(2, to);
  for (;;) {
    const auto row = rows.step();
    if (!row) return row.error();
    if (!*row) break;
    const auto hash = wire::Sha256Digest::from_bytes(rows.blob(0));
    if (!hash) continue;
    const bool is_there = std::erase(left, hash->hex()) > 0;
    if (is_there == (rows.i64(1) != 0)) changed.emplace_back(*hash, !is_there);
  }
  for (const std::string& name : left) {
    if (auto done = remove_stray(directory + "/" + name); !done) return done;
  }
  for (const auto& [hash, is_missing] : changed) {
    const std::string key = hash.bytes();
    rt::Statement& note = db_.prepare("UPDATE blob SET missing = ?2 WHERE hash = ?1");
    note.bind_blob(1, key).bind(2, is_missing ? 1 : 0);
    if (auto done = note.run(); !done) return done;
    if (is_missing) missing.push_back(hash);
  }
  return ok();
}

// ---- fragments that are not needed any more ----

Result<bool> BodyStore::let_go() {
  rt::Statement& next = db_.prepare("SELECT body_no FROM body_gone LIMIT 1");
  const auto found = next.step();
  if (!found || !*found) return found;
  const std::int64_t body = next.i64(0);
  next.reset();
  rt::Transaction transaction(db_);
  if (auto done = transaction.begin(); !done) return done.error();
  rt::Statement& erase = db_.prepare(
      "DELETE FROM fragment WHERE rowid IN"
      " (SELECT rowid FROM fragment WHERE body_no = ?1 LIMIT ?2)");
  erase.bind(1, body).bind(2, kFragmentsPerStep);
  if (auto done = erase.run(); !done) return done.error();
  if (db_.changes() == 0) {
    rt::Statement& end = db_.prepare("DELETE FROM body_gone WHERE body_no = ?1");
    end.bind(1, body);
    if (auto done = end.run(); !done) return done.error();
  }
  if (auto done = transaction.commit(); !done) return done.error();
  return true;
}

// ---- a file of a whole body ----

std::string BodyStore::temporary() const {
  return directory_ + "/" + assembly_->row.hash.hex() + std::string(kTemporaryEnd);
}

Result<BodyStore::Step> BodyStore::assemble(rt::UnixTime now) {
  if (!assembly_) {
    const auto found = find_whole(now);
    if (!found) return found.error();
    if (!*found) return Step{};
  }
  if (auto done = write_on(); !done) return give_up_for_now(done, now);
  if (assembly_->offset < assembly_->row.size) return Step{.more = true};
  auto finished = finish(now);
  assembly_.reset();
  return finished;
}

Result<bool> BodyStore::find_whole(rt::UnixTime now) {
  rt::Statement& get = db_.prepare(
      "SELECT no, node_no, hash, size, type FROM body WHERE whole = 1 ORDER BY changed_ns LIMIT 1");
  const auto found = get.step();
  if (!found || !*found) return found;
  Row row{get.i64(0), get.i64(1), {}, get.u64(3), std::string(get.text(4))};
  const auto hash = wire::Sha256Digest::from_bytes(get.blob(2));
  get.reset();
  if (!hash) return Error{Errc::kCorrupt, "reading a body's row: its hash is not 32 bytes"};
  row.hash = *hash;
  assembly_.emplace(Assembly{std::move(row), 0, {}});
  if (auto done = files_->remove(temporary()); !done) return give_up_for_now(done, now);
  return true;
}

Status BodyStore::write_on() {
  Assembly& work = *assembly_;
  const std::uint64_t end = std::min(work.row.size, work.offset + kBytesPerStep);
  while (work.offset < end) {
    rt::Statement& get =
        db_.prepare("SELECT bytes FROM fragment WHERE body_no = ?1 AND number = ?2");
    get.bind(1, work.row.no).bind(2, work.offset / wire::kFragmentBytes);
    const auto found = get.step();
    if (!found) return found.error();
    if (!*found) return count_again(work.row);
    const std::string_view bytes = get.blob(0);
    work.hash.add(bytes);
    auto written = files_->write_at(temporary(), work.offset, bytes, kBlobMode);
    work.offset += bytes.size();
    get.reset();
    if (!written) return written;
  }
  // Synced as it grows, so that no sync takes long.
  return files_->sync(temporary());
}

/// Later it begins from the start, behind the others, which may be in order.
Error BodyStore::give_up_for_now(const Status& why, rt::UnixTime now) {
  rt::Statement& note =
      db_.prepare("UPDATE body SET changed_ns = max(changed_ns, ?2) WHERE no = ?1");
  const Status noted = note.bind(1, assembly_->row.no).bind(2, now.ns).run();
  assembly_.reset();
  return noted ? why.error() : noted.error();
}

/// So that the others do not wait for it.
Status BodyStore::count_again(const Row& row) {
  rt::Statement& note = db_.prepare(
      "UPDATE body SET whole = 0, fragments ="
      " (SELECT count(*) FROM fragment WHERE body_no = body.no) WHERE no = ?1");
  note.bind(1, row.no);
  if (auto done = note.run(); !done) return done;
  begun_.reset();
  return Error{Errc::kCorrupt,
               fmt::format("body {}: a fragment that was there is missing", row.hash.hex())};
}

Result<BodyStore::Step> BodyStore::finish(rt::UnixTime now) {
  const Row& row = assembly_->row;
  const bool is_it = assembly_->hash.digest() == row.hash && assembly_->offset == row.size;
  Status done = is_it ? put_in_place(temporary(), row.hash) : files_->remove(temporary());
  if (!done) return done.error();
  rt::Transaction transaction(db_);
  done = transaction.begin();
  Step step{.more = true};
  if (done && is_it) done = add_blob(row.hash, row.size, row.type, now);
  if (done && !is_it) done = declare_broken(row, now, step.gaps);
  if (done) done = end_body(row);
  if (done) done = transaction.commit();
  if (!done) return done.error();
  (is_it ? step.stored : step.broken) = row.hash;
  step.node = row.node;
  return step;
}

/// Receipts say that its fragments are stored: what is dropped of them is a gap.
Status BodyStore::declare_broken(const Row& row, rt::UnixTime now,
                                 std::vector<std::int64_t>& gaps) {
  NewGap gap;
  gap.node = row.node;
  gap.cause = wire::GapCause::kDamaged;
  gap.fragments = wire::fragment_count(row.size);
  const auto no = insert_gap(db_, gap, now);
  if (!no) return no.error();
  gaps.push_back(*no);
  return ok();
}

Status BodyStore::put_in_place(const std::string& path, const wire::Sha256Digest& hash) {
  const unsigned prefix = hash.value[0];
  if (!directories_.test(prefix)) {
    auto done = files_->make_directories(directory_ + "/" + directory_name(prefix));
    if (done) done = files_->sync(directory_);
    if (!done) return done;
    directories_.set(prefix);
  }
  return files_->rename(path, blob_path(directory_, hash));
}

/// And stays there: whether the rename was durable nobody knows.
Result<bool> BodyStore::is_in_place(const wire::BodyReference& reference) {
  const std::string path = blob_path(directory_, reference.hash);
  const auto info = files_->info(path);
  if (!info && info.error().code == Errc::kNotFound) return false;
  if (!info) return info.error();
  if (info->size != reference.size) return false;
  if (auto done = files_->sync(path.substr(0, path.rfind('/'))); !done) return done.error();
  return true;
}

Status BodyStore::adopt(const std::string& path, const wire::BodyReference& reference,
                        rt::UnixTime now) {
  FP_CHECK(files_ != nullptr);
  if (auto done = put_in_place(path, reference.hash); !done) {
    if (done.error().code != Errc::kNotFound) return done;
    const auto there = is_in_place(reference);
    if (!there) return there.error();
    if (!*there) return done;
  }
  return add_blob(reference.hash, reference.size, reference.type, now);
}

Status BodyStore::discard(const std::string& path) {
  FP_CHECK(files_ != nullptr);
  return files_->remove(path);
}

}  // namespace fieldpost::coordinator
