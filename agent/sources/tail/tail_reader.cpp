#include "agent/sources/tail/tail_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::agent {
namespace {

constexpr std::size_t kPositionBytesMax = 256;
constexpr unsigned kPositionMode = 0600;

/// Leaves the first lines, as many as can be kept raw in one message; at least one.
void cut_block(std::string& text, TailReader::Chunk& chunk) {
  if (text.size() <= mapping::kRawBlockBytesMax) return;
  std::size_t end = text.rfind('\n', mapping::kRawBlockBytesMax - 1);
  if (end == std::string::npos) end = text.find('\n');
  chunk.more = chunk.more || end + 1 < text.size();
  text.resize(end + 1);
}

void fail(TailReader::Chunk& chunk, std::string what) {
  chunk.errors += 1;
  chunk.last_error = std::move(what);
}

}  // namespace

std::string tail_name(const std::string& path) {
  return "file_tail:" + path;
}

rt::Result<TailReader> TailReader::make(rt::Files& files, TailReaderConfig config) {
  auto mapper = mapping::Mapper::make(config.rules);
  if (!mapper) return mapper.error();
  TailReader reader(files, std::move(config), *std::move(mapper));
  if (reader.config_.keep_raw) {
    auto keeper = mapping::RawKeeper::make(tail_name(reader.config_.path), reader.config_.rules);
    if (!keeper) return keeper.error();
    reader.keeper_ = *std::move(keeper);
  }
  return reader;
}

std::optional<RulesTeller> TailReader::make_teller() const {
  if (!keeper_) return std::nullopt;
  return RulesTeller(*keeper_);
}

TailReader::Chunk TailReader::read(rt::UnixTime now, bool leave_rotated) {
  Chunk chunk;
  chunk_bytes_ = 0;
  if (!position_ && !load(chunk)) return chunk;
  const auto path = locate(chunk);
  if (!path) return chunk;
  std::string text = read_lines(*path, chunk);
  const bool at_end = chunk.rotated_end && text.empty() && !chunk.more;
  if (leave_rotated && at_end && begin_successor(*path, chunk)) {
    text = read_lines(config_.path, chunk);
  }
  chunk.bytes = text.size();
  chunk_bytes_ = chunk.bytes;
  if (text.empty()) return chunk;
  chunk.rotated_end = false;
  parse(text, now, chunk);
  if (chunk.lines.readings_stamped == 0) return chunk;
  // From here on these very bytes are read again until they are settled, also after a crash.
  position_->pending = chunk.bytes;
  chunk.idempotency_key = fmt::format("tail:{}:{}:{}:{}:{}", config_.path, position_->inode,
                                      position_->generation, position_->offset, chunk.bytes);
  const auto stored = store();
  if (!stored) fail(chunk, stored.error().message);
  return chunk;
}

/// false: the position cannot be read now.
bool TailReader::load(Chunk& chunk) {
  const auto text = files_.read(config_.position_path, 0, kPositionBytesMax);
  if (!text && text.error().code != rt::Errc::kNotFound) {
    fail(chunk, text.error().message);
    return false;
  }
  const auto position = text ? TailPosition::parse(*text) : TailPosition{};
  if (text && position) {
    position_ = *position;
    return true;
  }
  if (!position) fail(chunk, position.error().message);
  first_sight();
  const auto stored = store();
  if (!stored) fail(chunk, stored.error().message);
  return true;
}

void TailReader::first_sight() {
  position_ = TailPosition{};
  const auto info = files_.info(config_.path);
  if (!info) return;  // what appears later is new from its first byte
  position_->inode = info->inode;
  if (!config_.from_beginning) position_->offset = info->size;
}

/// The path under which the file at the position is found now.
std::optional<std::string> TailReader::locate(Chunk& chunk) {
  const auto now = files_.info(config_.path);
  if (!now && now.error().code != rt::Errc::kNotFound) {
    fail(chunk, now.error().message);
    return std::nullopt;
  }
  if (now && now->inode == position_->inode) return follow(*now, chunk);
  if (position_->inode == 0) {
    if (!now) return std::nullopt;
    begin_file(now->inode);
    return config_.path;
  }
  const auto rotated = find_rotated();
  if (!now) return rotated;
  if (rotated) {
    chunk.rotated_end = true;
    return rotated;
  }
  fail(chunk, config_.path + " was replaced; the end of the old file is not found");
  begin_file(now->inode);
  return config_.path;
}

std::optional<std::string> TailReader::follow(const rt::FileInfo& now, Chunk& chunk) {
  if (now.size < position_->offset + position_->pending) {
    fail(chunk, config_.path + " became shorter; it is read from its beginning");
    begin_file(now.inode);
  }
  return config_.path;
}

/// Half a line at the end stays half a line: its writer is gone. false: the successor is not there.
bool TailReader::begin_successor(const std::string& rotated, Chunk& chunk) {
  const auto successor = files_.info(config_.path);
  if (!successor) return false;
  const auto left = files_.info(rotated);
  if (left && left->size > position_->offset) {
    fail(chunk, fmt::format("{} bytes without a line feed at the end of {} are left out",
                            left->size - position_->offset, rotated));
  }
  chunk.rotated_end = false;
  begin_file(successor->inode);
  return true;
}

void TailReader::begin_file(std::uint64_t inode) {
  position_ = TailPosition{inode, position_->generation + 1, 0, 0};
  skipping_ = false;
}

std::optional<std::string> TailReader::find_rotated() {
  const std::size_t slash = config_.path.rfind('/');
  const std::string directory = config_.path.substr(0, slash);
  const std::string name = config_.path.substr(slash + 1);
  std::size_t looked_at = 0;
  for (const std::string& other : files_.list(directory.empty() ? "/" : directory).value_or({})) {
    if (!other.starts_with(name.substr(0, name.find('.'))) || other == name) continue;
    if (++looked_at > kRotatedMax) break;
    std::string path = directory + "/" + other;
    const auto info = files_.info(path);
    if (info && info->inode == position_->inode) return path;
  }
  return std::nullopt;
}

/// Whole lines from the position on.
std::string TailReader::read_lines(const std::string& path, Chunk& chunk) {
  const std::uint64_t wanted = position_->pending != 0 ? position_->pending : kChunkBytesMax;
  auto text = files_.read(path, position_->offset, wanted);
  if (!text) {
    fail(chunk, text.error().message);
    return {};
  }
  chunk.more = text->size() == kChunkBytesMax;
  if (position_->pending != 0) return *std::move(text);
  skip_long_line(*text, chunk);
  text->resize(text->rfind('\n') + 1);  // npos + 1 is 0
  if (keeper_) cut_block(*text, chunk);
  return *std::move(text);
}

/// Moves the position over as much of a line that is too long as there is.
void TailReader::skip_long_line(std::string& text, Chunk& chunk) {
  const std::size_t feed = std::min(text.find('\n'), text.size());
  if (!skipping_ && feed > kLineBytesMax) {
    fail(chunk, fmt::format("a line longer than {} bytes in {}", kLineBytesMax, config_.path));
    skipping_ = true;
  }
  if (!skipping_) return;
  const std::size_t skipped = std::min(feed + 1, text.size());
  skipping_ = feed == text.size();
  position_->offset += skipped;
  text.erase(0, skipped);
}

void TailReader::parse(std::string_view text, rt::UnixTime now, Chunk& chunk) {
  if (keeper_) now = keeper_->stamp(now);
  const mapping::Message lines{{}, text, false};
  chunk.lines = mapper_.map(lines, now, {}).lines;
  chunk.readings = chunk.lines.readings;
  if (!keeper_) return;
  const auto kept = keeper_->add(lines, now, chunk.lines);
  if (!kept) fail(chunk, kept.error().message);
}

rt::Status TailReader::settle() {
  if (chunk_bytes_ == 0) return rt::ok();
  position_->offset += std::exchange(chunk_bytes_, 0);
  position_->pending = 0;
  return store();
}

rt::Status TailReader::store() {
  const std::string& path = config_.position_path;
  const auto made = files_.make_directories(path.substr(0, path.rfind('/')));
  if (!made) return made.error();
  return files_.write_durably(path, position_->text(), kPositionMode);
}

}  // namespace fieldpost::agent
