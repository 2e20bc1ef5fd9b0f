#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "firmware-bridge/protocols/protocol.h"

namespace fieldpost::sim {

/// A protocol whose lines say what is found in them, so that a test decides it:
///   r FIELD NUMBER   a reading       u   a reading that was not declared
///   h NAME FIRMWARE  a hello         b NAME FIRMWARE REASON   a boot
///   l COUNT          lost messages   c NS   a clock          g   a good message of nothing
///   a                an unseen restart   x   a bad checksum   v   another version
///   s                a declaration of series
/// Any other line is not understood, and neither is one of more than kLineBytesMax.
class FakeBridgeProtocol final : public bridge::Protocol {
 public:
  static constexpr std::size_t kLineBytesMax = 200;

  /// `question`: empty where a board cannot be asked.
  explicit FakeBridgeProtocol(std::string question = "?\n") : question_(std::move(question)) {}

  void feed(std::string_view bytes, std::int64_t, bridge::Heard& heard) override {
    counts_.bytes += bytes.size();
    for (const char c : bytes) {
      if (c == '\n') {
        take(std::exchange(line_, {}), heard);
      } else if (line_.size() <= kLineBytesMax) {
        line_ += c;
      }
    }
  }
  void take_message(std::string_view bytes, std::int64_t arrived, bridge::Heard& heard) override {
    feed(bytes, arrived, heard);
    if (!line_.empty()) take(std::exchange(line_, {}), heard);
  }
  [[nodiscard]] std::string question() const override { return question_; }
  void restart() override {
    line_.clear();
    restarts += 1;
  }
  [[nodiscard]] const bridge::ProtocolCounts& counts() const override { return counts_; }

  int restarts = 0;

 private:
  static std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words(1);
    for (const char c : line) {
      if (c == ' ') {
        words.emplace_back();
      } else {
        words.back() += c;
      }
    }
    words.resize(4);
    return words;
  }

  void take(const std::string& line, bridge::Heard& heard) {
    const auto words = words_of(line);
    const auto number = [&](std::size_t i) { return std::atoll(words[i].c_str()); };
    const std::string& kind = words[0];
    if (kind == "x") {
      counts_.bad_checksum += 1;
      return;
    }
    if (kind == "v") {
      counts_.other_version += 1;
      return;
    }
    if (kind.size() != 1 || std::string_view("ruhblcgas").find(kind) == std::string_view::npos) {
      counts_.bad += 1;
      heard.why_bad = "no such line";
      return;
    }
    counts_.good += 1;
    if (kind == "r") {
      bridge::Measured one;
      one.key.field = words[1];
      one.value = mapping::DeviceValue::of(static_cast<double>(number(2)));
      heard.readings.push_back(std::move(one));
    }
    if (kind == "u") counts_.undeclared += 1;
    if (kind == "l") heard.lost += static_cast<std::uint64_t>(number(1));
    if (kind == "c") heard.clock = number(1);
    if (kind == "a") heard.restart_unseen = true;
    if (kind == "s") heard.declared = true;
    if (kind != "h" && kind != "b") return;
    heard.booted = heard.booted || kind == "b";
    heard.hello = bridge::Hello{words[1], words[2], static_cast<bridge::BootReason>(number(3))};
  }

  std::string question_;
  bridge::ProtocolCounts counts_;
  std::string line_;
};

}  // namespace fieldpost::sim
