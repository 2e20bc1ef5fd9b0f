#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "firmware-bridge/devices/board_record.h"
#include "firmware-bridge/protocols/protocol.h"
#include "proto/rt/time.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kProbeSeriesMax = 256;  ///< more are counted, but not told one by one

/// A series that a probe heard.
struct ProbedSeries {
  wire::SeriesKey key;  ///< as the board gives it: without what bridge.toml adds
  mapping::DeviceValue last;
  std::uint64_t count = 0;
};

/// What one protocol makes of the bytes of one baud rate.
class ProbeHearing {
 public:
  ProbeHearing(std::unique_ptr<Protocol> protocol, rt::Nanos window)
      : protocol_(std::move(protocol)), record_(window) {}
  void feed(std::string_view bytes, rt::Instant now, rt::UnixTime wall);
  /// More of it was understood than not.
  [[nodiscard]] bool fits() const;

  [[nodiscard]] const Protocol& protocol() const { return *protocol_; }
  [[nodiscard]] const BoardRecord& record() const { return record_; }
  [[nodiscard]] const std::vector<ProbedSeries>& series() const { return series_; }
  [[nodiscard]] std::uint64_t readings_untold() const { return readings_untold_; }

 private:
  void note(Measured reading);

  std::unique_ptr<Protocol> protocol_;
  BoardRecord record_;
  std::vector<ProbedSeries> series_;  ///< in the order in which they came first
  std::map<std::string, std::size_t> places_;
  std::uint64_t readings_untold_ = 0;
};

}  // namespace fieldpost::bridge
