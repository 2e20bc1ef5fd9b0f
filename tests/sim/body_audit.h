#pragma once

#include <string>
#include <vector>

#include "tests/sim/sim_site.h"

namespace fieldpost::sim {

/// Whether bodies are what was accepted: sentences, empty when all is well. A body whose reading is
/// stored is a file of the very bytes, or fragments of it lie in a gap. No file has other bytes
/// than those of its name, and each has a row. The site's process must have stopped. `disk_lost`:
/// as for `audit`.
[[nodiscard]] std::vector<std::string> audit_bodies(SimSite& site, const Ledgerbook& book,
                                                    bool disk_lost);

}  // namespace fieldpost::sim
