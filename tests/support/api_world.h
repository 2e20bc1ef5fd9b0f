#pragma once

#include <deque>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/http/api.h"
#include "tests/support/fakes/fake_http.h"
#include "tests/support/fakes/fake_view.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_log.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_random.h"
#include "tests/support/sim/sim_worker.h"

namespace fieldpost::test {

/// The coordinator's API over a real store of readings and a fake coordinator, without a server.
class ApiWorld {
 public:
  ApiWorld();

  /// Asks and waits for the answer, or for the stream's begin.
  FakeAnswer& ask(std::string_view method, std::string_view target, rt::HttpHeaders headers = {},
                  std::string body = {});
  /// GET; the status has to be `status`. The document.
  nlohmann::json get(std::string_view target, int status = 200);
  /// The detail of a problem document; the status has to be `status`.
  std::string problem(std::string_view target, int status);
  void settle() { sim.run_for(rt::Seconds{1}); }

  /// Readings of a series of doubles: (time, value)…, times in seconds.
  coordinator::SeriesId add_series(const std::string& node, const std::string& key,
                                   const std::vector<std::pair<std::int64_t, double>>& readings,
                                   wire::Id128 boot = {});

  /// What the API works with.
  coordinator::Services services();

  std::deque<FakeAnswer> answers;  ///< outlives the streams that write into it
  sim::SimWorld sim{1};
  sim::SimLoop loop{sim};
  sim::SimWallClock clock{sim, "centre"};
  ReadingWorld store;
  FakeView view;
  sim::SimFiles files{store.disk()};
  sim::SimWorker questions{loop, sim.dice("questions")};
  sim::SimWorker parser{loop, sim.dice("parser")};
  sim::SimWorker bodies{loop, sim.dice("bodies")};
  sim::SimRandom random{sim.dice("random")};
  std::optional<coordinator::QueryDesk> desk;
  std::optional<coordinator::StudyDesk> studies;
  sim::SimWorker exporter{loop, sim.dice("exporter")};
  sim::SimLog log{sim, "centre"};
  std::optional<coordinator::ExportDesk> exports;
  sim::SimWorker importer{loop, sim.dice("importer")};
  std::optional<coordinator::ImportDesk> imports;
  std::optional<coordinator::Api> api;

 private:
  std::uint64_t seq_ = 0;
};

}  // namespace fieldpost::test
