#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/sim_site.h"
#include "tests/sim/wire_watch.h"

namespace fieldpost::sim {

/// What happened in a run, as far as it decides what the ledger may show.
struct LedgerTerms {
  bool disk_lost = false;   ///< a machine's disk went back or was copied
  bool store_back = false;  ///< the store went back
  bool thins = false;       ///< shed readings leave some of their record behind
  bool idle = false;        ///< every node came to rest, and said hello once more after it
};

/// Whether the ledger agrees with what its coordinator promised on the wire and with what the node
/// knows of its losses: sentences, empty when all is well. `shed`: readings that the node itself
/// says it shed.
[[nodiscard]] std::vector<std::string> audit_ledger(SimSite& site, const WireWatch& watch,
                                                    const Ledgerbook& book,
                                                    const LedgerTerms& terms, std::uint64_t shed);

}  // namespace fieldpost::sim
