#include "agent/spool/open_spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "agent/spool/salvage.h"
#include "agent/spool/spool_check.h"

namespace fieldpost::agent {

using rt::Errc;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr unsigned kMarkMode = 0600;

std::string mark_of(const std::string& path) {
  return path + ".check";
}
/// Under this name a salvaged spool is made; under the next it is complete.
std::string part_of(const std::string& path) {
  return path + ".part";
}
std::string salvaged_of(const std::string& path) {
  return path + ".salvaged";
}

Result<bool> exists(rt::Files& files, const std::string& path) {
  const auto info = files.info(path);
  if (info) return true;
  if (info.error().code == Errc::kNotFound) return false;
  return info.error();
}

Status rename_if_there(rt::Files& files, const std::string& from, const std::string& to) {
  const auto there = exists(files, from);
  if (!there) return there.error();
  return *there ? files.rename(from, to) : ok();
}

Status remove_database(rt::Files& files, const std::string& path) {
  for (const char* suffix : {"-wal", "-shm", "-journal", ""}) {
    if (auto done = files.remove(path + suffix); !done) return done;
  }
  return ok();
}

/// Numbers of the damaged spools set aside, ascending.
Result<std::vector<std::uint64_t>> damaged_numbers(rt::Files& files, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const auto names = files.list(path.substr(0, slash));
  if (!names) return names.error();
  const std::string prefix = path.substr(slash + 1) + ".damaged-";
  std::vector<std::uint64_t> numbers;
  for (const std::string& name : *names) {
    if (!name.starts_with(prefix)) continue;
    std::uint64_t number = 0;
    const char* const end = name.data() + name.size();
    const auto read = std::from_chars(name.data() + prefix.size(), end, number);
    if (read.ec == std::errc() && read.ptr == end) numbers.push_back(number);
  }
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

std::string damaged_name(const std::string& path, std::uint64_t number) {
  return fmt::format("{}.damaged-{}", path, number);
}

/// Moves the spool at `path` out of the way, the file itself last: until then the number is free.
/// Its name now; empty: there was none.
Result<std::string> set_aside(rt::Files& files, const std::string& path) {
  const auto there = exists(files, path);
  if (!there) return there.error();
  if (!*there) return std::string{};
  const auto numbers = damaged_numbers(files, path);
  if (!numbers) return numbers.error();
  const std::string to = damaged_name(path, numbers->empty() ? 1 : numbers->back() + 1);
  if (auto done = files.remove(path + "-shm"); !done) return done.error();
  for (const char* suffix : {"-wal", "-journal", ""}) {
    if (auto done = rename_if_there(files, path + suffix, to + suffix); !done) return done.error();
  }
  for (std::size_t i = 0; i + kDamagedSpoolsKept <= numbers->size(); ++i) {
    if (auto done = remove_database(files, damaged_name(path, (*numbers)[i])); !done) {
      return done.error();
    }
  }
  return to;
}

/// A complete salvaged spool takes its place. Repeating is safe.
Result<std::string> finish(rt::Files& files, const std::string& path) {
  const auto complete = exists(files, salvaged_of(path));
  if (!complete) return complete.error();
  if (!*complete) return std::string{};
  auto aside = set_aside(files, path);
  if (!aside) return aside;
  if (auto done = files.rename(salvaged_of(path), path); !done) return done.error();
  return aside;
}

Result<Spool> open_checked(const std::string& path, const std::string& vfs, rt::Files& files,
                           rt::Random& random) {
  if (auto done = check_header(files, path); !done) return done.error();
  const auto info = files.info(path);
  if (!info && info.error().code != Errc::kNotFound) return info.error();
  const auto marked = exists(files, mark_of(path));
  if (!marked) return marked.error();
  auto spool = Spool::open(path, vfs, random);
  if (!spool) return spool;
  if (*marked || (info && info->size <= kCheckedAtOpenBytes)) {
    if (auto done = check_spool(spool->database()); !done) return done.error();
  }
  if (auto done = files.remove(mark_of(path)); !done) return done.error();
  return spool;
}

Status make_salvaged(const std::string& path, const std::string& vfs, rt::Files& files,
                     rt::Random& random, rt::Log& log) {
  const std::string part = part_of(path);
  if (auto done = remove_database(files, part); !done) return done;
  const auto report = salvage(path, part, vfs, random);
  if (!report) return report.error();
  for (const char* suffix : {"-wal", "-shm", "-journal"}) {
    if (auto done = files.remove(part + suffix); !done) return done;
  }
  if (auto done = files.rename(part, salvaged_of(path)); !done) return done;
  const auto aside = finish(files, path);
  if (!aside) return aside.error();
  if (report->readable) {
    log.warning(
        "spool salvaged: {} records of {} incarnations carried over ({} incarnations unreadable),"
        " a gap tells of the others; the damaged file is {}",
        report->records, report->incarnations, report->incarnations_lost, *aside);
  } else {
    log.error(
        "nothing in the damaged spool could be read: a new one begins, the coordinator shows the"
        " rest as unconfirmed; the damaged file is {}",
        *aside);
  }
  return ok();
}

}  // namespace

Result<Spool> open_spool(const std::string& path, const std::string& vfs, rt::Files& files,
                         rt::Random& random, rt::Log& log) {
  if (auto done = finish(files, path); !done) return done.error();
  auto spool = open_checked(path, vfs, files, random);
  if (spool || spool.error().code != Errc::kCorrupt) return spool;
  log.error("the spool {} is damaged: {}", path, spool.error().message);
  if (auto done = make_salvaged(path, vfs, files, random, log); !done) return done.error();
  spool = open_checked(path, vfs, files, random);
  if (spool || spool.error().code != Errc::kCorrupt) return spool;
  // No second try: a disk that breaks what was just written would have us salvage for ever.
  const auto aside = set_aside(files, path);
  if (!aside) return aside.error();
  log.error("the salvaged spool is damaged again ({}): a new one begins; the damaged file is {}",
            spool.error().message, *aside);
  return Spool::open(path, vfs, random);
}

Status mark_damaged(rt::Files& files, const std::string& path) {
  return files.write_durably(mark_of(path), "", kMarkMode);
}

}  // namespace fieldpost::agent
