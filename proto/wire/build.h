#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "proto/wire/ids.h"

/// What builds send. proto/README.md, section 10.
namespace fieldpost::wire {

using JobId = Id128;

/// One attempt of a job.
struct JobAttempt {
  JobId job;
  std::uint64_t fence = 0;  ///< from 1
  auto operator<=>(const JobAttempt&) const = default;
};

/// A piece of a job's log: the payload of a record of kind kLogPiece.
struct LogPiece {
  JobAttempt attempt;
  std::uint64_t offset = 0;
  std::string bytes;  ///< 1 to kLogPieceBytesMax
  bool operator==(const LogPiece&) const = default;
};
[[nodiscard]] std::string encode(const LogPiece& piece);
rt::Result<LogPiece> decode_log_piece(std::string_view bytes);

/// Something that happened to a job, as an event says it.
struct BuildFact {
  JobAttempt attempt;
  std::uint32_t n = 0;  ///< from 0
  std::string fact;     ///< one JSON object with a member "type", at most kBuildFactBytesMax
  bool operator==(const BuildFact&) const = default;
};
/// `{"type":"build","job":"…","fence":f,"n":n,"fact":{…}}`.
[[nodiscard]] std::string encode(const BuildFact& fact);
/// kInvalid: an event of another type, or not what encode makes (the fact's own members are free).
rt::Result<BuildFact> decode_build_fact(std::string_view event);

}  // namespace fieldpost::wire
