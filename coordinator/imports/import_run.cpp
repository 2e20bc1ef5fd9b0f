#include "coordinator/imports/import_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "coordinator/exports/export_documents.h"
#include "coordinator/imports/import_attempts.h"
#include "coordinator/imports/study_import.h"
#include "coordinator/imports/text_pieces.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::size_t kHashPieceBytes = 4 << 20;
constexpr std::size_t kHashPieces = 16;  ///< a step
constexpr std::size_t kDocumentBytesMax = 128 << 20;
// The store's thread does nothing else meanwhile, and each body is a rename that is synced.
constexpr std::size_t kBodiesAtOnce = 16;
constexpr std::size_t kGapsAtOnce = 4096;
constexpr unsigned kMarkMode = 0640;
constexpr std::string_view kLogPrefix = "experiment_log_";
constexpr std::string_view kUnpackedMark = "/.unpacked";

Error invalid(std::string what) {
  return {Errc::kInvalid, std::move(what)};
}

Error lacks(const std::string& file) {
  return invalid(fmt::format("the archive lacks {}, which its manifest names", file));
}

/// Of one that is only compressed.
std::string single_file(const std::string& directory) {
  return directory + "/" + Unpacker::kSingleName;
}

}  // namespace

std::string_view to_string(ImportPhase phase) {
  switch (phase) {
    case ImportPhase::kChecking: return "checking";
    case ImportPhase::kUnpacking: return "unpacking";
    case ImportPhase::kVerifying: return "verifying";
    case ImportPhase::kStoring: return "storing";
  }
  return "";
}

ImportRun::ImportRun(rt::Files& files, const rt::WallClock& clock, const ImportRow& row,
                     std::string path)
    : files_(files), clock_(clock), row_(row), path_(std::move(path)) {}

Status ImportRun::remove_files(rt::Files& files, const std::string& path) {
  if (auto gone = files.remove_all(path + ".d"); !gone) return gone;
  if (auto gone = forget_attempts(files, path); !gone) return gone;
  return files.remove(path);
}

Status ImportRun::begin() {
  auto request = decode_import_request(row_.request);
  if (!request) return request.error();
  request_ = *std::move(request);
  begun_ = true;
  if (!files_.info(unpacked() + std::string(kUnpackedMark))) return ok();
  return plan();
}

Result<ImportWork> ImportRun::step() {
  if (!begun_) {
    if (auto done = begin(); !done) return done.error();
  }
  Result<bool> more = true;
  switch (phase_) {
    case ImportPhase::kChecking: more = check_on(); break;
    case ImportPhase::kUnpacking: more = unpack_on(); break;
    case ImportPhase::kVerifying: more = verify_on(); break;
    case ImportPhase::kStoring: return row_.place.file < items_.size() ? read_on() : finish_on();
  }
  if (!more) return more.error();
  return ImportWork();
}

/// The bytes that came are those that were announced.
Result<bool> ImportRun::check_on() {
  for (std::size_t i = 0; i < kHashPieces && checked_ < request_.size; ++i) {
    const auto piece = files_.read(path_, checked_, kHashPieceBytes);
    if (!piece) return piece.error();
    if (piece->empty()) return Error{Errc::kIo, "the file is shorter than it was: send it again"};
    hash_.add(*piece);
    checked_ += piece->size();
  }
  part_ = static_cast<double>(checked_) / static_cast<double>(request_.size);
  if (checked_ < request_.size) return true;
  if (hash_.digest() != request_.sha256) {
    if (auto gone = remove_files(files_, path_); !gone) return gone.error();
    return invalid("the bytes that came are not those of its sha256: send it again");
  }
  const auto packed = is_packed(files_, path_);
  if (!packed) return packed.error();
  if (!*packed && request_.format == ImportFormat::kArchive) {
    return invalid("it is no tar archive; say with \"format\" what it is");
  }
  auto done = *packed ? begin_unpacking() : plan();
  if (!done) return done.error();
  return true;
}

Status ImportRun::begin_unpacking() {
  // Of an earlier start, which did not come to its end.
  if (auto gone = files_.remove_all(unpacked()); !gone) return gone;
  unpacker_ = std::make_unique<Unpacker>(files_, path_, unpacked());
  phase_ = ImportPhase::kUnpacking;
  part_ = 0;
  return ok();
}

Result<bool> ImportRun::unpack_on() {
  const auto more = unpacker_->step();
  if (!more) return more.error();
  part_ = unpacker_->part();
  if (*more) return true;
  unpacker_.reset();
  was_unpacked_ = true;
  auto done = files_.write_durably(unpacked() + std::string(kUnpackedMark), "", kMarkMode);
  if (done) done = plan();
  if (!done) return done.error();
  return true;
}

Status ImportRun::plan() {
  if (request_.format == ImportFormat::kArchive) return plan_archive();
  const bool was_packed = files_.info(unpacked()).has_value();
  items_.push_back({was_packed ? single_file(unpacked()) : path_, request_.format, {}});
  if (!files_.info(items_[0].path)) {
    return invalid("it is an archive of several files; say so with \"format\": \"archive\"");
  }
  phase_ = ImportPhase::kStoring;
  part_ = 0;
  return ok();
}

Status ImportRun::plan_archive() {
  const std::string name = "/" + std::string(kManifestName);
  root_ = unpacked();
  const auto tops = files_.list(root_);
  if (!tops) return tops.error();
  for (const std::string& top : *tops) {
    if (files_.info(unpacked() + "/" + top + name)) root_ = unpacked() + "/" + top;
  }
  const auto text = files_.read(root_ + name, 0, kDocumentBytesMax + 1);
  if (!text && text.error().code == Errc::kNotFound) {
    return invalid("the archive has no manifest.json: it is no export");
  }
  if (!text) return text.error();
  if (text->size() > kDocumentBytesMax) return invalid("manifest.json is too large");
  auto manifest = parse_manifest(*text);
  if (!manifest) return invalid("manifest.json: " + manifest.error().message);
  manifest_ = *std::move(manifest);
  for (const ArchivedFile& file : manifest_.files) {
    if (file.type.empty()) continue;
    items_.push_back(
        {root_ + "/" + file.path, {}, wire::BodyReference{file.sha256, file.size, file.type, ""}});
  }
  for (const ArchivedFile& file : manifest_.files) {
    const auto format = format_of_name(file.path);
    const bool is_samples = file.type.empty() && file.path.find('/') != std::string::npos;
    if (format && is_samples) items_.push_back({root_ + "/" + file.path, *format, {}});
  }
  return begin_reading();
}

/// Everything is verified before anything is stored, but not again by a run that goes on. Bodies
/// that are stored are gone from here; one that should be here and is not went with a stop between
/// its rename and its commit: it comes out of the archive once more.
Status ImportRun::begin_reading() {
  phase_ = row_.place == ImportPlace{} ? ImportPhase::kVerifying : ImportPhase::kStoring;
  part_ = 0;
  checked_ = 0;
  hash_ = {};
  for (std::size_t i = row_.place.file; i < items_.size(); ++i) {
    if (!items_[i].body || files_.info(items_[i].path)) continue;
    if (was_unpacked_) return lacks(items_[i].path.substr(root_.size() + 1));
    items_.clear();
    return begin_unpacking();
  }
  return ok();
}

/// The archive has what its manifest says.
Result<bool> ImportRun::verify_on() {
  for (std::size_t i = 0; i < kHashPieces && verified_ < manifest_.files.size(); ++i) {
    const ArchivedFile& file = manifest_.files[verified_];
    const auto piece = files_.read(root_ + "/" + file.path, checked_, kHashPieceBytes);
    if (!piece && piece.error().code == Errc::kNotFound) {
      return lacks(file.path);
    }
    if (!piece) return piece.error();
    hash_.add(*piece);
    checked_ += piece->size();
    // A file may be far larger than it should be.
    if (!piece->empty() && checked_ <= file.size) continue;
    if (checked_ != file.size || hash_.digest() != file.sha256) {
      return invalid(
          fmt::format("{} is not as the manifest says: it is damaged or was changed", file.path));
    }
    verified_ += 1;
    checked_ = 0;
    hash_ = {};
  }
  const auto all = static_cast<double>(std::max<std::size_t>(1, manifest_.files.size()));
  part_ = static_cast<double>(verified_) / all;
  if (verified_ < manifest_.files.size()) return true;
  if (auto done = parse_documents(); !done) return done.error();
  phase_ = ImportPhase::kStoring;
  part_ = 0;
  return true;
}

Status ImportRun::open_samples() {
  const Item& item = items_[row_.place.file];
  ImportRequest request = request_;
  request.format = item.format;
  auto source = open_import_source(files_, item.path, request, row_.place);
  if (!source) {
    return Error{source.error().code, items_.size() == 1 ? source.error().message
                                                         : item.path.substr(root_.size() + 1) +
                                                               ": " + source.error().message};
  }
  source_ = *std::move(source);
  return ok();
}

/// The next bodies go into the store as they are.
ImportWork ImportRun::take_bodies() {
  std::vector<Item> bodies;
  while (row_.place.file < items_.size() && items_[row_.place.file].body &&
         bodies.size() < kBodiesAtOnce) {
    bodies.push_back(items_[row_.place.file]);
    row_.place.file += 1;
  }
  part_ = static_cast<double>(row_.place.file) / static_cast<double>(items_.size());
  ImportWork work;
  work.is_empty = false;
  work.step.place = row_.place;
  work.also = [bodies = std::move(bodies), now = clock_.now()](Store& store, ImportRow&) {
    for (const Item& each : bodies) {
      if (auto done = store.bodies().adopt(each.path, *each.body, now); !done) return done;
    }
    return ok();
  };
  return work;
}

Result<ImportWork> ImportRun::read_on() {
  if (items_[row_.place.file].body) return take_bodies();
  if (!source_) {
    if (auto done = open_samples(); !done) return done.error();
  }
  const std::string& path = items_[row_.place.file].path;
  ImportSink sink(items_.size() == 1 ? std::string() : path.substr(root_.size() + 1));
  const ImportPlace before = row_.place;
  const auto more = source_->read(sink, row_.place);
  if (!more) return more.error();
  part_ =
      (static_cast<double>(row_.place.file) + source_->part()) / static_cast<double>(items_.size());
  if (!*more) {
    source_.reset();
    row_.place = {row_.place.file + 1, 0, 0};
  }
  auto step = sink.take();
  if (!step) return step.error();
  ImportWork work;
  work.step = *std::move(step);
  work.step.place = row_.place;
  work.is_empty = row_.place == before;
  return work;
}

Result<ImportWork> ImportRun::finish_on() {
  if (request_.format != ImportFormat::kArchive) return last_work();
  if (gaps_stored_ < manifest_.gaps.size()) return store_gaps();
  return study_stored_ ? store_log() : store_study();
}

/// A run that goes on begins with the first of them again: what stands changes nothing.
ImportWork ImportRun::store_gaps() {
  const std::size_t end = std::min(gaps_stored_ + kGapsAtOnce, manifest_.gaps.size());
  const auto at = [&](std::size_t i) {
    return manifest_.gaps.begin() + static_cast<std::ptrdiff_t>(i);
  };
  ImportWork work;
  work.is_empty = false;
  work.step.place = row_.place;
  work.also = [gaps = std::vector<ArchivedGap>(at(gaps_stored_), at(end)), now = clock_.now()](
                  Store& store, ImportRow&) { return import_gaps(store, gaps, now); };
  gaps_stored_ = end;
  return work;
}

ImportWork ImportRun::last_work() const {
  ImportWork work;
  work.is_empty = false;
  work.is_last = true;
  work.step.place = row_.place;
  work.also = [now = clock_.now()](Store&, ImportRow& row) {
    row.state = ImportState::kDone;
    row.finished = now.ns;
    return ok();
  };
  return work;
}

/// The document whose name begins like this.
Result<std::string> ImportRun::read_document(std::string_view prefix) {
  for (const ArchivedFile& file : manifest_.files) {
    if (!file.path.starts_with(prefix) || file.path.starts_with(kLogPrefix)) continue;
    if (file.size > kDocumentBytesMax) return invalid(file.path + " is too large");
    return files_.read(root_ + "/" + file.path, 0, kDocumentBytesMax);
  }
  return invalid(fmt::format("the archive has no document {}….json", prefix));
}

Status ImportRun::parse_documents() {
  const auto experiment = read_document("experiment_");
  if (!experiment) return experiment.error();
  const auto progress = read_document("progress_participant_");
  if (!progress) return progress.error();
  auto study = parse_study(*experiment, *progress);
  if (!study) return invalid("the experiment's documents: " + study.error().message);
  study_ = std::make_shared<const ArchivedStudy>(*std::move(study));
  return ok();
}

Result<ImportWork> ImportRun::store_study() {
  if (!study_) {
    if (auto done = parse_documents(); !done) return done.error();
  }
  ImportWork work;
  work.is_empty = false;
  work.step.place = row_.place;
  work.also = [study = study_, now = clock_.now()](Store& store, ImportRow& row) {
    row.experiment = study->experiment.id;
    return import_study(store, *study, now);
  };
  study_stored_ = true;
  return work;
}

/// The log has an entry a line between its first line and its last.
Result<ImportWork> ImportRun::store_log() {
  std::string path;
  for (const ArchivedFile& file : manifest_.files) {
    if (file.path.starts_with(kLogPrefix)) path = root_ + "/" + file.path;
  }
  if (path.empty()) return last_work();
  TextPieces pieces(files_, path, log_offset_);
  auto lines = pieces.next();
  if (!lines) return lines.error();
  if (lines->empty()) return last_work();
  std::vector<ArchivedEntry> entries;
  while (!lines->empty()) {
    std::string_view line = lines->substr(0, lines->find('\n'));
    lines->remove_prefix(std::min(line.size() + 1, lines->size()));
    if (line.ends_with(',')) line.remove_suffix(1);
    if (!line.starts_with("{\"id\"")) continue;
    auto entry = parse_entry(line);
    if (!entry) return invalid("the log: " + entry.error().message);
    entries.push_back(*std::move(entry));
  }
  log_offset_ = pieces.offset();
  ImportWork work;
  work.is_empty = false;
  work.step.place = row_.place;
  work.also = [entries = std::move(entries)](Store& store, const ImportRow& row) {
    return import_log(store, row.experiment, entries);
  };
  return work;
}

}  // namespace fieldpost::coordinator
