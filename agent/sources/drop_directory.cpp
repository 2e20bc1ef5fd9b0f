#include "agent/sources/drop_directory.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace fieldpost::agent {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

constexpr std::string_view kAside = ".fieldpost-";
constexpr std::size_t kNameBytesMax = 255;  // NAME_MAX of the file systems that are in use

/// Its own when it is there already, or when the name is too long for another one.
std::string aside_name(const std::string& name) {
  const bool fits = kAside.size() + name.size() <= kNameBytesMax;
  return fits && !name.starts_with(kAside) ? std::string(kAside) + name : name;
}

/// Whether the name is still that of this file.
Result<bool> is_still(rt::Files& files, const std::string& path, const rt::FileInfo& info) {
  const auto now = files.info_no_follow(path);
  if (now) return *now == info;
  return now.error().code == Errc::kNotFound ? Result<bool>(false) : now.error();
}

/// Nobody else gives names like this one, so what is free now is free in the next moment.
Status rename_to_free(rt::Files& files, const std::string& from, const std::string& to) {
  const auto there = files.info_no_follow(to);
  if (there) return Error{Errc::kBusy, to + " is still to be taken"};
  if (there.error().code != Errc::kNotFound) return there.error();
  return files.rename(from, to);
}

/// One name may be taken already there, by a file of other bytes.
Status move_away(rt::Files& files, const std::string& from, const std::string& directory,
                 const StoredFile& file) {
  if (auto made = files.make_directories(directory); !made) return made;
  std::string to = directory + "/" + std::string(dropped_name(file.name));
  if (files.info_no_follow(to)) to += "." + file.hash.hex().substr(0, 16);
  return files.rename(from, to);
}

bool is_older(const DroppedFile& a, const DroppedFile& b) {
  return std::tie(a.info.modified, a.name) < std::tie(b.info.modified, b.name);
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

std::string_view dropped_name(std::string_view name) {
  const bool is_aside = name.size() > kAside.size() && name.starts_with(kAside);
  return is_aside ? name.substr(kAside.size()) : name;
}

Result<DropScan> scan_drop(rt::Files& files, const DropLook& look) {
  const auto names = files.list(look.directory);
  if (!names) return names.error();
  DropScan found;
  std::vector<DroppedFile> resting;
  for (const std::string& name : *names) {
    const std::string_view dropped = dropped_name(name);
    if (dropped.starts_with('.') || !matches_pattern(dropped, look.pattern)) continue;
    const auto info = files.info_no_follow(look.directory + "/" + name);
    if (!info || !info->is_regular || info->size == 0) continue;
    if (info->size > look.bytes_max) {
      if (found.too_large.size() < kDropFilesMax) found.too_large.push_back({name, *info});
    } else {
      (look.resting.contains(name) ? resting : found.files).push_back({name, *info});
    }
  }
  std::sort(found.files.begin(), found.files.end(), is_older);
  found.is_crowded = found.files.size() > kDropFilesMax;
  if (found.is_crowded) found.files.resize(kDropFilesMax);
  std::move(resting.begin(), resting.end(), std::back_inserter(found.files));
  return found;
}

PutAway put_away(rt::Files& files, const std::string& directory, const StoredFile& file,
                 const std::string& done_path) {
  const auto path_of = [&](const std::string& name) { return directory + "/" + name; };
  std::string name = file.name;
  auto is_it = is_still(files, path_of(name), file.info);
  if (const std::string aside = aside_name(name); aside != name && is_it && *is_it) {
    // Between a look and a deletion another file could take the name. Nobody writes to this one.
    auto renamed = rename_to_free(files, path_of(name), path_of(aside));
    if (!renamed) return {renamed, name};
    name = aside;
    is_it = is_still(files, path_of(name), file.info);
  }
  if (!is_it) return {is_it.error(), name};
  if (!*is_it) return {ok(), name};
  return {done_path.empty() ? files.remove(path_of(name))
                            : move_away(files, path_of(name), done_path, file),
          name};
}

}  // namespace fieldpost::agent
