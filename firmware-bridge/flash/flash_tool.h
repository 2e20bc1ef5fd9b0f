#pragma once

#include <functional>
#include <memory>
#include <string>

#include "firmware-bridge/ports/port_address.h"
#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// What a board is flashed with.
struct FlashTarget {
  std::string port;        ///< path of the serial port, "/dev/ttyUSB0"
  std::string part;        ///< as the tool calls it: "atmega328p"
  std::string programmer;  ///< as the tool calls it: "arduino"
  unsigned baud = 115200;  ///< of the bootloader
};

/// Reads and writes a board's flash with the program that is made for it. One operation at a time;
/// dropping it ends what runs. Images are files, Intel HEX. Each step ends in one call of its
/// handler, from the loop: kUnavailable: the board does not answer; kInvalid: it is another part
/// than the target's; kCorrupt: what was read back is something else; the message has the last
/// lines that the tool said.
class FlashTool {
 public:
  virtual ~FlashTool() = default;
  using OnDone = std::function<void(rt::Status)>;
  /// From 0 to 100.
  using OnProgress = std::function<void(unsigned percent)>;

  /// Whether the part there is the target's.
  virtual void identify(const FlashTarget& target, OnDone on_done) = 0;
  virtual void read(const FlashTarget& target, const std::string& file, OnProgress on_progress,
                    OnDone on_done) = 0;
  virtual void write(const FlashTarget& target, const std::string& file, OnProgress on_progress,
                     OnDone on_done) = 0;
  virtual void verify(const FlashTarget& target, const std::string& file, OnProgress on_progress,
                      OnDone on_done) = 0;
};

}  // namespace fieldpost::bridge
