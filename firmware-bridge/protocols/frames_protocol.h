#pragma once

#include <map>
#include <optional>
#include <string>

#include "firmware-bridge/framing/device_frame.h"
#include "firmware-bridge/framing/frame_reader.h"
#include "firmware-bridge/protocols/heard.h"
#include "firmware-bridge/protocols/protocol.h"
#include "firmware-bridge/protocols/senml.h"
#include "firmware-bridge/protocols/sequence_count.h"

namespace fieldpost::bridge {

inline constexpr std::size_t kDeclaredSeriesMax = 1024;  ///< of one device

/// Frames of README.md. What a device declared holds until another device or firmware answers.
class FramesProtocol : public Protocol {
 public:
  /// `units`: for series that are declared without one.
  explicit FramesProtocol(Units units);
  FramesProtocol(const FramesProtocol&) = delete;
  FramesProtocol& operator=(const FramesProtocol&) = delete;

  void feed(std::string_view bytes, std::int64_t arrived, Heard& heard) override;
  /// Frames, or a pack of SenML without any: JSON where it begins with "[", CBOR where it begins
  /// with an array, which no frame does since a zero is in front. Neither needs a declaration,
  /// since UDP and HTTP have better checksums than frames, and nobody can be asked for one; what
  /// was declared says the units.
  void take_message(std::string_view bytes, std::int64_t arrived, Heard& heard) override;
  [[nodiscard]] std::string question() const override;
  void restart() override;
  [[nodiscard]] const ProtocolCounts& counts() const override { return counts_; }

 private:
  /// What one call is about.
  struct Call {
    Heard* heard = nullptr;
    bool is_message = false;
  };
  using Pack = rt::Result<std::vector<SenmlReading>>;
  using Declared = std::map<std::string, std::string, std::less<>>;

  void read(std::string_view bytes);
  void count_unread(std::uint64_t count, std::uint64_t& counter, std::string_view why);
  void take_frame(std::string_view bytes);
  void take_boot(const DeviceFrame& frame);
  void take_hello(const DeviceFrame& frame);
  void take_series(const DeviceFrame& frame);
  void take_readings(const DeviceFrame& frame, Pack pack);
  void take_plain(Pack pack);
  /// `declared`: its place in `declared_`, or the end.
  bool add(SenmlReading reading, Declared::const_iterator declared);
  bool is_in_sequence(const DeviceFrame& frame);
  void meet(const Hello& hello);
  void refuse(std::string_view why);
  void refuse(const DeviceFrame& frame, std::string_view why);

  Units units_;
  FrameReader reader_;
  FrameCounts reader_counts_;  ///< those that are in `counts_` already
  SequenceCount sequence_;
  ProtocolCounts counts_;
  std::optional<Hello> hello_;
  Declared declared_;  ///< units by name
  Call call_;
};

}  // namespace fieldpost::bridge
