#include "proto/wire/flat_reader.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "proto/schema/wire_generated.h"
#include "proto/wire/limits.h"

namespace fieldpost::wire {
namespace {

constexpr flatbuffers::uoffset_t kDepthMax = 4;      // a message and the tables in its vectors: two
constexpr flatbuffers::uoffset_t kTablesMax = 8192;  // 32 bytes each fill an envelope

bool is_aligned(const void* data, std::size_t alignment) {
  return std::bit_cast<std::uintptr_t>(data) % alignment == 0;
}

}  // namespace

FlatReader::FlatReader(std::string_view kind, std::string_view bytes)
    : kind_(kind), bytes_(bytes), left_(bytes.size()) {
  if (!require(bytes.size() <= kEnvelopeBytesMax, "too large")) return;
  if (is_aligned(bytes.data(), sizeof(std::uint64_t)) || bytes.empty()) return;
  aligned_.resize((bytes.size() + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t));
  std::memcpy(aligned_.data(), bytes.data(), bytes.size());
  bytes_ = {reinterpret_cast<const char*>(aligned_.data()), bytes.size()};
}

template <typename Table>
const Table* FlatReader::root() {
  if (error_) return nullptr;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes_.data());
  flatbuffers::Verifier verifier(data, bytes_.size(), kDepthMax, kTablesMax);
  const bool verified = verifier.VerifyBuffer<Table>(nullptr);
  return require(verified, "not a message of this kind") ? flatbuffers::GetRoot<Table>(data)
                                                         : nullptr;
}

template const fb::Record* FlatReader::root<fb::Record>();
template const fb::Envelope* FlatReader::root<fb::Envelope>();
template const fb::Hello* FlatReader::root<fb::Hello>();
template const fb::Answer* FlatReader::root<fb::Answer>();
template const fb::NodeState* FlatReader::root<fb::NodeState>();
template const fb::Signed* FlatReader::root<fb::Signed>();
template const fb::Challenge* FlatReader::root<fb::Challenge>();
template const fb::Welcome* FlatReader::root<fb::Welcome>();
template const fb::Receipt* FlatReader::root<fb::Receipt>();
template const fb::Command* FlatReader::root<fb::Command>();
template const fb::Presence* FlatReader::root<fb::Presence>();
template const fb::Fragment* FlatReader::root<fb::Fragment>();
template const fb::LogPiece* FlatReader::root<fb::LogPiece>();

bool FlatReader::require(bool condition, std::string_view why) {
  if (!condition && !error_) {
    error_ = rt::Error{rt::Errc::kCorrupt, fmt::format("decoding {}: {}", kind_, why)};
  }
  return condition;
}

void FlatReader::require_name(const Name& name) {
  require(!name.incarnation.spool.is_zero() && !name.incarnation.is_none() && name.seq >= 1,
          "a name is incomplete");
  require(name.seq <= kSeqMax, "a seq is too large");
}

void FlatReader::require_range(const SeqRange& range) {
  require(range.first >= 1 && range.first <= range.last, "a range is empty or begins before 1");
  require(range.last <= kSeqMax, "a seq is too large");
}

void FlatReader::require_names(const NameRange& range) {
  require_range(range.seqs);
  require_name({range.incarnation, range.seqs.first});
}

void FlatReader::require_ascending(const std::vector<SeqRange>& ranges) {
  std::uint64_t last = 0;
  for (const SeqRange& range : ranges) {
    require_range(range);
    require(range.first > last, "ranges overlap or descend");
    last = range.last;
  }
}

std::vector<NameRange> FlatReader::name_ranges(std::vector<NameRange> ranges) {
  for (const NameRange& range : ranges) require_names(range);
  return ranges;
}

std::vector<SeqRange> FlatReader::ascending(std::vector<SeqRange> ranges) {
  require_ascending(ranges);
  return ranges;
}

Clock FlatReader::clock(const fb::Clock* flat) {
  if (!require(flat != nullptr, "a clock is missing")) return {};
  return from_flat(*flat);
}

bool FlatReader::take(std::size_t size) {
  if (error_ || !require(size <= left_, "its parts overlap")) return false;
  left_ -= size;
  return true;
}

bool FlatReader::take_aligned(const void* data, std::size_t alignment) {
  return require(is_aligned(data, alignment), "a vector is not aligned");
}

}  // namespace fieldpost::wire
