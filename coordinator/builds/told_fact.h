#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "coordinator/builds/build.h"
#include "proto/rt/result.h"
#include "proto/wire/sha256.h"

namespace fieldpost::coordinator {

inline constexpr std::uint32_t kFactsMax = 16'384;          ///< of one attempt
inline constexpr std::size_t kJobOutputsMax = 256;          ///< of one job
inline constexpr std::size_t kArtifactPathBytesMax = 4096;  ///< in a job's workspace

struct StartedFact {
  std::int64_t time = 0;  ///< ns, the node's clock; so below
};
struct ArtifactFact {
  std::string name, path;
  std::uint64_t size = 0;
  wire::Sha256Digest sha256;
};
struct EndedFact {
  BuildVerdict verdict = BuildVerdict::kPassed;
  std::string why;
  std::string outputs = "{}";  ///< a JSON object of texts
  std::uint64_t log_bytes = 0;
  std::int64_t time = 0;
};
/// A fact that changes nothing but what is known of the job.
struct OtherFact {};

/// The content of a fact [build-2].
struct ToldFact {
  std::string type;
  std::variant<OtherFact, StartedFact, ArtifactFact, EndedFact> content;
};
/// kInvalid names the member that is wrong. Members and types that nobody knows are no fault.
rt::Result<ToldFact> read_fact(std::string_view json);

}  // namespace fieldpost::coordinator
