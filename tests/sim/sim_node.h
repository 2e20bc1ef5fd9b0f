#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/sampling.h"
#include "agent/sources/body_writer.h"
#include "agent/spool/spool_front.h"
#include "agent/uplink/inbox.h"
#include "agent/uplink/uplink.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::sim {

/// What the checkers know of the readings that one machine took in: each has a number of its own as
/// its value. Kept outside the machine, so that nothing that happens to the machine changes it.
struct Ledgerbook {
  struct Entry {
    bool durable = false;
    bool answered = false;  ///< a durable one: the producer was told OK
    std::string series;     ///< canonical key
    std::int64_t time = 0;
    std::vector<wire::Name> names;  ///< in the order in which it got them
    std::uint64_t order = 0;        ///< of its first name among all names given out
    std::string node;               ///< that took it in
  };
  /// A body: the number of the reading that tells of it is the name of its file.
  struct Body {
    std::string bytes;
    std::int64_t number = 0;
    std::map<std::uint64_t, std::vector<wire::Name>> names;  ///< of its fragments, by offset
  };
  std::map<std::int64_t, Entry> entries;  ///< by number
  std::map<wire::Sha256Digest, Body> bodies;
  std::map<wire::Name, std::vector<std::int64_t>> by_name;  ///< numbers in each record
  std::map<wire::Hash128, std::string> sets;                ///< definitions seen
  std::map<wire::Name, wire::Hash128> hashes;               ///< of every record that was seen
  std::vector<wire::Name> clashes;                          ///< names of more than one record
};

/// One machine with a disk, a clock and (while it runs) an agent process on it.
class SimNode {
 public:
  struct Options {
    std::string node = "n1";
    std::string disk_name = "n1";  ///< of the VFS; clones have one of their own
    agent::SpoolFrontOptions front;
    std::uint64_t bytes_per_second = 0, bytes_per_day = 0;  ///< 0: no bound
  };
  SimNode(SimWorld& world, SimBroker& broker, Ledgerbook& book, Options options);
  ~SimNode();

  void start();  ///< a process life; does nothing when one is running
  void kill();   ///< SIGKILL: the page cache stays
  void power_cut();
  void rot(Dice& dice);  ///< flips a bit of the spool's file
  /// A damaged spool of which something could not even be named: a new one began.
  [[nodiscard]] bool forgot() const;
  [[nodiscard]] bool running() const { return process_ != nullptr; }

  /// Hands in `count` readings; numbers them. Most have a time of their own, so that losing one
  /// shows; of the others some share their times, and some are stamped by the machine.
  void feed(bool durable, int count, std::int64_t time_base, int series, Dice& dice);
  /// Puts a body down beside the machine, as a file: it is offered again, also by later processes,
  /// until it was accepted. It is numbered, too.
  void feed_body(std::uint64_t bytes, std::int64_t time_base, Dice& dice);
  [[nodiscard]] bool has_bodies() const { return !offered_.empty(); }  ///< not accepted yet
  /// A record that no coordinator of today takes: an unknown kind, an unknown codec, or an event
  /// that is none.
  void feed_strange_record(Dice& dice);

  /// Learns names from what was published: those of records that were on disk when a process died.
  void note_envelope(const std::string& payload);
  [[nodiscard]] bool idle() const;           ///< up, and owes nothing
  [[nodiscard]] std::uint64_t shed() const;  ///< readings; 0 when it does not run
  [[nodiscard]] std::string describe() const;
  [[nodiscard]] SimDisk& disk() { return disk_; }
  [[nodiscard]] SimWallClock& clock() { return clock_; }
  [[nodiscard]] SimLog& log() { return log_; }
  [[nodiscard]] agent::SpoolFront* front() { return process_ ? process_->front.get() : nullptr; }
  [[nodiscard]] agent::Uplink* uplink() { return process_ ? process_->uplink.get() : nullptr; }
  /// What its source goes by; it runs.
  [[nodiscard]] const agent::SamplingHints& hints() const { return process_->hints; }
  [[nodiscard]] const std::string& client_id() const { return client_id_; }
  /// The whole machine goes back to this state, or another one is made from it.
  [[nodiscard]] SimDisk::Image image() const { return disk_.snapshot(); }
  void restore(const SimDisk::Image& image);
  [[nodiscard]] const std::optional<SimDisk::Image>& saved() const { return saved_; }
  void save() { saved_ = disk_.snapshot(); }

 private:
  /// Stands between front and uplink and notes which reading got which name.
  struct Tap;
  /// Remembers the hints that it is told.
  struct Hinted;
  struct Process {
    std::unique_ptr<SimLoop> loop;
    std::unique_ptr<SimRandom> random;
    std::unique_ptr<SimMqtt> mqtt;
    std::unique_ptr<SimWorker> store, encoder;
    std::unique_ptr<agent::SpoolFront> front;
    std::unique_ptr<agent::Uplink> uplink;
    std::unique_ptr<agent::Inbox> inbox;
    agent::SamplingHints hints;
    agent::Sampling::Sources sources;
    std::unique_ptr<agent::Sampling> sampling;
    std::unique_ptr<Tap> tap;
    std::unique_ptr<agent::BodyWriter> bodies;
  };
  void end(bool power);
  void salvage();
  void offer_body();
  void on_body(const wire::Sha256Digest& hash, const rt::Status& status);
  void note_fragment(const wire::Name& name, const wire::Record& record);
  void note_record(const agent::SpoolRecord& record);
  void note(const wire::Name& name, const std::string& body, const std::string* definition);

  SimWorld& world_;
  SimBroker& broker_;
  Ledgerbook& book_;
  Options options_;
  std::string client_id_;
  SimDisk disk_;
  SimVfs vfs_;
  SimFiles files_;
  SimWallClock clock_;
  SimLog log_;
  Dice dice_;
  std::unique_ptr<Process> process_;
  std::optional<SimDisk::Image> saved_;
  std::deque<wire::Sha256Digest> offered_;  ///< bodies beside it, oldest first
  static std::int64_t next_number(Ledgerbook& book);
};

}  // namespace fieldpost::sim
