#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/clients.h"
#include "tools/load/plan.h"

namespace fieldpost::load {

/// What a coordinator has of a play.
struct Stored {
  std::vector<std::uint8_t>
      times;                    ///< that each sample was found, by number; 255: as often or more
  std::size_t strange = 0;      ///< readings that no sample is
  std::uint64_t delivered = 0;  ///< readings in stored records, as the coordinator counts them
};

/// Asks for every reading of `node`; waits a while for the count to stand still.
[[nodiscard]] Stored ask_stored(const bench::TcpAddress& address, const std::string& node,
                                const Plan& plan, std::int64_t began_wall_ns);

}  // namespace fieldpost::load
