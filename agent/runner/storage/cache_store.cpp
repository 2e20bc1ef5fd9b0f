#include "agent/runner/storage/cache_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "proto/rt/json_depth.h"
#include "proto/wire/sha256.h"

namespace fieldpost::agent::runner {

using nlohmann::json;

namespace {

constexpr unsigned kMode = 0600;
constexpr std::size_t kAboutBytesMax = 64 * 1024;
constexpr const char* kData = "/data";
constexpr const char* kAbout = "/about.json";

std::string name_of(const std::string& repository, const std::string& key) {
  return wire::sha256(repository + '\0' + key).hex();
}

template <typename T>
T number_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_integer() ? found->get<T>() : T{};
}

std::string text_of(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

CacheStore::CacheStore(rt::Files& files, const rt::WallClock& clock, std::string directory,
                       std::uint64_t bytes_max)
    : files_(files), clock_(clock), directory_(std::move(directory)), bytes_max_(bytes_max) {}

std::optional<CacheStore::Entry> CacheStore::read(const std::string& name) const {
  const auto text = files_.read(path(name) + kAbout, 0, kAboutBytesMax);
  if (!text || rt::nests_too_deep(*text)) return std::nullopt;
  const json about = json::parse(*text, nullptr, false);
  if (!about.is_object()) return std::nullopt;
  Entry entry{.name = name,
              .repository = text_of(about, "repository"),
              .key = text_of(about, "key"),
              .made_ns = number_of<std::int64_t>(about, "made_ns"),
              .used_ns = number_of<std::int64_t>(about, "used_ns")};
  const auto data = files_.info_no_follow(path(name) + kData);
  if (!data || !data->is_regular || name_of(entry.repository, entry.key) != name) {
    return std::nullopt;
  }
  entry.size = data->size;
  return entry;
}

rt::Status CacheStore::write(const Entry& entry) {
  const json about = {{"repository", entry.repository},
                      {"key", entry.key},
                      {"made_ns", entry.made_ns},
                      {"used_ns", entry.used_ns}};
  return files_.write_durably(path(entry.name) + kAbout,
                              about.dump(-1, ' ', false, json::error_handler_t::replace), kMode);
}

std::vector<CacheStore::Entry> CacheStore::entries() const {
  std::vector<Entry> out;
  const auto names = files_.list(directory_);
  if (!names) return out;
  for (const std::string& name : *names) {
    if (auto entry = read(name)) out.push_back(*std::move(entry));
  }
  return out;
}

bool CacheStore::has(const std::string& repository, const std::string& key) const {
  return read(name_of(repository, key)).has_value();
}

std::optional<CacheStore::Found> CacheStore::find(const std::string& repository,
                                                  const JobCache& wanted) {
  std::optional<Entry> best = read(name_of(repository, wanted.key));
  const bool is_exact = best.has_value();
  const std::vector<Entry> all = best ? std::vector<Entry>() : entries();
  for (const std::string& prefix : wanted.restore_keys) {
    if (best) break;
    for (const Entry& each : all) {
      if (each.repository != repository || !each.key.starts_with(prefix)) continue;
      if (!best || each.made_ns > best->made_ns) best = each;
    }
  }
  if (!best) return std::nullopt;
  best->used_ns = clock_.now().ns;
  if (!write(*best)) {
    // It goes a little earlier, then.
  }
  return Found{path(best->name), best->key, is_exact};
}

rt::Status CacheStore::keep(const std::string& repository, const std::string& key,
                            const std::string& tar) {
  const auto info = files_.info_no_follow(tar);
  if (!info) return info.error();
  if (info->size > bytes_max_) {
    return rt::Error{rt::Errc::kFull, fmt::format("keeping {} bytes: all entries together have {}",
                                                  info->size, bytes_max_)};
  }
  if (auto done = make_room(info->size); !done) return done;
  const std::int64_t now = clock_.now().ns;
  const Entry entry{.name = name_of(repository, key),
                    .repository = repository,
                    .key = key,
                    .made_ns = now,
                    .used_ns = now,
                    .size = info->size};
  if (auto done = files_.make_directories(path(entry.name)); !done) return done;
  if (auto done = files_.rename(tar, path(entry.name) + kData); !done) return done;
  return write(entry);
}

/// What is no entry goes, too: a crash came between its tar and what is said of it.
rt::Status CacheStore::make_room(std::uint64_t size) {
  const auto names = files_.list(directory_);
  if (!names && names.error().code != rt::Errc::kNotFound) return names.error();
  std::vector<Entry> all = entries();
  if (names) {
    for (const std::string& name : *names) {
      if (std::ranges::find(all, name, &Entry::name) != all.end()) continue;
      if (auto done = files_.remove_all(path(name)); !done) return done;
    }
  }
  std::ranges::sort(all, {}, &Entry::used_ns);
  std::uint64_t total = size;
  for (const Entry& each : all) total += each.size;
  std::size_t count = all.size();
  for (const Entry& each : all) {
    if (total <= bytes_max_ && count < kEntriesMax) break;
    if (auto done = files_.remove_all(path(each.name)); !done) return done;
    total -= each.size;
    count -= 1;
  }
  return rt::ok();
}

}  // namespace fieldpost::agent::runner
