// The disk of the power cuts forgets what was not synced, and nothing else: otherwise they would
// show nothing.
#include "tests/support/lossy_mount.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "proto/rt/result.h"
#include "tests/support/may_skip.h"

namespace fieldpost::test {
namespace {

/// All of it stays, or none: what is not synced.
constexpr int kNone = 0, kAll = 100;

bool no_disk() {
  if (LossyMount::possible()) return false;
  REQUIRE(may_skip("/dev/fuse is not to be had, so nothing was shown about the disk that forgets"));
  return true;
}

/// An open file or directory, closed at the end of the scope.
class Opened {
 public:
  Opened(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {
    FP_CHECK(fd_ >= 0);
  }
  ~Opened() { ::close(fd_); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  void write(std::string_view bytes, off_t at) const {
    FP_CHECK(::pwrite(fd_, bytes.data(), bytes.size(), at) == static_cast<ssize_t>(bytes.size()));
  }
  void cut_to(off_t size) const { FP_CHECK(::ftruncate(fd_, size) == 0); }
  void sync() const { FP_CHECK(::fsync(fd_) == 0); }
  void sync_data() const { FP_CHECK(::fdatasync(fd_) == 0); }

 private:
  int fd_;
};

void sync_directory(const std::string& path) {
  Opened(path, O_RDONLY | O_DIRECTORY).sync();
}

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_there(const std::string& path) {
  return std::filesystem::exists(path);
}

/// With a file `old` of "0123456789", all of it lasting.
struct Disk {
  explicit Disk(Syncs syncs = Syncs::kHeeded) : mount(syncs) {
    const Opened file(old, O_RDWR | O_CREAT);
    file.write("0123456789", 0);
    file.sync();
    sync_directory(mount.path());
  }
  [[nodiscard]] std::string path(const std::string& name) const {
    return mount.path() + "/" + name;
  }

  LossyMount mount;
  std::string old = path("old");
};

TEST_CASE("bytes that were not synced are gone after a power cut") {
  if (no_disk()) return;
  Disk disk;
  {
    const Opened file(disk.old, O_RDWR);
    file.write("xyz", 2);
    file.write("longer", 10);
  }
  CHECK(text_of(disk.old) == "01xyz56789longer");
  disk.mount.cut_power(kNone);
  CHECK(text_of(disk.old) == "0123456789");
  Opened(disk.old, O_RDWR).cut_to(4);
  CHECK(text_of(disk.old) == "0123");
  disk.mount.cut_power(kNone);
  CHECK(text_of(disk.old) == "0123456789");
}

TEST_CASE("bytes that were synced stay, and what was written after the sync does not") {
  if (no_disk()) return;
  Disk disk;
  {
    const Opened file(disk.old, O_RDWR);
    file.write("A", 0);
    file.sync();
    file.write("B", 1);
    file.sync_data();
    file.write("C", 2);
  }
  disk.mount.cut_power(kNone);
  CHECK(text_of(disk.old) == "AB23456789");
}

TEST_CASE("a sync of one file makes nothing of another lasting") {
  if (no_disk()) return;
  Disk disk;
  {
    const Opened file(disk.old, O_RDWR), other(disk.path("other"), O_RDWR | O_CREAT);
    file.write("A", 0);
    other.write("B", 0);
    other.sync();
  }
  disk.mount.cut_power(kNone);
  CHECK(text_of(disk.old) == "0123456789");
}

TEST_CASE("a new file stays only when its directory was synced") {
  if (no_disk()) return;
  Disk disk;
  for (const char* name : {"lasting", "forgotten"}) {
    const Opened file(disk.path(name), O_RDWR | O_CREAT);
    file.write("bytes", 0);
    file.sync();
    if (std::string_view(name) == "lasting") sync_directory(disk.mount.path());
  }
  disk.mount.cut_power(kNone);
  CHECK(text_of(disk.path("lasting")) == "bytes");
  CHECK_FALSE(is_there(disk.path("forgotten")));
}

TEST_CASE("a directory, a rename and a removal stay only when the directory was synced") {
  if (no_disk()) return;
  Disk disk;
  const std::string fresh = disk.path("fresh"), moved = disk.path("moved");
  const auto change = [&] {
    std::filesystem::create_directory(fresh);
    std::filesystem::rename(disk.old, moved);
  };
  change();
  disk.mount.cut_power(kNone);
  CHECK_FALSE(is_there(fresh));
  CHECK_FALSE(is_there(moved));
  CHECK(text_of(disk.old) == "0123456789");
  change();
  sync_directory(disk.mount.path());
  std::filesystem::remove(moved);
  CHECK_FALSE(is_there(moved));
  disk.mount.cut_power(kNone);
  CHECK(is_there(fresh));
  CHECK_FALSE(is_there(disk.old));
  CHECK(text_of(moved) == "0123456789");
  std::filesystem::remove(moved);
  sync_directory(disk.mount.path());
  disk.mount.cut_power(kNone);
  CHECK_FALSE(is_there(moved));
}

TEST_CASE("a rename over a file brings both back") {
  if (no_disk()) return;
  Disk disk;
  {
    const Opened file(disk.path("new"), O_RDWR | O_CREAT);
    file.write("new", 0);
    file.sync();
    sync_directory(disk.mount.path());
  }
  std::filesystem::rename(disk.path("new"), disk.old);
  CHECK(text_of(disk.old) == "new");
  disk.mount.cut_power(kNone);
  CHECK(text_of(disk.old) == "0123456789");
  CHECK(text_of(disk.path("new")) == "new");
}

TEST_CASE("of what was not synced a power cut may leave the oldest part") {
  if (no_disk()) return;
  Disk disk;
  const auto write_four = [&] {
    const Opened file(disk.old, O_RDWR);
    for (off_t at = 0; at < 4; ++at) file.write("x", at);
  };
  write_four();
  disk.mount.cut_power(50);
  CHECK(text_of(disk.old) == "xx23456789");
  write_four();
  disk.mount.cut_power(kAll);
  CHECK(text_of(disk.old) == "xxxx456789");
  disk.mount.cut_power(kNone);  // what a cut left is lasting
  CHECK(text_of(disk.old) == "xxxx456789");
}

TEST_CASE("a disk that ignores syncs keeps nothing") {
  if (no_disk()) return;
  Disk disk(Syncs::kIgnored);
  CHECK(text_of(disk.old) == "0123456789");
  disk.mount.cut_power(kNone);
  CHECK_FALSE(is_there(disk.old));
}

}  // namespace
}  // namespace fieldpost::test
