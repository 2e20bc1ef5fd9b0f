#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "coordinator/http/answers.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

std::string value(wire::ValueType type, std::uint64_t bits, std::string_view text = {}) {
  std::string out;
  append_value(out, type, bits, text);
  return out;
}

std::string number(double x) {
  return value(wire::ValueType::kF64, std::bit_cast<std::uint64_t>(x));
}

}  // namespace

TEST_CASE("values are written so that they read back as the same") {
  CHECK(number(0.1) == "0.1");
  CHECK(number(21) == "21");
  CHECK(number(-0.0) == "-0");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(5e-324) == "5e-324");
  CHECK(number(std::nan("")) == "null");
  CHECK(number(std::numeric_limits<double>::infinity()) == "null");
  CHECK(value(wire::ValueType::kI64, static_cast<std::uint64_t>(-5)) == "-5");
  CHECK(value(wire::ValueType::kU64, UINT64_MAX) == "18446744073709551615");
  CHECK(value(wire::ValueType::kBool, 1) == "true");
  CHECK(value(wire::ValueType::kBool, 0) == "false");
  CHECK(value(wire::ValueType::kString, 0, "a\"b") == "\"a\\\"b\"");
}

TEST_CASE("an error tells the client what it can do") {
  CHECK(error_response({rt::Errc::kBusy, "x"}).status == 503);
  CHECK(error_response({rt::Errc::kFull, "x"}).headers.get("Retry-After") == "1");
  CHECK(error_response({rt::Errc::kUnavailable, "x"}).status == 503);
  CHECK(error_response({rt::Errc::kInvalid, "x"}).status == 400);
  CHECK(error_response({rt::Errc::kNotFound, "x"}).status == 404);
  CHECK(error_response({rt::Errc::kDenied, "x"}).status == 403);
  CHECK(error_response({rt::Errc::kIo, "x"}).status == 500);
  CHECK(error_response({rt::Errc::kCorrupt, "x"}).status == 500);
}
