#include "agent/sources/file_drop.h"

#include <fmt/format.h>

#include <utility>

#include "proto/wire/media_type.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::Result;
using rt::Status;

FileDrop::FileDrop(LinePorts ports, rt::Files& files, BodyWriter& writer, FileDropConfig config)
    : ports_(ports), files_(files), writer_(writer), config_(std::move(config)) {
  health_.name = "file_drop:" + config_.path;
  look_after(rt::Nanos{0});
}

FileDrop::~FileDrop() {
  ports_.loop.cancel(timer_);
}

void FileDrop::look_after(rt::Nanos pause) {
  timer_ = ports_.loop.after(pause, [this] { look(); });
}

void FileDrop::look() {
  auto found = std::make_shared<Result<DropScan>>(DropScan{});
  ports_.worker.run(
      [&files = files_, what = what_to_look_for(), found] { *found = scan_drop(files, what); },
      [this, found, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        if (*found) {
          directory_failed_ = false;
          return on_found(**found);
        }
        if (!std::exchange(directory_failed_, true)) count(found->error().message);
        look_after(config_.every);
      });
}

DropLook FileDrop::what_to_look_for() const {
  DropLook look{config_.path, config_.pattern, config_.bytes_max, {}};
  for (const auto& [name, seen] : seen_) {
    if (look.resting.size() >= kDropFilesMax) break;
    if (is_resting(seen)) look.resting.insert(name);
  }
  return look;
}

void FileDrop::on_found(const DropScan& found) {
  std::map<std::string, Seen> before = std::exchange(seen_, {});
  const auto keep = [&](const DroppedFile& file) {
    if (auto known = before.extract(file.name); !known.empty()) seen_.insert(std::move(known));
    return note(file);
  };
  for (const DroppedFile& file : found.too_large) {
    if (!keep(file)) continue;
    count(fmt::format("{} has {} bytes, more than bytes_max: it is left there", file.name,
                      file.info.size));
  }
  for (const DroppedFile& file : found.files) {
    keep(file);
    if (is_ready(seen_.at(file.name))) ready_.push_back(file.name);
  }
  if (!std::exchange(crowded_, found.is_crowded) && found.is_crowded) {
    count(fmt::format("more than {} files wait in {}: the oldest are looked at", kDropFilesMax,
                      config_.path));
  }
  take_next();
}

/// Whether it is new, or has changed.
bool FileDrop::note(const DroppedFile& file) {
  const auto [at, is_new] = seen_.try_emplace(file.name);
  if (!is_new && at->second.info == file.info) return false;
  at->second = {file.info, ports_.loop.now(), std::nullopt, std::nullopt};
  return true;
}

bool FileDrop::is_resting(const Seen& seen) const {
  return seen.not_before && ports_.loop.now() < *seen.not_before;
}

bool FileDrop::is_ready(const Seen& seen) const {
  return !is_resting(seen) && ports_.loop.now() - seen.since >= config_.settle;
}

void FileDrop::take_next() {
  while (!ready_.empty()) {
    name_ = std::move(ready_.front());
    ready_.pop_front();
    const Seen& seen = seen_.at(name_);
    if (seen.stored) return put_away();
    const Status room = writer_.find_room(seen.info.size);
    if (room) return take(seen.info);
    if (room.error().code == Errc::kFull) return wait_for_room(room.error());
    note_failure(room.error());
  }
  look_after(config_.every);
}

void FileDrop::take(const rt::FileInfo& info) {
  const bool is_at_hand = body_ && body_->path() == path_of(name_) && body_->info() == info;
  if (!is_at_hand) body_ = std::make_shared<FileBody>(path_of(name_), info);
  hash_on();
}

void FileDrop::hash_on() {
  auto all = std::make_shared<Result<bool>>(false);
  ports_.worker.run([&files = files_, body = body_, all] { *all = body->hash_on(files); },
                    [this, all, alive = std::weak_ptr(alive_)] {
                      if (!alive.expired()) on_hashed(*all);
                    });
}

void FileDrop::on_hashed(const Result<bool>& all) {
  if (!all) return fail(all.error());
  if (!*all) return hash_on();
  offer();
}

void FileDrop::offer() {
  const std::string name(dropped_name(name_));
  BodyOffer offer;
  offer.reference = {body_->hash(), body_->info().size,
                     config_.type.empty() ? wire::media_type_of(name) : config_.type,
                     wire::is_body_name(name) ? name : ""};
  offer.series = config_.series;
  offer.time = wire::body_time(body_->info().modified, name);
  offer.patient = true;
  offer.read = FileBody::reader(body_, files_, ports_.worker);
  writer_.accept(std::move(offer), [this, alive = std::weak_ptr(alive_)](const Status& status) {
    if (!alive.expired()) on_stored(status);
  });
}

void FileDrop::on_stored(const Status& status) {
  if (status) {
    health_.readings += 1;
    seen_.at(name_).stored = body_->hash();
    body_.reset();
    return put_away();
  }
  const Errc code = status.error().code;
  if (code != Errc::kFull && code != Errc::kBusy) return fail(status.error());
  wait_for_room(status.error());
}

/// The file waits where it is, and the others behind it.
void FileDrop::wait_for_room(const Error& error) {
  if (health_.last_error != error.message) count(error.message);
  ready_.clear();
  look_after(kRefusedPause);
}

void FileDrop::put_away() {
  const Seen& seen = seen_.at(name_);
  auto put = std::make_shared<PutAway>();
  ports_.worker.run([&files = files_, from = config_.path, to = config_.done_path,
                     file = StoredFile{name_, seen.info, seen.stored.value()},
                     put] { *put = agent::put_away(files, from, file, to); },
                    [this, put, alive = std::weak_ptr(alive_)] {
                      if (!alive.expired()) on_put_away(*put);
                    });
}

void FileDrop::on_put_away(const PutAway& put) {
  auto seen = seen_.extract(name_);
  if (!put.status) {
    name_ = seen.key() = put.name;
    seen_.insert(std::move(seen));
    return fail(put.status.error());
  }
  take_next();
}

/// A file of which something is wrong does not hold up the others.
void FileDrop::fail(const Error& error) {
  body_.reset();
  note_failure(error);
  take_next();
}

void FileDrop::note_failure(const Error& error) {
  Seen& seen = seen_.at(name_);
  if (!seen.not_before) count(name_ + ": " + error.message);
  seen.not_before = ports_.loop.now() + kFailedPause;
}

void FileDrop::count(const std::string& what) {
  health_.errors += 1;
  health_.last_error = what;
}

}  // namespace fieldpost::agent
