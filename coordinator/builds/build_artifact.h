#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/wire/build.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

/// Where the bytes of an artifact are. As stored.
enum class ArtifactState : std::uint8_t {
  kKnown = 1,  ///< its node told of it
  kAsked = 2,  ///< its node was told to send it
  kHere = 3,
  kGone = 4,  ///< nobody has them any more
};

/// What a job made, as its node told.
struct BuildArtifact {
  std::int64_t no = 0;
  wire::JobAttempt attempt;
  std::string name;
  std::string path;  ///< in the job's workspace
  std::uint64_t size = 0;
  wire::Sha256Digest sha256;
  ArtifactState state = ArtifactState::kKnown;
  std::optional<std::uint64_t> command;    ///< that asked for it last
  std::optional<wire::Sha256Digest> base;  ///< of a delta; none: it was asked for whole
  std::uint64_t wire_bytes = 0;            ///< that came for it
  std::uint8_t pins = 0;                   ///< bits: why it has to stay; 0: it need not
  std::int64_t created = 0;                ///< ns: when it was told
  std::int64_t build = 0;                  ///< of its job
  std::string pipeline;                    ///< of that build
};

}  // namespace fieldpost::coordinator
