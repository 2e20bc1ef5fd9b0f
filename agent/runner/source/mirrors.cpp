#include "agent/runner/source/mirrors.h"

#include <algorithm>
#include <utility>

#include "proto/wire/sha256.h"

namespace fieldpost::agent::runner {
namespace {

constexpr std::size_t kNameSize = 32;

}  // namespace

std::string Mirrors::use(const std::string& url) {
  std::string mirror = directory_ + "/" + wire::sha256(url).hex().substr(0, kNameSize);
  used_[mirror] += 1;
  return mirror;
}

void Mirrors::release(const std::string& mirror) {
  const auto found = used_.find(mirror);
  if (found == used_.end()) return;
  found->second -= 1;
  if (found->second == 0) used_.erase(found);
}

std::vector<std::string> Mirrors::superfluous() const {
  const auto names = files_.list(directory_);
  if (!names) return {};
  std::vector<std::pair<rt::UnixTime, std::string>> idle;
  std::size_t count = 0;
  for (const std::string& name : *names) {
    const std::string path = directory_ + "/" + name;
    if (name.size() != kNameSize) continue;  // locks, and what was begun
    count += 1;
    if (used_.contains(path)) continue;
    const auto info = files_.info(path);
    idle.emplace_back(info ? info->modified : rt::UnixTime{}, path);
  }
  std::ranges::sort(idle);
  std::vector<std::string> out;
  // One place is left for the one that may come.
  for (std::size_t i = 0; i < idle.size() && count - i >= kMirrorsMax; ++i) {
    out.push_back(idle[i].second);
  }
  return out;
}

}  // namespace fieldpost::agent::runner
