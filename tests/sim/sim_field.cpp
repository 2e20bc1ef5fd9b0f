#include "tests/sim/sim_field.h"

#include <fmt/format.h>

namespace fieldpost::sim {

namespace {

SimNode::Options on_disk(SimNode::Options options, const std::string& disk) {
  options.disk_name = disk;
  return options;
}

SimNode::Options named(SimNode::Options options, const std::string& node) {
  options.node = options.disk_name = node;
  return options;
}

}  // namespace

SimField::SimField(std::uint64_t seed, const SimNode::Options& options)
    : world(seed),
      node(world, broker, book, options),
      clone(world, broker, book, on_disk(options, "clone")),
      other(world, broker, book, named(options, "n2")) {
  world.set_jitter(rt::Millis(1));
}

void SimField::tell_all() {
  for (SimLog* log : {&node.log(), &clone.log(), &other.log(), &site.log()}) {
    log->keep_from(rt::LogLevel::kDebug);
  }
}

std::string SimField::story() {
  std::multimap<rt::Nanos, std::string> lines(deeds_.begin(), deeds_.end());
  for (SimLog* log : {&node.log(), &clone.log(), &other.log(), &site.log()}) {
    for (const SimLog::Line& line : log->lines()) lines.emplace(line.at, line.text);
  }
  std::string out;
  for (const auto& [at, text] : lines) {
    out +=
        fmt::format("\n    {:>9} ms {}", std::chrono::duration_cast<rt::Millis>(at).count(), text);
  }
  return out;
}

}  // namespace fieldpost::sim
