#include <doctest/doctest.h>

#include <bit>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "tests/support/api_server.h"
#include "tests/support/run_command.h"
#include "tests/support/temp_directory.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT
using nlohmann::json;
using test::Outcome;
using test::run_command;

namespace {

/// The built command line against the real API over a fake coordinator.
struct Desk {
  Outcome run(const std::string& arguments, const std::string& input = {}) {
    const std::string command =
        "printf '" + input + "' | FIELDPOST_CONFIG= XDG_CONFIG_HOME=/nowhere " +
        "FIELDPOST_URL=" + server.url() + " " FIELDPOST_TOOL " " + arguments;
    Outcome outcome;
    bool done = false;
    std::thread thread([&] {
      Outcome result = run_command(command);
      server.loop.post([&outcome, &done, result = std::move(result)] {
        outcome = result;
        done = true;
      });
    });
    CHECK(server.loop.run_until([&] { return done; }, rt::Seconds{20}));
    thread.join();
    return outcome;
  }

  void add_readings(std::int64_t count) {
    const auto node = server.store.add_node("a");
    const auto set = test::make_set({"m,k=v temp f C"});
    wire::Column column;
    for (std::int64_t i = 0; i < count; ++i) {
      column.times.push_back(i);
      column.values.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(i)));
    }
    server.store.add(test::make_batch(node, {1, 1}, set, {{std::move(column)}, {}, {}}));
  }

  test::ApiServer server;
};

}  // namespace

TEST_CASE("the command line reads every reading in every format") {
  Desk desk;
  desk.add_readings(60'000);
  const Outcome csv = desk.run("query --format csv | wc -l");
  CHECK(csv.out.find("60001") != std::string::npos);
  CHECK(desk.run("query 1 | wc -l").out.find("60001") != std::string::npos);
  const json document = json::parse(desk.run("--json query 1").out);
  std::size_t readings = 0;
  for (const json& item : document.at("items")) {
    readings += item.at("readings").size();
  }
  CHECK(readings == 60'000);
  CHECK(desk.run("series --json --tag k=v").exit_code == 0);
  CHECK(desk.run("query 1 | head -1").out == "# 1 a m,k=v temp in C\n");
}

TEST_CASE("the command line writes, tails and tells how things are") {
  Desk desk;
  desk.add_readings(1);
  NodeView node;
  node.id = "a";
  node.site = "lab";
  desk.server.view.nodes = {node};
  const Outcome written = desk.run("write --node b", "m v=1 1\\nm v=2 2\\n");
  CHECK(written.out == "ok 2\n");
  CHECK(desk.server.view.writes.at(0).node == "b");
  CHECK(desk.run("write 'm v=1' nonsense").exit_code == 1);
  CHECK(desk.run("tail -n 1").out.find("m,k=v temp = 0 C") != std::string::npos);
  CHECK(desk.run("status").out.find("! a: offline") != std::string::npos);
  CHECK(desk.run("nodes a --command ping").out.find("command 1 (ping)") != std::string::npos);
  CHECK(desk.run("doctor").exit_code == 0);
}

TEST_CASE("the download of an export goes on where it broke off, also curl's") {
  Desk desk;
  desk.add_readings(60'000);
  const test::TempDirectory directory;
  std::ofstream(directory.file("sensors")) << R"([{"name":"m","measurement":"m","field":"temp"}])";
  for (const std::string& verb :
       {"experiment config house --create --sensors " + directory.file("sensors"),
        std::string("experiment create drought --config house"),
        std::string("experiment state drought ready"),
        std::string("recording start drought --time 0 --stop 1000000"),
        "export drought --format csv -o " + directory.file("whole.tar")}) {
    INFO(verb);
    CHECK(desk.run(verb).exit_code == 0);
  }
  const json exports = json::parse(desk.run("--json export drought --list").out);
  const std::string id = exports.at(0).at("id");
  const std::string archive =
      desk.server.url() + "/api/v1/experiments/drought/exports/" + id + "/archive";
  const Outcome outcome =
      desk.run("status >/dev/null; cd " + directory.path() + " && tag=$(curl -sI " + archive +
               " | tr -d '\"\\r' | sed -n 's/^ETag: //p' | tail -c 13)" +
               " && head -c 2000000 whole.tar >curl.tar && cp curl.tar tool.tar.$tag.part" +
               " && curl -s -C - -o curl.tar " + archive + " && cmp whole.tar curl.tar" +
               " && " FIELDPOST_TOOL " --url " + desk.server.url() + " export drought --id " + id +
               " -o tool.tar && cmp whole.tar tool.tar && ls && tar -tf tool.tar");
  INFO(outcome.out);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("60,000 readings") != std::string::npos);
  CHECK(outcome.out.find(".part") == std::string::npos);
  CHECK(outcome.out.find("manifest.json") != std::string::npos);
}

TEST_CASE("exit codes tell what went wrong") {
  Desk desk;
  CHECK(desk.run("nodes none").exit_code == 1);
  CHECK(desk.run("dance").exit_code == 2);
  CHECK(desk.run("query --from yesterday").exit_code == 1);
  const Outcome by_name = desk.run("query room 2>&1");
  CHECK(by_name.exit_code == 2);
  CHECK(by_name.out.find("`room` is not the id of a series") != std::string::npos);
  desk.add_readings(1);
  CHECK(desk.run("query --from yesterday").exit_code == 2);
  CHECK(desk.run("nodes --url http://127.0.0.1:1").exit_code == 69);
  CHECK(desk.run("nodes --url nonsense").exit_code == 78);
  CHECK(desk.run("--help").exit_code == 0);
  CHECK(desk.run("--version").out.starts_with("fieldpost "));
}

TEST_CASE("a spool that may not be read exits 77") {
  const test::TempDirectory directory;
  const std::string spool = directory.path() + "/spool.db";
  const std::string command = FIELDPOST_TOOL " spool " + directory.path();
  CHECK(run_command("chmod 755 " + directory.path() + "; touch " + spool + "; chmod 0 " + spool +
                    "; " + test::as_nobody() + command)
            .exit_code == 77);
}

TEST_CASE("bench is a program of its own, and gets what stands behind its name") {
  CHECK(run_command(FIELDPOST_TOOL " bench --nonsense").exit_code == 2);
  const Outcome help = run_command(FIELDPOST_TOOL " --url http://nowhere --json bench --help");
  CHECK(help.exit_code == 0);
  CHECK(help.out.find("--rounds") != std::string::npos);
}

TEST_CASE("verbs that ask no coordinator do not mind wrong settings for one") {
  const std::string wrong = "FIELDPOST_URL=nonsense FIELDPOST_CONFIG=/nowhere/at/all ";
  CHECK(run_command(wrong + FIELDPOST_TOOL " nodes").exit_code == 78);
  CHECK(run_command(wrong + FIELDPOST_TOOL " decode </dev/null").exit_code == 0);
  CHECK(run_command(wrong + FIELDPOST_TOOL " bench --help").exit_code == 0);
}
