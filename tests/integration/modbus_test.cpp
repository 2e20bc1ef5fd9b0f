// Modbus devices made with libmodbus, on ptys and on loopback.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <pty.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "firmware-bridge/ports/real_modbus_links.h"
#include "proto/rt/file_descriptor.h"
#include "proto/rt/real_loop.h"

namespace fieldpost::test {
namespace {

using bridge::DeviceConfig;
using bridge::ModbusLink;
using bridge::ModbusValue;
using bridge::PortAddress;
using rt::Errc;
using rt::FileDescriptor;
using Format = ModbusValue::Format;
using Table = ModbusValue::Table;
using Measured = std::vector<bridge::Measured>;

constexpr rt::Seconds kPatience{30};
constexpr int kUnit = 7;
constexpr std::uint32_t kLookUs = 20'000;  ///< how often a device looks whether it shall end

struct FreeModbus {
  void operator()(modbus_t* context) const { modbus_free(context); }
  void operator()(modbus_mapping_t* mapping) const { modbus_mapping_free(mapping); }
};
using Context = std::unique_ptr<modbus_t, FreeModbus>;
using Mapping = std::unique_ptr<modbus_mapping_t, FreeModbus>;

/// The two ends of a pty; the host's end stays open here, so that the device never sees it close.
struct Pty {
  Pty() {
    int device_fd = -1;
    int host_fd = -1;
    std::array<char, 128> name{};
    REQUIRE(::openpty(&device_fd, &host_fd, name.data(), nullptr, nullptr) == 0);
    device.reset(device_fd);
    host.reset(host_fd);
    path = name.data();
  }
  FileDescriptor device, host;
  std::string path;
};

/// Tables in which every format has a value.
Mapping make_tables() {
  Mapping tables(modbus_mapping_new(8, 8, 32, 32));
  const std::array<std::uint16_t, 22> registers = {
      0xfffe, 0xfffe, 0x0001, 0x0002, 0xffff, 0xfffe, 0x0001, 0x0000, 0x0000, 0x0002, 0xffff,
      0xffff, 0xffff, 0xfffe, 0x41ac, 0x0000, 0x4035, 0x8000, 0x0000, 0x0000, 0x0001, 0x0000};
  std::copy(registers.begin(), registers.end(), tables->tab_registers);
  tables->tab_input_registers[3] = 33;
  tables->tab_bits[2] = 1;
  tables->tab_input_bits[5] = 1;
  return tables;
}

/// Runs in a thread of its own until it is dropped.
class Running {
 public:
  explicit Running(std::function<void(const std::atomic<bool>& end)> work)
      : thread_([this, work = std::move(work)] { work(end_); }) {}
  ~Running() {
    end_ = true;
    thread_.join();
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::atomic<bool> end_ = false;
  std::thread thread_;
};

/// Answers until the other side closes.
void serve(modbus_t* context, modbus_mapping_t* tables, const std::atomic<bool>& end) {
  std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> question{};
  modbus_set_indication_timeout(context, 0, kLookUs);
  while (!end) {
    const int size = modbus_receive(context, question.data());
    if (size > 0) modbus_reply(context, question.data(), size, tables);
    if (size < 0 && errno != ETIMEDOUT && errno != EMBBADCRC) return;
  }
}

class SerialDevice {
 public:
  explicit SerialDevice(Pty& pty)
      : context_(modbus_new_rtu(pty.path.c_str(), 9600, 'E', 8, 1)), running_([&](const auto& end) {
          modbus_set_slave(context_.get(), kUnit);
          modbus_set_socket(context_.get(), pty.device.get());
          serve(context_.get(), tables_.get(), end);
        }) {}

 private:
  Mapping tables_ = make_tables();
  Context context_;
  Running running_;
};

FileDescriptor listen_at(std::uint16_t& port) {
  FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int yes = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  REQUIRE(::listen(fd.get(), 4) == 0);
  REQUIRE(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

/// Serves one connection after the other; `hang_up` closes the one that is open.
class TcpDevice {
 public:
  explicit TcpDevice(std::uint16_t& port)
      : listener_(listen_at(port)), running_([this](const auto& end) {
          while (!end) accept_one(end);
        }) {}
  void hang_up() {
    hang_up_ = true;
    while (hang_up_) std::this_thread::yield();
  }

 private:
  void accept_one(const std::atomic<bool>& end) {
    pollfd waiting{listener_.get(), POLLIN, 0};
    if (::poll(&waiting, 1, static_cast<int>(kLookUs / 1000)) != 1) return;
    int listener = listener_.get();
    if (modbus_tcp_accept(context_.get(), &listener) < 0) return;
    std::array<std::uint8_t, MODBUS_TCP_MAX_ADU_LENGTH> question{};
    modbus_set_indication_timeout(context_.get(), 0, kLookUs);
    while (!end && !hang_up_) {
      const int size = modbus_receive(context_.get(), question.data());
      if (size > 0) modbus_reply(context_.get(), question.data(), size, tables_.get());
      if (size < 0 && errno != ETIMEDOUT) break;
    }
    modbus_close(context_.get());
    hang_up_ = false;
  }

  FileDescriptor listener_;
  Mapping tables_ = make_tables();
  Context context_{modbus_new_tcp("127.0.0.1", 1502)};
  std::atomic<bool> hang_up_ = false;
  Running running_;
};

/// CRC of the serial line specification, section 2.5.1.2.
std::string with_crc(std::string frame) {
  unsigned crc = 0xffff;
  for (const char c : frame) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xa001 : crc >> 1;
  }
  frame += static_cast<char>(crc & 0xff);
  return frame + static_cast<char>(crc >> 8);
}

/// The answer to a question for one register.
std::string one_register(char value) {
  return with_crc(std::string{kUnit, 3, 2, 0, value});
}

/// To the Nth question of eight bytes the Nth answer, each after its pause.
class ScriptedDevice {
 public:
  struct Step {
    std::chrono::milliseconds pause;
    std::string answer;
  };
  ScriptedDevice(Pty& pty, std::vector<Step> steps)
      : running_([fd = pty.device.get(), steps = std::move(steps)](const auto& end) {
          for (const Step& step : steps) {
            if (!take_question(fd, end)) return;
            std::this_thread::sleep_for(step.pause);
            if (::write(fd, step.answer.data(), step.answer.size()) < 0) return;
          }
        }) {}

 private:
  static bool take_question(int fd, const std::atomic<bool>& end) {
    std::array<char, 8> question{};
    for (std::size_t got = 0; got < question.size();) {
      pollfd waiting{fd, POLLIN, 0};
      if (end) return false;
      if (::poll(&waiting, 1, static_cast<int>(kLookUs / 1000)) != 1) continue;
      const ssize_t size = ::read(fd, question.data() + got, question.size() - got);
      if (size <= 0) return false;
      got += static_cast<std::size_t>(size);
    }
    return true;
  }
  Running running_;
};

ModbusValue value_at(std::uint16_t address, Format format = Format::kU16,
                     Table table = Table::kHolding) {
  ModbusValue value;
  value.field = fmt::format("{}_{}", static_cast<int>(table), address);
  value.table = table;
  value.address = address;
  value.format = format;
  return value;
}

std::vector<ModbusValue> all_formats() {
  std::vector<ModbusValue> values = {value_at(0),
                                     value_at(1, Format::kI16),
                                     value_at(2, Format::kU32),
                                     value_at(4, Format::kI32),
                                     value_at(6, Format::kU64),
                                     value_at(10, Format::kI64),
                                     value_at(14, Format::kF32),
                                     value_at(16, Format::kF64),
                                     value_at(20, Format::kBool),
                                     value_at(3, Format::kU16, Table::kInput),
                                     value_at(2, Format::kBool, Table::kCoil),
                                     value_at(5, Format::kBool, Table::kDiscrete),
                                     value_at(20, Format::kU32)};
  values.back().low_word_first = true;
  return values;
}
const std::string kAllFormats =
    "65534i -2i 65538i -2i 281474976710658u -2i 21.5 21.5 true 33i true true 1i";

std::string shown(const Measured& readings) {
  std::string out;
  for (const auto& each : readings) {
    const auto bits = each.value.bits;
    if (!out.empty()) out += ' ';
    switch (each.value.type) {
      case wire::ValueType::kF64: out += fmt::format("{}", std::bit_cast<double>(bits)); break;
      case wire::ValueType::kI64: out += fmt::format("{}i", static_cast<std::int64_t>(bits)); break;
      case wire::ValueType::kU64: out += fmt::format("{}u", bits); break;
      case wire::ValueType::kBool: out += bits != 0 ? "true" : "false"; break;
      case wire::ValueType::kString: out += "?"; break;
    }
  }
  return out;
}

struct Master {
  rt::RealLoop loop;
  bridge::RealModbusLinks links{loop};

  std::unique_ptr<ModbusLink> make(PortAddress address, std::vector<ModbusValue> values,
                                   std::uint8_t unit = kUnit) {
    DeviceConfig config;
    config.address = std::move(address);
    config.serial.baud = 9600;
    config.serial.parity = bridge::SerialSettings::Parity::kEven;
    config.protocol.modbus_unit = unit;
    config.protocol.modbus_values = std::move(values);
    return links.make(config);
  }
  rt::Result<Measured> round(ModbusLink& link) {
    std::optional<rt::Result<Measured>> result;
    link.read_round([&](rt::Result<Measured> answer) { result = std::move(answer); });
    REQUIRE(loop.run_until([&] { return result.has_value(); }, kPatience));
    return *std::move(result);
  }
  /// The readings, or the error's code and message.
  std::string shown_round(ModbusLink& link) {
    const auto result = round(link);
    if (result) return shown(*result);
    return fmt::format("{}: {}", to_string(result.error().code), result.error().message);
  }
};

PortAddress at_pty(const Pty& pty) {
  PortAddress address;
  address.path = pty.path;
  return address;
}
PortAddress at_port(std::uint16_t port) {
  PortAddress address;
  address.kind = PortAddress::Kind::kTcp;
  address.host = "127.0.0.1";
  address.port = port;
  return address;
}

bool says(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("values of every format come from a Modbus device on a serial line") {
  Pty pty;
  SerialDevice device(pty);
  Master master;
  const auto link = master.make(at_pty(pty), all_formats());
  CHECK(master.shown_round(*link) == kAllFormats);
  CHECK(master.shown_round(*link) == kAllFormats);
  CHECK(link->counts().rounds == 2);
  CHECK(link->counts().why.empty());
}

TEST_CASE("values of every format come from a Modbus device over TCP") {
  std::uint16_t port = 0;
  TcpDevice device(port);
  Master master;
  const auto link = master.make(at_port(port), all_formats());
  CHECK(master.shown_round(*link) == kAllFormats);
  CHECK(link->counts().rounds == 1);
}

TEST_CASE("a Modbus unit that is silent is told so, and others on its bus still answer") {
  Pty pty;
  SerialDevice device(pty);
  Master master;
  const auto silent = master.make(at_pty(pty), {value_at(0)}, kUnit + 1);
  const auto link = master.make(at_pty(pty), {value_at(0)});
  const std::string text = master.shown_round(*silent);
  CHECK(says(text, to_string(Errc::kUnavailable)));
  CHECK(says(text, "holding registers 0 to 0 of unit 8 at " + pty.path));
  CHECK(says(text,
             "no answer within 1 s: check that the device has power and is unit 8, that it "
             "has 9600 baud 8E1"));
  CHECK(silent->counts().timeouts == 1);
  CHECK(silent->counts().rounds == 0);
  CHECK(says(silent->counts().why, "no answer"));
  CHECK(master.shown_round(*link) == "65534i");
}

TEST_CASE("a Modbus server that takes a connection and says nothing is told as silent") {
  std::uint16_t port = 0;
  const FileDescriptor listener = listen_at(port);
  Master master;
  const auto link = master.make(at_port(port), {value_at(0), value_at(9)});
  const std::string text = master.shown_round(*link);
  CHECK(says(text, "no answer within 1 s: check that the device is unit 7"));
  CHECK(link->counts().timeouts == 1);  // the second question is not asked
}

TEST_CASE("an exception is told by its name and with what to do, and costs only its values") {
  Pty pty;
  SerialDevice serial(pty);
  std::uint16_t port = 0;
  TcpDevice tcp(port);
  for (const PortAddress& address : {at_pty(pty), at_port(port)}) {
    INFO(address.text());
    Master master;
    const auto link = master.make(address, {value_at(500), value_at(0)});
    CHECK(master.shown_round(*link) == "65534i");
    CHECK(link->counts().exceptions == 1);
    CHECK(link->counts().rounds == 0);
    const std::string why = "holding registers 500 to 500 of unit 7 at " + address.text() +
                            ": exception 2, illegal data address: the device has nothing there";
    CHECK(says(link->counts().why, why));
    const auto lone = master.make(address, {value_at(500)});
    const std::string text = master.shown_round(*lone);
    CHECK(says(text, to_string(Errc::kInvalid)));
    CHECK(says(text, why));
  }
}

TEST_CASE("a damaged answer is told, counted, and no reading") {
  Pty pty;
  std::string damaged = one_register(1);
  damaged[4] = 2;
  ScriptedDevice device(pty, {{{}, damaged}, {{}, one_register(3)}});
  Master master;
  const auto link = master.make(at_pty(pty), {value_at(0)});
  const std::string text = master.shown_round(*link);
  CHECK(says(text, to_string(Errc::kCorrupt)));
  CHECK(says(text, "the answer was damaged (CRC): check 9600 baud 8E1"));
  CHECK(link->counts().damaged == 1);
  CHECK(master.shown_round(*link) == "3i");
}

TEST_CASE("an answer that comes too late is not taken for that of the next question") {
  Pty pty;
  ScriptedDevice device(
      pty, {{std::chrono::milliseconds(1200), one_register(1)}, {{}, one_register(2)}});
  Master master;
  const auto link = master.make(at_pty(pty), {value_at(0)});
  CHECK_FALSE(master.round(*link).has_value());
  CHECK(master.shown_round(*link) == "2i");
}

TEST_CASE("a Modbus server that was away, or closed the connection, is connected to again") {
  std::uint16_t port = 0;
  listen_at(port).reset();
  Master master;
  const auto link = master.make(at_port(port), {value_at(0)});
  const std::string text = master.shown_round(*link);
  CHECK(says(text, to_string(Errc::kUnavailable)));
  CHECK(says(text, "check host and port, and that the device is on and speaks Modbus TCP"));
  CHECK(link->counts().others == 1);
  TcpDevice device(port);
  CHECK(master.shown_round(*link) == "65534i");
  device.hang_up();
  CHECK(master.shown_round(*link) == "65534i");
  CHECK(link->counts().others == 1);
}

TEST_CASE("a serial port that is taken or missing is told, and opened when it is free") {
  Pty pty;
  SerialDevice device(pty);
  Master master;
  const auto link = master.make(at_pty(pty), {value_at(0)});
  REQUIRE(::flock(pty.host.get(), LOCK_EX | LOCK_NB) == 0);
  const std::string text = master.shown_round(*link);
  CHECK(says(text, to_string(Errc::kBusy)));
  CHECK(says(text, pty.path + " is in use by "));
  REQUIRE(::flock(pty.host.get(), LOCK_UN) == 0);
  CHECK(master.shown_round(*link) == "65534i");
  PortAddress missing;
  missing.path = "/dev/no_such_port";
  const auto other = master.make(missing, {value_at(0)});
  CHECK(says(master.shown_round(*other), to_string(Errc::kNotFound)));
}

TEST_CASE("while a Modbus device is read its port is locked, and free when it is dropped") {
  Pty pty;
  SerialDevice device(pty);
  Master master;
  auto link = master.make(at_pty(pty), {value_at(0)});
  CHECK(master.shown_round(*link) == "65534i");
  CHECK(::flock(pty.host.get(), LOCK_EX | LOCK_NB) != 0);
  link.reset();
  CHECK(::flock(pty.host.get(), LOCK_EX | LOCK_NB) == 0);
}

TEST_CASE("a Modbus link that is dropped in a round tells nothing any more") {
  Pty pty;
  Master master;
  auto link = master.make(at_pty(pty), {value_at(0)});
  bool told = false;
  link->read_round([&](const rt::Result<Measured>&) { told = true; });
  link.reset();
  master.loop.run_until([] { return false; }, rt::Millis{50});
  CHECK_FALSE(told);
}

}  // namespace fieldpost::test
