#include "agent/sources/drop_directory.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

namespace fieldpost::agent {

using rt::Result;

namespace {

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

Result<DropScan> scan_drop(rt::Files& files, const DropLook& look) {
  const auto names = files.list(look.directory);
  if (!names) return names.error();
  DropScan found;
  std::vector<DroppedFile> resting;
  for (const std::string& name : *names) {
    if (name.starts_with('.') || !matches_pattern(name, look.pattern)) continue;
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

}  // namespace fieldpost::agent
