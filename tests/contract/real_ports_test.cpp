// What only ports of the operating system have.
#include <filesystem>
#include <fstream>
#include <optional>

#include "firmware-bridge/ports/port_owner.h"
#include "firmware-bridge/ports/port_rights.h"
#include "tests/contract/port_rigs.h"
#include "tests/support/raw_client.h"

namespace fieldpost::test {
namespace {

TEST_CASE("a real listener takes addresses of this host only") {
  RealPortsRig rig;
  const auto ignore = [](const std::string&, const std::function<void(rt::Status)>&) {};
  for (const std::string text : {"udp://192.0.2.1:0", "http://192.0.2.1:0/a", "udp://nowhere:0"}) {
    INFO("address ", text);
    const auto address = parse_port_address(text);
    REQUIRE(address.has_value());
    const auto listening = rig.ports->listen(*address, ignore);
    REQUIRE_FALSE(listening.has_value());
    CHECK(listening.error().code == Errc::kInvalid);
  }
}

TEST_CASE("a real message by HTTP is answered, and a listener may go inside one") {
  RealPortsRig rig;
  Ear ear(rig, "http://127.0.0.1:0/a");
  const std::string post = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n";
  RawClient client(ear.listener->address());
  client.send(post + "one");
  CHECK(rig.run_until([&] {
    client.poll();
    return !client.got().empty();
  }));
  CHECK(client.got().starts_with("HTTP/1.1 204 "));
  ear.leaves = true;
  client.send(post + "two");
  CHECK(rig.run_until([&] {
    client.poll();
    return client.closed();
  }));
  CHECK(ear.messages == std::vector<std::string>{"one", "two"});
}

TEST_CASE("an address of a serial server is no name, and nobody is asked for it") {
  RealPortsRig rig;
  // As a name it would not be found: no interface is called so.
  const auto opened = open_port(rig, "tcp://[fe80::1%nowhere]:2000");
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::kUnavailable);
  INFO(opened.error().message);
  CHECK(opened.error().message.find("the name") == std::string::npos);
}

TEST_CASE("a real file that is no tty is refused, and not touched") {
  RealPortsRig rig;
  const std::string file = rig.serial.directory() + "/file";
  std::ofstream(file) << "precious";
  CHECK(refusal(rig, file) == Errc::kInvalid);
  CHECK(refusal(rig, "/dev/null") == Errc::kInvalid);
  CHECK(std::filesystem::file_size(file) == 8);
}

TEST_CASE("a real port that is dropped does not wait until its board takes what is unsent") {
  RealPortsRig rig;
  rig.serial.plug();
  Talk talk(rig, rig.serial.address());
  constexpr std::size_t kMuch = 64 * 1024;  // more than the kernel keeps of a pty
  talk.port->send(std::string(kMuch, 'x'));
  rig.run_for(rt::Millis{50});
  const std::size_t taken = kMuch - talk.port->unsent();
  REQUIRE(taken < kMuch);
  talk.port.reset();
  for (int i = 0; i < 5; ++i) {
    rig.run_for(rt::Millis{10});
    static_cast<void>(rig.serial.sent());
  }
  CHECK(rig.serial.sent().size() < taken);
}

TEST_CASE("a process that has a real port open is named, though it locks nothing") {
  RealPortsRig rig;
  rig.serial.plug();
  rt::ProcessSpawner spawner(rig.loop);
  std::string said;
  const std::string script = "exec 3<>'" + rig.serial.address() + "'; echo up; exec sleep 1000";
  rt::SpawnOptions options;
  options.argv = {"sh", "-c", script};
  auto child =
      spawner.spawn(options, {.on_stdout = [&](const std::string& bytes) { said += bytes; },
                              .on_stderr = [](const std::string&) {},
                              .on_exit = [](rt::ExitStatus) {}});
  REQUIRE(child.has_value());
  REQUIRE(rig.run_until([&] { return said == "up\n"; }));
  // The shell has become another program by then, or not yet.
  const auto opened = open_port(rig, rig.serial.address());
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().code == Errc::kBusy);
  CHECK(opened.error().message.find("(pid ") != std::string::npos);
  child->reset();
  std::optional<Opening> free;
  const auto address = parse_port_address(rig.serial.address());
  REQUIRE(address.has_value());
  CHECK(rig.run_until([&] {  // a killed process closes its files a little later
    if (free && free->has_value()) return true;
    rig.ports->open(*address, {}, [&](Opening opening) { free.emplace(std::move(opening)); });
    return false;
  }));
}

TEST_CASE("the owner of a device is found by the device, not by its name") {
  const TempDirectory proc;
  const auto add = [&](const std::string& pid, const std::string& name, const std::string& open) {
    std::filesystem::create_directories(proc.file(pid + "/fd"));
    std::ofstream(proc.file(pid + "/comm")) << name << "\n";
    std::filesystem::create_symlink(open, proc.file(pid + "/fd/5"));
  };
  add("999999991", "other", "/dev/zero");
  add("self", "no number", "/dev/null");
  CHECK_FALSE(bridge::find_port_owner("/dev/null", proc.path()).has_value());
  add("999999992", "minicom", "/dev/null");
  const std::string link = proc.file("link");
  std::filesystem::create_symlink("/dev/null", link);
  const auto owner = bridge::find_port_owner(link, proc.path());
  REQUIRE(owner.has_value());
  CHECK(owner->pid == 999999992);
  CHECK(bridge::name_port_owner(owner) == "minicom (pid 999999992)");
  CHECK(bridge::name_port_owner(std::nullopt) == "another user's process");
  CHECK_FALSE(bridge::find_port_owner(proc.file("nothing"), proc.path()).has_value());
}

TEST_CASE("the rights to a device are those of the device, also behind a link") {
  const TempDirectory dev;
  std::ofstream(dev.file("ttyUSB0")) << "";
  std::filesystem::permissions(dev.file("ttyUSB0"), std::filesystem::perms{0600});
  std::filesystem::create_symlink("ttyUSB0", dev.file("by-path"));
  const bridge::DeniedPort port = bridge::look_at_rights(dev.file("by-path"));
  CHECK(port.path == dev.file("by-path"));
  CHECK(port.kernel_name == "ttyUSB0");
  CHECK(port.mode == 0600);
  CHECK(port.owner == port.user);
  CHECK(port.rights_suffice);
  CHECK(bridge::look_at_rights(dev.file("nothing")).kernel_name == "nothing");
}

TEST_CASE("the owner of a device is named in full, where its command line tells no other name") {
  const TempDirectory proc;
  std::filesystem::create_directories(proc.file("999999993/fd"));
  std::filesystem::create_symlink("/dev/null", proc.file("999999993/fd/5"));
  std::ofstream(proc.file("999999993/comm")) << "fieldpost-bridg\n";
  const auto name_for = [&](const std::string& command_line) {
    std::ofstream(proc.file("999999993/cmdline"), std::ios::binary) << command_line;
    return bridge::find_port_owner("/dev/null", proc.path()).value().name;
  };
  const std::string end(1, '\0');
  CHECK(name_for("/usr/bin/fieldpost-bridge" + end + "--config" + end + "/etc/x" + end) ==
        "fieldpost-bridge");
  CHECK(name_for("fieldpost-bridge-2") == "fieldpost-bridge-2");
  CHECK(name_for("/usr/bin/python3" + end + "fieldpost-bridge" + end) == "fieldpost-bridg");
  CHECK(name_for("fieldpost-bridge\nerror: no" + end) == "fieldpost-bridg");
  CHECK(name_for("") == "fieldpost-bridg");
  CHECK(name_for("/usr/bin/" + end) == "fieldpost-bridg");
}

/// The part of sysfs that tells of serial ports.
class DeviceTree {
 public:
  DeviceTree() { trees_.sys = directory_.file("sys"), trees_.dev = directory_.file("dev"); }
  [[nodiscard]] const bridge::DeviceTrees& trees() const { return trees_; }
  [[nodiscard]] std::string dev(const std::string& name) const { return trees_.dev + "/" + name; }

  void add_usb(const std::string& tty, const std::string& bus, const std::string& product,
               const std::string& serial) {
    const std::string device = trees_.sys + "/devices/" + bus;
    write(device + "/idVendor", "2341\n");
    write(device + "/idProduct", product + "\n");
    if (!serial.empty()) write(device + "/serial", serial + "\n");
    const std::string interface = device + "/" + bus + ":1.0";
    add_tty(tty, interface);
  }
  void add_chip(const std::string& tty, const std::string& type) {
    add_tty(tty, trees_.sys + "/devices/platform");
    write(trees_.sys + "/class/tty/" + tty + "/type", type + "\n");
  }
  void add_terminal(const std::string& tty) {
    std::filesystem::create_directories(trees_.sys + "/class/tty/" + tty);
  }
  void link_by_id(const std::string& name, const std::string& tty) {
    std::filesystem::create_directories(dev("serial/by-id"));
    std::filesystem::create_symlink("../../" + tty, dev("serial/by-id/" + name));
  }

 private:
  static void write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
  }
  void add_tty(const std::string& tty, const std::string& device) {
    std::filesystem::create_directories(device);
    std::filesystem::create_directories(trees_.sys + "/class/tty/" + tty);
    std::filesystem::create_symlink(device, trees_.sys + "/class/tty/" + tty + "/device");
    if (!std::filesystem::exists(dev(tty))) write(dev(tty), "");
  }

  TempDirectory directory_;
  bridge::DeviceTrees trees_;
};

TEST_CASE("serial ports are listed with what is behind them, terminals and empty places are not") {
  DeviceTree tree;
  tree.add_usb("ttyUSB0", "1-2", "0042", "");
  tree.add_usb("ttyACM0", "1-1", "0043", "A\x01 1");
  tree.add_chip("ttyS0", "4");
  tree.add_chip("ttyS1", "0");
  tree.add_terminal("tty1");
  tree.link_by_id("usb-Arduino-if00", "ttyACM0");
  const auto ports = bridge::list_serial_ports(tree.trees());
  REQUIRE(ports.size() == 3);
  CHECK(ports[0].path == tree.dev("ttyACM0"));
  CHECK(ports[0].by_id == tree.dev("serial/by-id/usb-Arduino-if00"));
  REQUIRE(ports[0].usb.has_value());
  CHECK(ports[0].usb->vendor == 0x2341);
  CHECK(ports[0].usb->product == 0x43);
  CHECK(ports[0].usb->serial == "A? 1");
  CHECK(ports[1].path == tree.dev("ttyS0"));
  CHECK_FALSE(ports[1].usb.has_value());
  REQUIRE(ports[2].usb.has_value());
  CHECK(ports[2].usb->serial.empty());
  CHECK(ports[2].by_id.empty());
  const auto by_link =
      bridge::find_usb_identity(tree.dev("serial/by-id/usb-Arduino-if00"), tree.trees());
  REQUIRE(by_link.has_value());
  CHECK(by_link->product == 0x43);
  CHECK_FALSE(bridge::find_usb_identity(tree.dev("ttyS0"), tree.trees()).has_value());
  CHECK_FALSE(bridge::find_usb_identity(tree.dev("ttyUSB7"), tree.trees()).has_value());
}

TEST_CASE("a real port is opened by the USB device behind it") {
  RealPortsRig rig;
  DeviceTree tree;
  rig.serial.plug();
  std::filesystem::create_directories(tree.trees().dev);
  std::filesystem::create_symlink(rig.serial.address(), tree.dev("ttyUSB0"));
  tree.add_usb("ttyUSB0", "1-2", "0042", "A1");
  rig.ports = std::make_unique<bridge::RealPorts>(rig.loop, rig.clock, tree.trees());
  Talk talk(rig, "usb:2341:0042");
  CHECK(talk.port->name() == tree.dev("ttyUSB0"));
  rig.serial.feed("x");
  CHECK(rig.run_until([&] { return talk.data == "x"; }));
  CHECK(refusal(rig, "usb:2341:0042:A1") == Errc::kBusy);
  CHECK(refusal(rig, "usb:2341:0042:A2") == Errc::kNotFound);
  tree.add_usb("ttyUSB1", "1-3", "0042", "A2");
  CHECK(refusal(rig, "usb:2341:0042") == Errc::kInvalid);
}

}  // namespace
}  // namespace fieldpost::test
