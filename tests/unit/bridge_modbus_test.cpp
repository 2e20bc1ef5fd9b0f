// What is asked of a Modbus device, and what its registers mean.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <bit>
#include <string>
#include <vector>

#include "firmware-bridge/protocols/modbus_values.h"

namespace fieldpost::test {
namespace {

using bridge::ModbusPlan;
using bridge::ModbusRead;
using bridge::ModbusValue;
using Format = ModbusValue::Format;
using Table = ModbusValue::Table;
using Cells = std::vector<std::vector<std::uint16_t>>;

ModbusValue value_at(std::uint16_t address, Format format = Format::kU16,
                     Table table = Table::kHolding) {
  ModbusValue value;
  value.field = fmt::format("f{}", address);
  value.table = table;
  value.address = address;
  value.format = format;
  return value;
}

std::string shown(const bridge::Measured& measured) {
  const auto bits = measured.value.bits;
  switch (measured.value.type) {
    case wire::ValueType::kF64: return fmt::format("{}", std::bit_cast<double>(bits));
    case wire::ValueType::kI64: return fmt::format("{}i", static_cast<std::int64_t>(bits));
    case wire::ValueType::kU64: return fmt::format("{}u", bits);
    case wire::ValueType::kBool: return bits != 0 ? "true" : "false";
    case wire::ValueType::kString: break;
  }
  return "?";
}

/// The one value that these registers hold.
std::string decoded(ModbusValue value, std::vector<std::uint16_t> registers) {
  const auto found = ModbusPlan({std::move(value)}).decode({std::move(registers)});
  return found.readings.empty() ? fmt::format("none, {} not finite", found.not_finite)
                                : shown(found.readings.front());
}

}  // namespace

TEST_CASE("neighbours of one table are asked for together, and nothing between is") {
  const ModbusPlan plan({value_at(12), value_at(10, Format::kU32), value_at(14),
                         value_at(11, Format::kU16, Table::kInput), value_at(11),
                         value_at(0, Format::kBool, Table::kCoil),
                         value_at(1, Format::kBool, Table::kCoil)});
  CHECK(plan.reads() == std::vector<ModbusRead>{{Table::kHolding, 10, 3},
                                                {Table::kHolding, 14, 1},
                                                {Table::kInput, 11, 1},
                                                {Table::kCoil, 0, 2}});
}

TEST_CASE("values at the same and at overlapping addresses are all decoded") {
  const ModbusPlan plan({value_at(5, Format::kU64), value_at(6), value_at(6, Format::kU32)});
  CHECK(plan.reads() == std::vector<ModbusRead>{{Table::kHolding, 5, 4}});
  const auto found = plan.decode({{0, 7, 9, 0}});
  REQUIRE(found.readings.size() == 3);
  CHECK(shown(found.readings[0]) == fmt::format("{}u", (7ULL << 32) + (9ULL << 16)));
  CHECK(shown(found.readings[1]) == "7i");
  CHECK(shown(found.readings[2]) == fmt::format("{}i", (7 << 16) + 9));
}

TEST_CASE("a request has at most 125 registers or 2000 bits, and no value is cut") {
  std::vector<ModbusValue> registers;
  for (std::uint16_t i = 0; i < 100; ++i) {
    registers.push_back(value_at(static_cast<std::uint16_t>(2 * i), Format::kF32));
  }
  CHECK(ModbusPlan(registers).reads() ==
        std::vector<ModbusRead>{{Table::kHolding, 0, 124}, {Table::kHolding, 124, 76}});
  std::vector<ModbusValue> bits;
  for (std::uint16_t i = 0; i < 2001; ++i) {
    bits.push_back(value_at(i, Format::kBool, Table::kDiscrete));
  }
  CHECK(ModbusPlan(bits).reads() ==
        std::vector<ModbusRead>{{Table::kDiscrete, 0, 2000}, {Table::kDiscrete, 2000, 1}});
}

TEST_CASE("the last register of a table can be read, and none behind it") {
  CHECK(bridge::check_modbus_value(value_at(65'535)).has_value());
  CHECK(ModbusPlan({value_at(65'535), value_at(65'534)}).reads() ==
        std::vector<ModbusRead>{{Table::kHolding, 65'534, 2}});
  CHECK(bridge::check_modbus_value(value_at(65'535, Format::kU32)).error().message ==
        "2 registers from 65535 on end behind the last one, 65535");
  CHECK(bridge::check_modbus_value(value_at(0, Format::kU16, Table::kCoil)).error().message ==
        "coils hold bits: expected the format \"bool\"");
}

TEST_CASE("each format is what it says, high word first") {
  CHECK(decoded(value_at(0, Format::kU16), {0xfffe}) == "65534i");
  CHECK(decoded(value_at(0, Format::kI16), {0xfffe}) == "-2i");
  CHECK(decoded(value_at(0, Format::kU32), {0xfffe, 0x0001}) == "4294836225i");
  CHECK(decoded(value_at(0, Format::kI32), {0xffff, 0xfffe}) == "-2i");
  CHECK(decoded(value_at(0, Format::kU64), {0xffff, 0xffff, 0xffff, 0xfffe}) ==
        "18446744073709551614u");
  CHECK(decoded(value_at(0, Format::kI64), {0xffff, 0xffff, 0xffff, 0xfffe}) == "-2i");
  CHECK(decoded(value_at(0, Format::kF32), {0x41ac, 0x0000}) == "21.5");
  CHECK(decoded(value_at(0, Format::kF64), {0x4035, 0x8000, 0x0000, 0x0000}) == "21.5");
  CHECK(decoded(value_at(0, Format::kBool), {0}) == "false");
  CHECK(decoded(value_at(0, Format::kBool), {0x0100}) == "true");
  CHECK(decoded(value_at(0, Format::kBool, Table::kCoil), {1}) == "true");
}

TEST_CASE("low word first turns words round, not the bytes in them") {
  const auto low_first = [](Format format) {
    ModbusValue value = value_at(0, format);
    value.low_word_first = true;
    return value;
  };
  CHECK(decoded(low_first(Format::kU32), {0x0002, 0x0001}) == "65538i");
  CHECK(decoded(low_first(Format::kF32), {0x0000, 0x41ac}) == "21.5");
  CHECK(decoded(low_first(Format::kI64), {0xfffe, 0xffff, 0xffff, 0xffff}) == "-2i");
  CHECK(decoded(low_first(Format::kU16), {0x0102}) == "258i");
}

TEST_CASE("a scaled value is a double, an unscaled one is what it was") {
  const auto scaled = [](Format format, double scale, double offset) {
    ModbusValue value = value_at(0, format);
    value.scale = scale;
    value.offset = offset;
    return value;
  };
  CHECK(decoded(scaled(Format::kI16, 0.5, -40), {0xffff}) == "-40.5");
  CHECK(decoded(scaled(Format::kU64, 1, 1), {0, 0, 0, 2}) == "3");
  CHECK(decoded(scaled(Format::kBool, 5, 0), {1}) == "5");
  CHECK(decoded(scaled(Format::kU16, 1, 0), {3}) == "3i");
}

TEST_CASE("what is no number is left out and counted") {
  CHECK(decoded(value_at(0, Format::kF32), {0x7fc0, 0}) == "none, 1 not finite");
  CHECK(decoded(value_at(0, Format::kF32), {0xff80, 0}) == "none, 1 not finite");
  CHECK(decoded(value_at(0, Format::kF64), {0x7ff0, 0, 0, 0}) == "none, 1 not finite");
  ModbusValue large = value_at(0, Format::kF64);
  large.scale = 10;
  CHECK(decoded(large, {0x7fef, 0xffff, 0xffff, 0xffff}) == "none, 1 not finite");
}

TEST_CASE("readings come in the order of the values, without those whose request failed") {
  ModbusValue with_unit = value_at(30);
  with_unit.unit = std::string("V");  // GCC 12 warns of the other (-Wrestrict, PR 105651)
  const ModbusPlan plan({with_unit, value_at(10), value_at(20)});
  const auto found = plan.decode({{1}, {}, {3}});
  REQUIRE(found.readings.size() == 2);
  CHECK(found.readings[0].key == wire::SeriesKey{"", {}, "f30", wire::ValueType::kI64, "V"});
  CHECK(shown(found.readings[0]) == "3i");
  CHECK_FALSE(found.readings[0].time.has_value());
  CHECK(found.readings[1].key.field == "f10");
  CHECK(found.not_finite == 0);
}

}  // namespace fieldpost::test
