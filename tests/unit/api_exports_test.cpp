#include <archive.h>
#include <archive_entry.h>
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/http/byte_stream.h"
#include "proto/wire/sha256.h"
#include "tests/support/api_world.h"

namespace fieldpost::test {
namespace {

using nlohmann::json;

/// A finished experiment of node n with three readings of one sensor.
struct Study {
  ApiWorld world;
  std::string path = "/api/v1/experiments/drought";

  Study() {
    world.add_series("n", "air t f", {{1, 1.0}, {2, 2.0}, {3, 3.0}});
    post("/api/v1/sensor_configs",
         R"({"name":"house","sensors":[{"name":"air","measurement":"air","field":"t"}]})");
    post("/api/v1/experiments", R"({"name":"drought","config":"house"})");
    post(path + "/state", R"({"state":"ready"})");
    post(path + "/recordings", R"({"time":0,"stop":10000000000})");
  }
  json post(const std::string& where, const std::string& body, int status = 0) {
    const auto& response = world.ask("POST", where, {}, body).response;
    REQUIRE(response.has_value());
    INFO(response->body);
    REQUIRE((status == 0 ? response->status < 300 : response->status == status));
    return json::parse(response->body);
  }
  /// Asks for one and waits for its end; its path.
  std::string run(const std::string& body = "") {
    const std::string one =
        path + "/exports/" + post(path + "/exports", body).at("id").get<std::string>();
    world.sim.run_until([&] { return world.get(one).at("state") != "running"; }, rt::Seconds{60});
    return one;
  }
  std::string download(const std::string& where) {
    FakeAnswer& answer = world.ask("GET", where);
    if (answer.response) return answer.response->body;
    REQUIRE(answer.streaming);
    for (int i = 0; i < 1000 && !answer.ended; ++i) {
      answer.drain();
      world.sim.run_for(rt::Millis{20});
    }
    CHECK(answer.ended);
    return answer.text;
  }
};

std::map<std::string, std::string> untar(const std::string& bytes) {
  std::map<std::string, std::string> files;
  archive* tar = archive_read_new();
  archive_read_support_format_tar(tar);
  REQUIRE(archive_read_open_memory(tar, bytes.data(), bytes.size()) == ARCHIVE_OK);
  archive_entry* entry = nullptr;
  while (archive_read_next_header(tar, &entry) == ARCHIVE_OK) {
    std::string content(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
    REQUIRE(archive_read_data(tar, content.data(), content.size()) ==
            static_cast<la_ssize_t>(content.size()));
    files.emplace(archive_entry_pathname(entry), std::move(content));
  }
  archive_read_free(tar);
  return files;
}

TEST_CASE("an export is asked for, followed, and fetched whole or file by file") {
  Study study;
  const std::string one = study.run(R"({"format":"csv"})");
  const json row = study.world.get(one);
  CHECK(row.at("state") == "done");
  CHECK(row.at("readings") == 3);
  CHECK(row.at("files") == 1);
  CHECK(row.at("request").at("format") == "csv");
  const std::string id = study.world.get(study.path).at("id");
  const auto files = untar(study.download(one + "/archive"));
  REQUIRE(files.size() == 5);
  const std::string samples = "no_participant/1970-01-01_air_samples.csv";
  CHECK(files.at(id + "/" + samples).find(",n,air,air t f,") != std::string::npos);
  const json list = study.world.get(one + "/files");
  REQUIRE(list.at("items").size() == 5);
  CHECK(list.at("items").at(4).at("path") == "manifest.json");
  std::uint64_t bytes = 0;
  for (const json& each : list.at("items")) {
    const std::string name = each.at("path");
    const std::string content = study.download(one + "/files/" + name);
    CHECK(content == files.at(id + "/" + name));
    CHECK(each.at("bytes") == content.size());
    CHECK(each.at("sha256") == wire::sha256(content).hex());
    bytes += content.size();
  }
  CHECK(row.at("bytes") == bytes);
  CHECK(study.world.problem(one + "/files/journal", 404) == R"(the export has no file "journal")");
  CHECK(study.world.get(study.path + "/exports").at("items").size() == 1);
}

TEST_CASE("the same export is the same archive, to the byte") {
  Study study;
  const std::string first = study.download(study.run() + "/archive");
  study.world.sim.run_for(rt::Seconds{5});
  CHECK(study.download(study.run() + "/archive") == first);
}

TEST_CASE("a download of a file or of the archive goes on where it broke off") {
  Study study;
  const std::string one = study.run(R"({"format":"csv"})");
  for (const std::string& where :
       {one + "/archive", one + "/files/no_participant/1970-01-01_air_samples.csv",
        one + "/files/manifest.json"}) {
    INFO(where);
    const rt::HttpResponse whole = *study.world.ask("GET", where).response;
    const std::string tag(whole.headers.get("ETag"));
    CHECK(whole.status == 200);
    CHECK(whole.headers.get("Accept-Ranges") == "bytes");
    for (std::size_t from = 1; from < whole.body.size(); from += 97) {
      const rt::HttpResponse rest =
          *study.world
               .ask("GET", where,
                    {{"Range", "bytes=" + std::to_string(from) + "-"}, {"If-Range", tag}})
               .response;
      REQUIRE(rest.status == 206);
      const bool same = rest.body == whole.body.substr(from);
      REQUIRE(same);
    }
    const auto status = [&](rt::HttpHeaders headers) {
      return study.world.ask("GET", where, std::move(headers)).response->status;
    };
    CHECK(status({{"Range", "bytes=" + std::to_string(whole.body.size()) + "-"}}) == 416);
    CHECK(status({{"Range", "bytes=5-"}, {"If-Range", "\"other\""}}) == 200);
    CHECK(status({{"If-None-Match", tag}}) == 304);
    const FakeAnswer& head = study.world.ask("HEAD", where);
    CHECK(head.ended);
    CHECK(head.stream_size == whole.body.size());
    CHECK(head.stream_headers.get("ETag") == tag);
    CHECK(head.text.empty());
  }
}

TEST_CASE("a file of an export is known by its hash, the archive by what it has") {
  Study study;
  const auto tag = [&](const std::string& where) {
    return std::string(study.world.ask("GET", where).response->headers.get("ETag"));
  };
  const std::string samples = "/files/no_participant/1970-01-01_air_samples.parquet";
  const std::string first = study.run();
  CHECK(tag(first + samples) == '"' + wire::sha256(study.download(first + samples)).hex() + '"');
  const std::string again = study.run();
  CHECK(tag(first + "/archive") == tag(again + "/archive"));
  study.world.add_series("n", "air t f", {{4, 4.0}});
  const std::string more = study.run();
  CHECK(tag(first + "/archive") != tag(more + "/archive"));
  CHECK(tag(first + samples) != tag(more + samples));
}

TEST_CASE("a download breaks off where a file of it is missing or shorter than it was") {
  Study study;
  const std::string one = study.run(R"({"format":"csv"})");
  const std::string samples = "no_participant/1970-01-01_air_samples.csv";
  const std::string directory = study.world.exports->directory_of(one.substr(one.rfind('/') + 1)) +
                                "/" + study.world.get(study.path).at("id").get<std::string>();
  REQUIRE(study.world.files.write_durably(directory + "/" + samples, "time", 0640));
  study.world.problem(one + "/files/" + samples, 500);
  study.world.problem(one + "/archive", 500);
  REQUIRE(study.world.files.remove(directory + "/" + samples));
  study.world.problem(one + "/files/" + samples, 404);
  REQUIRE(study.world.files.remove(directory + "/manifest.json"));
  study.world.problem(one + "/archive", 404);
}

TEST_CASE("a long download is read as the client takes it, and tells how long it is") {
  Study study;
  std::vector<std::pair<std::int64_t, double>> many;
  for (std::int64_t i = 0; i < 30'000; ++i) many.emplace_back(i, static_cast<double>(i));
  study.post(study.path + "/recordings", R"({"time":20000000000,"stop":60000000000000})");
  study.world.add_series("n", "air t f", many);
  const std::string one = study.run(R"({"format":"csv"})");
  FakeAnswer& answer = study.world.ask("GET", one + "/archive");
  REQUIRE(answer.streaming);
  CHECK(answer.text.size() == coordinator::kServedPieceBytes);
  study.world.settle();
  CHECK(answer.text.size() == coordinator::kServedPieceBytes);
  for (int i = 0; i < 100 && !answer.ended; ++i) {
    answer.drain();
    study.world.settle();
  }
  CHECK(answer.ended);
  CHECK(answer.stream_size == answer.text.size());
  CHECK(untar(answer.text).size() == 5);
}

TEST_CASE("what is wrong with a request is told before an export begins, or by it") {
  Study study;
  const auto refused = [&](const std::string& body) -> std::string {
    return study.post(study.path + "/exports", body, 400).at("detail");
  };
  CHECK(refused(R"({"format":"xml"})").find("parquet, csv or jsonl") != std::string::npos);
  CHECK(refused(R"({"from":2,"to":1})").find(R"("to")") == 0);
  CHECK(refused(R"({"time":"right"})").find("corrected or stored") != std::string::npos);
  CHECK(refused("[]").find("expected a JSON object") == 0);
  study.post("/api/v1/experiments/none/exports", "", 404);
  const std::string one = study.run(R"({"participants":["P9"]})");
  const json row = study.world.get(one);
  CHECK(row.at("state") == "failed");
  CHECK(row.at("error") == R"(the experiment has no participant "P9")");
  CHECK(study.world.problem(one + "/archive", 409) == "the export is failed");
}

TEST_CASE("an export is removed with its files, also while it runs") {
  Study study;
  const std::string done = study.run();
  const std::string id = study.post(study.path + "/exports", "").at("id");
  const std::string running = study.path + "/exports/" + id;
  for (const std::string& each : {done, running}) {
    FakeAnswer& answer = study.world.ask("DELETE", each);
    study.world.sim.run_until([&] { return answer.response.has_value(); }, rt::Seconds{5});
    REQUIRE(answer.response.has_value());
    CHECK(answer.response->status == 204);
    study.world.get(each, 404);
  }
  for (const std::string& file : study.world.store.disk().paths()) {
    CHECK_FALSE(file.starts_with("/exports/"));
  }
}

TEST_CASE("an export that is removed while it waits for another one never runs") {
  Study study;
  const auto ask = [&]() -> std::string {
    return study.post(study.path + "/exports", "").at("id");
  };
  const std::string first = ask(), waiting = ask();
  std::optional<rt::Status> gone;
  study.world.exports->remove("drought", waiting, [&](const rt::Status& status) { gone = status; });
  study.world.sim.run_for(rt::Seconds{5});
  REQUIRE(gone);
  CHECK(gone->has_value());
  CHECK(study.world.get(study.path + "/exports/" + first).at("state") == "done");
  study.world.get(study.path + "/exports/" + waiting, 404);
  for (const std::string& file : study.world.store.disk().paths()) {
    CHECK_FALSE(file.starts_with(study.world.exports->directory_of(waiting) + "/"));
  }
}

TEST_CASE("nothing of an export is touched under the name of another experiment") {
  Study study;
  study.post("/api/v1/experiments", R"({"name":"flood"})");
  const std::string done = study.run();
  const std::string id = study.post(study.path + "/exports", "").at("id");
  const std::string running = study.path + "/exports/" + id;
  for (const std::string& each : {done, running}) {
    const std::string elsewhere =
        "/api/v1/experiments/flood/exports" + each.substr(each.rfind('/'));
    FakeAnswer& answer = study.world.ask("DELETE", elsewhere);
    study.world.sim.run_until([&] { return answer.response.has_value(); }, rt::Seconds{5});
    REQUIRE(answer.response.has_value());
    CHECK(answer.response->status == 404);
  }
  study.world.sim.run_for(rt::Seconds{5});
  for (const std::string& each : {done, running}) {
    CHECK(study.world.get(each).at("state") == "done");
    CHECK(study.world.get(each + "/files").at("items").size() > 1);
  }
}

TEST_CASE("whoever removes an export that runs is answered, and the first one that it is gone") {
  Study study;
  const std::string id = study.post(study.path + "/exports", "").at("id");
  std::vector<rt::Status> answers;
  for (int i = 0; i < 2; ++i) {
    study.world.exports->remove(
        "drought", id, [&answers](const rt::Status& status) { answers.push_back(status); });
  }
  CHECK(answers.empty());  // it runs
  study.world.sim.run_until([&] { return answers.size() == 2; }, rt::Seconds{5});
  REQUIRE(answers.size() == 2);
  CHECK(answers[0].has_value());
  REQUIRE_FALSE(answers[1].has_value());
  CHECK(answers[1].error().code == rt::Errc::kNotFound);
}

TEST_CASE("exports that the end of the process cut off go on at the next start") {
  Study study;
  const std::string id = study.post(study.path + "/exports", "").at("id");
  study.world.exports.reset();  // nothing of it was written
  study.world.exports.emplace(
      coordinator::ExportDeskPorts{study.world.loop, study.world.clock, study.world.random,
                                   study.world.exporter, study.world.files, study.world.log,
                                   *study.world.studies},
      study.world.store.make_reader(), "/exports", "1.2.3");
  const std::string one = study.path + "/exports/" + id;
  CHECK(study.world.get(one).at("state") == "running");
  study.world.exports->start();
  study.world.sim.run_until([&] { return study.world.get(one).at("state") == "done"; },
                            rt::Seconds{60});
  CHECK(study.world.get(one).at("readings") == 3);
}

TEST_CASE("a disk that fails fails the export, and says so") {
  Study study;
  study.world.store.disk().fail({.at = 1, .for_ever = true});
  const auto& response = study.world.ask("POST", study.path + "/exports").response;
  CHECK(response->status >= 500);
  study.world.store.disk().heal();
}

}  // namespace
}  // namespace fieldpost::test
