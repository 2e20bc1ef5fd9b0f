#pragma once

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tools/bench/clients.h"
#include "tools/bench/lab.h"
#include "tools/bench/report.h"

namespace fieldpost::bench {

/// Ten batches a second of one line, stamped as it is sent.
class Probe {
 public:
  explicit Probe(const std::string& socket) : producer_(socket), thread_([this] { send_all(); }) {}
  ~Probe() {
    stopping_ = true;
    thread_.join();
  }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;

 private:
  void send_all();

  LineProducer producer_;
  std::atomic<bool> stopping_ = false;
  int count_ = 0;
  std::thread thread_;
};

/// How old the probe's values were when they arrived; those sent from `from_wall_s` on.
void report_ages(const std::vector<LiveWatch::Seen>& seen, double from_wall_s,
                 const std::string& name, Report& report);
/// Hands so many readings to an agent that has no coordinator.
void take_outage(Lab& lab, std::size_t readings, const std::string& name, Report& report);

}  // namespace fieldpost::bench
