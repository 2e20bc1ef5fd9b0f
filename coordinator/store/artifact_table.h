#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coordinator/builds/build_artifact.h"
#include "coordinator/builds/told_fact.h"
#include "proto/rt/result.h"
#include "proto/rt/sqlite.h"
#include "proto/rt/time.h"

namespace fieldpost::coordinator {

struct ArtifactFilter {
  std::int64_t build = 0;  ///< 0: any
  std::string pipeline;    ///< empty: any
  std::string name;        ///< empty: any
  std::optional<ArtifactState> state;
};

/// What jobs made. Changes of the state are refused (kDenied) when it is another one than they go
/// from; kNotFound: there is no such artifact. What changes runs inside the caller's transaction.
class ArtifactTable {
 public:
  explicit ArtifactTable(rt::Database& db) : db_(db) {}

  /// Its row; none: the attempt has it already, with this very content. kInvalid: with another one.
  rt::Result<std::optional<std::int64_t>> add(const wire::JobAttempt& attempt,
                                              const ArtifactFact& fact, rt::UnixTime now);
  /// Ordered by row, rows above `after`, at most `limit`. Of jobs that are known only.
  rt::Result<std::vector<BuildArtifact>> list(const ArtifactFilter& filter, std::int64_t after,
                                              std::size_t limit);
  rt::Result<BuildArtifact> find(std::int64_t no);
  rt::Result<BuildArtifact> find(const wire::JobAttempt& attempt, const std::string& name);
  /// Whether the bytes are those of an artifact that is here, or on its way.
  rt::Result<bool> is_wanted(const wire::Sha256Digest& sha256);

  /// From known, or from asked to ask in another way: a command tells its node to send it.
  rt::Status set_asked(std::int64_t no, std::uint64_t command,
                       const std::optional<wire::Sha256Digest>& base);
  /// From asked: it does not come, and may be asked for again.
  rt::Status set_known(std::int64_t no);
  /// From known or asked: `wire_bytes` came for it; none, if its bytes were here already.
  rt::Status set_here(std::int64_t no, std::uint64_t wire_bytes);
  /// From every other state. kDenied: it is pinned.
  rt::Status set_gone(std::int64_t no);
  /// In place of those it had. kDenied: it is gone.
  rt::Status set_pins(std::int64_t no, std::uint8_t pins);

 private:
  rt::Status expect(const BuildArtifact& artifact, std::initializer_list<ArtifactState> states,
                    std::string_view doing);
  rt::Database& db_;
};

[[nodiscard]] std::string_view to_string(ArtifactState state);

}  // namespace fieldpost::coordinator
