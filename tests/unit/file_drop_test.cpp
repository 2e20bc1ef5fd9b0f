// Files that are dropped into a directory: when they are taken, and what is left of them.
#include "agent/sources/file_drop.h"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_worker.h"

using namespace std::chrono_literals;  // NOLINT

namespace fieldpost::agent {
namespace {

using rt::Errc;
using Names = std::vector<std::string>;

struct Drop {
  Drop() {
    REQUIRE(files.make_directories("/drop"));
    disk.set_clock([this] { return modified_ns; });
  }
  void start() {
    source =
        std::make_unique<FileDrop>(LinePorts{loop, clock, worker, intake}, files, writer, config);
  }
  void put(const std::string& name, const std::string& bytes) {
    REQUIRE(files.write_at("/drop/" + name, 0, bytes, 0640));
    modified_ns += 1'000'000'000;
  }
  [[nodiscard]] Names left() { return *files.list("/drop"); }
  /// What the readings that were accepted tell of.
  [[nodiscard]] std::vector<wire::BodyReference> told() const {
    std::vector<wire::BodyReference> out;
    for (const wire::ParsedLines& lines : intake.durable) {
      out.push_back(wire::decode_body_reference(lines.columns.at(0).strings.at(0)).value());
    }
    return out;
  }
  [[nodiscard]] std::string bytes() const {
    std::string out;
    for (const wire::Record& each : intake.fragments) {
      out += wire::decode_fragment(each.payload).value().bytes;
    }
    return out;
  }

  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  sim::FakeIntake intake;
  BodyWriter writer{loop, clock, intake};
  std::int64_t modified_ns = 5'000'000'000;
  FileDropConfig config{
      .path = "/drop",
      .pattern = "*.jpg",
      .series = {"camera", {{"site", "roof"}}, "frame", wire::ValueType::kString, ""}};
  std::unique_ptr<FileDrop> source;
};

}  // namespace

TEST_CASE("a file is taken when it did not change for a while, and deleted when it is on disk") {
  Drop drop;
  drop.start();
  drop.put("a.jpg", "bytes");
  drop.world.run_for(900ms);
  CHECK(drop.intake.fragments.empty());
  drop.put("a.jpg", "bytes and more");
  drop.intake.answer_at_once = false;
  drop.world.run_for(3s);
  CHECK(drop.bytes() == "bytes and more");
  CHECK(drop.left() == Names{"a.jpg"});
  std::exchange(drop.intake.fragments_done, nullptr)(rt::ok());
  drop.world.run_for(1s);
  CHECK(drop.left() == Names{"a.jpg"});
  drop.intake.answer();
  drop.world.run_for(1s);
  CHECK(drop.left().empty());
  CHECK(drop.told() == std::vector<wire::BodyReference>{
                           {wire::sha256("bytes and more"), 14, "image/jpeg", "a.jpg"}});
  CHECK(drop.intake.durable[0].keys == Names{"camera,site=roof frame s"});
  const std::int64_t time = drop.intake.durable[0].columns[0].times[0];
  CHECK(time == wire::body_time({6'000'000'000}, "a.jpg").ns);
  CHECK(time - 6'000'000'000 < 1'000'000);
  CHECK(drop.source->health().readings == 1);
  CHECK(drop.source->health().errors == 0);
}

TEST_CASE("files are taken oldest first, and those of one instant get times of their own") {
  Drop drop;
  drop.put("c.jpg", "1");
  drop.put("b.jpg", "2");
  drop.disk.set_clock([] { return 1'000; });
  drop.put("z.jpg", "3");
  drop.put("y.jpg", "4");
  drop.start();
  drop.world.run_for(5s);
  CHECK(drop.bytes() == "4312");
  CHECK(drop.intake.durable[0].columns[0].times != drop.intake.durable[1].columns[0].times);
}

TEST_CASE("a file that is taken again after a crash is the same reading and the same body") {
  Drop drop;
  drop.put("a.jpg", "bytes");
  drop.start();
  drop.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRemove), .for_ever = true});
  drop.world.run_for(5s);
  REQUIRE(drop.intake.durable.size() == 1);
  CHECK(drop.left() == Names{".fieldpost-a.jpg"});
  drop.disk.heal();
  drop.source.reset();
  drop.start();
  drop.world.run_for(5s);
  CHECK(drop.left().empty());
  REQUIRE(drop.intake.durable.size() == 2);
  CHECK(drop.intake.durable[0].columns == drop.intake.durable[1].columns);
}

TEST_CASE("a file that could not be deleted is not taken twice by one process") {
  Drop drop;
  drop.put("a.jpg", "bytes");
  drop.put("b.jpg", "more");
  drop.start();
  drop.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRemove), .for_ever = true});
  drop.world.run_for(10min);
  CHECK(drop.intake.durable.size() == 2);
  CHECK(drop.source->health().errors == 2);
  drop.disk.heal();
  drop.world.run_for(2min);
  CHECK(drop.left().empty());
  CHECK(drop.intake.durable.size() == 2);
}

TEST_CASE(
    "a file that took the name of one that was stored is not deleted with it, but taken next") {
  Drop drop;
  SUBCASE("deleted") {}
  SUBCASE("moved") {
    drop.config.done_path = "/done";
  }
  drop.put("latest.jpg", "one");
  drop.start();
  drop.intake.answer_at_once = false;
  drop.world.run_for(3s);
  std::exchange(drop.intake.fragments_done, nullptr)(rt::ok());
  REQUIRE(drop.intake.waiting.size() == 1);
  drop.intake.refuse({Errc::kFull, "full"});
  drop.put(".new", "two");
  REQUIRE(drop.files.rename("/drop/.new", "/drop/latest.jpg"));
  drop.world.run_for(5s);
  drop.intake.answer();
  drop.world.run_for(500ms);
  CHECK(drop.left() == Names{"latest.jpg"});
  CHECK(drop.source->health().errors == 0);
  drop.intake.answer_at_once = true;
  drop.world.run_for(5s);
  CHECK(drop.bytes() == "onetwo");
  REQUIRE(drop.told().size() == 2);
  CHECK(drop.told().back().hash == wire::sha256("two"));
  CHECK(drop.left().empty());
  if (!drop.config.done_path.empty()) CHECK(*drop.files.read("/done/latest.jpg", 0, 9) == "two");
}

TEST_CASE("taken files are moved where they are wanted, and none is lost by its name") {
  Drop drop;
  drop.config.done_path = "/done";
  drop.put("a.jpg", "one");
  drop.start();
  drop.world.run_for(5s);
  drop.put("a.jpg", "two");
  drop.world.run_for(5s);
  CHECK(drop.left().empty());
  CHECK(*drop.files.list("/done") ==
        Names{"a.jpg", "a.jpg." + wire::sha256("two").hex().substr(0, 16)});
  CHECK(*drop.files.read("/done/a.jpg", 0, 10) == "one");
}

TEST_CASE("what the spool has no room for waits in the directory") {
  Drop drop;
  drop.put("a.jpg", "bytes");
  drop.put("b.jpg", "more");
  drop.start();
  drop.intake.room.bytes_free = 0;
  drop.world.run_for(1min);
  CHECK(drop.intake.fragments.empty());
  CHECK(drop.left() == Names{"a.jpg", "b.jpg"});
  CHECK(drop.source->health().errors == 1);
  drop.intake.room.bytes_free = 1 << 20;
  drop.world.run_for(1min);
  CHECK(drop.left().empty());
  CHECK(drop.bytes() == "bytesmore");
}

TEST_CASE("a file for which there is no room is not read") {
  Drop drop;
  drop.put("a.jpg", "bytes");
  drop.put("b.jpg", std::string(2000, 'x'));
  drop.start();
  drop.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRead), .for_ever = true});
  drop.intake.room = {.bytes_free = 0, .bytes_max = 2500};
  drop.world.run_for(1min);
  CHECK(!drop.disk.failure_fired());
  CHECK(drop.source->health().errors == 1);
  drop.disk.heal();
  drop.intake.room.bytes_free = 2500;
  drop.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRead), .at = 3});
  drop.world.run_for(1min);
  CHECK(drop.bytes() == "bytes");
  CHECK(!drop.disk.failure_fired());  // a.jpg twice, and b.jpg, which never fits, not at all
  CHECK(drop.left() == Names{"b.jpg"});
}

TEST_CASE("a file that was refused after it was hashed is not hashed again") {
  Drop drop;
  drop.put("a.jpg", "bytes");
  drop.start();
  drop.intake.fragment_error = rt::Error{Errc::kFull, "full"};
  drop.world.run_for(3s);
  REQUIRE(drop.source->health().errors == 1);
  drop.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRead), .at = 2});
  drop.world.run_for(5s);
  CHECK(!drop.disk.failure_fired());
  drop.disk.heal();
  drop.intake.fragment_error.reset();
  drop.world.run_for(10s);
  CHECK(drop.bytes() == "bytes");
}

TEST_CASE("a file that changes while it waits for room is taken as it is then") {
  Drop drop;
  drop.put("a.jpg", "before");
  drop.start();
  drop.intake.fragment_error = rt::Error{Errc::kFull, "full"};
  drop.world.run_for(3s);
  drop.put("a.jpg", "after!");
  drop.intake.fragment_error.reset();
  drop.world.run_for(10s);
  CHECK(drop.bytes() == "after!");
}

TEST_CASE("what is not meant, empty or too large stays, and is counted once") {
  Drop drop;
  drop.config.bytes_max = 100;
  drop.put(".a.jpg", "hidden");
  drop.put("a.txt", "other");
  drop.put("empty.jpg", "");
  drop.put("large.jpg", std::string(101, 'x'));
  REQUIRE(drop.files.make_directories("/drop/dir.jpg"));
  drop.start();
  drop.world.run_for(10min);
  CHECK(drop.intake.fragments.empty());
  CHECK(drop.source->health().errors == 1);
  CHECK(drop.source->health().last_error.find("large.jpg has 101 bytes") == 0);
  CHECK(drop.left().size() == 5);
}

TEST_CASE("files that are left hold up no others, however many they are") {
  Drop drop;
  drop.config.bytes_max = 100;
  for (std::size_t i = 0; i < kDropFilesMax; ++i) {
    drop.put("empty-" + std::to_string(i) + ".jpg", "");
    drop.put("large-" + std::to_string(i) + ".jpg", std::string(101, 'x'));
  }
  drop.put("z.jpg", "bytes");
  drop.start();
  drop.world.run_for(5s);
  CHECK(drop.bytes() == "bytes");
  CHECK(drop.source->health().errors == kDropFilesMax);
}

TEST_CASE("files that fail hold up no others, however many they are") {
  Drop drop;
  drop.intake.room.bytes_max = 2000;
  for (std::size_t i = 0; i < kDropFilesMax; ++i) {
    drop.put(std::to_string(i) + ".jpg", std::string(1000, 'x'));
  }
  drop.put("z.jpg", "bytes");
  drop.start();
  drop.world.run_for(50s);
  CHECK(drop.bytes() == "bytes");
}

TEST_CASE("of more files than are looked at the oldest come first, and the source says so") {
  Drop drop;
  drop.put("z.jpg", "oldest");
  for (std::size_t i = 0; i < kDropFilesMax; ++i) drop.put(std::to_string(i) + ".jpg", "x");
  drop.start();
  drop.world.run_for(5min);
  REQUIRE(drop.told().size() == kDropFilesMax + 1);
  CHECK(drop.told().front().name == "z.jpg");
  CHECK(drop.left().empty());
  CHECK(drop.source->health().errors == 1);
  CHECK(drop.source->health().last_error.find("more than 1000 files wait in /drop") == 0);
}

TEST_CASE("a link is not taken, nor what it leads to") {
  Drop drop;
  REQUIRE(drop.files.make_directories("/etc"));
  REQUIRE(drop.files.write_durably("/etc/key", "secret", 0600));
  drop.files.make_link("/etc/key", "/drop/a.jpg");
  drop.put("b.jpg", test::body_bytes(6 * wire::kFragmentBytes, 1));
  drop.start();
  drop.intake.answer_at_once = false;
  drop.world.run_for(5s);
  REQUIRE(drop.intake.fragments.size() == BodyWriter::kFragmentsPerCommit);
  // A link takes the name of a file that is being taken.
  drop.files.make_link("/etc/key", "/drop/b.jpg");
  std::exchange(drop.intake.fragments_done, nullptr)(rt::ok());
  drop.world.run_for(10min);
  CHECK(drop.intake.fragments.size() == BodyWriter::kFragmentsPerCommit);
  CHECK(drop.intake.waiting.empty());
  CHECK(drop.left() == Names{"a.jpg", "b.jpg"});
}

TEST_CASE("a file that another one replaces while it is hashed is not a mixture of both") {
  Drop drop;
  drop.disk.set_clock([] { return 1'000; });  // both were changed last in one instant
  drop.put("a.jpg", test::body_bytes(3 * FileBody::kHashBytes, 1));
  drop.put(".other", test::body_bytes(3 * FileBody::kHashBytes, 2));
  FileBody body("/drop/a.jpg", *drop.files.info_no_follow("/drop/a.jpg"));
  REQUIRE(*body.hash_on(drop.files) == false);
  REQUIRE(drop.files.rename("/drop/.other", "/drop/a.jpg"));
  REQUIRE(*body.hash_on(drop.files) == false);
  CHECK(body.hash_on(drop.files).error().code == Errc::kInvalid);
}

TEST_CASE("a file that cannot be read does not hold up the others, and is tried again") {
  Drop drop;
  drop.put("a.jpg", "bytes");
  drop.put("b.jpg", "more");
  drop.start();
  drop.world.run_for(500ms);
  drop.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kRead)});
  drop.world.run_for(10s);
  CHECK(drop.bytes() == "more");
  CHECK(drop.source->health().errors == 1);
  drop.world.run_for(2min);
  CHECK(drop.bytes() == "morebytes");
}

TEST_CASE("a file that changes while it is read gives no reading of what it never was") {
  Drop drop;
  const std::string before = test::body_bytes(6 * wire::kFragmentBytes, 1);
  drop.put("a.jpg", before);
  drop.start();
  drop.intake.answer_at_once = false;
  drop.world.run_for(5s);
  REQUIRE(drop.intake.fragments.size() == BodyWriter::kFragmentsPerCommit);
  drop.put("a.jpg", test::body_bytes(6 * wire::kFragmentBytes, 2));
  std::exchange(drop.intake.fragments_done, nullptr)(rt::ok());
  drop.world.run_for(1s);
  CHECK(drop.intake.fragments.size() == BodyWriter::kFragmentsPerCommit);
  CHECK(drop.intake.waiting.empty());
  drop.intake.answer_at_once = true;
  drop.world.run_for(2min);
  REQUIRE(drop.told().size() == 1);
  CHECK(drop.told().front().hash == wire::sha256(test::body_bytes(6 * wire::kFragmentBytes, 2)));
}

TEST_CASE("a directory that is not there is told once, and looked for again") {
  Drop drop;
  drop.config.path = "/later";
  drop.start();
  drop.world.run_for(1min);
  CHECK(drop.source->health().errors == 1);
  REQUIRE(drop.files.make_directories("/later"));
  REQUIRE(drop.files.write_at("/later/a.jpg", 0, "x", 0640));
  drop.world.run_for(5s);
  CHECK(drop.intake.durable.size() == 1);
}

TEST_CASE("a large file is hashed in pieces, and taken with few fragments in memory") {
  Drop drop;
  const std::string bytes = test::body_bytes(9 << 20, 3);
  drop.put("a.jpg", bytes);
  drop.start();
  drop.world.run_for(10s);
  const bool same = drop.bytes() == bytes;
  CHECK(same);
  CHECK(drop.intake.commits == static_cast<int>((drop.intake.fragments.size() + 3) / 4));
  CHECK(drop.told().at(0).hash == wire::sha256(bytes));
}

TEST_CASE("patterns of names") {
  CHECK(matches_pattern("a.jpg", "*"));
  CHECK(matches_pattern("", "*"));
  CHECK(matches_pattern("a.jpg", "*.jpg"));
  CHECK(matches_pattern("a.jpg.jpg", "*.jpg"));
  CHECK(matches_pattern("frame-12.png", "frame-??.p*"));
  CHECK(matches_pattern("aXbXc", "a*b*c"));
  CHECK(!matches_pattern("a.jpeg", "*.jpg"));
  CHECK(!matches_pattern("a.jpg.part", "*.jpg"));
  CHECK(!matches_pattern("frame-1.png", "frame-??.png"));
  CHECK(!matches_pattern("ab", "a"));
  CHECK(!matches_pattern("a", "ab"));
}

}  // namespace fieldpost::agent
