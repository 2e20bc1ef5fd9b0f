// The runner's socket, its configuration, and the commands by which jobs are shut in.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "agent/runner/config.h"
#include "agent/runner/control/control_request.h"
#include "agent/runner/control/control_server.h"
#include "agent/runner/sandbox/sandbox.h"
#include "tests/support/fakes/fake_streams.h"
#include "tests/support/runner_site.h"

namespace fieldpost::test {
namespace {

using namespace std::chrono_literals;  // NOLINT
using namespace agent::runner;         // NOLINT: what is tested

const std::string kPath = "/run/runner.sock";
const std::string kStep = R"({"run":"make"})";

struct Door {
  RunnerSite site;
  sim::FakeStreams streams;
  std::unique_ptr<ControlServer> server =
      ControlServer::listen({site.loop, *site.desk, "1.0", "b007"}, streams, kPath).value();

  std::shared_ptr<sim::FakePeer> connect() { return streams.connect(kPath); }
  std::string ask(sim::FakePeer& peer, const std::string& line) {
    peer.received.clear();
    peer.send(line + "\n");
    site.world.run_for(1ms);
    return peer.received;
  }
  std::string ask(const std::string& line) {
    const auto peer = connect();
    std::string answer = ask(*peer, line);
    peer->close();
    site.world.run_for(1ms);
    return answer;
  }
};

std::string for_job(const std::string& verb, const std::string& more = "") {
  return R"({"do":")" + verb + R"(","job":")" + kJob + "\"" + more + "}";
}

TEST_CASE("a job is started, asked for, and forgotten over the socket") {
  Door door;
  CHECK(door.ask(R"({"do":"hello"})") ==
        "{\"version\":\"1.0\",\"boot\":\"b007\",\"slots\":1,\"jobs\":[]}\n");
  const std::string start = R"({"do":"start","spec":)" + job_spec(kStep) + "}";
  CHECK(door.ask(start) == "{\"ok\":true}\n");
  CHECK(door.ask(start) == "{\"ok\":true}\n");
  CHECK(door.site.spawner.children.size() == 1);
  CHECK(door.ask(for_job("forget")) ==
        R"({"error":"job )" + kJob + R"( has not ended","code":"busy"})" + "\n");
  door.site.child().say("made\n");
  door.site.pass_all();
  const std::string size = std::to_string(door.site.log_text().size());
  CHECK(door.ask(R"({"do":"hello"})") ==
        R"({"version":"1.0","boot":"b007","slots":1,"jobs":[{"job":")" + kJob +
            R"(","fence":7,"state":"ended","facts":4,"log_bytes":)" + size + "}]}\n");
  CHECK(door.ask(for_job("log", R"(,"from":0,"most":1000)")) ==
        R"({"bytes":)" + size + ",\"ended\":true}\n" + door.site.log_text());
  const std::string facts = door.ask(for_job("facts", R"(,"from":3)"));
  CHECK(facts.starts_with(R"({"facts":[{"n":3,"type":"ended","verdict":"passed")"));
  CHECK(door.ask(for_job("facts", R"(,"from":4)")) == "{\"facts\":[]}\n");
  CHECK(door.ask(for_job("fetched", ",\"log\":" + size)) == "{\"ok\":true}\n");
  CHECK(door.ask(for_job("artifact", R"(,"name":"a","from":0,"most":1)")).find("not_found") !=
        std::string::npos);
  CHECK(door.ask(for_job("forget")) == "{\"ok\":true}\n");
  CHECK(door.ask(for_job("cancel", R"(,"fence":7,"why":"x")")).find("\"code\":\"not_found\"") !=
        std::string::npos);
}

TEST_CASE("who watches hears how it stands, then what comes, and may ask in between") {
  Door door;
  door.site.start(kStep);
  const auto peer = door.connect();
  const std::string begin = door.ask(*peer, R"({"do":"watch"})");
  CHECK(begin.starts_with(R"({"event":"fact","job":")" + kJob + R"(","n":1})" + "\n" +
                          R"({"event":"log","job":")" + kJob + R"(","size":)"));
  CHECK(door.ask(*peer, R"({"do":"watch"})").empty());
  peer->received.clear();
  door.site.child().exit(0);
  CHECK(peer->received == R"({"event":"fact","job":")" + kJob + R"(","n":2})" + "\n");
  CHECK(door.ask(*peer, for_job("cancel", R"(,"fence":7,"why":"")")) == "{\"ok\":true}\n");
  peer->close();
  door.site.pass_all();
}

TEST_CASE("requests that are none are refused by key") {
  Door door;
  CHECK(door.ask("nonsense") ==
        "{\"error\":\"expected a JSON object in a line\",\"code\":\"invalid\"}\n");
  const auto refusal = [](const std::string& line) {
    const auto request = parse_control_request(line);
    return request ? "no error" : request.error().message;
  };
  CHECK(refusal(R"({"do":"dance"})").starts_with("do: expected hello, start, cancel"));
  CHECK(refusal(R"({"do":"facts","job":"../x","from":0})") == "job: expected 32 hex digits");
  CHECK(refusal(for_job("facts")) == "from: expected a whole number from 0 on");
  CHECK(refusal(for_job("log", R"(,"from":0)")) == "most: expected a whole number from 0 on");
  CHECK(refusal(for_job("log", R"(,"from":-1,"most":1)")) ==
        "from: expected a whole number from 0 on");
  CHECK(refusal(for_job("artifact", R"(,"from":0,"most":1)")) == "name: expected a text");
  CHECK(refusal(for_job("cancel")) == "fence: expected a whole number from 0 on");
  CHECK(refusal(for_job("fetched")) == "log: expected a whole number from 0 on");
  CHECK(refusal(R"({"do":"start","spec":"x"})") == "spec: expected an object");
  CHECK(refusal(std::string(100, '[')) == "the line nests too deep");
}

TEST_CASE("lines, clients and what they leave unread are bounded") {
  Door door;
  SUBCASE("a line") {
    const auto peer = door.connect();
    const std::string answer = door.ask(*peer, std::string(ControlServer::kLineBytesMax + 1, ' '));
    CHECK(answer.find("a line has at most 2097152 bytes") != std::string::npos);
  }
  SUBCASE("a line without an end") {
    const auto peer = door.connect();
    peer->send(std::string(ControlServer::kLineBytesMax + 1, ' '));
    CHECK(peer->received.find("a line has at most 2097152 bytes") != std::string::npos);
    CHECK(peer->closing);
  }
  SUBCASE("clients") {
    std::vector<std::shared_ptr<sim::FakePeer>> peers;
    for (std::size_t i = 0; i < ControlServer::kConnectionsMax; ++i) {
      peers.push_back(door.connect());
    }
    const auto one_more = door.connect();
    CHECK(one_more->received.find("8 clients are connected already") != std::string::npos);
    CHECK(door.server->refused() == 1);
    door.site.world.run_for(ControlServer::kReadOutMost + 1s);
    CHECK(one_more->closed_by_us);
    peers[0]->close();
    door.site.world.run_for(1ms);
    CHECK(door.ask(R"({"do":"hello"})").starts_with("{\"version\""));
  }
  SUBCASE("what is not read") {
    const auto peer = door.connect();
    door.ask(*peer, R"({"do":"watch"})");
    peer->unsent = ControlServer::kUnsentBytesMax + 1;
    door.site.start(kStep);
    CHECK(peer->closing);
    door.site.world.run_for(ControlServer::kReadOutMost + 1s);
    CHECK(door.server->connections() == 0);
  }
}

TEST_CASE("a client that sends no more is answered before it is hung up on") {
  Door door;
  const auto peer = door.connect();
  peer->send("{\"do\":\"hello\"}\n");
  peer->end();
  CHECK(peer->received.starts_with("{\"version\""));
  CHECK(peer->closing);
}

rt::Result<RunnerConfig> read(const std::string& text) {
  const auto config =
      rt::load_config(runner_schema(), {.file_name = "runner.toml", .file_text = text});
  if (!config) return config.error();
  return read_runner_config(*config);
}

TEST_CASE("a configuration is read, and needs nothing") {
  const auto preset = read("");
  REQUIRE(preset.has_value());
  CHECK(preset->control_socket == "/run/fieldpost-runner/runner.sock");
  CHECK(preset->sandbox_required);
  CHECK(preset->git_protocols == "https:ssh");
  CHECK(preset->limits.pids_max == 4096);
  CHECK(preset->limits.memory_max == 0);
  const auto config = read(
      "[runner]\nslots = 3\nsandbox = \"none\"\nmemory_max = \"2GiB\"\ncpu_percent = 150\n"
      "system_directories = [\"/usr\"]\ngit_protocols = [\"https\"]\n");
  REQUIRE(config.has_value());
  CHECK(config->slots == 3);
  CHECK_FALSE(config->sandbox_required);
  CHECK(config->limits.memory_max == std::uint64_t{2} << 30U);
  CHECK(config->system_directories == std::vector<std::string>{"/usr"});
  CHECK(config->git_protocols == "https");
}

TEST_CASE("a configuration that would show jobs each other is refused by line") {
  CHECK(read("[runner]\nslots = 0\n").error().message.starts_with("runner.toml:2: "));
  CHECK(read("[runner]\nsystem_directories = [\"/build\"]\n").error().code == rt::Errc::kInvalid);
  const auto shows = read("[runner]\nsystem_directories = [\"/usr\", \"/var\"]\n");
  REQUIRE_FALSE(shows.has_value());
  CHECK(shows.error().message.find("expected none that holds /var/lib/fieldpost/runner") !=
        std::string::npos);
}

TEST_CASE("a sandbox has no network unless it is wanted, and nothing to write to but its binds") {
  const SandboxSettings settings{true, {"/usr"}};
  const SandboxedCommand command{.argv = {"make", "all"},
                                 .binds = {{"/w/build", "/build", true}, {"/m", "/m", false}},
                                 .directory = "/build",
                                 .enter = {"/c/cgroup.procs"}};
  const auto argv = sandbox_argv(settings, command);
  std::string line;
  for (const std::string& each : argv) line += each + " ";
  CHECK(line.starts_with("/bin/sh -c "));
  CHECK(line.find(" enter /c/cgroup.procs -- bwrap --unshare-all --die-with-parent ") !=
        std::string::npos);
  CHECK(line.find("--share-net") == std::string::npos);
  CHECK(line.find("--ro-bind-try /usr /usr ") != std::string::npos);
  CHECK(line.find("--bind /w/build /build --ro-bind /m /m --remount-ro / ") != std::string::npos);
  CHECK(line.ends_with("--chdir /build -- make all "));
  CHECK(sandbox_argv({false, {}}, {.argv = {"make"}}) == std::vector<std::string>{"make"});
}

}  // namespace
}  // namespace fieldpost::test
