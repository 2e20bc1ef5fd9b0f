#include "firmware-bridge/ports/modbus_bus.h"

#include <fmt/format.h>
#include <modbus/modbus.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <thread>
#include <utility>

#include "firmware-bridge/ports/port_claim.h"
#include "firmware-bridge/ports/tty_settings.h"
#include "proto/rt/errno_error.h"

namespace fieldpost::bridge {
namespace {

using rt::Errc;
using rt::Error;
using rt::Status;
using std::chrono::steady_clock;

struct Exception {
  int code;
  Errc means;
  std::string_view name;  ///< section 7 of the specification
  std::string_view advice;
};
constexpr std::array kExceptions = {
    Exception{EMBXILFUN, Errc::kInvalid, "illegal function",
              "the device has no such table; its manual says which it has"},
    Exception{EMBXILADD, Errc::kInvalid, "illegal data address",
              "the device has nothing there; addresses count from 0, what manuals call 40001 is "
              "holding register 0"},
    Exception{EMBXILVAL, Errc::kInvalid, "illegal data value",
              "the device does not answer for so many at once"},
    Exception{EMBXSFAIL, Errc::kIo, "server device failure", "the device itself has failed"},
    Exception{EMBXACK, Errc::kUnavailable, "acknowledge",
              "the device needs more time, and is asked again"},
    Exception{EMBXSBUSY, Errc::kUnavailable, "server device busy", "it is asked again"},
    Exception{EMBXNACK, Errc::kInvalid, "negative acknowledge", "the device refuses the question"},
    Exception{EMBXMEMPAR, Errc::kIo, "memory parity error", "the device's memory is damaged"},
    Exception{EMBXGPATH, Errc::kUnavailable, "gateway path unavailable",
              "the gateway knows no way to this unit; check its configuration and the unit"},
    Exception{EMBXGTAR, Errc::kUnavailable, "gateway target device failed to respond",
              "nothing answers the gateway; check the unit, and power, wires and baud rate of the "
              "bus behind it"}};

char letter_of(SerialSettings::Parity parity) {
  switch (parity) {
    case SerialSettings::Parity::kNone: return 'N';
    case SerialSettings::Parity::kEven: return 'E';
    case SerialSettings::Parity::kOdd: return 'O';
  }
  return 'N';
}

std::string text_of(const SerialSettings& serial) {
  return fmt::format("{} baud {}{}{}", serial.baud, serial.data_bits, letter_of(serial.parity),
                     serial.stop_bits);
}

}  // namespace

void ModbusBus::Free::operator()(_modbus* context) const {
  modbus_free(context);
}

ModbusBus::ModbusBus(PortAddress address, SerialSettings serial, DeviceTrees trees)
    : address_(std::move(address)), serial_(serial), trees_(std::move(trees)) {}

ModbusBus::Answer ModbusBus::read(std::uint8_t unit, const ModbusRead& read) {
  for (bool again = context_ != nullptr;; again = false) {
    if (auto opened = open(); !opened) return {{}, ModbusFailure::kOther, opened.error()};
    be_quiet();
    Answer answer;
    modbus_set_slave(context_.get(), unit);
    const int code = request(read, answer.cells);
    if (code == 0) return answer;
    // A server may have closed a connection that was not used for long.
    if (again && !address_.is_serial() && (code == ECONNRESET || code == EPIPE)) {
      close();
      continue;
    }
    return failed(unit, read, code);
  }
}

void ModbusBus::be_quiet() {
  if (!quiet_until_) return;
  std::this_thread::sleep_until(*quiet_until_);
  quiet_until_.reset();
  modbus_flush(context_.get());
}

/// 0, or libmodbus's errno.
int ModbusBus::request(const ModbusRead& read, std::vector<std::uint16_t>& cells) {
  const int count = static_cast<int>(read.count);
  std::vector<std::uint16_t> registers(read.count);
  std::vector<std::uint8_t> bits(read.count);
  int done = -1;
  switch (read.table) {
    case ModbusValue::Table::kHolding:
      done = modbus_read_registers(context_.get(), read.address, count, registers.data());
      break;
    case ModbusValue::Table::kInput:
      done = modbus_read_input_registers(context_.get(), read.address, count, registers.data());
      break;
    case ModbusValue::Table::kCoil:
      done = modbus_read_bits(context_.get(), read.address, count, bits.data());
      break;
    case ModbusValue::Table::kDiscrete:
      done = modbus_read_input_bits(context_.get(), read.address, count, bits.data());
      break;
  }
  if (done < 0) return errno;
  if (holds_bits(read.table)) std::ranges::copy(bits, registers.begin());
  cells = std::move(registers);
  return 0;
}

/// Closes what cannot be used any more.
ModbusBus::Answer ModbusBus::failed(std::uint8_t unit, const ModbusRead& read, int code) {
  const std::string doing =
      fmt::format("{} {} to {} of unit {} at {}", to_string(read.table), read.address,
                  read.address + read.count - 1, unit, address_.text());
  const auto answer = [&doing](ModbusFailure failure, Errc means, const std::string& what) {
    return Answer{{}, failure, Error{means, doing + ": " + what}};
  };
  const auto exception = std::ranges::find(kExceptions, code, &Exception::code);
  if (exception != kExceptions.end()) {
    return answer(ModbusFailure::kException, exception->means,
                  fmt::format("exception {}, {}: {}", code - MODBUS_ENOBASE, exception->name,
                              exception->advice));
  }
  if (code == EMBUNKEXC) {
    return answer(ModbusFailure::kException, Errc::kInvalid,
                  "an exception of the device's own; its manual may say which");
  }
  // Over TCP a late answer would be the next question's; a fresh connection has none.
  const bool is_of_the_line = code == ETIMEDOUT || code >= MODBUS_ENOBASE;
  if (address_.is_serial() && is_of_the_line) {
    quiet_until_ = steady_clock::now() + kQuiet;
  } else {
    close();
  }
  if (code == ETIMEDOUT) {
    return answer(ModbusFailure::kTimeout, Errc::kUnavailable, no_answer(unit));
  }
  if (code == EMBBADCRC) {
    return answer(ModbusFailure::kDamaged, Errc::kCorrupt,
                  fmt::format("the answer was damaged (CRC): check {}, the termination of the bus, "
                              "and that no two devices are the same unit",
                              text_of(serial_)));
  }
  if (code >= MODBUS_ENOBASE) {
    return answer(ModbusFailure::kOther, Errc::kCorrupt,
                  fmt::format("what came is no answer to this ({}): is another master on the bus, "
                              "or are two devices the same unit?",
                              modbus_strerror(code)));
  }
  return {{}, ModbusFailure::kOther, rt::errno_error(code, doing)};
}

std::string ModbusBus::no_answer(std::uint8_t unit) const {
  if (!address_.is_serial()) {
    return fmt::format(
        "no answer within {} s: check that the device is unit {}, and behind a "
        "gateway its bus",
        kAnswerWithinSeconds, unit);
  }
  return fmt::format(
      "no answer within {} s: check that the device has power and is unit {}, that it has {}, and "
      "that the wires A and B are not swapped",
      kAnswerWithinSeconds, unit, text_of(serial_));
}

Status ModbusBus::open() {
  if (context_) return rt::ok();
  if (address_.is_serial()) return open_serial();
  if (address_.kind == PortAddress::Kind::kTcp) return open_tcp();
  return Error{Errc::kInvalid,
               fmt::format("{}: Modbus goes over serial ports and tcp://", address_.text())};
}

Status ModbusBus::open_serial() {
  const auto path = locate_serial(address_, trees_);
  if (!path) return path.error();
  // Not by libmodbus, which takes 9600 in silence for a speed that it does not know.
  auto tty = claim_tty(*path, serial_, trees_);
  if (!tty) return tty.error();
  context_.reset(modbus_new_rtu(path->c_str(), static_cast<int>(serial_.baud),
                                letter_of(serial_.parity), static_cast<int>(serial_.data_bits),
                                static_cast<int>(serial_.stop_bits)));
  if (!context_) return rt::errno_error(errno, "opening " + *path);
  tty_ = *std::move(tty);
  modbus_set_socket(context_.get(), tty_.get());
  modbus_set_response_timeout(context_.get(), kAnswerWithinSeconds, 0);
  return rt::ok();
}

Status ModbusBus::open_tcp() {
  const std::string port = std::to_string(address_.port);
  const std::string doing = "connecting to " + address_.text();
  context_.reset(modbus_new_tcp_pi(address_.host.c_str(), port.c_str()));
  if (!context_) return rt::errno_error(errno, doing);
  modbus_set_response_timeout(context_.get(), kAnswerWithinSeconds, 0);
  if (modbus_connect(context_.get()) == 0) return rt::ok();
  const int code = errno;
  close();
  Error error = rt::errno_error(code, doing);
  if (error.code == Errc::kUnavailable) {
    error.message += ": check host and port, and that the device is on and speaks Modbus TCP";
  }
  return error;
}

/// libmodbus closes only what it has opened itself.
void ModbusBus::close() {
  if (context_ && !tty_.is_open()) modbus_close(context_.get());
  context_.reset();
  close_tty(tty_);
  quiet_until_.reset();
}

}  // namespace fieldpost::bridge
