// What a worker does in the directory of a file_drop: which file goes, and which never does.
#include "agent/sources/drop_directory.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"

namespace fieldpost::agent {
namespace {

using rt::Errc;
using Names = std::vector<std::string>;

struct Directory {
  Directory() { REQUIRE(files.make_directories("/drop")); }
  void put(const std::string& name, const std::string& bytes) {
    REQUIRE(files.write_at("/drop/" + name, 0, bytes, 0640));
  }
  [[nodiscard]] StoredFile stored(const std::string& name) {
    return {name, *files.info_no_follow("/drop/" + name),
            wire::sha256(*files.read("/drop/" + name, 0, 1000))};
  }
  [[nodiscard]] Names left() { return *files.list("/drop"); }
  [[nodiscard]] Names seen() {
    const auto found = scan_drop(files, {"/drop", "*.jpg", 1000, {}});
    Names out;
    for (const DroppedFile& file : found->files) out.push_back(file.name);
    return out;
  }
  void fail(sim::DiskCall call) { disk.fail({.calls = static_cast<unsigned>(call)}); }

  sim::SimDisk disk;
  sim::SimFiles files{disk};
};

}  // namespace

TEST_CASE("a file that could not be deleted keeps the name that it got for that, and is seen") {
  Directory drop;
  drop.put("a.jpg", "bytes");
  const StoredFile file = drop.stored("a.jpg");
  drop.fail(sim::DiskCall::kRemove);
  const PutAway put = put_away(drop.files, "/drop", file, "");
  CHECK(put.status.error().code == Errc::kIo);
  CHECK(put.name == ".fieldpost-a.jpg");
  CHECK(dropped_name(put.name) == "a.jpg");
  CHECK(drop.seen() == Names{".fieldpost-a.jpg"});
  CHECK(put_away(drop.files, "/drop", {put.name, file.info, file.hash}, "").status.has_value());
  CHECK(drop.left().empty());
}

TEST_CASE("a file that could not be moved goes under the name with which it was dropped") {
  Directory drop;
  drop.put(".fieldpost-a.jpg", "bytes");
  const PutAway put = put_away(drop.files, "/drop", drop.stored(".fieldpost-a.jpg"), "/done");
  CHECK(put.status.has_value());
  CHECK(drop.left().empty());
  CHECK(*drop.files.list("/done") == Names{"a.jpg"});
}

TEST_CASE("a file that could not be renamed stays as it is") {
  Directory drop;
  drop.put("a.jpg", "bytes");
  const StoredFile file = drop.stored("a.jpg");
  drop.fail(sim::DiskCall::kRename);
  const PutAway put = put_away(drop.files, "/drop", file, "");
  CHECK(put.status.error().code == Errc::kIo);
  CHECK(put.name == "a.jpg");
  CHECK(drop.left() == Names{"a.jpg"});
}

TEST_CASE("another file under the name stays, and one that is gone is no error") {
  Directory drop;
  for (const std::string name : {"a.jpg", ".fieldpost-b.jpg"}) {
    INFO(name);
    drop.put(name, "one");
    const StoredFile file = drop.stored(name);
    drop.put(name, "two");
    CHECK(put_away(drop.files, "/drop", file, "").status.has_value());
    CHECK(*drop.files.read("/drop/" + name, 0, 9) == "two");
    REQUIRE(drop.files.remove("/drop/" + name));
    CHECK(put_away(drop.files, "/drop", file, "").status.has_value());
  }
}

TEST_CASE("a file that takes the name in the moment before it is given up stays") {
  Directory drop;
  drop.put("a.jpg", "stored");
  const StoredFile file = drop.stored("a.jpg");
  drop.files.before_rename([&] {
    REQUIRE(drop.files.remove("/drop/a.jpg"));
    drop.put("a.jpg", "new");
  });
  CHECK(put_away(drop.files, "/drop", file, "").status.has_value());
  CHECK(drop.seen() == Names{".fieldpost-a.jpg"});
  CHECK(drop.files.read("/drop/.fieldpost-a.jpg", 0, 9).value_or("") == "new");
}

TEST_CASE("no file that waits to be taken loses its name to one that is put away") {
  Directory drop;
  drop.put(".fieldpost-a.jpg", "waits");
  drop.put("a.jpg", "stored");
  const StoredFile file = drop.stored("a.jpg");
  const PutAway put = put_away(drop.files, "/drop", file, "");
  CHECK(put.status.error().code == Errc::kBusy);
  CHECK(put.name == "a.jpg");
  CHECK(drop.seen() == Names{".fieldpost-a.jpg", "a.jpg"});
  CHECK(*drop.files.read("/drop/.fieldpost-a.jpg", 0, 9) == "waits");
}

TEST_CASE("a name that leaves no room for another one is put away as it is") {
  Directory drop;
  const std::string name = std::string(251, 'x') + ".jpg";
  drop.put(name, "bytes");
  const StoredFile file = drop.stored(name);
  drop.fail(sim::DiskCall::kRemove);
  CHECK(put_away(drop.files, "/drop", file, "").name == name);
  CHECK(put_away(drop.files, "/drop", file, "").status.has_value());
  CHECK(drop.left().empty());
}

TEST_CASE("names that begin with a dot are not seen, whatever follows") {
  Directory drop;
  for (const char* name : {".a.jpg", ".fieldpost-", ".fieldpost-.jpg", ".fieldpost-a.txt"}) {
    drop.put(name, "bytes");
  }
  CHECK(drop.seen().empty());
}

}  // namespace fieldpost::agent
