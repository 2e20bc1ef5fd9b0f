#include "agent/sources/file_tail.h"

#include <doctest/doctest.h>

#include <chrono>

#include "tests/support/fakes/fake_files.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_worker.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT
using agent::FileTail;
using agent::TailPosition;
using agent::TailReader;

namespace {

constexpr const char* kLog = "/log/data.log";
constexpr const char* kPosition = "/state/tail-1";
using Texts = std::vector<std::string>;

struct Tail {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::SimWorker worker{loop, world.dice("worker")};
  sim::FakeFiles files;
  sim::FakeIntake intake;
  agent::FileTailConfig config{
      .reader = {.path = kLog, .position_path = kPosition, .from_beginning = true}};
  std::unique_ptr<FileTail> source;

  void start() {
    auto made = FileTail::make(agent::LinePorts{loop, clock, worker, intake}, files, config);
    REQUIRE(made.has_value());
    source = *std::move(made);
    world.run_for(1s);
  }
  void append(const std::string& text) {
    files.append(kLog, text);
    world.run_for(1s);
  }
  /// Values in order of arrival since the last call.
  Texts values() {
    Texts out;
    for (const std::string& text : sim::readings_of(intake.durable)) {
      out.push_back(text.substr(text.find("= ") + 2, text.find(" @") - text.find("= ") - 2));
    }
    intake.durable.clear();
    return out;
  }
};

}  // namespace

TEST_CASE("lines are read as they are written, whole lines only") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  CHECK(tail.values() == Texts{"1"});
  tail.append("m v=2 2\nm v=3");
  CHECK(tail.values() == Texts{"2"});
  tail.append("4 3\n");
  CHECK(tail.values() == Texts{"34"});
  CHECK(tail.source->health().readings == 3);
  CHECK(tail.source->health().errors == 0);
}

TEST_CASE("a file that exists is followed from its end by default, a new one from its beginning") {
  Tail tail;
  tail.config.reader.from_beginning = false;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  tail.append("m v=2 2\n");
  CHECK(tail.values() == Texts{"2"});
  Tail other;
  other.config.reader.from_beginning = false;
  other.start();
  other.append("m v=1 1\n");
  CHECK(other.values() == Texts{"1"});
}

TEST_CASE("after a restart reading goes on behind what was accepted") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  tail.source.reset();
  tail.append("m v=2 2\n");
  tail.start();
  CHECK(tail.values() == Texts{"1", "2"});
}

TEST_CASE("the position moves on only after the lines are on disk") {
  Tail tail;
  tail.intake.answer_at_once = false;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  REQUIRE(tail.intake.waiting.size() == 1);
  CHECK(TailPosition::parse(tail.files.files().at(kPosition).bytes).value().offset == 0);
  tail.source.reset();
  tail.intake.waiting.clear();  // power was cut before the commit
  tail.intake.answer_at_once = true;
  tail.start();
  CHECK(tail.values() == Texts{"1"});
  CHECK(TailPosition::parse(tail.files.files().at(kPosition).bytes).value().offset == 8);
}

TEST_CASE("stamped lines that are read again after a crash come as the same chunk and key") {
  Tail tail;
  tail.intake.answer_at_once = false;
  tail.files.put(kLog, "m v=1\n");
  tail.start();
  REQUIRE(tail.intake.waiting.size() == 1);
  const std::string key = tail.intake.waiting[0].options.idempotency_key;
  CHECK(key.starts_with("tail:/log/data.log:"));
  tail.source.reset();
  tail.intake.waiting.clear();  // accepted, and then the power was cut
  tail.append("m v=2\n");
  tail.start();
  REQUIRE(tail.intake.waiting.size() == 1);
  CHECK(tail.intake.waiting[0].lines.readings == 1);
  CHECK(tail.intake.waiting[0].options.idempotency_key == key);
  tail.intake.answer();
  tail.world.run_for(1s);
  REQUIRE(tail.intake.waiting.size() == 1);
  CHECK(tail.intake.waiting[0].options.idempotency_key != key);
}

TEST_CASE("the same bytes at the same place of a rewritten file have another key") {
  Tail tail;
  tail.files.put(kLog, "m v=1\nm v=2\n");
  tail.start();
  tail.files.put(kLog, "");
  tail.world.run_for(1s);
  tail.append("m v=1\nm v=2\n");
  CHECK(tail.values() == Texts{"1", "2", "1", "2"});
  REQUIRE(tail.intake.idempotency_keys.size() == 2);
  CHECK(tail.intake.idempotency_keys[0] != tail.intake.idempotency_keys[1]);
}

TEST_CASE("a truncated file is read from its beginning and counted") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\nm v=2 2\n");
  tail.start();
  tail.values();
  tail.files.put(kLog, "m v=3 3\n");
  tail.world.run_for(1s);
  CHECK(tail.values() == Texts{"3"});
  CHECK(tail.source->health().last_error ==
        "/log/data.log became shorter; it is read from its beginning");
}

TEST_CASE("a rotated file is read to its end, also what is written late, then its successor") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  REQUIRE(tail.files.rename(kLog, "/log/data.log.1").has_value());
  tail.files.append("/log/data.log.1", "m v=2 2\n");
  tail.files.put(kLog, "m v=4 4\n");
  tail.world.run_for(1s);
  tail.files.append("/log/data.log.1", "m v=3 3\n");
  tail.world.run_for(1s);
  CHECK(tail.values() == Texts{"1", "2", "3"});
  tail.world.run_for(FileTail::kRotatedPause + 1s);
  CHECK(tail.values() == Texts{"4"});
  CHECK(tail.source->health().errors == 0);
}

TEST_CASE("a line that is written just before a rotated file is left is read") {
  for (rt::Nanos late = 0ms; late <= 500ms; late += 25ms) {
    INFO("late ", late.count());
    Tail tail;
    tail.files.put(kLog, "m v=1 1\n");
    tail.start();
    REQUIRE(tail.files.rename(kLog, "/log/data.log.1").has_value());
    tail.files.put(kLog, "m v=3 3\n");
    tail.world.run_for(FileTail::kRotatedPause + late);
    const bool is_left = tail.intake.durable.size() > 1;
    if (!is_left) tail.files.append("/log/data.log.1", "m v=2 2\n");
    tail.world.run_for(FileTail::kRotatedPause + 1s);
    CHECK(tail.values() == (is_left ? Texts{"1", "3"} : Texts{"1", "2", "3"}));
    CHECK(tail.source->health().errors == 0);
  }
}

TEST_CASE("half a line at the end of a rotated file that is left is counted") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\nm v=2");
  tail.start();
  REQUIRE(tail.files.rename(kLog, "/log/data.log.1").has_value());
  tail.files.put(kLog, "m v=3 3\n");
  tail.world.run_for(FileTail::kRotatedPause + 1s);
  CHECK(tail.values() == Texts{"1", "3"});
  CHECK(tail.source->health().errors == 1);
  CHECK(tail.source->health().last_error ==
        "5 bytes without a line feed at the end of /log/data.log.1 are left out");
}

TEST_CASE("a file that was rotated while the agent was away is found") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  tail.source.reset();
  tail.files.append(kLog, "m v=2 2\n");
  REQUIRE(tail.files.rename(kLog, "/log/data.log.1").has_value());
  tail.start();
  CHECK(tail.values() == Texts{"1", "2"});
}

TEST_CASE("a replaced file whose end is gone is counted") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  REQUIRE(tail.files.remove(kLog).has_value());
  tail.world.run_for(1s);
  tail.append("m v=2 2\n");
  CHECK(tail.values() == Texts{"1", "2"});
  CHECK(tail.source->health().last_error ==
        "/log/data.log was replaced; the end of the old file is not found");
}

TEST_CASE("lines that the spool refuses wait in the file") {
  Tail tail;
  tail.intake.answer_at_once = false;
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  tail.intake.refuse({rt::Errc::kFull, "spool is full"});
  CHECK(tail.source->health().last_error == "spool is full");
  tail.world.run_for(FileTail::kRefusedPause + 1s);
  REQUIRE(tail.intake.waiting.size() == 1);
  tail.intake.answer();
  CHECK(tail.values() == Texts{"1"});
}

TEST_CASE("a large file is read in chunks") {
  Tail tail;
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += "m v=" + std::to_string(i) + " 7\n";
  REQUIRE(text.size() > 2 * TailReader::kChunkBytesMax);
  tail.files.put(kLog, text);
  tail.start();
  CHECK(tail.values().size() == 50'000);
}

TEST_CASE("a line that is too long is skipped and counted, the next one is read") {
  for (const std::size_t size : {TailReader::kLineBytesMax + 1, 3 * TailReader::kChunkBytesMax}) {
    INFO("size ", size);
    Tail tail;
    tail.files.put(kLog, std::string(size, 'x') + "\nm v=1 1\n");
    tail.start();
    CHECK(tail.values() == Texts{"1"});
    CHECK(tail.source->health().errors == 1);
  }
}

TEST_CASE("objects, one a line, are read by JSON pointers") {
  Tail tail;
  tail.config.reader.rules = {
      .format = mapping::RuleFormat::kJson,
      .measurement = "m",
      .json = {
          .measurement = "m", .fields = {{.name = "v", .pointer = "/v"}}, .time_pointer = "/t"}};
  tail.files.put(kLog, "{\"v\": 1.5, \"t\": 1}\n\nnot json\n{\"v\": 2, \"t\": 2}\n");
  tail.start();
  CHECK(tail.values() == Texts{"1.5", "2"});
  CHECK(tail.source->health().errors == 1);
  CHECK(tail.source->health().last_error == "this is not JSON");
  CHECK(tail.intake.idempotency_keys == Texts{""});
}

TEST_CASE("unreadable files and positions are counted and tried again") {
  Tail tail;
  tail.files.put(kLog, "m v=1 1\n");
  tail.files.errors[kPosition] = {rt::Errc::kIo, "position broken"};
  tail.start();
  CHECK(tail.source->health().last_error == "position broken");
  CHECK(tail.values().empty());
  tail.files.errors.clear();
  tail.files.errors[kLog] = {rt::Errc::kDenied, "log denied"};
  tail.world.run_for(1s);
  CHECK(tail.source->health().last_error == "log denied");
  tail.files.errors.clear();
  tail.world.run_for(1s);
  CHECK(tail.values() == Texts{"1"});
}

TEST_CASE("a damaged position is counted and the file taken as seen for the first time") {
  Tail tail;
  for (const char* bad : {"", "fieldpost tail 1\n1 2 3", "fieldpost tail 2\n1 2 3 4\n"}) {
    INFO("text ", std::string(bad));
    CHECK(TailPosition::parse(bad).error().code == rt::Errc::kCorrupt);
  }
  const TailPosition position{1, 2, 3, 4};
  CHECK(TailPosition::parse(position.text()).value() == position);
  tail.files.put(kPosition, "garbage");
  tail.files.put(kLog, "m v=1 1\n");
  tail.start();
  CHECK(tail.values() == Texts{"1"});
  CHECK(tail.source->health().errors == 1);
}
