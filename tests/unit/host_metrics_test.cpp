#include "agent/sources/host_metrics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>

#include "proto/wire/batch_encoder.h"
#include "tests/support/fakes/fake_files.h"
#include "tests/support/fakes/fake_intake.h"
#include "tests/support/sim/sim_clock.h"
#include "tests/support/sim/sim_loop.h"
#include "tests/support/sim/sim_world.h"

using namespace std::chrono_literals;  // NOLINT
using namespace fieldpost;             // NOLINT

namespace {

struct Host {
  sim::SimWorld world{1};
  sim::SimLoop loop{world};
  sim::SimWallClock clock{world, "host"};
  sim::FakeFiles files;
  sim::FakeIntake intake;

  Host() {
    files.load(FIELDPOST_TEST_DATA_DIR "/host");
    files.put("/sys/block/vda/size", "1\n");
    files.spaces["/"] = {.bytes_total = 1000, .bytes_free = 250};
  }
  agent::HostMetrics start(agent::HostMetricsConfig config = {}) {
    return {loop, clock, files, intake, std::move(config)};
  }
  /// The text of a series' newest reading, "value @time".
  [[nodiscard]] std::string newest(const std::string& key) const {
    for (auto batch = intake.sampled.rbegin(); batch != intake.sampled.rend(); ++batch) {
      for (const std::string& reading : sim::readings_of(*batch)) {
        if (reading.starts_with(key + " = ")) return reading.substr(key.size() + 3);
      }
    }
    return "none";
  }
  [[nodiscard]] std::string value(const std::string& key) const {
    const std::string text = newest(key);
    return text.substr(0, text.find(" @"));
  }
  /// When a series' newest reading was measured: seconds since the world began.
  [[nodiscard]] std::int64_t second(const std::string& key) const {
    const std::string text = newest(key);
    return std::stoll(text.substr(text.find('@') + 1)) / 1'000'000'000 - 1'767'225'600;
  }
  /// Whether what came makes records.
  [[nodiscard]] bool encodes() const {
    wire::BatchEncoder encoder{wire::EncoderOptions{}};
    return encoder.encode({.pieces = intake.sampled, .boot_pieces = {}, .stamp = {}}).has_value();
  }
};

}  // namespace

TEST_CASE("host_metrics reads a recorded machine under Telegraf's names") {
  Host host;
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("mem total u B") == "25276514304u");
  CHECK(host.value("swap total u B") == "0u");
  CHECK(host.value("disk,device=vda,fstype=ext4,path=/ used_percent f %") == "75");
  CHECK(host.value("disk,device=vda,fstype=ext4,path=/ used u B") == "750u");
  CHECK(host.value("net,interface=eth0 err_in u") == "0u");
  CHECK(host.value("net,interface=lo bytes_recv u B") == "none");
  CHECK(host.value("system uptime u s") != "none");
  CHECK(host.value("system load15 f") != "none");
  CHECK(host.value("temp,sensor=coretemp_package_id_0 temp f °C") == "47");
  CHECK(host.value("temp,sensor=coretemp_temp2 temp f °C") == "45.5");
  CHECK(host.value("temp,sensor=coretemp_temp2_hwmon1 temp f °C") == "-3.25");
  CHECK(host.value("temp,sensor=x86_pkg_temp temp f °C") == "48");
  CHECK(source.health().errors == 0);
  CHECK(source.health().readings == host.intake.sampled.at(0).readings);
  CHECK(host.intake.sampled.at(0).readings_stamped == host.intake.sampled.at(0).readings);
}

TEST_CASE("cpu shares are percentages of the time between two ticks") {
  Host host;
  host.files.put("/proc/stat", "cpu  100 10 20 1000 5 0 0 0 40 0\ncpu0 1 1 1 1\nintr 9\n");
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("cpu,cpu=cpu-total usage_user f %") == "none");
  // 300 jiffies: 50 of them in a guest, which the kernel counts as user too; iowait steps back.
  host.files.put("/proc/stat", "cpu  200 10 20 1200 4 0 0 0 90 0\ncpu0 1 1 1 1\nintr 9\n");
  host.world.run_for(1s);
  CHECK(host.value("cpu,cpu=cpu-total usage_user f %") == "16.67");
  CHECK(host.value("cpu,cpu=cpu-total usage_guest f %") == "16.67");
  CHECK(host.value("cpu,cpu=cpu-total usage_idle f %") == "66.67");
  CHECK(host.value("cpu,cpu=cpu-total usage_iowait f %") == "0");
  CHECK(host.value("cpu,cpu=cpu0 usage_user f %") == "none");
}

TEST_CASE("each core is told of when asked for") {
  Host host;
  host.files.put("/proc/stat", "cpu  0 0 0 0\ncpu0 0 0 0 0\n");
  const auto source = host.start({.every = 1s, .per_core = true, .root = ""});
  host.world.run_for(100ms);
  host.files.put("/proc/stat", "cpu  10 0 0 10\ncpu0 5 0 0 15\n");
  host.world.run_for(1s);
  CHECK(host.value("cpu,cpu=cpu-total usage_user f %") == "50");
  CHECK(host.value("cpu,cpu=cpu0 usage_user f %") == "25");
}

TEST_CASE("all readings of a tick carry the wall clock's last multiple of the interval") {
  Host host;
  host.clock.set_offset(123456789ns);
  const auto source = host.start({.every = 250ms, .per_core = false, .root = ""});
  host.world.run_for(2s);
  REQUIRE(host.intake.sampled.size() == 9);
  std::int64_t before = 0;
  for (const auto& batch : host.intake.sampled) {
    const std::int64_t time = batch.columns.at(0).times.at(0);
    CHECK(time % 250'000'000 == 0);
    CHECK(time > before);
    before = time;
    for (const auto& column : batch.columns) CHECK(column.times == std::vector<std::int64_t>{time});
  }
}

TEST_CASE("a tick that fires just before its boundary is not read twice") {
  Host host;
  const auto source = host.start();
  host.world.run_for(500ms);
  host.clock.jump(-100ms);  // the next timer fires 100 ms early by the wall clock
  host.world.run_for(1200ms);
  REQUIRE(host.intake.sampled.size() == 2);
  CHECK(host.intake.sampled[0].columns[0].times != host.intake.sampled[1].columns[0].times);
}

TEST_CASE("a disk's sectors are told as bytes; loops and unused disks are left out") {
  Host host;
  host.files.put("/proc/diskstats",
                 "7 0 loop0 1 0 1 0 1 0 1 0 0 1 1\n"
                 "254 0 vda 11 12 3 14 15 16 4 18 19 20 21 1 2 3 4\n"
                 "254 1 vda1 11 12 3 14 15 16 4 18 19 20 21\n"
                 "254 16 vdb 0 0 0 0 0 0 0 0 0 0 0\n");
  host.files.put("/sys/block/loop0/size", "1");
  host.files.put("/sys/block/vdb/size", "1");
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("diskio,name=vda read_bytes u B") == "1536u");
  CHECK(host.value("diskio,name=vda write_bytes u B") == "2048u");
  CHECK(host.value("diskio,name=vda io_time u ms") == "20u");
  for (const char* name : {"loop0", "vda1", "vdb"}) {
    CHECK(host.value("diskio,name=" + std::string(name) + " reads u") == "none");
  }
}

TEST_CASE("mount points with escaped blanks are real paths; bind mounts are told of once") {
  Host host;
  host.files.put("/proc/self/mounts",
                 "/dev/sda1 /mnt/my\\040disk vfat rw 0 0\n"
                 "/dev/sda1 /mnt/again vfat rw 0 0\n"
                 "server:/x /mnt/net nfs4 rw 0 0\n"
                 "tmpfs /run tmpfs rw 0 0\n");
  host.files.spaces["/mnt/my disk"] = {.bytes_total = 10, .bytes_free = 10};
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("disk,device=sda1,fstype=vfat,path=/mnt/my\\ disk used u B") == "0u");
  CHECK(source.health().errors == 0);
}

TEST_CASE("a mount point that cannot be in a key is left out and counted, the rest is a record") {
  Host host;
  host.files.put("/proc/self/mounts",
                 "/dev/sda1 /mnt/a\\012b vfat rw 0 0\n"
                 "/dev/sdb1 /mnt/\xff vfat rw 0 0\n"
                 "/dev/sdc1 /mnt/good vfat rw 0 0\n");
  for (const char* path : {"/mnt/a\nb", "/mnt/\xff", "/mnt/good"}) {
    host.files.spaces[path] = {.bytes_total = 10, .bytes_free = 10};
  }
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("disk,device=sdc1,fstype=vfat,path=/mnt/good used u B") == "0u");
  CHECK(host.value("mem total u B") != "none");
  CHECK(source.health().errors == 8);
  CHECK(source.health().last_error ==
        "series key \"disk,device=sdb1,fstype=vfat,path=/mnt/\\xff used_pe...\": "
        "expected UTF-8 without line breaks");
  CHECK(host.encodes());
}

TEST_CASE("sensors of one chip with one label are told apart") {
  Host host;
  for (const char* input : {"temp5", "temp6", "temp7"}) {
    const std::string path = std::string("/sys/class/hwmon/hwmon0/") + input;
    host.files.put(path + "_label", "Same\n");
    host.files.put(path + "_input", std::string(1, input[4]) + "000\n");
  }
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("temp,sensor=coretemp_same temp f °C") == "5");
  CHECK(host.value("temp,sensor=coretemp_same_hwmon0 temp f °C") == "6");
  CHECK(host.value("temp,sensor=coretemp_same_hwmon0_temp7 temp f °C") == "7");
  CHECK(source.health().errors == 0);
  CHECK(host.encodes());
}

TEST_CASE("what two things of one name say is one reading, and the other is counted") {
  Host host;
  host.files.put("/proc/net/dev", "eth0: 1 2 3 4 5 6 7 8 9 10 11 12\neth0: 2 2 3\n");
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(host.value("net,interface=eth0 bytes_recv u B") == "1u");
  CHECK(source.health().errors == 8);
  CHECK(source.health().last_error == "two readings of net,interface=eth0 drop_out u");
  CHECK(host.encodes());
}

TEST_CASE("an unreadable file is counted and the rest is read all the same") {
  Host host;
  host.files.errors["/proc/meminfo"] = {rt::Errc::kIo, "reading /proc/meminfo: broken"};
  const auto source = host.start();
  host.world.run_for(100ms);
  CHECK(source.health().errors == 1);
  CHECK(source.health().last_error == "reading /proc/meminfo: broken");
  CHECK(host.value("mem total u B") == "none");
  CHECK(host.value("system load1 f") != "none");
}

TEST_CASE("garbage in /proc gives no readings and no crash") {
  Host host;
  for (const auto& [path, file] : std::map(host.files.files())) {
    host.files.put(path, std::string("cpu: -1 \\9 \xff 99999999999999999999999\n\\\\\\"));
  }
  const auto source = host.start();
  host.world.run_for(3s);
  CHECK(host.value("temp,sensor=x86_pkg_temp temp f °C") == "none");
  CHECK(host.value("mem total u B") == "none");
}

TEST_CASE("a stopped source leaves no timer behind") {
  Host host;
  {
    const auto source = host.start();
    host.world.run_for(100ms);
  }
  host.world.run_for(5s);
  CHECK(host.intake.sampled.size() == 1);
}

TEST_CASE(
    "a subject with a sampling hint is read as often as that says, the others as configured") {
  Host host;
  auto source = host.start({.every = 60s, .per_core = false, .root = ""});
  host.world.run_for(500ms);
  REQUIRE(host.intake.sampled.size() == 1);
  source.set_sampling({{{"swap", 2s}, {"mem", 1s}, {"soil", 100ms}}});
  host.world.run_for(10s);
  CHECK(host.intake.sampled.size() == 11);
  CHECK(host.second("mem total u B") == 10);
  CHECK(host.second("system load15 f") == 0);
  host.world.run_for(50s);
  CHECK(host.second("mem total u B") == 60);
  CHECK(host.second("system load15 f") == 60);
  CHECK(host.encodes());
}

TEST_CASE("without its hint a subject goes back to its interval, and nothing is measured twice") {
  Host host;
  auto source = host.start({.every = 60s, .per_core = false, .root = ""});
  source.set_sampling({{{"mem", 1s}, {"system", 1s}}});
  host.world.run_for(65'500ms);
  CHECK(host.second("mem total u B") == 65);
  source.set_sampling({{{"system", 1s}}});
  host.world.run_for(50s);
  CHECK(host.second("mem total u B") == 65);
  CHECK(host.second("system load15 f") == 115);
  source.set_sampling({});
  const std::size_t before = host.intake.sampled.size();
  host.world.run_for(10s);
  CHECK(host.intake.sampled.size() == before + 1);
  CHECK(host.second("mem total u B") == 120);
}

TEST_CASE("hints that say what holds already change nothing") {
  Host host;
  auto source = host.start();
  host.world.run_for(200ms);
  source.set_sampling({{{"mem", 1s}, {"soil", 100ms}}});
  host.world.run_for(500ms);
  CHECK(host.intake.sampled.size() == 1);
  for (const char* name : {"cpu", "mem", "swap", "system", "disk", "diskio", "net", "temp"}) {
    CHECK(source.obeys_hint_for(name));
  }
  CHECK_FALSE(source.obeys_hint_for("soil"));
}
