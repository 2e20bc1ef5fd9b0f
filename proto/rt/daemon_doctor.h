#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/rt/config_parts.h"

/// What the `doctor` verbs of all daemons share. Each check notes what it found; nothing is changed
/// and nothing is started.
namespace fieldpost::rt {

/// Findings, one after the other.
class Examination {
 public:
  void good(std::string what) { findings_.push_back({Outcome::kOk, std::move(what), {}}); }
  /// It works, but not as it should.
  void warn(std::string what, std::string advice);
  /// The daemon cannot do its work like this.
  void fail(std::string what, std::string advice);
  /// Prints all of them; the exit code.
  [[nodiscard]] int tell(bool json) const;

 private:
  enum class Outcome : std::uint8_t { kOk, kWarn, kFail };
  struct Finding {
    Outcome outcome = Outcome::kOk;
    std::string what;
    std::string advice;  ///< what to do about it; empty when all is well
  };
  [[nodiscard]] static std::string_view to_string(Outcome outcome);
  std::vector<Finding> findings_;
};

/// The directory that a daemon keeps its state in, and the space there. Whether a daemon runs on
/// it.
bool examine_state(Examination& examination, const std::string& directory,
                   std::string_view program);
/// An address or socket that a daemon listens at; `runs`: it does so now. Empty: none.
void examine_address(Examination& examination, const std::string& address, bool runs);
void examine_socket(Examination& examination, const std::string& path, bool runs);
/// Connects under a client id of its own, so that a daemon that runs is not thrown out.
void examine_broker(Examination& examination, MqttOptions options,
                    const std::string& password_file);
void examine_clock(Examination& examination);

}  // namespace fieldpost::rt
