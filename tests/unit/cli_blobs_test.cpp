// Files as bodies, from the command line.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/sha256.h"
#include "tests/support/cli_world.h"
#include "tests/support/sample_bodies.h"
#include "tests/support/temp_directory.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using test::CliWorld;

struct Desk : CliWorld {
  explicit Desk(std::string content) : bytes(std::move(content)) {
    char name[] = "/tmp/fieldpost-blob-XXXXXX";
    const int fd = ::mkstemp(name);
    REQUIRE(fd >= 0);
    ::close(fd);
    path = name;
    std::ofstream(path, std::ios::binary) << bytes;
    options.files = {path};
    options.measurement = "camera";
    options.time = "7";
    options.type = "image/jpeg";
  }
  ~Desk() { std::remove(path.c_str()); }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  [[nodiscard]] std::string target(std::uint64_t offset) const {
    return fmt::format(
        "/api/v1/blobs?measurement=camera&sha256={}&size={}&name={}&time=7&offset={}",
        wire::sha256(bytes).hex(), bytes.size(), path.substr(path.rfind('/') + 1), offset);
  }
  void received(std::uint64_t offset, std::uint64_t bytes_there) {
    answer(target(offset), fmt::format(R"({{"received":{}}})", bytes_there), 202);
  }
  void done(std::uint64_t offset) {
    answer(target(offset), fmt::format(R"({{"sha256":"{}"}})", wire::sha256(bytes).hex()), 201);
  }

  std::string bytes, path;
  BlobOptions options;
};

constexpr std::uint64_t kPiece = 8 << 20;

/// HEAD and GET of a body; `size` when it is another than that of the first answer.
void answer_blob(CliWorld& world, const std::string& path, const std::string& tag,
                 const std::string& bytes, std::size_t size = 0, int status = 200) {
  const std::string length = std::to_string(size == 0 ? bytes.size() : size);
  world.fetcher.answers["HEAD " + path].emplace_back(
      Fetched{200, "", {{"etag", '"' + tag + '"'}, {"content-length", length}}, 0});
  world.answer(path, bytes, status);
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::ptrdiff_t files_in(const test::TempDirectory& directory) {
  return std::distance(std::filesystem::directory_iterator(directory.path()), {});
}

}  // namespace

TEST_CASE("a small file goes in one request") {
  Desk desk("bytes");
  desk.done(0);
  CHECK(run_write_blobs(desk.context, desk.options) == kExitDone);
  REQUIRE(desk.fetcher.asked.size() == 1);
  CHECK(desk.fetcher.asked[0].method == "POST");
  CHECK(desk.fetcher.asked[0].body == "bytes");
  CHECK(desk.fetcher.asked[0].headers.front().second == "image/jpeg");
  CHECK(desk.out() == "ok " + wire::sha256("bytes").hex() + " " + desk.path + "\n");
}

TEST_CASE("a large file goes in pieces, and what is there already is not sent again") {
  Desk desk(test::body_bytes(2 * kPiece + 10, 1));
  desk.received(0, kPiece);
  desk.received(kPiece, 2 * kPiece);
  desk.done(2 * kPiece);
  CHECK(run_write_blobs(desk.context, desk.options) == kExitDone);
  REQUIRE(desk.fetcher.asked.size() == 3);
  CHECK(desk.fetcher.asked[0].body.empty());
  CHECK(desk.fetcher.asked[1].body.size() == kPiece);
  CHECK(desk.fetcher.asked[2].body == desk.bytes.substr(2 * kPiece));
}

TEST_CASE("a piece is offered again while the server is away or full, and a refusal is the end") {
  Desk desk("bytes");
  desk.answer_error(desk.target(0), {rt::Errc::kUnavailable, "away"});
  desk.answer(desk.target(0), R"({"detail":"full"})", 503);
  desk.done(0);
  CHECK(run_write_blobs(desk.context, desk.options) == kExitDone);
  CHECK(desk.pauses == std::vector<std::int64_t>{500, 1000});
  Desk refused("bytes");
  refused.answer(refused.target(0), R"({"detail":"no such type"})", 400);
  CHECK(run_write_blobs(refused.context, refused.options) == kExitUsage);
  CHECK(refused.err().find("no such type") != std::string::npos);
  Desk conflicting("bytes");
  conflicting.answer(conflicting.target(0), R"({"detail":"not now"})", 409);
  CHECK(run_write_blobs(conflicting.context, conflicting.options) == kExitFailed);
  CHECK(conflicting.pauses.empty());
}

TEST_CASE("a server that never has more than before is not asked for ever") {
  Desk desk(test::body_bytes(2 * kPiece + 10, 2));
  desk.received(0, 0);
  CHECK(run_write_blobs(desk.context, desk.options) == kExitFailed);
  CHECK(desk.fetcher.asked.size() < 10);
}

TEST_CASE("what is wrong with a file or its options is said before anything is sent") {
  Desk desk("bytes");
  const auto fails = [&desk](auto&& change) {
    BlobOptions options = desk.options;
    change(options);
    return run_write_blobs(desk.context, options) != kExitDone;
  };
  CHECK(fails([](auto& o) { o.files = {"/no/such/file"}; }));
  CHECK(fails([](auto& o) { o.files = {"/tmp"}; }));
  CHECK(fails([](auto& o) { o.measurement.clear(); }));
  CHECK(fails([](auto& o) { o.tags = {"x"}; }));
  CHECK(fails([](auto& o) { o.files.push_back("b"); }));
  CHECK(Desk("").fetcher.asked.empty());
  Desk empty("");
  CHECK(run_write_blobs(empty.context, empty.options) == kExitUsage);
  CHECK(desk.fetcher.asked.empty());
}

TEST_CASE("a body is fetched into a file, by its hash or as the last of a series") {
  const test::TempDirectory directory;
  const std::string output = directory.file("frame.jpg");
  CliWorld world;
  const std::string hash = wire::sha256("last bytes").hex();
  answer_blob(world, "/api/v1/blobs/abc", "abc", "bytes");
  answer_blob(world, "/api/v1/blobs/last?series=7", hash, "");
  answer_blob(world, "/api/v1/blobs/" + hash, hash, "last bytes");
  CHECK(run_get_blob(world.context, {"abc", 0, output}) == kExitDone);
  CHECK(content_of(output) == "bytes");
  CHECK(run_get_blob(world.context, {"last", 7, ""}) == kExitDone);
  CHECK(world.out() == "last bytes");
  CHECK(run_get_blob(world.context, {"last", 7, output}) == kExitDone);
  CHECK(content_of(output) == "last bytes");
  CHECK(run_get_blob(world.context, {"last", 0, ""}) == kExitUsage);
  CHECK(run_get_blob(world.context, {"abc", 7, ""}) == kExitUsage);
  CHECK(files_in(directory) == 1);
}

TEST_CASE("a file stays as it is until the body that takes its place is whole") {
  const test::TempDirectory directory;
  const std::string output = directory.file("frame.jpg");
  std::ofstream(output) << "before";
  CliWorld world;
  CHECK(run_get_blob(world.context, {"none", 0, output}) == kExitFailed);
  CHECK(world.err() == "fieldpost: no body of this sha256 is there and complete\n");
  CHECK(run_get_blob(world.context, {"last", 9, output}) == kExitFailed);
  CHECK(content_of(output) == "before");
  CHECK(files_in(directory) == 1);

  const std::string path = "/api/v1/blobs/abc";
  answer_blob(world, path, "abc", "by", 5);
  world.answer_error(path, {rt::Errc::kUnavailable, "away"});
  world.fetcher.breaks_off = 1;
  CHECK(run_get_blob(world.context, {"abc", 0, output}) == kExitUnreachable);
  CHECK(content_of(output) == "before");
  CHECK(content_of(output + ".abc.part") == "by");

  CliWorld again;
  answer_blob(again, path, "abc", "tes", 5, 206);
  CHECK(run_get_blob(again.context, {"abc", 0, output}) == kExitDone);
  CHECK(content_of(output) == "bytes");
  CHECK(files_in(directory) == 1);
}

}  // namespace fieldpost::cli
