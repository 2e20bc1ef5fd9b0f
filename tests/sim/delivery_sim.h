#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fieldpost::sim {

/// Which faults a run may meet. Each is a share: how likely it is at one weather event.
struct Weather {
  bool links = true;       ///< lost, duplicated, late messages; partitions; half-open links
  bool kills = true;       ///< SIGKILL of agent, coordinator and broker, broker wiped
  bool power = true;       ///< power cuts with unsynced writes lost
  bool clocks = true;      ///< jumps of years, boots at 1970, not synchronised
  bool disks = true;       ///< full, I/O errors
  bool spool_back = true;  ///< the node's disk set back
  bool clone = true;       ///< two machines on one image
  bool store_back = true;  ///< the store set back
  bool flips = true;       ///< a bit flipped on the way
  bool echoes = true;      ///< old messages said again, receipts of others
  bool strange_records = true;
  bool tight_spool = false;   ///< a bound that sheds
  bool two_nodes = false;     ///< another node at the same site
  bool tight_credit = false;  ///< for one node at a time
  bool bodies = false;        ///< the nodes take in bodies, too
  bool tight_bodies = false;  ///< few of them may be begun at once
  bool rot = false;           ///< bits of the spool's file flip
  bool compacts = true;       ///< else batches stay as they came, and the checkers count them
};

struct RunResult {
  std::vector<std::string> faults;  ///< empty: the promise held
  std::uint64_t trace_hash = 0;
  std::size_t fed = 0, stored = 0, gapped = 0;
  std::string summary;
};

/// One life of a site from one seed: weather, then calm, then the checkers.
[[nodiscard]] RunResult run_delivery(std::uint64_t seed, const Weather& weather,
                                     bool verbose = false);

/// The weather that a seed stands for: each seed leaves some kinds out, so that rare ones are not
/// hidden by frequent ones.
[[nodiscard]] Weather weather_of(std::uint64_t seed);

}  // namespace fieldpost::sim
