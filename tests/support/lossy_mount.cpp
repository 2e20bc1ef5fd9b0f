#include "tests/support/lossy_mount.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>

#include "proto/rt/result.h"
#include "tests/support/real_site.h"

namespace fieldpost::test {

namespace {

using namespace std::chrono_literals;

constexpr auto kMountMost = 10s;

std::string made_directory(std::string path) {
  std::filesystem::create_directory(path);
  return path;
}

dev_t device_of(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 ? status.st_dev : 0;
}

}  // namespace

bool LossyMount::possible() {
  return ::access("/dev/fuse", R_OK | W_OK) == 0;
}

LossyMount::LossyMount(Syncs syncs)
    : lower_(made_directory(directory_.file("lower"))),
      mounted_(made_directory(directory_.file("mounted"))),
      layer_({FIELDPOST_FUSE_LOSSY, syncs == Syncs::kHeeded ? "heed" : "ignore", lower_, mounted_},
             directory_.file("layer.log")) {
  const dev_t before = device_of(mounted_);
  layer_.start();
  FP_CHECK(wait_until(kMountMost, [&] {
    const dev_t now = device_of(mounted_);
    return now != 0 && now != before;
  }));
}

LossyMount::~LossyMount() {
  layer_.stop();
}

void LossyMount::cut_power(int kept_percent) {
  const std::string value = std::to_string(kept_percent);
  FP_CHECK(::setxattr(mounted_.c_str(), "user.keep_unsynced", value.data(), value.size(), 0) == 0);
}

}  // namespace fieldpost::test
