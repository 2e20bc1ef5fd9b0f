#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/sim/delivery_sim.h"
#include "tests/sim/sim_field.h"

namespace fieldpost::sim {

/// The weather over a field: faults, each when its dice say so, and only of the kinds that the
/// weather has.
class Storms {
 public:
  Storms(SimField& field, const Weather& weather, Dice dice)
      : field_(field), weather_(weather), dice_(dice) {}

  void strike();  ///< one event, or none
  void rot();     ///< of the spool's file
  void cut_off(const SimNode& node, rt::Nanos span);
  /// Sees what is published. false: the weather keeps it from the broker.
  bool tap(const std::string& from, const rt::MqttMessage& message);
  /// The weather does nothing more; what it broke is whole.
  void end();

  /// A disk of the node went back, or ran twice: readings may be gone with a machine.
  [[nodiscard]] bool set_back() const { return set_back_; }
  [[nodiscard]] bool store_back() const { return store_back_; }
  /// What was wrong with the store of a coordinator that died.
  [[nodiscard]] const std::vector<std::string>& at_death() const { return at_death_; }

 private:
  SimNode& some_node();
  void say_again(const std::optional<rt::MqttMessage>& message);
  void forge();
  bool forge_answer(const rt::MqttMessage& envelope);
  void restart(SimNode& node, bool power);
  void restart_site(bool power);
  void look_at_the_dead();
  void restart_broker();
  void bad_links();
  void cut_link();
  void move_clock();
  void break_disk(SimDisk& disk);
  void spool_back();
  void clone();
  void set_store_back();
  void flip();
  void stop_at_a_write();
  void stop_both_at_a_write();
  void stop_node_at(const rt::MqttMessage& message);

  SimField& field_;
  Weather weather_;
  Dice dice_;
  Dice rot_dice_ = field_.world.dice("rot");
  std::vector<std::string> at_death_;
  int flips_left_ = 0;
  std::string flips_in_;  ///< part of the topic; empty: all but records
  int forgeries_left_ = 0;
  bool both_stop_ = false;
  std::string stops_at_;  ///< the next message of this kind that the node is sent
  bool set_back_ = false, store_back_ = false;
};

}  // namespace fieldpost::sim
