#include "proto/wire/set_chooser.h"

#include <algorithm>

#include "proto/wire/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {

namespace {

/// A decoded record costs memory for each series of its set, so sets stay smaller than they may be.
constexpr std::size_t kSeriesMax = 1024;
constexpr std::size_t kBytesMax = kDefinitionBytesMax;
/// Series remembered; beyond it everything is forgotten and sets are made afresh.
constexpr std::size_t kKnownMax = 65'536;

std::size_t encoded_size(const std::vector<std::string>& keys) {
  std::size_t bytes = 0;
  for (const std::string& key : keys) bytes += key.size() + 1;
  return bytes;
}

}  // namespace

rt::Result<SetChooser::Choice> SetChooser::choose(const std::vector<std::string>& keys) {
  if (known_.size() > kKnownMax) known_.clear();
  if (auto done = add_new(keys); !done) return done.error();
  if (auto done = unite(keys); !done) return done.error();
  Choice choice;
  choice.places.reserve(keys.size());
  std::vector<std::vector<bool>> taken;  // of the columns of each set
  for (const std::string& key : keys) {
    const Known& known = known_.at(key);
    // Few sets a batch: the last one first, then a scan.
    std::size_t group = choice.sets.size();
    for (std::size_t i = choice.sets.size(); i-- > 0;) {
      if (choice.sets[i] == known.set) {
        group = i;
        break;
      }
    }
    if (group == choice.sets.size()) {
      choice.sets.push_back(known.set);
      taken.emplace_back(known.set->keys.size());
    }
    if (taken[group][known.column]) {
      return rt::Error{rt::Errc::kInvalid, "series key " + quoted(key) + ": twice in one batch"};
    }
    taken[group][known.column] = true;
    choice.places.push_back({static_cast<std::uint32_t>(group), known.column});
  }
  return choice;
}

rt::Status SetChooser::add_new(const std::vector<std::string>& keys) {
  std::vector<std::string> fresh;
  for (const std::string& key : keys) {
    if (!known_.contains(key)) fresh.push_back(key);
  }
  return make_sets(std::move(fresh));
}

rt::Status SetChooser::make_sets(std::vector<std::string> keys) {
  std::size_t next = 0;
  while (next < keys.size()) {
    std::vector<std::string> part;
    std::size_t bytes = 0;
    while (next < keys.size() && part.size() < kSeriesMax &&
           bytes + keys[next].size() + 1 <= kBytesMax) {
      bytes += keys[next].size() + 1;
      part.push_back(std::move(keys[next++]));
    }
    if (part.empty()) {
      return rt::Error{rt::Errc::kInvalid, "a series key longer than a series set may be"};
    }
    auto made = SeriesSet::make(std::move(part));
    if (!made) return made.error();
    const auto set = std::make_shared<const SeriesSet>(std::move(*made));
    for (std::uint32_t column = 0; column < set->keys.size(); ++column) {
      known_[set->keys[column]] = {set, column};
    }
  }
  return rt::ok();
}

rt::Status SetChooser::unite(const std::vector<std::string>& keys) {
  std::vector<std::shared_ptr<const SeriesSet>> used;
  for (const std::string& key : keys) {
    const auto& set = known_.at(key).set;
    if (std::find(used.rbegin(), used.rend(), set) == used.rend()) used.push_back(set);
  }
  if (used.size() < 2) return rt::ok();
  std::vector<std::string> all;
  for (const auto& set : used) {
    // Keys that moved to another set meanwhile are left where they are.
    for (const std::string& key : set->keys) {
      const auto known = known_.find(key);
      if (known != known_.end() && known->second.set == set) all.push_back(key);
    }
  }
  if (all.size() > kSeriesMax || encoded_size(all) > kBytesMax) return rt::ok();
  return make_sets(std::move(all));
}

}  // namespace fieldpost::wire
