#include "agent/sources/file_drop.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "proto/wire/media_type.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

using Found = std::vector<std::pair<std::string, rt::FileInfo>>;

Result<Found> scan(rt::Files& files, const std::string& directory, const std::string& pattern,
                   std::size_t count_max) {
  const auto names = files.list(directory);
  if (!names) return names.error();
  Found found;
  for (const std::string& name : *names) {
    if (found.size() >= count_max) break;
    if (name.starts_with('.') || !matches_pattern(name, pattern)) continue;
    const auto info = files.info_no_follow(directory + "/" + name);
    if (!info || !info->is_regular) continue;  // gone again, or nothing to take
    found.emplace_back(name, *info);
  }
  return found;
}

/// One name may be taken already there, by a file of other bytes.
Status move_away(rt::Files& files, const std::string& from, const std::string& directory,
                 const std::string& name, const wire::Sha256Digest& hash) {
  if (auto made = files.make_directories(directory); !made) return made;
  std::string to = directory + "/" + name;
  if (files.info_no_follow(to)) to += "." + hash.hex().substr(0, 16);
  return files.rename(from, to);
}

}  // namespace

bool matches_pattern(std::string_view name, std::string_view pattern) {
  // Of each star the shortest match first; only the last star ever needs to take more.
  std::size_t n = 0, p = 0, star = std::string_view::npos, star_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && (pattern[p] == '?' || (pattern[p] != '*' && pattern[p] == name[n]))) {
      ++n, ++p;
    } else if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_n = n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++star_n;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

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
  auto found = std::make_shared<Result<Found>>(Found{});
  ports_.worker.run([&files = files_, path = config_.path, pattern = config_.pattern,
                     found] { *found = scan(files, path, pattern, kFilesMax); },
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

void FileDrop::on_found(const Found& found) {
  std::map<std::string, Seen> before = std::exchange(seen_, {});
  for (const auto& [name, info] : found) {
    if (auto known = before.extract(name); !known.empty()) seen_.insert(std::move(known));
    note(name, info);
  }
  std::vector<std::tuple<rt::UnixTime, std::string>> order;
  for (const auto& [name, seen] : seen_) {
    if (is_ready(seen)) order.emplace_back(seen.info.modified, name);
  }
  std::sort(order.begin(), order.end());
  for (auto& [modified, name] : order) ready_.push_back(std::move(name));
  take_next();
}

void FileDrop::note(const std::string& name, const rt::FileInfo& info) {
  const auto [at, is_new] = seen_.try_emplace(name);
  Seen& seen = at->second;
  const bool same = !is_new && seen.info.inode == info.inode && seen.info.size == info.size &&
                    seen.info.modified == info.modified;
  if (same) return;
  seen = {info, ports_.loop.now(), std::nullopt, false, false};
  if (info.size <= config_.bytes_max) return;
  seen.left = true;
  count(fmt::format("{} has {} bytes, more than bytes_max: it is left there", name, info.size));
}

bool FileDrop::is_ready(const Seen& seen) const {
  // An empty one is about to be written.
  if (seen.left || seen.info.size == 0) return false;
  if (seen.not_before && ports_.loop.now() < *seen.not_before) return false;
  return ports_.loop.now() - seen.since >= config_.settle;
}

void FileDrop::take_next() {
  if (ready_.empty()) return look_after(config_.every);
  name_ = std::move(ready_.front());
  ready_.pop_front();
  const Seen& seen = seen_.at(name_);
  body_ = std::make_shared<FileBody>(path_of(name_), seen.info);
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
  seen_.at(name_).stored ? put_away() : offer();
}

void FileDrop::offer() {
  BodyOffer offer;
  offer.reference = {body_->hash(), body_->info().size,
                     config_.type.empty() ? wire::media_type_of(name_) : config_.type,
                     wire::is_body_name(name_) ? name_ : ""};
  offer.series = config_.series;
  offer.time = wire::body_time(body_->info().modified, name_);
  offer.patient = true;
  offer.read = FileBody::reader(body_, files_, ports_.worker);
  writer_.accept(std::move(offer), [this, alive = std::weak_ptr(alive_)](const Status& status) {
    if (!alive.expired()) on_stored(status);
  });
}

void FileDrop::on_stored(const Status& status) {
  if (status) {
    health_.readings += 1;
    seen_.at(name_).stored = true;
    return put_away();
  }
  const Errc code = status.error().code;
  if (code != Errc::kFull && code != Errc::kBusy) return fail(status.error());
  // It waits where it is, and the others behind it.
  if (health_.last_error != status.error().message) count(status.error().message);
  ready_.clear();
  look_after(kRefusedPause);
}

void FileDrop::put_away() {
  auto status = std::make_shared<Status>(ok());
  ports_.worker.run(
      [&files = files_, from = path_of(name_), name = name_, to = config_.done_path, body = body_,
       status] {
        *status = to.empty() ? files.remove(from) : move_away(files, from, to, name, body->hash());
      },
      [this, status, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        if (!*status) return fail(status->error());
        seen_.erase(name_);
        take_next();
      });
}

/// A file of which something is wrong does not hold up the others.
void FileDrop::fail(const Error& error) {
  Seen& seen = seen_.at(name_);
  if (!seen.not_before) count(name_ + ": " + error.message);
  seen.not_before = ports_.loop.now() + kFailedPause;
  take_next();
}

void FileDrop::count(const std::string& what) {
  health_.errors += 1;
  health_.last_error = what;
}

}  // namespace fieldpost::agent
