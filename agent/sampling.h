#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/sources/sampling_hints.h"
#include "agent/sources/source.h"
#include "agent/spool/spool_front.h"
#include "agent/uplink/inbox.h"
#include "proto/rt/log.h"
#include "proto/wire/messages.h"

namespace fieldpost::agent {

/// {"every_s": {"mem": 1.0}}: measurements, and seconds above 0 and of at most a day. nullopt: it
/// is not that, or more than wire::kSamplingHintsMax.
[[nodiscard]] std::optional<SamplingHints> parse_sampling(std::string_view json);

/// How often the coordinator wants measurements sampled: what it said last, told to the sources.
/// Kept in the spool, so that a node that starts without a link goes on as it was told. Loop
/// thread.
class Sampling {
 public:
  using Sources = std::vector<std::unique_ptr<Source>>;
  Sampling(rt::Log& log, SpoolFront& front, const Sources& sources)
      : log_(log), front_(front), sources_(sources) {}

  /// What a former life of this process was told. Before the first command.
  void recover();
  /// The verb `sampling`: its hints take the place of all before them ([cmd-6]).
  [[nodiscard]] Inbox::Answer obey(const wire::Command& command);

 private:
  void tell(const SamplingHints& hints);
  [[nodiscard]] std::string describe(const SamplingHints& hints) const;

  rt::Log& log_;
  SpoolFront& front_;
  const Sources& sources_;
  std::uint64_t obeyed_ = 0;  ///< id of the command that holds; 0: none
};

}  // namespace fieldpost::agent
