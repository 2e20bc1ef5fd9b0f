#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/rt/mqtt.h"
#include "proto/wire/messages.h"
#include "proto/wire/signing.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::sim {

/// Sees what the broker takes: remembers what the coordinator promised, and can say old messages
/// again or forge new ones.
class WireWatch {
 public:
  void on_taken(const std::string& client_id, const rt::MqttMessage& message);

  /// A message of some handshake, or a receipt, that was published a while ago. nullopt: none yet.
  [[nodiscard]] std::optional<rt::MqttMessage> echo(Dice& dice) const;
  /// A receipt that says `stored` of everything that the node's live incarnation gave out, signed
  /// with the right key, but of another store, of another generation or of another session.
  [[nodiscard]] std::optional<rt::MqttMessage> forge_receipt(Dice& dice,
                                                             const wire::SigningKey& key) const;
  /// All verdicts that left the coordinator in receipts.
  [[nodiscard]] const std::vector<wire::VerdictRange>& receipted() const { return receipted_; }

 private:
  struct Session {
    wire::IncarnationId live;
    std::optional<wire::Receipt> last;
  };

  std::deque<rt::MqttMessage> said_;
  std::vector<wire::VerdictRange> receipted_;
  std::map<std::string, Session> sessions_;  ///< by node
};

}  // namespace fieldpost::sim
