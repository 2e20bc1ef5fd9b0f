#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <optional>
#include <random>
#include <utility>

#include "proto/wire/limits.h"
#include "proto/wire/line_protocol.h"

namespace fieldpost::wire {
namespace {

constexpr rt::UnixTime kNow{1'700'000'000'000'000'007};

ParsedLines parse(std::string_view text, LineOptions options = {}) {
  options.now = kNow;
  LineParser parser;
  return parser.parse(text, options);
}

/// The one value of the one field of a good line, as text.
std::string value_of(std::string_view literal) {
  const ParsedLines lines = parse(fmt::format("m v={} 5", literal));
  if (lines.readings != 1) return lines.errors.at(0).what;
  const Column& column = lines.columns.at(0);
  const std::uint64_t bits = column.values.at(0);
  switch (lines.types.at(0)) {
    case ValueType::kF64: return fmt::format("f{}", std::bit_cast<double>(bits));
    case ValueType::kI64: return fmt::format("i{}", static_cast<std::int64_t>(bits));
    case ValueType::kU64: return fmt::format("u{}", bits);
    case ValueType::kBool: return bits == 1 ? "true" : "false";
    case ValueType::kString: return "s" + column.strings.at(bits);
  }
  return "unknown";
}

}  // namespace

TEST_CASE("a line gives one reading per field, under the line's time") {
  const auto lines = parse("weather,room=b,loc=a temp=21.5,n=3i 1700000000000000001\n");
  CHECK(lines.keys ==
        std::vector<std::string>{"weather,loc=a,room=b temp f", "weather,loc=a,room=b n i"});
  CHECK(lines.types == std::vector{ValueType::kF64, ValueType::kI64});
  CHECK(lines.columns.at(0).times == std::vector<std::int64_t>{1700000000000000001});
  CHECK(lines.columns.at(1).values == std::vector<std::uint64_t>{3});
  CHECK(lines.lines_stored == 1);
  CHECK(lines.readings == 2);
  CHECK(lines.readings_stamped == 0);
}

TEST_CASE("every form of a value is read as InfluxDB reads it") {
  CHECK(value_of("1") == "f1");
  CHECK(value_of("-1.50") == "f-1.5");
  CHECK(value_of(".5") == "f0.5");
  CHECK(value_of("1.") == "f1");
  CHECK(value_of("-0") == "f-0");
  CHECK(value_of("1e3") == "f1000");
  CHECK(value_of("1.5E-3") == "f0.0015");
  CHECK(value_of("2e+2") == "f200");
  CHECK(value_of("1e-400") == "f0");
  CHECK(value_of("-1e-400") == "f-0");
  CHECK(value_of("5e-324") == "f5e-324");
  CHECK(value_of("1i") == "i1");
  CHECK(value_of("-9223372036854775808i") == "i-9223372036854775808");
  CHECK(value_of("9223372036854775807i") == "i9223372036854775807");
  CHECK(value_of("18446744073709551615u") == "u18446744073709551615");
  for (const char* text : {"t", "T", "true", "True", "TRUE"}) CHECK(value_of(text) == "true");
  for (const char* text : {"f", "F", "false", "False", "FALSE"}) CHECK(value_of(text) == "false");
  CHECK(value_of(R"("")") == "s");
  CHECK(value_of(R"("a, b=c")") == "sa, b=c");
  CHECK(value_of(R"("say \"hi\" \\ \n")") == R"(ssay "hi" \ \n)");
  CHECK(value_of("\"two\nlines\"") == "stwo\nlines");
  CHECK(value_of("\"µ°\"") == "sµ°");
}

TEST_CASE("a float is the double nearest to its decimal, however it is written") {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text =
        i % 2 == 0
            ? fmt::format("{:.{}f}", std::ldexp(double(random() % 999'999), -6), random() % 25)
            : fmt::format("{}", std::bit_cast<double>(random()));
    if (text.find_first_of("ni") != std::string::npos) continue;
    const auto lines = parse("m v=" + text);
    INFO(text);
    REQUIRE(lines.readings == 1);
    CHECK(lines.columns[0].values[0] ==
          std::bit_cast<std::uint64_t>(std::strtod(text.c_str(), nullptr)));
  }
}

TEST_CASE("each malformed line gets its own answer and stores nothing") {
  const std::string form =
      "missing fields: expected \"measurement[,tag=value...] field=value[,field=value...] [time]\"";
  const std::string no_value = ": expected a number, a boolean or a string in double quotes";
  std::string many_tags = "m";
  for (std::size_t i = 0; i <= kTagsMax; ++i) many_tags += fmt::format(",t{}=v", i);
  struct Row {
    std::string line;
    std::string what;
  };
  const std::vector<Row> table = {
      {"m", form},
      {"m,a=b", form},
      {"m ", "missing fields: expected \"field=value\" after the space"},
      {",a=b v=1", "expected a measurement at the start of the line"},
      {"m, v=1", "expected a tag key after the comma"},
      {"m,=b v=1", "expected a tag key after the comma"},
      {"m,a v=1", "tag \"a\": expected \"=\" and a value"},
      {"m,a= v=1", "tag \"a\": expected a value"},
      {"m,a=,b=2 v=1", "tag \"a\": expected a value"},
      {"m,a=b=c v=1", "tag \"a\": \"=\" in a value needs a backslash"},
      {"m,a=1,a=2 v=1", "tag \"a\" twice"},
      {"m,b=1,a=2,b=3 v=1", "tag \"b\" twice"},
      {many_tags + " v=1", "more than 64 tags"},
      {"m\xff v=1", "names must be UTF-8 without line breaks"},
      {"m\r,a=b v=1", "names must be UTF-8 without line breaks"},
      {"m v\xff=1", "names must be UTF-8 without line breaks"},
      {std::string(kSeriesKeyBytesMax, 'x') + " v=1", "series key longer than 4096 bytes"},
      {"m v", "field \"v\": expected \"=\" and a value"},
      {"m v 1", "field \"v\": expected \"=\" and a value"},
      {"m v,w=1", "field \"v\": expected \"=\" and a value"},
      {"m =1", "expected a field key before \"=\""},
      {"m v=1,", "expected a field"},
      {"m v=1,,w=2", "expected a field"},
      {"m v=1, w=2", "expected a field"},
      {"m v=", "field \"v\": expected a value"},
      {"m v= 5", "field \"v\": expected a value"},
      {"m v=,w=1", "field \"v\": expected a value"},
      {"m v=abc", "field \"v\": \"abc\"" + no_value},
      {"m v=NaN", "field \"v\": \"NaN\"" + no_value},
      {"m v=nan", "field \"v\": \"nan\"" + no_value},
      {"m v=Inf", "field \"v\": \"Inf\"" + no_value},
      {"m v=-Inf", "field \"v\": \"-Inf\"" + no_value},
      {"m v=+1", "field \"v\": \"+1\"" + no_value},
      {"m v=-", "field \"v\": \"-\"" + no_value},
      {"m v=.", "field \"v\": \".\"" + no_value},
      {"m v=1.2.3", "field \"v\": \"1.2.3\"" + no_value},
      {"m v=0x10", "field \"v\": \"0x10\"" + no_value},
      {"m v=1e", "field \"v\": \"1e\"" + no_value},
      {"m v=1e+", "field \"v\": \"1e+\"" + no_value},
      {"m v=1e5x", "field \"v\": \"1e5x\"" + no_value},
      {"m v=1.5i", "field \"v\": \"1.5i\"" + no_value},
      {"m v=1ii", "field \"v\": \"1ii\"" + no_value},
      {"m v=i", "field \"v\": \"i\"" + no_value},
      {"m v=tRUE", "field \"v\": \"tRUE\"" + no_value},
      {"m v=1\r2", "time \"\": expected an integer"},
      {"m v=1e400", "field \"v\": \"1e400\": number out of range"},
      {"m v=-1e99999999999999999999",
       "field \"v\": \"-1e99999999999999999999\": number out of range"},
      {"m v=9223372036854775808i", "field \"v\": \"9223372036854775808i\": integer out of range"},
      {"m v=-9223372036854775809i", "field \"v\": \"-9223372036854775809i\": integer out of range"},
      {"m v=99999999999999999999i", "field \"v\": \"99999999999999999999i\": integer out of range"},
      {"m v=18446744073709551616u", "field \"v\": \"18446744073709551616u\": integer out of range"},
      {"m v=-1u", "field \"v\": \"-1u\": an unsigned integer cannot be negative"},
      {"m v=\"abc", "field \"v\": \"\"abc\": expected a closing double quote"},
      {"m v=\"abc\\\"", "field \"v\": \"\"abc\\\"\": expected a closing double quote"},
      {"m v=\"a\"b", "field \"v\": \"\"a\"b\": expected a comma, a space or the end of the line"},
      {"m v=\"\xff\"", "field \"v\": \"\"\\xff\"\": string is not UTF-8"},
      {"m v=1 x", "time \"x\": expected an integer"},
      {"m v=1 12x", "time \"12x\": expected an integer"},
      {"m v=1 1.5", "time \"1.5\": expected an integer"},
      {"m v=1 -", "time \"-\": expected an integer"},
      {"m v=1 1e9", "time \"1e9\": expected an integer"},
      {"m v=1 12345678x", "time \"12345678x\": expected an integer"},
      {"m v=1 9223372036854775808", "time \"9223372036854775808\": outside the years 1678 to 2262"},
      {"m v=1 99999999999999999999999",
       "time \"99999999999999999999999\": outside the years 1678 to 2262"},
      {"m v=1 5 6", "expected the end of the line after the time"},
      {"m v=1 5,w=1", "expected the end of the line after the time"},
  };
  for (const Row& row : table) {
    INFO("line ", row.line.substr(0, 60));
    const auto lines = parse("# c\r\n\n" + row.line + "\nok x=1 7\n");
    REQUIRE(lines.errors.size() >= 1);
    CHECK(lines.errors[0].what == row.what);
    CHECK(lines.errors[0].line == 3);
    CHECK(lines.lines_bad == 1);
    CHECK(lines.lines_stored == 1);
    CHECK(lines.keys == std::vector<std::string>{"ok x f"});
    CHECK(lines.readings == 1);
  }
}

TEST_CASE("a string over the bound is refused, one at the bound is taken") {
  const std::string fits(kStringValueBytesMax, 'x');
  CHECK(parse("m v=\"" + fits + "\"").string_bytes == fits.size());
  const auto lines = parse("m v=\"x" + fits + "\"\nm v=\"y\"");
  CHECK(lines.errors.at(0).what.ends_with("string longer than 65536 bytes"));
  CHECK(lines.lines_stored == 1);
}

TEST_CASE("a bad field leaves nothing of its line, nor of its series") {
  const auto lines = parse("m a=1,b=\"x\",c=oops 5\nm a=2 6");
  CHECK(lines.keys == std::vector<std::string>{"m a f"});
  CHECK(lines.columns.at(0).values.size() == 1);
  CHECK(lines.string_bytes == 0);
  CHECK(lines.readings == 1);
}

TEST_CASE("ten errors are kept, all bad lines are counted, and line numbers span strings") {
  std::string text = "m s=\"a\nb\nc\"\n";
  for (int i = 0; i < 12; ++i) text += "bad\n";
  const auto lines = parse(text);
  CHECK(lines.lines_bad == 12);
  CHECK(lines.errors.size() == ParsedLines::kLineErrorsMax);
  CHECK(lines.errors.front().line == 4);
  CHECK(lines.errors.back().line == 13);
}

TEST_CASE("an error inside a line that spans two is answered once") {
  const auto lines = parse("m s=\"a\nb\",x=bad\nm y=1\nbad");
  CHECK(lines.lines_bad == 2);
  CHECK(lines.errors.at(0).line == 1);
  CHECK(lines.errors.at(1).line == 4);
  CHECK(lines.lines_stored == 1);
}

TEST_CASE("comments, empty lines, CR LF and spaces around the parts count for nothing") {
  const auto lines = parse("\n\r\n# m v=1\n  # x\n \t\n  m   v=1   5  \r\nm v=2 6\r\nm v=3\r");
  CHECK(lines.lines_bad == 0);
  CHECK(lines.lines_stored == 3);
  CHECK(lines.columns.at(0).times == std::vector<std::int64_t>{5, 6, kNow.ns});
  CHECK(lines.readings_stamped == 1);
  CHECK(parse("").lines_stored == 0);
}

TEST_CASE("backslashes escape what would end a name and stand for themselves elsewhere") {
  const auto lines = parse(R"(a\,b\ c=d,t\=\,k=v\ \=\\x,w=C:\dir f\ \=\,=1)");
  REQUIRE(lines.keys.size() == 1);
  const auto key = SeriesKey::parse(lines.keys[0]).value();
  CHECK(key.measurement == "a,b c=d");
  CHECK(key.tags ==
        std::vector<std::pair<std::string, std::string>>{{"t=,k", R"(v =\x)"}, {"w", R"(C:\dir)"}});
  CHECK(key.field == "f =,");
}

TEST_CASE("names may be any UTF-8") {
  const auto lines = parse("wärme,ort=Küche température=1,湿度=2");
  CHECK(lines.keys ==
        std::vector<std::string>{"wärme,ort=Küche température f", "wärme,ort=Küche 湿度 f"});
}

TEST_CASE("the options' tags are added unless the line has them") {
  const auto lines = parse("m,b=own v=1\nm v=1\n", {Precision::kNs, {}, ",b=x\\ y,c=z"});
  CHECK(lines.keys == std::vector<std::string>{"m,b=own,c=z v f", "m,b=x\\ y,c=z v f"});
}

TEST_CASE("one parser follows a change of the options' tags") {
  LineParser parser;
  CHECK(parser.parse("m v=1", {Precision::kNs, {}, ",a=1"}).keys.at(0) == "m,a=1 v f");
  CHECK(parser.parse("m v=1", {Precision::kNs, {}, ",a=2"}).keys.at(0) == "m,a=2 v f");
  CHECK(parser.parse("m v=1", {}).keys.at(0) == "m v f");
}

TEST_CASE("times are scaled by the precision and checked after it") {
  const auto time_of = [](std::string_view precision, std::string_view time) {
    LineOptions options;
    options.precision = parse_precision(precision).value();
    const auto lines = parse(fmt::format("m v=1 {}", time), options);
    return lines.readings == 1 ? lines.columns[0].times[0] : -1;
  };
  CHECK(time_of("", "7") == 7);
  CHECK(time_of("n", "-7") == -7);
  CHECK(time_of("ns", "9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(time_of("ns", "-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  CHECK(time_of("ns", "000000000000000000007") == -1);
  CHECK(time_of("u", "7") == 7'000);
  CHECK(time_of("us", "7") == 7'000);
  CHECK(time_of("µ", "7") == 7'000);
  CHECK(time_of("ms", "7") == 7'000'000);
  CHECK(time_of("s", "1700000000") == 1'700'000'000'000'000'000);
  CHECK(time_of("s", "9223372036") == 9'223'372'036'000'000'000);
  CHECK(time_of("s", "9223372037") == -1);
  CHECK(time_of("m", "7") == 420'000'000'000);
  CHECK(time_of("h", "7") == 25'200'000'000'000);
  CHECK(time_of("h", "2562048") == -1);
}

TEST_CASE("a precision that nobody knows is invalid") {
  for (const char* text : {"S", "min", "nanoseconds", " "}) {
    const auto precision = parse_precision(text);
    REQUIRE_FALSE(precision.has_value());
    CHECK(precision.error().code == rt::Errc::kInvalid);
  }
}

TEST_CASE("one type more is one series more, and spellings of one series are one column") {
  const auto lines = parse("m,a=1,b=2 v=1 1\nm,b=2,a=1 v=2 2\nm,a=1,b=2 v=1i 3\n");
  CHECK(lines.keys == std::vector<std::string>{"m,a=1,b=2 v f", "m,a=1,b=2 v i"});
  CHECK(lines.columns.at(0).times == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("equal strings of a column are kept once") {
  const auto lines = parse("m s=\"a\" 1\nm s=\"b\" 2\nm s=\"a\" 3\nn s=\"a\" 4");
  CHECK(lines.columns.at(0).strings == std::vector<std::string>{"a", "b"});
  CHECK(lines.columns.at(0).values == std::vector<std::uint64_t>{0, 1, 0});
  CHECK(lines.columns.at(1).strings == std::vector<std::string>{"a"});
  CHECK(lines.string_bytes == 3);
}

TEST_CASE("what a parser remembers never changes what it answers") {
  std::mt19937_64 random(3);
  LineParser seasoned;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::size_t line = random() % 20; line > 0; --line) {
      text += fmt::format("m{},h={} ", random() % 3, random() % 12);
      const std::size_t fields = 1 + random() % 4;
      for (std::size_t i = 0; i < fields; ++i) {
        constexpr std::string_view kForms[] = {"1.5", "2i", "\"x\"", "t", "oops", "7u"};
        text += fmt::format("{}f{}={}", i == 0 ? "" : ",", random() % 6, kForms[random() % 6]);
      }
      text += fmt::format(" {}\n", random() % 100);
    }
    const auto one = seasoned.parse(text, {});
    const auto other = LineParser().parse(text, {});
    CHECK(one.keys == other.keys);
    CHECK(one.columns == other.columns);
    CHECK(one.lines_bad == other.lines_bad);
  }
}

TEST_CASE("more heads than a parser remembers are all read") {
  std::string text;
  for (int i = 0; i < 66'000; ++i) text += fmt::format("m{} v=1 {}\n", i, i);
  text += "m0 v=2 9\nm65999 v=2 9\n";
  const auto lines = parse(text);
  CHECK(lines.keys.size() == 66'000);
  CHECK(lines.columns.at(0).times == std::vector<std::int64_t>{0, 9});
  CHECK(lines.columns.at(65'999).times == std::vector<std::int64_t>{65'999, 9});
}

TEST_CASE("a formatted reading parses to itself") {
  SeriesKey key{"a,b c=d\\", {{"t =,", "v\\"}, {"u", "="}}, "f,= \\", ValueType::kF64, {}};
  const auto round_trip = [&key](std::uint64_t value, const std::string& text) {
    const std::string line = format_line(key, -5, value, text);
    INFO(line);
    const auto lines = parse(line);
    REQUIRE(lines.readings == 1);
    CHECK(lines.keys[0] == key.text());
    CHECK(lines.columns[0].times[0] == -5);
    if (key.type == ValueType::kString) {
      CHECK(lines.columns[0].strings[0] == text);
    } else {
      CHECK(lines.columns[0].values[0] == value);
    }
  };
  for (const double value : {0.0, -0.0, 0.1, 1e300, -5e-324, 123456789.123, 1e22, 3e-7}) {
    round_trip(std::bit_cast<std::uint64_t>(value), "");
  }
  key.type = ValueType::kI64;
  for (const std::uint64_t value : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63}) {
    round_trip(value, "");
  }
  key.type = ValueType::kU64;
  round_trip(~std::uint64_t{0}, "");
  key.type = ValueType::kBool;
  round_trip(1, "");
  round_trip(0, "");
  key.type = ValueType::kString;
  round_trip(0, "a \"b\", c\\\n d\\\"");
}

TEST_CASE("a unit holds for its series from its line on, in later calls too") {
  LineParser parser(UnitLines::kObeyed);
  const auto lines =
      parser.parse("m,b=2,a=1 v=1 1\n#unit m,a=1,b=2 v \xc2\xb0\x43\nm,b=2,a=1 v=2,w=3 2\n", {});
  CHECK(lines.lines_bad == 0);
  CHECK(lines.lines_stored == 2);
  CHECK(lines.keys ==
        std::vector<std::string>{"m,a=1,b=2 v f", "m,a=1,b=2 v f \xc2\xb0\x43", "m,a=1,b=2 w f"});
  const auto later = parser.parse("m,a=1,b=2 v=1\nm,b=2,a=1 v=1i\nm v=1", {});
  CHECK(later.keys == std::vector<std::string>{"m,a=1,b=2 v f \xc2\xb0\x43",
                                               "m,a=1,b=2 v i \xc2\xb0\x43", "m v f"});
}

TEST_CASE("a unit may change and go, and its series stay one column each") {
  LineParser parser(UnitLines::kObeyed);
  const auto lines = parser.parse(
      "#unit m s C\nm s=\"a\" 1\n#unit m s F\nm s=\"a\" 2\n#unit m s C\nm s=\"b\" 3\n"
      "#unit m s \nm s=\"a\" 4\n",
      {});
  CHECK(lines.keys == std::vector<std::string>{"m s s C", "m s s F", "m s s"});
  CHECK(lines.columns.at(0).times == std::vector<std::int64_t>{1, 3});
  CHECK(lines.columns.at(0).strings == std::vector<std::string>{"a", "b"});
  CHECK(lines.columns.at(1).strings == std::vector<std::string>{"a"});
  CHECK(lines.columns.at(2).times == std::vector<std::int64_t>{4});
  CHECK(parser.parse("m s=\"x\"", {}).keys.at(0) == "m s s");
}

TEST_CASE("names in a unit's line are escaped as in others, the unit is the rest as it stands") {
  LineParser parser(UnitLines::kObeyed);
  const SeriesKey key{"a,b c=d\\", {{"t =,", "v\\"}}, "f,= \\", ValueType::kF64, "per m, =\\ h"};
  const std::string line = "#unit " + format_line_name(key) + " " + key.unit + "\r\n";
  const auto lines = parser.parse(line + format_line(key, std::nullopt, 0, ""), {});
  CHECK(lines.lines_bad == 0);
  CHECK(lines.readings_stamped == 1);
  CHECK(lines.keys == std::vector<std::string>{key.text()});
}

TEST_CASE("a malformed unit line is a bad line, other comments count for nothing") {
  const std::string form = "expected \"#unit measurement[,tag=value...] field unit\"";
  const std::string field = "expected a field, and a backslash before \",\" and \"=\" in it";
  const std::string long_unit(kSeriesKeyBytesMax, 'x');
  const std::vector<std::pair<std::string, std::string>> table = {
      {"#unit ", form},
      {"#unit m", form},
      {"#unit m v", form},
      {"#unit  v C", "expected a measurement at the start of the line"},
      {"#unit m,a v C", "tag \"a\": expected \"=\" and a value"},
      {"#unit m  C", field},
      {"#unit m v=1 C", field},
      {"#unit m v,w C", field},
      {"#unit m v \xff", "names must be UTF-8 without line breaks"},
      {"#unit m v a\rb", "names must be UTF-8 without line breaks"},
      {"#unit m v " + long_unit, "series key longer than 4096 bytes"}};
  for (const auto& [line, what] : table) {
    INFO(line.substr(0, 40));
    LineParser parser(UnitLines::kObeyed);
    const auto lines = parser.parse("#units m v C\n# unit m v C\n" + line + "\nm v=1\n", {});
    REQUIRE(lines.lines_bad == 1);
    CHECK(lines.errors.at(0).what == what);
    CHECK(lines.errors.at(0).line == 3);
    CHECK(lines.keys == std::vector<std::string>{"m v f"});
  }
}

TEST_CASE("units count for nothing where nobody asked for them") {
  const auto lines = parse("#unit m v C\n#unit m\nm v=1\n");
  CHECK(lines.lines_bad == 0);
  CHECK(lines.keys == std::vector<std::string>{"m v f"});
}

TEST_CASE("units are bounded in number and size; what is there may still change and go") {
  LineParser parser(UnitLines::kObeyed);
  std::string text;
  for (std::size_t i = 0; i < LineParser::kUnitsMax; ++i) text += fmt::format("#unit m{} v C\n", i);
  CHECK(parser.parse(text, {}).lines_bad == 0);
  const auto over = parser.parse("#unit more v C\n#unit m0 v F\nmore v=1\nm0 v=1", {});
  CHECK(over.lines_bad == 1);
  CHECK(over.errors.at(0).what == "more than 4096 units");
  CHECK(over.keys == std::vector<std::string>{"more v f", "m0 v f F"});
  CHECK(parser.parse("#unit m0 v \n#unit more v C\nmore v=1", {}).keys.at(0) == "more v f C");
  LineParser other(UnitLines::kObeyed);
  text.clear();
  for (int i = 0; i < 200; ++i) text += fmt::format("#unit m{} v {:x>4000}\n", i, "");
  const auto large = other.parse(text, {});
  CHECK(large.lines_bad > 50);
  CHECK(large.lines_bad < 100);
  CHECK(large.errors.at(0).what == "more than 524288 bytes of units and their series");
}

TEST_CASE("units outlive what a parser forgets") {
  LineParser parser(UnitLines::kObeyed);
  CHECK(parser.parse("#unit m v C\n", {}).lines_bad == 0);
  std::string text;
  for (int i = 0; i < 66'000; ++i) text += fmt::format("x{} v=1 {}\n", i, i);
  CHECK(parser.parse(text, {}).keys.size() == 66'000);
  CHECK(parser.parse("m v=1", {}).keys.at(0) == "m v f C");
}

}  // namespace fieldpost::wire
