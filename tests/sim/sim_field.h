#pragma once

#include <map>
#include <string>

#include "tests/sim/sim_node.h"
#include "tests/sim/sim_site.h"
#include "tests/sim/wire_watch.h"

namespace fieldpost::sim {

/// One site with a node, at times its clone, and another node; and what a story of it needs.
class SimField {
 public:
  SimField(std::uint64_t seed, const SimNode::Options& options);

  /// What the weather did, for the story.
  void did(std::string what) { deeds_.emplace(world.now(), "-- " + what); }
  void tell_all();  ///< the logs keep all that is said
  /// The logs of all machines, in order of time, and what the weather did.
  [[nodiscard]] std::string story();

  SimWorld world;
  SimBroker broker{world};
  Ledgerbook book;
  SimSite site{world, broker};
  WireWatch watch;
  SimNode node, clone, other;

 private:
  std::multimap<rt::Nanos, std::string> deeds_;
};

}  // namespace fieldpost::sim
