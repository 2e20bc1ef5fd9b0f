#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>

namespace fieldpost::bench {

struct FieldSiteOptions {
  std::string directory;  ///< an existing one; a spool for each node
  std::uint16_t broker_port = 0;
  std::size_t nodes = 500;
  std::size_t series = 20;  ///< of each node, sampled once a second
};

/// Many agents in one thread of this process: the shipping code over real MQTT and real files, but
/// no process for each. Starts with this object and ends with it.
class FieldSite {
 public:
  explicit FieldSite(FieldSiteOptions options);
  ~FieldSite();
  FieldSite(const FieldSite&) = delete;
  FieldSite& operator=(const FieldSite&) = delete;

  /// Readings that all nodes have sampled so far.
  [[nodiscard]] std::uint64_t sampled() const { return sampled_; }
  void stop_sampling() { sampling_ = false; }

 private:
  class Nodes;
  void run();

  FieldSiteOptions options_;
  std::atomic<std::uint64_t> sampled_ = 0;
  std::atomic<bool> sampling_ = true;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace fieldpost::bench
