#include "coordinator/imports/import_run.h"

#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/exports/tar_archive.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using nlohmann::json;

const std::string kExperiment = "00000000-0000-4000-8000-000000000001";

/// An archive on its way in: an experiment with losses that are alike, and one file more.
struct World {
  sim::SimWorld sim{1};
  sim::SimWallClock clock{sim, "centre"};
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  std::unique_ptr<ImportRun> run;

  explicit World(int gaps = 0) {
    const json experiment = {{"id", kExperiment}, {"name", "drought"}, {"state", "finished"}};
    const std::pair<std::string, std::string> documents[] = {
        {"a", "bytes"},
        {"experiment_x.json", experiment.dump()},
        {"progress_participant_x.json", "{}"}};
    json manifest = {{"manifest_version", 1},
                     {"experiment", kExperiment},
                     {"files", json::array()},
                     {"gaps", json::array()}};
    for (int i = 0; i < gaps; ++i) {
      manifest["gaps"].push_back({{"node", "n"}, {"cause", "given_up"}, {"fragments", 5}});
    }
    std::vector<TarArchive::File> all;
    const auto put = [&](const std::string& name, const std::string& bytes) {
      REQUIRE(files.write_at("/" + name, 0, bytes, 0600));
      all.push_back({"/" + name, "x/" + name, bytes.size()});
    };
    for (const auto& [name, bytes] : documents) {
      put(name, bytes);
      manifest["files"].push_back(
          {{"path", name}, {"bytes", bytes.size()}, {"sha256", wire::sha256(bytes).hex()}});
    }
    put("manifest.json", manifest.dump());
    const auto archive = TarArchive::lay_out(std::move(all), 0);
    REQUIRE(archive.has_value());
    const auto packed = archive->read(files, 0, archive->size());
    REQUIRE(packed.has_value());
    REQUIRE(files.write_at("/f", 0, *packed, 0600));
    ImportRequest request;
    request.size = packed->size();
    request.sha256 = wire::sha256(*packed);
    ImportRow row;
    row.request = encode(request);
    run = std::make_unique<ImportRun>(files, clock, row, "/f");
  }
  void reach(ImportPhase phase) {
    for (int i = 0; i < 100 && run->phase() != phase; ++i) REQUIRE(run->step().has_value());
    REQUIRE(run->phase() == phase);
  }
};

TEST_CASE("losses come in many steps, before the experiment") {
  World world(5000);
  world.reach(ImportPhase::kStoring);
  ReadingWorld store;
  const auto declare = [&] {
    const auto work = world.run->step();
    REQUIRE(work.has_value());
    CHECK_FALSE(work->is_last);
    ImportRow row;
    REQUIRE(store.run_store([&](Store& whole) { return work->also(whole, row); }));
    CHECK(row.experiment == "");
    return *store.number("SELECT count(*) FROM gap");
  };
  const auto first = declare();
  CHECK(first > 0);
  CHECK(first < 5000);
  CHECK(declare() == 5000);
}

TEST_CASE("a file that is far larger than the manifest says is not read to its end") {
  World world;
  world.reach(ImportPhase::kVerifying);
  REQUIRE(world.files.write_at("/f.d/x/a", 70 << 20, "x", 0600));  // more than a step reads
  const auto step = world.run->step();
  REQUIRE_FALSE(step.has_value());
  CHECK(step.error().message.find("a is not as the manifest says") == 0);
}

}  // namespace
}  // namespace fieldpost::test
