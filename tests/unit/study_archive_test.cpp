#include "coordinator/imports/study_archive.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/exports/export_bounds.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using nlohmann::json;

std::string uuid(int n) {
  return fmt::format("00000000-0000-4000-8000-{:012x}", n);
}

const std::string kExperiment = uuid(1);
const std::string kParticipant = uuid(2);
const std::string kTask = uuid(3);
const std::string kOperator = uuid(4);
const std::string kRecording = uuid(5);

/// The documents of an experiment with one of everything.
struct Documents {
  json experiment = {{"id", kExperiment},
                     {"name", "drought"},
                     {"state", "finished"},
                     {"created", 5},
                     {"finished", 70},
                     {"participants", {{{"id", kParticipant}, {"name", "P01"}}}},
                     {"operators", {{{"id", kOperator}, {"name", "bo"}}}},
                     {"tasks", {{{"id", kTask}, {"name", "dry"}}}},
                     {"recordings",
                      {{{"id", kRecording},
                        {"started", 10},
                        {"stopped", 20},
                        {"participant", {{"id", kParticipant}}},
                        {"task", {{"id", kTask}}},
                        {"operator", {{"id", kOperator}}}}}}};
  json progress = {{"participants",
                    {{{"participant", {{"id", kParticipant}}},
                      {"tasks", {{{"id", kTask}, {"state", "done"}}}}}}}};

  [[nodiscard]] rt::Result<ArchivedStudy> parse() const {
    return parse_study(experiment.dump(), progress.dump());
  }
  [[nodiscard]] std::string problem() const {
    const auto study = parse();
    if (study) return "";
    CHECK(study.error().code == rt::Errc::kInvalid);
    return study.error().message;
  }
};

std::string problem(const std::function<void(Documents&)>& spoil) {
  Documents documents;
  spoil(documents);
  return documents.problem();
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

json manifest() {
  return {{"manifest_version", 1},
          {"experiment", kExperiment},
          {"files", json::array()},
          {"gaps",
           {{{"node", "n"}, {"cause", "shed"}, {"state", "declared"}, {"from", 1}, {"to", 2}}}}};
}

rt::Result<ArchiveManifest> parse(const json& document) {
  return parse_manifest(document.dump());
}

TEST_CASE("documents of an export are read") {
  const auto study = Documents().parse();
  REQUIRE(study.has_value());
  CHECK(study->members.size() == 3);
  REQUIRE(study->recordings.size() == 1);
  CHECK(study->recordings[0].task == kTask);
  CHECK(study->marks.size() == 1);
  CHECK(study->experiment.finished == 70);
}

TEST_CASE("nothing but a UUID is an id, for ids become parts of paths") {
  for (const std::string& id :
       {std::string("../.."), std::string("e"), "A" + kExperiment.substr(1), kExperiment + "0"}) {
    INFO(id);
    using Spoil = std::function<void(Documents&)>;
    const Spoil spoils[] = {
        [&](Documents& d) { d.experiment["id"] = id; },
        [&](Documents& d) { d.experiment["participants"][0]["id"] = id; },
        [&](Documents& d) { d.experiment["recordings"][0]["id"] = id; },
        [&](Documents& d) { d.experiment["recordings"][0]["participant"]["id"] = id; },
        [&](Documents& d) { d.progress["participants"][0]["tasks"][0]["id"] = id; }};
    for (const Spoil& spoil : spoils) CHECK(has(problem(spoil), "expected a UUID"));
    json document = manifest();
    document["experiment"] = id;
    CHECK_FALSE(parse(document).has_value());
    const json entry = {{"id", "e1"}, {"text", "x"}, {"recording", id}};
    CHECK_FALSE(parse_entry(entry.dump()).has_value());
    const json other = {{"id", "e1"}, {"text", "x"}, {"participant", {{"id", id}}}};
    CHECK_FALSE(parse_entry(other.dump()).has_value());
  }
}

TEST_CASE("an entry has the id that its writer gave it") {
  const json document = {{"id", "e1"}, {"text", "rain"}, {"recording", kRecording}};
  const auto entry = parse_entry(document.dump());
  REQUIRE(entry.has_value());
  CHECK(entry->entry.id == "e1");
  CHECK(entry->recording == kRecording);
}

TEST_CASE("an archive names nobody that it does not have, and nobody twice") {
  const std::string other = uuid(99);
  const auto recording = [](Documents& d) -> json& { return d.experiment["recordings"][0]; };
  const auto lacks = [&](const std::string& kind) {
    return "the archive names a " + kind + " " + other + " that it does not have";
  };
  CHECK(problem([&](Documents& d) { recording(d)["participant"]["id"] = other; }) ==
        lacks("participant"));
  CHECK(problem([&](Documents& d) { recording(d)["task"]["id"] = other; }) == lacks("task"));
  CHECK(problem([&](Documents& d) { recording(d)["operator"]["id"] = other; }) ==
        lacks("operator"));
  CHECK(has(problem([&](Documents& d) { recording(d)["task"]["id"] = kParticipant; }), "a task"));
  CHECK(problem([&](Documents& d) {
          d.progress["participants"][0]["participant"]["id"] = other;
        }) == lacks("participant"));
  CHECK(problem([&](Documents& d) { d.progress["participants"][0]["tasks"][0]["id"] = other; }) ==
        lacks("task"));
  CHECK(has(problem([](Documents& d) { d.progress["participants"][0].erase("participant"); }),
            "expected a participant"));
  const auto participant = [](const std::string& id, const std::string& name) {
    return [=](Documents& d) {
      d.experiment["participants"].push_back({{"id", id}, {"name", name}});
    };
  };
  CHECK(problem(participant(other, "dry")) == "");  // a task may be called so, too
  CHECK(has(problem(participant(kTask, "P02")), "two members have the id"));
  CHECK(has(problem(participant(other, "P01")), R"(are called "P01")"));
  CHECK(has(problem(participant(other, kParticipant)), "two members of"));
  CHECK(has(problem([&](Documents& d) {
              const json again = recording(d);
              d.experiment["recordings"].push_back(again);
            }),
            "two recordings have the id"));
}

TEST_CASE("an experiment that went on there is finished here, with all of its recordings") {
  for (const char* state : {"draft", "ready", "recording", "paused"}) {
    INFO(state);
    Documents documents;
    documents.experiment["state"] = state;
    documents.experiment.erase("finished");
    const auto stopped = documents.parse();
    REQUIRE(stopped.has_value());
    CHECK(stopped->experiment.state == ExperimentState::kFinished);
    CHECK(stopped->experiment.finished == 20);
    documents.experiment["recordings"][0]["stopped"] = nullptr;
    documents.experiment["recorded_until"] = 50;
    const auto open = documents.parse();
    REQUIRE(open.has_value());
    CHECK(open->recordings[0].recording.stopped == 50);
    CHECK(open->experiment.finished == 50);
    documents.experiment["recordings"] = json::array();
    const auto none = documents.parse();
    REQUIRE(none.has_value());
    CHECK(none->experiment.finished == 5);
  }
  Documents documents;
  documents.experiment["state"] = "archived";
  const auto archived = documents.parse();
  REQUIRE(archived.has_value());
  CHECK(archived->experiment.state == ExperimentState::kArchived);
  CHECK(archived->experiment.finished == 70);
  documents.experiment["state"] = "finished";
  documents.experiment.erase("finished");
  const auto timeless = documents.parse();
  REQUIRE(timeless.has_value());
  CHECK(timeless->experiment.finished == 20);
}

TEST_CASE("losses are read with all that is known of them, deletions are none") {
  json document = manifest();
  json gap = document["gaps"][0];
  gap["fragments"] = 7;
  gap["readings"] = 3;
  gap["series_keys"] = {"b t f", "a t f", "b t f"};
  document["gaps"] = {gap};
  for (const char* cause : {"deleted", "retention"}) {
    json other = gap;
    other["cause"] = cause;
    document["gaps"].push_back(other);
  }
  json closed = gap;
  closed["state"] = "closed";
  document["gaps"].push_back(closed);
  json newer = gap;
  newer["cause"] = "eaten_by_a_fox";
  newer["state"] = "unconfirmed";
  newer["readings"] = nullptr;
  newer["from"] = nullptr;
  document["gaps"].push_back(newer);
  const auto parsed = parse(document);
  REQUIRE(parsed.has_value());
  REQUIRE(parsed->gaps.size() == 2);
  const ArchivedGap& first = parsed->gaps[0];
  CHECK(first.cause == wire::GapCause::kShed);
  CHECK(first.fragments == 7);
  CHECK(first.readings == 3);
  CHECK(first.series.value() == std::vector<std::string>{"a t f", "b t f"});
  const ArchivedGap& second = parsed->gaps[1];
  CHECK(second.cause == wire::GapCause::kUnknown);
  CHECK_FALSE(second.from.has_value());
  CHECK(second.to == 2);
  CHECK_FALSE(second.readings.has_value());
}

TEST_CASE("losses that are alike are numbered") {
  json document = manifest();
  const json gap = document["gaps"][0];
  json other = gap;
  other["fragments"] = 5;
  document["gaps"] = {gap, other, gap, other, gap};
  const auto parsed = parse(document);
  REQUIRE(parsed.has_value());
  std::string numbers;
  for (const ArchivedGap& each : parsed->gaps) numbers += std::to_string(each.number);
  CHECK(numbers == "11223");
}

TEST_CASE("a loss says where it was declared first, if the archive is not of an older version") {
  const std::string here(32, 'a'), there(32, 'b');
  json document = manifest();
  json gap = document["gaps"][0];
  gap["id"] = 7;
  json imported = gap;
  imported["origin"] = {{"store", there}, {"id", 3}};
  document["gaps"] = {gap, imported};
  const auto older = parse(document);
  REQUIRE(older.has_value());
  CHECK_FALSE(older->gaps[0].origin.has_value());
  document["store"] = here;
  const auto parsed = parse(document);
  REQUIRE(parsed.has_value());
  CHECK(parsed->gaps[0].origin == GapOrigin{wire::Id128::from_hex(here).value(), 7});
  CHECK(parsed->gaps[1].origin == GapOrigin{wire::Id128::from_hex(there).value(), 3});
  CHECK(parsed->gaps[1].number == 2);  // alike all the same
  document["store"] = here + "a";
  CHECK(has(parse(document).error().message, "32 lower-case hex digits"));
  document["store"] = here;
  document["gaps"][1]["origin"]["id"] = 0;
  CHECK(has(parse(document).error().message, R"("gaps/1/origin/id")"));
}

TEST_CASE("losses of more nodes than there can be are refused") {
  json document = manifest();
  json gap = document["gaps"][0];
  for (int i = 0; i < 10'000; ++i) {
    gap["node"] = fmt::format("x{}", i);
    document["gaps"].push_back(gap);
  }
  const auto parsed = parse(document);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(has(parsed.error().message, "expected at most 10000 nodes"));
  document["gaps"].erase(0);
  CHECK(parse(document).has_value());
}

TEST_CASE("a loss of what is no series is refused before anything is stored") {
  json document = manifest();
  document["gaps"][0]["series_keys"] = {"no key"};
  const auto parsed = parse(document);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(has(parsed.error().message, R"("gaps/0/series_keys")"));
}

TEST_CASE("a manifest may list what an export may have") {
  const auto problem_of = [](std::size_t files) {
    json document = manifest();
    document["files"] = json(files, 0);
    return parse(document).error().message;
  };
  const std::size_t most = kExportFilesMax + kExportBodiesMax + 16;
  CHECK(has(problem_of(most), "expected a list of objects"));  // not their number is wrong
  CHECK(has(problem_of(most + 1), "expected a list of at most"));
}

}  // namespace
}  // namespace fieldpost::test
