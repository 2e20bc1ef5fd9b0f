#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
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

  /// A message of some handshake, a receipt, or an envelope, that was published a while ago.
  /// nullopt: none yet.
  [[nodiscard]] std::optional<rt::MqttMessage> echo(Dice& dice) const;
  /// A receipt that says `stored` of everything that the node's live incarnation gave out, signed
  /// with the right key, but of another store, of another generation or of another session.
  [[nodiscard]] std::optional<rt::MqttMessage> forge_receipt(Dice& dice,
                                                             const wire::SigningKey& key) const;
  /// The same for the record of an envelope that was published just now. nullopt: none of a
  /// session.
  [[nodiscard]] std::optional<rt::MqttMessage> forge_receipt_for(const rt::MqttMessage& envelope,
                                                                 Dice& dice,
                                                                 const wire::SigningKey& key) const;
  /// All verdicts that left the coordinator in receipts.
  [[nodiscard]] const std::vector<wire::VerdictRange>& receipted() const { return receipted_; }
  /// Names that some node takes for delivered though no coordinator said anything of them.
  [[nodiscard]] const std::vector<wire::Name>& believed() const { return believed_; }
  /// Envelopes outside a welcomed session [wel-6], and beyond any credit of theirs [credit-1].
  [[nodiscard]] const std::vector<std::string>& faults() const { return faults_; }

 private:
  struct Session {
    wire::IncarnationId live;
    std::optional<wire::Receipt> last;  ///< without verdicts: what the welcome told
  };

  /// One of the two pools of a session.
  struct Pool {
    std::uint64_t credit = 0;  ///< the most that was ever granted: what was published before counts
    std::map<wire::Name, std::uint64_t> in_flight;  ///< bytes
    std::uint64_t bytes = 0;
    void grant(std::uint64_t more) { credit = std::max(credit, more); }
    void settle(const wire::NameRange& range);
  };
  struct Lease {
    Pool records, events;
  };

  void on_envelope(const std::string& node, const wire::Envelope& envelope, wire::Lane lane,
                   std::size_t bytes);
  void note_gaps(const wire::Envelope& envelope);
  void fault(std::string text);
  static void remember(std::deque<rt::MqttMessage>& among, const rt::MqttMessage& message);
  void on_hello(const std::string& node, const wire::Hello& hello);
  void on_welcome(const std::string& node, const wire::Welcome& welcome);
  void on_receipt(const std::string& node, wire::Receipt receipt);
  [[nodiscard]] static rt::MqttMessage forge(const std::string& node, wire::Receipt receipt,
                                             const wire::NameRange& names, Dice& dice,
                                             const wire::SigningKey& key);
  void check_answered(const wire::NameRange& range);

  std::deque<rt::MqttMessage> said_;       ///< but for envelopes
  std::deque<rt::MqttMessage> published_;  ///< envelopes
  /// Envelopes whose record a gap was seen to list later: their readings must stay away.
  std::deque<rt::MqttMessage> given_up_;
  std::vector<wire::VerdictRange> receipted_;
  std::set<wire::Name> answered_;  ///< by a receipt or a welcome
  std::vector<wire::Name> believed_;
  std::map<std::string, Session> sessions_;  ///< by node
  std::map<std::uint64_t, Lease> leases_;    ///< by nonce of a welcomed session
  std::vector<std::string> faults_;
};

}  // namespace fieldpost::sim
