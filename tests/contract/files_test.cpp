#include <sys/stat.h>

#include "tests/contract/rigs.h"

namespace fieldpost::test {
namespace {

using rt::Errc;

TEST_CASE_TEMPLATE("what was written is read, whole or in part, and replaced as a whole", Rig,
                   RealFilesRig, SimFilesRig) {
  Rig rig;
  const std::string path = rig.path("key");
  REQUIRE(rig.files.write_durably(path, "first and longer", 0600));
  REQUIRE(rig.files.write_durably(path, "second", 0600));
  CHECK(*rig.files.read(path, 0, 100) == "second");
  CHECK(*rig.files.read(path, 3, 2) == "on");
  CHECK(rig.files.read(path, 100, 5)->empty());
  CHECK(rig.files.info(path)->size == 6);
  CHECK(*rig.files.list(rig.root()) == std::vector<std::string>{"key"});
}

TEST_CASE_TEMPLATE("a large file is read to its end", Rig, RealFilesRig, SimFilesRig) {
  Rig rig;
  const std::string large(300'000, 'x');
  REQUIRE(rig.files.write_durably(rig.path("large"), large, 0600));
  CHECK(*rig.files.read(rig.path("large"), 0, 1'000'000) == large);
  CHECK(rig.files.read(rig.path("large"), 1, 200'000)->size() == 200'000);
}

TEST_CASE_TEMPLATE("a file grows piece by piece, and pieces may be written again", Rig,
                   RealFilesRig, SimFilesRig) {
  Rig rig;
  const std::string path = rig.path("part");
  REQUIRE(rig.files.write_at(path, 0, "one two", 0600));
  REQUIRE(rig.files.write_at(path, 7, " three", 0600));
  REQUIRE(rig.files.write_at(path, 4, "TWO", 0600));
  REQUIRE(rig.files.sync(path));
  CHECK(*rig.files.read(path, 0, 100) == "one TWO three");
  REQUIRE(rig.files.write_at(path, 15, "!", 0600));
  CHECK(*rig.files.read(path, 13, 100) == std::string("\0\0!", 3));
  CHECK(rig.files.sync(rig.path("none")).error().code == Errc::kNotFound);
  CHECK(rig.files.write_at(rig.path("none/x"), 0, "", 0600).error().code == Errc::kNotFound);
}

TEST_CASE_TEMPLATE("a missing file is kNotFound, and removing it is no error", Rig, RealFilesRig,
                   SimFilesRig) {
  Rig rig;
  CHECK(rig.files.read(rig.path("none"), 0, 1).error().code == Errc::kNotFound);
  CHECK(rig.files.info(rig.path("none")).error().code == Errc::kNotFound);
  CHECK(rig.files.list(rig.path("none")).error().code == Errc::kNotFound);
  CHECK(rig.files.rename(rig.path("none"), rig.path("x")).error().code == Errc::kNotFound);
  CHECK(rig.files.space(rig.path("none")).error().code == Errc::kNotFound);
  CHECK(rig.files.write_durably(rig.path("none/x"), "", 0600).error().code == Errc::kNotFound);
  CHECK(rig.files.remove(rig.path("none")).has_value());
}

TEST_CASE_TEMPLATE("a directory is no file to be removed", Rig, RealFilesRig, SimFilesRig) {
  Rig rig;
  REQUIRE(rig.files.make_directories(rig.path("a/b")));
  for (const char* name : {"a", "a/b"}) {
    const auto removed = rig.files.remove(rig.path(name));
    REQUIRE_FALSE(removed.has_value());
    CHECK(removed.error().code == Errc::kInvalid);
    CHECK(rig.files.info(rig.path(name))->is_directory);
  }
}

TEST_CASE_TEMPLATE("renaming keeps the inode, removing removes, names come sorted", Rig,
                   RealFilesRig, SimFilesRig) {
  Rig rig;
  for (const char* name : {"b", "a", "c"}) {
    REQUIRE(rig.files.write_durably(rig.path(name), name, 0600));
  }
  const auto inode = rig.files.info(rig.path("b"))->inode;
  REQUIRE(rig.files.make_directories(rig.path("d/e/f")));
  REQUIRE(rig.files.make_directories(rig.path("d/e/f")));
  REQUIRE(rig.files.rename(rig.path("b"), rig.path("d/e/b")));
  CHECK(rig.files.info(rig.path("d/e/b"))->inode == inode);
  CHECK(inode != rig.files.info(rig.path("a"))->inode);
  REQUIRE(rig.files.remove(rig.path("c")));
  CHECK(*rig.files.list(rig.path("d/e")) == std::vector<std::string>{"b", "f"});
  CHECK(rig.files.read(rig.path("c"), 0, 1).error().code == Errc::kNotFound);
}

TEST_CASE_TEMPLATE("a directory goes with all that is in it, and no other", Rig, RealFilesRig,
                   SimFilesRig) {
  Rig rig;
  REQUIRE(rig.files.make_directories(rig.path("a/b")));
  REQUIRE(rig.files.make_directories(rig.path("ab")));
  for (const char* name : {"a/1", "a/b/2", "ab/3"}) {
    REQUIRE(rig.files.write_durably(rig.path(name), name, 0600));
  }
  REQUIRE(rig.files.remove_all(rig.path("a")));
  CHECK(*rig.files.list(rig.root()) == std::vector<std::string>{"ab"});
  CHECK(rig.files.list(rig.path("a")).error().code == Errc::kNotFound);
  CHECK(*rig.files.list(rig.path("ab")) == std::vector<std::string>{"3"});
  CHECK(rig.files.remove_all(rig.path("a")).has_value());
}

TEST_CASE_TEMPLATE("a file tells when it changed last, and a directory that it is one", Rig,
                   RealFilesRig, SimFilesRig) {
  Rig rig;
  REQUIRE(rig.files.make_directories(rig.path("d")));
  REQUIRE(rig.files.write_at(rig.path("d/a"), 0, "x", 0600));
  const auto before = *rig.files.info(rig.path("d/a"));
  CHECK(!before.is_directory);
  CHECK(rig.files.info(rig.path("d"))->is_directory);
  const auto changed = [&] {
    REQUIRE(rig.files.write_at(rig.path("d/a"), 0, "y", 0600));
    return rig.files.info(rig.path("d/a"))->modified > before.modified;
  };
  bool later = false;  // the kernel's clock for files moves in steps
  for (int i = 0; i < 1'000'000 && !later; ++i) later = changed();
  CHECK(later);
  const auto stamp = rig.files.info(rig.path("d/a"))->modified;
  REQUIRE(rig.files.rename(rig.path("d/a"), rig.path("b")));
  CHECK(rig.files.info(rig.path("b"))->modified == stamp);
  CHECK(rig.files.sync(rig.path("d")).has_value());
}

TEST_CASE_TEMPLATE("a link is followed, but not by who wants the name itself", Rig, RealFilesRig,
                   SimFilesRig) {
  Rig rig;
  REQUIRE(rig.files.write_durably(rig.path("key"), "secret", 0600));
  REQUIRE(rig.files.make_directories(rig.path("d")));
  rig.make_link("key", "link");
  rig.make_link("none", "dangling");
  CHECK(*rig.files.read(rig.path("link"), 0, 9) == "secret");
  CHECK(*rig.files.info(rig.path("link")) == *rig.files.info(rig.path("key")));
  CHECK(rig.files.info(rig.path("dangling")).error().code == Errc::kNotFound);
  CHECK(*rig.files.list(rig.root()) == std::vector<std::string>{"d", "dangling", "key", "link"});

  CHECK(*rig.files.read_no_follow(rig.path("key"), 2, 9) == "cret");
  for (const char* name : {"link", "dangling", "d"}) {
    INFO(name);
    CHECK(rig.files.read_no_follow(rig.path(name), 0, 9).error().code == Errc::kInvalid);
    CHECK(rig.files.info_no_follow(rig.path(name))->is_regular == false);
  }
  CHECK(*rig.files.info_no_follow(rig.path("key")) == *rig.files.info(rig.path("key")));
  CHECK(rig.files.info_no_follow(rig.path("key"))->is_regular);
  CHECK(rig.files.info_no_follow(rig.path("d"))->is_directory);
  CHECK(rig.files.info_no_follow(rig.path("none")).error().code == Errc::kNotFound);
  CHECK(rig.files.read_no_follow(rig.path("none"), 0, 9).error().code == Errc::kNotFound);

  REQUIRE(rig.files.rename(rig.path("link"), rig.path("moved")));
  CHECK(*rig.files.read(rig.path("moved"), 0, 9) == "secret");
  REQUIRE(rig.files.remove(rig.path("moved")));
  CHECK(*rig.files.read(rig.path("key"), 0, 9) == "secret");
}

TEST_CASE("a pipe that nobody writes to is not waited for") {
  RealFilesRig rig;
  REQUIRE(::mkfifo(rig.path("pipe").c_str(), 0600) == 0);
  CHECK_FALSE(rig.files.info_no_follow(rig.path("pipe"))->is_regular);
  CHECK(rig.files.read_no_follow(rig.path("pipe"), 0, 9).error().code == Errc::kInvalid);
}

TEST_CASE_TEMPLATE("the space of a disk is known", Rig, RealFilesRig, SimFilesRig) {
  Rig rig;
  REQUIRE(rig.files.write_durably(rig.path("a"), "x", 0600));
  const auto space = rig.files.space(rig.path("a"));
  REQUIRE(space.has_value());
  CHECK(space->bytes_free > 0);
  CHECK(space->bytes_free <= space->bytes_total);
}

TEST_CASE("a file gets the mode that was asked for, and no temporary file stays") {
  RealFilesRig rig;
  REQUIRE(rig.files.write_durably(rig.path("key"), "secret", 0600));
  struct stat found {};
  REQUIRE(::stat(rig.path("key").c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0600);
  REQUIRE(rig.files.make_directories(rig.path("taken/x")));
  CHECK_FALSE(rig.files.write_durably(rig.path("taken"), "x", 0600).has_value());
  CHECK(*rig.files.list(rig.root()) == std::vector<std::string>{"key", "taken"});
}

TEST_CASE("a full simulated disk and a failing one are told apart") {
  SimFilesRig rig;
  rig.disk.set_bytes_max(10);
  CHECK(rig.files.write_durably(rig.path("a"), "more than ten bytes", 0600).error().code ==
        Errc::kFull);
  CHECK(rig.files.list("/data")->empty());
  rig.disk.heal();
  rig.disk.fail({.calls = static_cast<unsigned>(sim::DiskCall::kSync)});
  CHECK(rig.files.write_durably(rig.path("a"), "x", 0600).error().code == Errc::kIo);
  CHECK(rig.files.write_durably(rig.path("a"), "x", 0600).has_value());
}

}  // namespace
}  // namespace fieldpost::test
