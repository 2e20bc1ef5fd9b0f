#include "coordinator/imports/import_run.h"

#include <doctest/doctest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/exports/tar_archive.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_world.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using nlohmann::json;

/// An archive with a manifest and one file, on its way in.
struct World {
  sim::SimWorld sim{1};
  sim::SimWallClock clock{sim, "centre"};
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  std::unique_ptr<ImportRun> run;

  World() {
    const std::string bytes = "bytes";
    const json manifest = {
        {"manifest_version", 1},
        {"experiment", "00000000-0000-4000-8000-000000000001"},
        {"files", {{{"path", "a"}, {"bytes", 5}, {"sha256", wire::sha256(bytes).hex()}}}}};
    REQUIRE(files.write_at("/a", 0, bytes, 0600));
    REQUIRE(files.write_at("/m", 0, manifest.dump(), 0600));
    const auto archive = TarArchive::lay_out(
        {{"/a", "x/a", bytes.size()}, {"/m", "x/manifest.json", manifest.dump().size()}}, 0);
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
