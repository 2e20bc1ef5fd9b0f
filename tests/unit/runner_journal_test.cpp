// What the runner keeps of a job: its journal over crashes, its log, and secrets in neither.
#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>

#include "agent/runner/journal/facts.h"
#include "agent/runner/journal/job_journal.h"
#include "agent/runner/journal/job_log.h"
#include "agent/runner/journal/masker.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"
#include "tests/support/sim/sim_loop.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace agent::runner;         // NOLINT: what is tested

const std::string kDirectory = "/state/jobs/a";
const std::string kSpec = R"({"job":"a"})";

/// All of it in one piece, and byte for byte.
std::string masked_whole(const Pairs& secrets, const std::string& text) {
  Masker masker(secrets);
  std::string out = masker.add(text);
  return out + masker.flush();
}
std::string masked_in_bytes(const Pairs& secrets, const std::string& text) {
  Masker masker(secrets);
  std::string out;
  for (const char c : text) out += masker.add(std::string(1, c));
  return out + masker.flush();
}

TEST_CASE("secrets are masked however the stream is cut") {
  const Pairs secrets = {{"A", "hunter22"}, {"B", "two\nlines"}, {"C", "a b+c/?"}};
  const std::pair<std::string, std::string> cases[] = {
      {"x hunter22 y", "x *** y"},
      {"hunter2", "hunter2"},
      {"hunterhunter22hunter22", "hunter******"},
      {"say lines alone", "say *** alone"},
      {"two\nlines", "***"},
      {"aHVudGVyMjI=", "***="},      // base64
      {"a%20b%2Bc%2F%3F", "***"},    // in a URL
      {"a%20b%2bc%2f%3f!", "***!"},  // the same, with small digits
      {"nothing of it", "nothing of it"}};
  for (const auto& [text, expected] : cases) {
    INFO(text);
    CHECK(masked_whole(secrets, text) == expected);
    CHECK(masked_in_bytes(secrets, text) == expected);
  }
}

TEST_CASE("of two secrets at one place the longer one is masked, and overlaps are, too") {
  const Pairs secrets = {{"A", "abcd"}, {"B", "abcdefgh"}, {"C", "ghij"}};
  CHECK(masked_in_bytes(secrets, "abcdefgh.") == "***.");
  CHECK(masked_in_bytes(secrets, "abcdxx") == "***xx");
  CHECK(masked_in_bytes(secrets, "abcdefghij.") == "***.");
  CHECK(masked_in_bytes(secrets, "abcdefgx") == "***efgx");
}

TEST_CASE("no more is kept back than the longest secret less a byte") {
  Masker masker(Pairs{{"A", "hunter22"}});
  CHECK(masker.add("hunter2").empty());
  CHECK(masker.holds_back());
  CHECK(masker.masked("hunter22 elsewhere") == "*** elsewhere");
  CHECK(masker.flush() == "hunter2");
  CHECK_FALSE(masker.holds_back());
}

struct Disk {
  sim::SimDisk disk;
  sim::SimFiles files{disk};

  JobJournal create() { return JobJournal::create(files, kDirectory, kSpec).value(); }
  JobJournal open() { return JobJournal::open(files, kDirectory).value(); }
  void cut_power() {
    sim::Dice dice(1);
    disk.stop();
    disk.restart_after_power_cut(dice);
  }
};

TEST_CASE("facts that were told are there after a power cut, and the log that they tell of") {
  Disk disk;
  {
    JobJournal journal = disk.create();
    REQUIRE(journal.append_log("hello\n").has_value());
    CHECK(journal.log_synced() == 0);
    REQUIRE(journal.add_fact(encode(0, StepEndedFact{.step = 1})).has_value());
    CHECK(journal.log_synced() == 6);
  }
  disk.cut_power();
  const JobJournal journal = disk.open();
  CHECK(journal.spec() == kSpec);
  REQUIRE(journal.facts().size() == 1);
  CHECK(journal.facts()[0] == R"({"n":0,"type":"step_ended","step":1,"verdict":"passed",)"
                              R"("exit_code":0,"signal":0,"seconds":0.0})");
  CHECK(journal.read_log(0, 100).value() == "hello\n");
  CHECK_FALSE(journal.has_ended());
}

TEST_CASE("a fact that was cut short is not there, and the next one takes its place") {
  Disk disk;
  disk.create();
  REQUIRE(disk.files.write_at(kDirectory + "/facts.jsonl", 0, "{\"n\":0}\n{\"n\":1,\"fa", 0600)
              .has_value());
  JobJournal journal = disk.open();
  CHECK(journal.next_fact() == 1);
  REQUIRE(journal.add_fact("{\"n\":1}").has_value());
  CHECK(disk.open().facts() == std::vector<std::string>{"{\"n\":0}", "{\"n\":1}"});
}

TEST_CASE("a fact that the disk did not take leaves nothing behind the next one") {
  Disk disk;
  JobJournal journal = disk.create();
  disk.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
  CHECK(journal.add_fact(std::string(1000, 'x')).error().code == rt::Errc::kIo);
  CHECK(journal.next_fact() == 0);
  REQUIRE(journal.add_fact("{\"n\":0}").has_value());
  CHECK(disk.open().facts() == std::vector<std::string>{"{\"n\":0}"});
}

TEST_CASE("a log whose sync failed is written once more before it counts as synced") {
  Disk disk;
  {
    JobJournal journal = disk.create();
    REQUIRE(journal.append_log("hello\n").has_value());
    disk.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
    CHECK(journal.sync_log().error().code == rt::Errc::kIo);
    CHECK(journal.log_synced() == 0);
    REQUIRE(journal.sync_log().has_value());
    CHECK(journal.log_synced() == 6);
  }
  disk.cut_power();
  CHECK(disk.open().read_log(0, 100).value() == "hello\n");
}

TEST_CASE("a job whose spec was not written is not there") {
  Disk disk;
  CHECK(JobJournal::open(disk.files, kDirectory).error().code == rt::Errc::kNotFound);
  disk.disk.fail({.for_ever = true});
  CHECK_FALSE(JobJournal::create(disk.files, kDirectory, kSpec).has_value());
  disk.disk.heal();
  CHECK(JobJournal::open(disk.files, kDirectory).error().code == rt::Errc::kNotFound);
}

TEST_CASE("a fact that is too large is refused, and nothing happens") {
  Disk disk;
  JobJournal journal = disk.create();
  CHECK(journal.add_fact(std::string(kFactBytesMax, 'x')).error().code == rt::Errc::kFull);
  CHECK(journal.add_fact("{}").has_value());
}

TEST_CASE("the log of a job that ended is as long as its last fact says") {
  Disk disk;
  {
    JobJournal journal = disk.create();
    REQUIRE(journal.append_log("told").has_value());
    EndedFact fact;
    fact.log_bytes = 4;
    fact.outputs = {{"a", "b"}};
    REQUIRE(journal.add_fact(encode(0, fact)).has_value());
    CHECK(journal.has_ended());
  }
  REQUIRE(disk.files.write_at(kDirectory + "/log", 4, "rest", 0600).has_value());
  const JobJournal journal = disk.open();
  CHECK(journal.has_ended());
  CHECK(journal.log_synced() == 4);
  CHECK(journal.read_log(2, 100).value() == "ld");
  CHECK(journal.read_log(9, 100).value().empty());
}

TEST_CASE("artifacts are found again in the facts") {
  const ArtifactFact fact{"deb", "a.deb", 12, "00ff"};
  const auto read = decode_artifact(encode(3, fact));
  REQUIRE(read.has_value());
  CHECK(read->name == "deb");
  CHECK(read->path == "a.deb");
  CHECK(read->size == 12);
  CHECK(read->sha256 == "00ff");
  CHECK_FALSE(decode_artifact(encode(3, EndedFact{})).has_value());
  CHECK_FALSE(decode_artifact("nonsense").has_value());
}

struct Logged {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  Disk disk;
  JobJournal journal = disk.create();
  int synced = 0;
  int room = 0;
  int failures = 0;
  JobLog log;

  explicit Logged(const Pairs& secrets = Pairs{{"A", "hunter22"}})
      : log(loop, journal, secrets,
            {.on_synced = [this] { synced += 1; },
             .on_room = [this] { room += 1; },
             .on_failure = [this] { failures += 1; }}) {}
  [[nodiscard]] std::string text() const { return disk.disk.find(kDirectory + "/log")->content; }
};

TEST_CASE("a log has what steps say, and lines of ours between") {
  Logged job;
  job.log.group("Run hunter22");
  job.log.add("one\ntwo");
  job.log.error("exit code 1\nand more");
  job.log.end_group();
  CHECK(job.text() == "##[group]Run ***\none\ntwo\n##[error]exit code 1 and more\n##[endgroup]\n");
}

TEST_CASE("what is kept back for a secret comes after a second, or at the step's end") {
  Logged job;
  job.log.add("hunter");
  job.world.run_for(900ms);
  CHECK(job.text().empty());
  job.world.run_for(200ms);
  CHECK(job.text() == "hunter");
  job.log.add(" hunter2");
  CHECK(job.text() == "hunter ");
  job.log.end_step();
  CHECK(job.text() == "hunter hunter2");
}

TEST_CASE("the log is synced a little later, and told of then") {
  Logged job;
  job.log.add("one");
  job.log.add("two");
  CHECK(job.journal.log_synced() == 0);
  job.world.run_for(1s);
  CHECK(job.journal.log_synced() == 6);
  CHECK(job.synced == 1);
}

TEST_CASE("a log that nobody fetches asks to read no more, until half of it was fetched") {
  Logged job(Pairs{});
  const std::string piece(1 << 20, 'x');
  for (int i = 0; i < 63; ++i) job.log.add(piece);
  CHECK_FALSE(job.log.is_full());
  job.log.add(piece);
  CHECK(job.log.is_full());
  job.world.run_for(1s);
  job.log.fetched(16 << 20);
  CHECK(job.log.is_full());
  CHECK(job.room == 0);
  job.log.fetched(40 << 20);
  CHECK_FALSE(job.log.is_full());
  CHECK(job.room == 1);
  const std::string words = "64 MiB of the log wait to be fetched";
  CHECK(job.text().find(words) != std::string::npos);
}

TEST_CASE("what a full disk did not take is told once, waits, and is written when there is room") {
  Logged job;
  job.disk.disk.fail({.answer = sim::DiskAnswer::kFull, .for_ever = true});
  job.log.add("one");
  job.log.add("two");
  CHECK(job.failures == 1);
  CHECK(job.log.failure()->code == rt::Errc::kFull);
  CHECK_FALSE(job.log.write_out().has_value());
  job.disk.disk.heal();
  CHECK(job.log.write_out().has_value());
  CHECK(job.text() == "onetwo");
}

}  // namespace
}  // namespace fieldpost::test
