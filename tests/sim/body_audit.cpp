// What became of bodies, read from the store's file by plain SQL and from the files themselves.
#include "tests/sim/body_audit.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "proto/wire/limits.h"
#include "tests/sim/store_rows.h"

namespace fieldpost::sim {

namespace {

constexpr std::size_t kFaultsMax = 8;

class BodyAudit {
 public:
  BodyAudit(SimSite& site, const Ledgerbook& book, bool disk_lost)
      : files_(site.files()), book_(book), disk_lost_(disk_lost) {
    rt::DatabaseOptions options;
    options.vfs = site.vfs().name();
    auto db = rt::Database::open(site.path(), options);
    FP_CHECK(db.has_value());
    auto rows = read_store(*db);
    FP_CHECK(rows.has_value());
    rows_ = std::move(*rows);
    rt::Statement& blobs = db->prepare("SELECT lower(hex(hash)), missing FROM blob");
    for (;;) {
      const auto row = blobs.step();
      FP_CHECK(row.has_value());
      if (!*row) break;
      if (blobs.i64(1) == 0) blobs_.emplace(blobs.text(0));
    }
  }

  std::vector<std::string> run() {
    for (const auto& [hash, body] : book_.bodies) check(hash, body);
    check_files();
    return std::move(faults_);
  }

 private:
  void fault(std::string text) {
    if (faults_.size() < kFaultsMax) faults_.push_back(std::move(text));
  }

  void check(const wire::Sha256Digest& hash, const Ledgerbook::Body& body) {
    const Ledgerbook::Entry& entry = book_.entries.at(body.number);
    const bool is_told = entry.answered && rows_.is_any_stored(entry.names);
    if (!is_told || blobs_.contains(hash.hex())) return;
    bool is_whole = true;
    for (std::uint64_t at = 0; at < body.bytes.size(); at += wire::kFragmentBytes) {
      const auto names = body.names.find(at);
      const bool known = names != body.names.end();
      if (known && rows_.is_any_stored(names->second)) continue;
      is_whole = false;
      if (disk_lost_ || (known && rows_.is_any_gapped(names->second))) continue;
      fault(fmt::format("lost in silence: byte {} of body {}", at, body.number));
    }
    if (is_whole) fault(fmt::format("all of body {} came, and it is no file", body.number));
  }

  void check_files() {
    const auto directories = files_.list(kBlobDirectory);
    if (!directories) return;  // nothing ever became one
    std::set<std::string> found;
    for (const std::string& directory : *directories) {
      const std::string path = std::string(kBlobDirectory) + "/" + directory;
      const auto names = files_.list(path);
      if (!names) continue;
      for (const std::string& name : *names) check_file(path + "/" + name, name, found);
    }
    for (const std::string& hash : blobs_) {
      if (!found.contains(hash)) fault("a body has a row and no file: " + hash);
    }
  }

  void check_file(const std::string& path, const std::string& name, std::set<std::string>& found) {
    const auto bytes = files_.read(path, 0, wire::kBodyBytesMax);
    FP_CHECK(bytes.has_value());
    found.insert(name);
    if (!blobs_.contains(name)) {
      fault("a file that has no row: " + path);
    } else if (wire::sha256(*bytes).hex() != name) {
      fault("a body's file has other bytes than those of its name: " + name);
    }
  }

  SimFiles& files_;
  const Ledgerbook& book_;
  bool disk_lost_;
  StoreRows rows_;
  std::set<std::string> blobs_;  ///< that have a row, in hex
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> audit_bodies(SimSite& site, const Ledgerbook& book, bool disk_lost) {
  return BodyAudit(site, book, disk_lost).run();
}

}  // namespace fieldpost::sim
