#pragma once

#include <memory>
#include <string_view>

#include "firmware-bridge/protocols/heard.h"
#include "firmware-bridge/protocols/line_format.h"
#include "firmware-bridge/protocols/line_splitter.h"
#include "firmware-bridge/protocols/protocol.h"

namespace fieldpost::bridge {

/// A board that sends lines.
class LinesProtocol : public Protocol {
 public:
  /// `units`: for fields that have none in `format`.
  LinesProtocol(std::unique_ptr<LineFormat> format, Units units);

  void feed(std::string_view bytes, std::int64_t arrived, Heard& heard) override;
  void take_message(std::string_view bytes, std::int64_t arrived, Heard& heard) override;
  void restart() override;
  [[nodiscard]] const ProtocolCounts& counts() const override { return counts_; }

 private:
  void read(std::string_view bytes, bool is_whole, std::int64_t arrived, Heard& heard);
  void take(std::string_view line, std::int64_t arrived, Heard& heard);
  void accept(LineFound found, Heard& heard);

  std::unique_ptr<LineFormat> format_;
  Units units_;
  LineSplitter lines_;
  ProtocolCounts counts_;
};

}  // namespace fieldpost::bridge
