// Bodies that come to the coordinator over HTTP, whole and in pieces.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/http/blob_uploads.h"
#include "tests/support/api_world.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::test {
namespace {

using nlohmann::json;

struct World : ApiWorld {
  World() {
    store.disk().set_clock([this] { return clock.now().ns; });
  }
  rt::HttpResponse post(const std::string& parameters, const std::string& body,
                        rt::HttpHeaders headers = {{"Content-Type", "image/jpeg"}}) {
    return *ask("POST", "/api/v1/blobs?" + parameters, std::move(headers), body).response;
  }
  rt::HttpResponse piece(const std::string& bytes, std::size_t offset, std::size_t size) {
    return post(fmt::format("measurement=camera&time=5&sha256={}&size={}&offset={}",
                            wire::sha256(bytes).hex(), bytes.size(), offset),
                bytes.substr(offset, size));
  }
  std::string file(const std::string& path) {
    const auto read = files.read(path, 0, 1 << 20);
    return read ? *read : read.error().message;
  }
};

std::string upload_path(const std::string& bytes) {
  return "/uploads/" + coordinator::upload_name(wire::sha256(bytes), bytes.size());
}

}  // namespace

TEST_CASE("a body in one request is stored with the reading that tells of it") {
  World world;
  const auto answer = world.post(
      "measurement=camera&field=still&tag.site=roof&tag.a=1&time=2024-05-01T12:00:00Z&node=pi-1",
      "bytes", {{"Content-Type", "Image/JPEG; q=1"}, {"X-Filename", "a.jpg"}});
  CHECK(answer.status == 201);
  CHECK(json::parse(answer.body) == json{{"sha256", wire::sha256("bytes").hex()},
                                         {"size", 5},
                                         {"type", "image/jpeg"},
                                         {"name", "a.jpg"},
                                         {"node", "pi-1"},
                                         {"measurement", "camera"},
                                         {"tags", {{"a", "1"}, {"site", "roof"}}},
                                         {"field", "still"},
                                         {"time", "2024-05-01T12:00:00.000000000Z"}});
  REQUIRE(world.view.blobs.size() == 1);
  const auto& blob = world.view.blobs.front();
  CHECK(blob.node == "pi-1");
  CHECK(world.file(blob.path) == "bytes");
  CHECK(blob.reference == wire::BodyReference{wire::sha256("bytes"), 5, "image/jpeg", "a.jpg"});
  CHECK(sim::readings_of(blob.lines) ==
        std::vector<std::string>{"camera,a=1,site=roof still s = \"" +
                                 wire::encode(blob.reference) + "\" @1714564800000000000"});
}

TEST_CASE("without more than a measurement it is a frame of the node http, now") {
  World world;
  CHECK(world.post("measurement=camera", "bytes", {}).status == 201);
  const auto& blob = world.view.blobs.at(0);
  CHECK(blob.node == "http");
  CHECK(blob.reference.type == "application/octet-stream");
  CHECK(blob.lines.keys == std::vector<std::string>{"camera frame s"});
  CHECK(blob.lines.columns[0].times[0] <= world.clock.now().ns);
}

TEST_CASE("the idempotency key of a body goes to the store") {
  World world;
  const auto post = [&](const std::string& key) -> int {
    return world.post("measurement=c", "bytes", {{"Content-Type", "a/b"}, {"Idempotency-Key", key}})
        .status;
  };
  CHECK(post("k 1") == 201);
  CHECK(world.view.blobs.at(0).idempotency_key == "k 1");
  CHECK(post(std::string(257, 'k')) == 400);
}

TEST_CASE("what is wrong with a request is named") {
  World world;
  const std::string hash = "&sha256=" + wire::sha256("x").hex();
  for (const std::string parameters :
       {"", "measurement=", "measurement=a&x=1", "measurement=a&measurement=b",
        "measurement=a&time=noon", "measurement=a&sha256=12", "measurement=a&size=5",
        "measurement=a&offset=1", "measurement=a&name=a/b", "measurement=a&node=_x"}) {
    INFO(parameters);
    CHECK(world.post(parameters, "x").status == 400);
  }
  CHECK(world.post("measurement=a&size=5&offset=6" + hash, "x").status == 400);
  CHECK(world.post("measurement=a&size=1&offset=1" + hash, "x").status == 400);
  CHECK(world.post("measurement=a&size=0" + hash, "").status == 400);
  CHECK(world.post("measurement=a", "").status == 400);
  CHECK(world.post("measurement=a", "x", {{"Content-Type", "jpeg"}}).status == 400);
  CHECK(world.post("measurement=a", "x", {{"Content-Encoding", "gzip"}}).status == 400);
  CHECK(world.post("measurement=a&sha256=" + wire::sha256("y").hex(), "x").status == 400);
  CHECK(world.view.blobs.empty());
}

TEST_CASE("pieces are joined, and the answer says where the next one begins") {
  World world;
  const std::string bytes = body_bytes(100, 1);
  const auto first = world.piece(bytes, 0, 40);
  CHECK(first.status == 202);
  CHECK(json::parse(first.body)["received"] == 40);
  CHECK(json::parse(world.piece(bytes, 60, 40).body)["received"] == 40);  // too early
  CHECK(json::parse(world.piece(bytes, 20, 40).body)["received"] == 60);  // half of it again
  CHECK(json::parse(world.piece(bytes, 0, 10).body)["received"] == 60);
  CHECK(json::parse(world.piece(bytes, 0, 0).body)["received"] == 60);
  CHECK(world.view.blobs.empty());
  CHECK(world.piece(bytes, 60, 40).status == 201);
  REQUIRE(world.view.blobs.size() == 1);
  const bool same = world.file(upload_path(bytes)) == bytes;
  CHECK(same);
}

TEST_CASE("an upload goes on after the coordinator was started anew") {
  World world;
  const std::string bytes = body_bytes(100, 2);
  world.piece(bytes, 0, 40);
  world.api.emplace(world.services());
  CHECK(json::parse(world.piece(bytes, 0, 0).body)["received"] == 40);
  CHECK(world.piece(bytes, 40, 60).status == 201);
}

TEST_CASE("bytes of another hash are refused at the end, and begin again from the start") {
  World world;
  const std::string bytes = body_bytes(100, 3);
  std::string wrong = bytes;
  wrong[5] ^= 1;
  const std::string target =
      fmt::format("measurement=c&sha256={}&size=100&offset=0", wire::sha256(bytes).hex());
  CHECK(world.post(target, wrong).status == 400);
  CHECK(world.view.blobs.empty());
  CHECK(json::parse(world.piece(bytes, 0, 10).body)["received"] == 10);
  CHECK(world.piece(bytes, 10, 90).status == 201);
}

TEST_CASE("a body that is stored already only gets its reading") {
  World world;
  world.store.execute(fmt::format("INSERT INTO blob VALUES (x'{}', 100, 'a/b', 0, 0)",
                                  wire::sha256(body_bytes(100, 4)).hex()));
  CHECK(world.piece(body_bytes(100, 4), 0, 0).status == 201);
  REQUIRE(world.view.blobs.size() == 1);
  CHECK(world.view.blobs[0].path.empty());
}

TEST_CASE("when the store cannot take it the client is told, and may offer it again") {
  World world;
  const std::string bytes = body_bytes(100, 5);
  world.view.blob_error = rt::Error{rt::Errc::kFull, "the disk is full"};
  CHECK(world.piece(bytes, 0, 100).status == 503);
  CHECK(world.piece(bytes, 0, 100).headers.get("Retry-After") == "30");
  // The store had put the file in its place, and then failed.
  REQUIRE(world.files.remove(upload_path(bytes)));
  world.view.blob_error.reset();
  CHECK(json::parse(world.piece(bytes, 0, 40).body)["received"] == 40);
  CHECK(world.piece(bytes, 40, 60).status == 201);
}

TEST_CASE("a piece that cannot be written is refused, and the file looked at again") {
  World world;
  const std::string bytes = body_bytes(100, 6);
  world.piece(bytes, 0, 40);
  world.store.disk().fail({.calls = static_cast<unsigned>(sim::DiskCall::kWrite)});
  CHECK(world.piece(bytes, 40, 20).status == 500);
  world.store.disk().heal();
  CHECK(json::parse(world.piece(bytes, 0, 0).body)["received"] == 40);
  CHECK(world.piece(bytes, 40, 60).status == 201);
}

TEST_CASE("uploads that nobody went on with for a day are taken away") {
  World world;
  REQUIRE(world.files.make_directories("/uploads"));
  REQUIRE(world.files.write_durably("/uploads/old", "x", 0640));
  world.sim.run_for(std::chrono::hours(23));
  REQUIRE(world.files.write_durably("/uploads/young", "x", 0640));
  world.sim.run_for(std::chrono::hours(3));
  CHECK(!world.files.info("/uploads/old"));
  CHECK(world.files.info("/uploads/young"));
}

TEST_CASE("uploads that cannot be taken away are told, and tried again") {
  World world;
  REQUIRE(world.files.make_directories("/uploads"));
  REQUIRE(world.files.write_durably("/uploads/old", "x", 0640));
  world.store.disk().fail(
      {.calls = static_cast<unsigned>(sim::DiskCall::kRemove), .for_ever = true});
  world.sim.run_for(std::chrono::hours(26));
  CHECK(world.files.info("/uploads/old"));
  CHECK(world.log.count_containing("sweep of uploads: removing /uploads/old") > 0);
  world.store.disk().heal();
  world.sim.run_for(std::chrono::hours(2));
  CHECK(!world.files.info("/uploads/old"));
}

TEST_CASE("an upload that was taken away begins again, also where it was remembered") {
  World world;
  const std::string bytes = body_bytes(100, 7);
  world.piece(bytes, 0, 40);
  SUBCASE("because nobody went on with it") {
    world.sim.run_for(std::chrono::hours(26));
    CHECK(world.piece(body_bytes(100, 8), 0, 40).status == 202);
  }
  SUBCASE("by somebody else") {
    REQUIRE(world.files.remove(upload_path(bytes)));
  }
  const auto rest = world.piece(bytes, 40, 60);
  CHECK(rest.status == 202);
  CHECK(json::parse(rest.body)["received"] == 0);
  CHECK(world.view.blobs.empty());
  CHECK(world.piece(bytes, 0, 100).status == 201);
  const bool same = world.file(upload_path(bytes)) == bytes;
  CHECK(same);
}

TEST_CASE("a file that is in use stays, however old the clock says it is") {
  World world;
  world.store.disk().set_clock([&] { return world.clock.now().ns - 172'800'000'000'000; });
  const std::string bytes = body_bytes(100, 9);
  world.piece(bytes, 0, 40);
  world.sim.run_for(std::chrono::hours(2));
  CHECK(world.files.info(upload_path(bytes)));
  CHECK(world.piece(bytes, 40, 60).status == 201);
}

TEST_CASE("what somebody else says of the size of a hash touches no upload") {
  World world;
  const std::string bytes = body_bytes(100, 10);
  world.piece(bytes, 0, 40);
  const auto lie = [&](std::size_t offset, const std::string& piece) {
    return world.post(
        fmt::format("measurement=c&sha256={}&size=10&offset={}", wire::sha256(bytes).hex(), offset),
        piece);
  };
  CHECK(json::parse(lie(0, "12345").body)["received"] == 5);
  CHECK(json::parse(world.piece(bytes, 0, 0).body)["received"] == 40);
  CHECK(lie(5, "67890").status == 400);
  CHECK(world.piece(bytes, 40, 60).status == 201);
  const bool same = world.file(upload_path(bytes)) == bytes;
  CHECK(same);
}

TEST_CASE("another size than that of the body that is stored is refused") {
  World world;
  const std::string bytes = body_bytes(100, 11);
  world.store.execute(
      fmt::format("INSERT INTO blob VALUES (x'{}', 99, 'a/b', 0, 0)", wire::sha256(bytes).hex()));
  CHECK(world.piece(bytes, 0, 40).status == 400);
  CHECK(!world.files.info(upload_path(bytes)));
}

TEST_CASE("uploads that are not whole take what they will have, and give it back") {
  World world;
  const auto begin = [&](unsigned number) {
    return world.post(fmt::format("measurement=c&sha256={}&size={}&offset=0",
                                  wire::sha256(body_bytes(10, number)).hex(), 4ULL << 30),
                      "x");
  };
  for (unsigned i = 0; i < 7; ++i) CHECK(begin(i).status == 202);
  CHECK(world.piece(body_bytes(100, 50), 0, 100).status == 201);
  // So there is room for one of 4 GiB, to the byte.
  REQUIRE(world.files.remove(upload_path(body_bytes(100, 50))));
  CHECK(begin(7).status == 202);
  CHECK(begin(8).status == 503);
  CHECK(begin(8).headers.get("Retry-After") == "30");
  CHECK(begin(3).status == 202);
  world.api.emplace(world.services());
  CHECK(begin(8).status == 503);
  CHECK(begin(3).status == 202);
}

TEST_CASE("an upload that stands still gives way to a new one, and begins anew when it goes on") {
  World world;
  constexpr std::uint64_t kSize = 4ULL << 30;
  const auto piece = [&](unsigned number, std::uint64_t offset) {
    return world.post(fmt::format("measurement=c&sha256={}&size={}&offset={}",
                                  wire::sha256(body_bytes(10, number)).hex(), kSize, offset),
                      "x");
  };
  const auto is_there = [&](unsigned number) {
    return world.files
        .info("/uploads/" + coordinator::upload_name(wire::sha256(body_bytes(10, number)), kSize))
        .has_value();
  };
  for (unsigned i = 0; i < 8; ++i) CHECK(piece(i, 0).status == 202);
  world.sim.run_for(std::chrono::minutes(50));
  CHECK(piece(8, 0).status == 503);
  CHECK(piece(0, 5).status == 202);  // too early, but somebody is there
  world.sim.run_for(std::chrono::minutes(15));
  CHECK(piece(8, 0).status == 202);
  CHECK(is_there(0));
  CHECK_FALSE(is_there(1));
  CHECK(is_there(2));
  CHECK(world.log.count_containing("it stood still") == 1);
  const auto resumed = piece(1, 1);
  CHECK(resumed.status == 202);
  CHECK(json::parse(resumed.body)["received"] == 0);
  CHECK(is_there(2));
  CHECK(json::parse(piece(1, 0).body)["received"] == 1);
  CHECK_FALSE(is_there(2));
}

TEST_CASE("of uploads that wait only so many are remembered, and the others are found on disk") {
  World world;
  for (std::size_t i = 0; i < coordinator::kUploadsMax + 5; ++i) {
    CHECK(world.piece(body_bytes(100, 100 + i), 0, 40).status == 202);
  }
  CHECK(json::parse(world.piece(body_bytes(100, 100), 0, 0).body)["received"] == 40);
}

}  // namespace fieldpost::test
