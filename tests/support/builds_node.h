#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/builds/artifact_sender.h"
#include "agent/builds/build_verbs.h"
#include "agent/builds/job_shipper.h"
#include "agent/builds/runner_link.h"
#include "agent/builds/runner_watch.h"
#include "agent/sources/body_writer.h"
#include "agent/spool/spool_front.h"
#include "agent/uplink/inbox.h"
#include "agent/uplink/uplink.h"
#include "proto/wire/body.h"
#include "proto/wire/build.h"
#include "tests/support/fakes/fake_runner.h"
#include "tests/support/sim/sim_broker.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_mqtt.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_streams.h"
#include "tests/support/sim/sim_vfs.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::test {

/// What the records of a spool say of jobs.
struct StoredJobs {
  std::map<wire::JobAttempt, std::vector<std::string>> facts;  ///< by number
  std::map<wire::JobAttempt, std::string> logs;
  std::size_t pieces = 0;  ///< of logs
  void add(const agent::SpoolRecord& record);
  /// The same; REQUIREs that it is the next of its attempt, so that nothing has two records, and
  /// nothing is missing before it.
  void add_next(const agent::SpoolRecord& record);
  [[nodiscard]] std::size_t fact_count() const;
};

class BuildsNode;

/// One life of the agent's process, as far as builds concern it. Its inbox hears of no coordinator.
struct BuildsLife {
  explicit BuildsLife(BuildsNode& node);
  ~BuildsLife();
  BuildsLife(const BuildsLife&) = delete;
  BuildsLife& operator=(const BuildsLife&) = delete;

  sim::SimLoop loop;
  sim::SimRandom random;
  sim::SimWorker store, encoder;
  std::unique_ptr<agent::SpoolFront> front;
  std::unique_ptr<agent::RunnerLink> link;
  std::unique_ptr<agent::JobShipper> shipper;
  std::unique_ptr<agent::RunnerWatch> watch;
  sim::SimMqtt mqtt;
  std::unique_ptr<agent::Uplink> uplink;
  std::unique_ptr<agent::Inbox> inbox;
  std::unique_ptr<agent::BodyWriter> bodies;
  std::unique_ptr<agent::BuildVerbs> verbs;
  std::unique_ptr<agent::ArtifactSender> artifacts;
};

/// A machine with a runner, whose processes begin and end apart from each other, and an agent that
/// has a real spool on a simulated disk.
class BuildsNode : public agent::RecordSink {
 public:
  explicit BuildsNode(std::uint64_t seed = 1);
  ~BuildsNode() override;

  /// The agent's process; the spool is there, or it is made.
  void start();
  /// It ends, without a word.
  void kill();
  /// The machine does; `dice` says what of the unsynced writes is on the disk.
  void cut_power(sim::Dice& dice);
  /// A new disk.
  void replace_spool();
  /// What was told on its way is with the coordinator.
  void deliver();
  void command(std::uint64_t id, const std::string& verb, const std::string& arguments);
  /// What the spool holds.
  [[nodiscard]] StoredJobs stored();
  [[nodiscard]] std::vector<agent::SpoolRecord> records(agent::RecordClass from,
                                                        agent::RecordClass to);
  [[nodiscard]] std::vector<std::string> stored_outcomes();
  [[nodiscard]] std::map<wire::JobId, agent::JobProgress> progress();
  /// All that the runner has, as the spool should have it.
  [[nodiscard]] StoredJobs expected() const;

  void on_record(const agent::SpoolRecord& record, bool on_disk) override;
  void on_spooled(const wire::Name&) override {}
  void on_marked(const std::vector<wire::NameRange>&) override {}
  void on_statement_outdated(const std::string&) override {}

  sim::SimWorld world;
  sim::SimLoop host{world};  ///< of the machine: the runner's, and the sockets'
  sim::SimStreams streams{host};
  sim::FakeRunner runner{streams, "/runner"};
  sim::SimDisk disk;
  sim::SimVfs vfs{disk, "builds-test"};
  sim::SimWallClock clock{world, "host"};
  sim::SimLog log{world, "agent"};
  agent::SpoolFrontOptions options;
  sim::SimBroker broker{world};
  StoredJobs told;  ///< by the records that got on disk in the life that is
  // Over all lives, unless one ended between the disk and its word.
  std::vector<std::string> outcomes;  ///< of commands: `7 yes: DETAIL`, `7 no: DETAIL`
  std::vector<wire::Fragment> fragments;
  std::vector<agent::SpoolRecord> readings;
  std::unique_ptr<BuildsLife> life;

 private:
  std::vector<wire::NameRange> undelivered_;
};

}  // namespace fieldpost::test
