#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/plain_socket.h"

namespace fieldpost::test {

/// Writes the numbers 1, 2, 3, … in small batches from a thread of its own, each number once as a
/// reading of its own time, and remembers which ones it was told are taken. What fails is not
/// offered again: it may be there or not.
class NumberedProducer {
 public:
  /// Offers lines (each ended by a line feed); true when all of them are taken.
  using Offer = std::function<bool(const std::string& lines, std::size_t count)>;

  NumberedProducer(std::string name, Offer offer);

  void stop();  ///< returns when the batch under way is answered
  [[nodiscard]] const std::string& name() const { return name_; }
  // For after `stop`:
  [[nodiscard]] std::int64_t offered() const { return offered_; }  ///< the highest number
  [[nodiscard]] const std::vector<std::int64_t>& answered() const { return answered_; }

  /// Readings are fields `v` of this measurement, with the producer's name as tag `producer`.
  static constexpr const char* kMeasurement = "numbered";
  [[nodiscard]] static std::int64_t time_of(std::int64_t number);

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] std::string line(std::int64_t number) const;

  std::string name_;
  Offer offer_;
  std::int64_t offered_ = 0;
  std::vector<std::int64_t> answered_;
  std::jthread thread_;  // last: it uses what is above
};

/// To the agent's unix socket: a batch ended by an empty line, answered `ok N`.
[[nodiscard]] NumberedProducer::Offer offer_to_socket(const std::string& path);
/// POST to an InfluxDB 1.x or 2.x endpoint, answered 204.
[[nodiscard]] NumberedProducer::Offer offer_to_http(std::uint16_t port, std::string target);

}  // namespace fieldpost::test
