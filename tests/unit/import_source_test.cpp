#include "coordinator/imports/import_source.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "coordinator/exports/sample_writer.h"
#include "coordinator/imports/csv_reader.h"
#include "coordinator/imports/text_pieces.h"
#include "proto/wire/output_file.h"
#include "proto/wire/readings_codec.h"
#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

/// "node key" to "time=value" texts, in the order of the file.
using Found = std::map<std::string, std::vector<std::string>>;

std::string text_of(const Found& found) {
  std::string out;
  for (const auto& [series, texts] : found) {
    out += series + ":";
    for (const std::string& each : texts) out += " " + each;
    out += "\n";
  }
  return out;
}

std::string value_text(const wire::Column& column, std::size_t at, wire::ValueType type) {
  const std::uint64_t bits = column.values[at];
  switch (type) {
    case wire::ValueType::kF64: return std::to_string(std::bit_cast<double>(bits));
    case wire::ValueType::kI64: return std::to_string(static_cast<std::int64_t>(bits));
    case wire::ValueType::kU64:
    case wire::ValueType::kBool: return std::to_string(bits);
    case wire::ValueType::kString: return column.strings[static_cast<std::size_t>(bits)];
  }
  return {};
}

void unpack(const ImportedReadings& readings, Found& found) {
  const wire::Record& record = readings.encoded.record;
  const wire::SeriesSet& set = *readings.encoded.set;
  const auto raw = wire::decompress(record.payload, record.codec, record.raw_size).value();
  const auto columns = wire::decode_columns(raw, set.types).value();
  for (std::size_t c = 0; c < columns.columns.size(); ++c) {
    if (columns.columns[c].count() == 0) continue;  // the set may have more series
    auto& texts = found[readings.node + " " + set.keys[c]];
    for (std::size_t i = 0; i < columns.columns[c].count(); ++i) {
      texts.push_back(std::to_string(columns.columns[c].times[i]) + "=" +
                      value_text(columns.columns[c], i, set.types[c]));
    }
  }
}

struct World {
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  ImportRequest request;
  std::vector<std::string> problems;
  std::uint64_t rows_bad = 0;
  std::size_t steps = 0;
  ImportPlace place;

  void put(const std::string& bytes) {
    REQUIRE(files.remove("/f"));
    REQUIRE(files.write_at("/f", 0, bytes, 0600));
  }
  /// Reads all of it, in steps; at most `steps_max` of them.
  Found read(std::size_t steps_max = SIZE_MAX) {
    Found found;
    auto source = open_import_source(files, "/f", request, place);
    REQUIRE(source.has_value());
    for (bool more = true; more && steps < steps_max; ++steps) {
      ImportSink sink;
      const auto read = (*source)->read(sink, place);
      INFO((read ? "" : read.error().message));
      REQUIRE(read.has_value());
      more = *read;
      const auto step = sink.take();
      REQUIRE(step.has_value());
      for (const ImportedReadings& each : step->readings) unpack(each, found);
      rows_bad += step->rows_bad;
      problems.insert(problems.end(), step->problems.begin(), step->problems.end());
    }
    return found;
  }
  std::string failure() {
    auto source = open_import_source(files, "/f", request, place);
    if (!source) return source.error().message;
    for (;;) {
      ImportSink sink;
      const auto read = (*source)->read(sink, place);
      if (!read) return read.error().message;
      if (!*read) return "";
    }
  }
};

struct Series {
  std::string key;
  wire::ValueType type;
  ReadingColumns readings;
};

std::vector<Series> sample_series() {
  const auto f = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  return {{"air t f °C", wire::ValueType::kF64, {{1, 2, 3}, {f(1.5), f(-0.0), f(1e300)}, {}}},
          {"air,pos=top n i", wire::ValueType::kI64, {{4}, {static_cast<std::uint64_t>(-7)}, {}}},
          {"air u u", wire::ValueType::kU64, {{5}, {UINT64_MAX}, {}}},
          {"door open b", wire::ValueType::kBool, {{6, 7}, {1, 0}, {}}},
          {"log text s", wire::ValueType::kString, {{8, 9}, {0, 0}, {"a \"b\",\nc", "d"}}}};
}

/// As an export has it.
std::string sample_file(SampleFormat format, const std::vector<Series>& all = sample_series()) {
  sim::SimDisk disk;
  sim::SimFiles files(disk);
  wire::OutputFile out(files, "/x");
  SampleFileHead head;
  for (const Series& each : all) head.types.insert(each.type);
  head.has_calibrated_f64 = true;
  auto writer = make_sample_writer(format, head, out).value();
  const Calibration calibration{{1, 2}};
  for (const Series& each : all) {
    SampleLabels labels;
    labels.node = "n1";
    labels.sensor = "s";
    labels.series = each.key;
    labels.recording = "r";
    labels.type = each.type;
    labels.calibration = &calibration;
    REQUIRE(writer->add(labels, each.readings));
  }
  REQUIRE(writer->finish());
  REQUIRE(out.finish());
  return files.read("/x", 0, 1 << 20).value();
}

const Found kSamples{{"n1 air t f °C", {"1=1.500000", "2=-0.000000", "3=" + std::to_string(1e300)}},
                     {"n1 air,pos=top n i", {"4=-7"}},
                     {"n1 air u u", {"5=18446744073709551615"}},
                     {"n1 door open b", {"6=1", "7=0"}},
                     {"n1 log text s", {"8=a \"b\",\nc", "9=d"}}};

}  // namespace

TEST_CASE("samples come back from each format of an export, raw and of their types") {
  const std::pair<SampleFormat, ImportFormat> formats[] = {
      {SampleFormat::kParquet, ImportFormat::kParquet},
      {SampleFormat::kCsv, ImportFormat::kCsv},
      {SampleFormat::kJsonLines, ImportFormat::kJsonLines}};
  for (const auto& [written, read] : formats) {
    CAPTURE(static_cast<int>(read));
    World world;
    world.request.format = read;
    world.put(sample_file(written));
    CHECK(world.read() == kSamples);
    CHECK(world.rows_bad == 0);
    CHECK(world.place.row == 9);
  }
}

TEST_CASE("a file is read on from where an import stood, whatever its format") {
  const std::string csv = [] {
    std::string text = "time,node,series,raw\n";
    for (int i = 0; i < 300'000; ++i) {
      text += "1970-01-01T00:00:00.000" + std::to_string(100'000 + i) + "Z,n,a b i," +
              std::to_string(i) + "\n";
    }
    return text;
  }();
  std::string lines, json;
  for (int i = 0; i < 300'000; ++i) {
    lines += "a b=" + std::to_string(i) + "i " + std::to_string(100'000 + i) + "\n";
    json += R"({"time":"1970-01-01T00:00:00.000)" + std::to_string(100'000 + i) +
            R"(Z","node":"n","series":"a b i","raw":)" + std::to_string(i) + "}\n";
  }
  const std::pair<ImportFormat, std::string> files[] = {{ImportFormat::kCsv, csv},
                                                        {ImportFormat::kLineProtocol, lines},
                                                        {ImportFormat::kJsonLines, json}};
  for (const auto& [format, text] : files) {
    CAPTURE(static_cast<int>(format));
    World world;
    world.request.format = format;
    world.request.node = "n";
    world.put(text);
    auto first = world.read(2)["n a b i"];
    CHECK(first.size() < 300'000);
    CHECK(first.size() > 2 * 60'000);
    const auto rest = world.read()["n a b i"];  // another source, from the place on
    first.insert(first.end(), rest.begin(), rest.end());
    REQUIRE(first.size() == 300'000);
    CHECK(first[0] == "100000=0");
    CHECK(first[299'999] == "399999=299999");
    CHECK(world.place.row == 300'000);
    CHECK(world.rows_bad == 0);
  }
}

TEST_CASE("long texts end a step of a Parquet import wherever they fill it") {
  constexpr std::size_t kRows = 4096;
  constexpr std::size_t kTextBytes = 8 << 10;
  Series log{"log text s", wire::ValueType::kString, {}};
  // Two texts that take turns: few bytes of the file, many of a step.
  const std::string texts[] = {std::string(kTextBytes, 'a'), std::string(kTextBytes, 'b')};
  for (std::size_t i = 0; i < kRows; ++i) {
    log.readings.times.push_back(static_cast<std::int64_t>(i));
    log.readings.values.push_back(0);
    log.readings.texts.push_back(texts[i % 2]);
  }
  World world;
  world.request.format = ImportFormat::kParquet;
  world.put(sample_file(SampleFormat::kParquet, {log}));
  auto found = world.read(1)["n1 log text s"];
  CHECK(found.size() < ImportSink::kBytesMax / kTextBytes * 5 / 4);
  CHECK(world.place.row == found.size());
  const auto rest = world.read()["n1 log text s"];  // another source, from the place on
  found.insert(found.end(), rest.begin(), rest.end());
  REQUIRE(found.size() == kRows);
  CHECK(found[0] == "0=" + texts[0]);
  CHECK(found[kRows - 1] == "4095=" + texts[1]);
  CHECK(world.steps >= 2);
}

TEST_CASE("a row that does not fit is left out, and told by its number") {
  World world;
  world.request.format = ImportFormat::kCsv;
  world.put(
      "time,node,series,raw\n"
      "1970-01-01T00:00:01Z,n,a b i,1\n"
      "yesterday,n,a b i,2\n"
      "1970-01-01T00:00:03Z,N!,a b i,3\n"
      "1970-01-01T00:00:04Z,n,nonsense,4\n"
      "1970-01-01T00:00:05Z,n,a b i,5.5\n"
      "1970-01-01T00:00:06Z,n,a b i\n"
      "1970-01-01T00:00:07Z,n,a b i,7\n");
  CHECK(world.read() == Found{{"n a b i", {"1000000000=1", "7000000000=7"}}});
  CHECK(world.rows_bad == 5);
  REQUIRE(world.problems.size() == 5);
  CHECK(world.problems[0].find("row 3: ") == 0);
  CHECK(world.problems[1].find("row 4: no name of a node") == 0);
  CHECK(world.problems[2].find("row 5: no series") == 0);
  CHECK(world.problems[3].find("row 6: no value of type i64") == 0);
  CHECK(world.problems[4] == "row 7: it has 3 fields, not 4");
}

TEST_CASE("rows of CSV become readings by a mapping") {
  World world;
  world.request.format = ImportFormat::kCsv;
  world.request.delimiter = ';';
  world.request.node = "house";
  world.request.node_from = "host";
  mapping::JsonMapping mapping;
  mapping.measurement = "door";
  mapping.fields = {
      {.name = "open", .pointer = "state", .type = wire::ValueType::kBool, .unit = ""},
      {.name = "battery", .pointer = "bat", .type = {}, .unit = "V"}};
  mapping.tag_pointers = {{"door", "which"}};
  mapping.time_pointer = "when";
  world.request.mapping = mapping;
  world.put(
      "\xEF\xBB\xBFwhen;which;state;bat;host;more\r\n"
      "1;front;on;2.9;;x\r\n"
      "2.5;front;off;;shed;\r\n"
      "3;;on;1;;\r\n"
      "4;back;maybe;1;;\r\n"
      "5;back;on;1;Sh ed;\r\n"
      "\"6\";\"ba;\"\"ck\";on;1;;\r\n");
  CHECK(text_of(world.read()) ==
        text_of(Found{{"house door,door=front battery f V", {"1000000000=2.900000"}},
                      {"house door,door=front open b", {"1000000000=1"}},
                      {"shed door,door=front open b", {"2500000000=0"}},
                      {"house door,door=ba;\"ck battery f V", {"6000000000=1.000000"}},
                      {"house door,door=ba;\"ck open b", {"6000000000=1"}}}));
  CHECK(world.rows_bad == 3);
  CHECK(world.problems.at(0).find("row 4: there is no tag in parameter") == 0);
  CHECK(world.problems.at(1).find("row 5: ") == 0);
  CHECK(world.problems.at(2).find("row 6: no name of a node") == 0);
}

TEST_CASE("columns may be named by the request, and those that are meant must be there") {
  World world;
  world.request.format = ImportFormat::kCsv;
  world.request.columns = {"time", "node", "series", "raw"};
  world.put("1970-01-01T00:00:01Z,n,a b i,1\n");
  CHECK(world.read().at("n a b i").size() == 1);
  world.request.columns = {"t", "node", "series", "raw"};
  CHECK(world.failure().find("there is no column \"time\"; there are t, node") !=
        std::string::npos);
  world.request.columns.clear();
  world.put("");
  CHECK(world.failure().find("the file is empty") == 0);
}

TEST_CASE("line protocol goes to a node, or to those that a tag names") {
  World world;
  world.request.format = ImportFormat::kLineProtocol;
  world.request.precision = "s";
  world.request.node = "other";
  world.request.node_from = "host";
  world.put(
      "# DDL\nCREATE DATABASE db WITH NAME autogen\n# DML\n# CONTEXT-DATABASE:db\n"
      "cpu,host=Server01,cpu=0 load=0.5 1\n"
      "cpu,cpu=0 load=1.5 2\n"
      "cpu,host=no\\ name load=1,idle=2,text=\"a\nb\" 3\n"
      "\n"
      "cpu load=1\n"
      "cpu load\n"
      "cpu,cpu=0 load=2.5 3\n");
  CHECK(world.read() ==
        Found{{"server01 cpu,cpu=0 load f", {"1000000000=0.500000"}},
              {"other cpu,cpu=0 load f", {"2000000000=1.500000", "3000000000=2.500000"}}});
  CHECK(world.rows_bad == 3);
  REQUIRE(world.problems.size() == 3);
  CHECK(world.problems[0].find("row 11: ") == 0);
  CHECK(world.problems[1] == "row 7: it is of no node: \"no name\"");
  CHECK(world.problems[2] == "row 10: it has no time");
  world.request.node = "";
  world.place = {};
  CHECK(world.read().size() == 1);
}

TEST_CASE("behind a line without a time each value keeps its own time") {
  World world;
  world.request.format = ImportFormat::kLineProtocol;
  world.request.node = "n";
  world.put("cpu load=1,text=\"a\" 1\ncpu load=2,text=\"b\"\ncpu load=3,text=\"c\" 3\n");
  CHECK(text_of(world.read()) == text_of(Found{{"n cpu load f", {"1=1.000000", "3=3.000000"}},
                                               {"n cpu text s", {"1=a", "3=c"}}}));
  CHECK(world.rows_bad == 1);
  CHECK(world.problems.at(0) == "row 2: it has no time");
}

TEST_CASE("series that become one of one node lose nothing") {
  World world;
  world.request.format = ImportFormat::kLineProtocol;
  world.request.node_from = "host";
  // One of another node makes the set known before.
  const std::string other = "cpu,host=alpha v=1 1000\n";
  const std::string same = "cpu,host=Gw v=2 2000\ncpu,host=gw v=3 3000\ncpu,host=GW v=4 4000\n";
  for (const std::string& before : {other, std::string()}) {
    CAPTURE(before);
    world.place = {};
    world.put(before + same);
    Found found = world.read();
    found.erase("alpha cpu v f");
    CHECK(found == Found{{"gw cpu v f", {"2000=2.000000", "3000=3.000000", "4000=4.000000"}}});
  }
  world.request.node = "gw";
  world.place = {};
  world.put(other + "cpu text=\"a\" 1\ncpu text=\"b\" 2\ncpu,host=gw text=\"b\" 3\n" +
            "cpu,host=gw text=\"a\" 4\ncpu,host=gw v=5 5\ncpu v=6 6\n");
  CHECK(world.read() == Found{{"alpha cpu v f", {"1000=1.000000"}},
                              {"gw cpu text s", {"1=a", "2=b", "3=b", "4=a"}},
                              {"gw cpu v f", {"5=5.000000", "6=6.000000"}}});
  CHECK(world.rows_bad == 0);
}

TEST_CASE("no format gives a step one series twice") {
  // The encoder refuses what is there twice, and each of these would be.
  const std::string rows[] = {"n,a b i,1", "m,a b i,2", "n,a c i,3", "n,a b i,4", "m,a b i,5"};
  std::string csv = "time,node,series,raw\n", json;
  for (const std::string& each : rows) {
    csv += "1970-01-01T00:00:01Z," + each + "\n";
    json += R"({"time":"1970-01-01T00:00:01Z","node":")" + each.substr(0, 1) + R"(","series":")" +
            each.substr(2, 5) + R"(","raw":)" + each.substr(8) + "}\n";
  }
  const Found expected{{"m a b i", {"1000000000=2", "1000000000=5"}},
                       {"n a b i", {"1000000000=1", "1000000000=4"}},
                       {"n a c i", {"1000000000=3"}}};
  const std::pair<ImportFormat, std::string> files[] = {{ImportFormat::kCsv, csv},
                                                        {ImportFormat::kJsonLines, json}};
  for (const auto& [format, text] : files) {
    CAPTURE(static_cast<int>(format));
    World world;
    world.request.format = format;
    world.put(text);
    CHECK(world.read() == expected);
  }
  World mapped;
  mapped.request.format = ImportFormat::kCsv;
  mapped.request.node_from = "host";
  mapping::JsonMapping mapping;
  mapping.measurement = "a";
  mapping.fields = {{.name = "b", .pointer = "x", .type = wire::ValueType::kI64, .unit = ""},
                    {.name = "b", .pointer = "y", .type = wire::ValueType::kI64, .unit = ""}};
  mapping.time_pointer = "when";
  mapped.request.mapping = mapping;
  mapped.put("when,host,x,y\n1,n,1,2\n1,m,3,4\n1,n,5,6\n");
  const Found found = mapped.read();
  REQUIRE(found.size() == 2);
  CHECK(found.at("n a b i").size() == 4);
  CHECK(found.at("m a b i").size() == 2);
}

TEST_CASE("a quote out of its place, endless rows and endless lines end an import with words") {
  World world;
  world.request.format = ImportFormat::kCsv;
  world.put("time,node,series,raw\n1,n,a b i,x\"y\n");
  CHECK(world.failure() == "row 2: a quote stands where none may be, or is not closed");
  world.put("time,node,series,raw\n1,n,a b i,\"" + std::string(20 << 20, 'x'));
  CHECK(world.failure().find("row 2: it has more than") == 0);
  world.request.format = ImportFormat::kJsonLines;
  world.put(std::string(TextPieces::kLineBytesMax + TextPieces::kPieceBytes, 'x'));
  CHECK(world.failure().find("a line of more than") == 0);
  world.request.format = ImportFormat::kParquet;
  world.put("not Parquet at all");
  CHECK(world.failure() != "");
  world.request.format = ImportFormat::kArchive;
  CHECK(world.failure() != "");
}

TEST_CASE("JSON lines tell what they lack") {
  World world;
  world.request.format = ImportFormat::kJsonLines;
  world.put(R"([1]
{"node":"n","series":"a b f","raw":1}
{"time":"1970-01-01T00:00:01Z","node":"n","series":"a b f"}
{"time":"1970-01-01T00:00:01Z","node":"n","series":"a b s","raw":1}
{"time":"1970-01-01T00:00:01Z","node":"n","series":"a b f","raw":[1]}

{"time":"1970-01-01T00:00:01Z","node":"n","series":"a b f","raw":-0}
{"time":"1970-01-01T00:00:02Z","node":"n","series":"a b f","raw":"nan"})");
  const auto found = world.read();
  REQUIRE(found.at("n a b f").size() == 2);
  CHECK(found.at("n a b f")[0] == "1000000000=-0.000000");
  CHECK(found.at("n a b f")[1] == "2000000000=nan");
  CHECK(world.rows_bad == 5);
  CHECK(world.problems.at(4).find("row 5: ") == 0);
}

TEST_CASE("records keep their bounds, whatever a file is like") {
  World world;
  world.request.format = ImportFormat::kCsv;
  world.request.node = "n";
  mapping::JsonMapping mapping;
  mapping.measurement = "wide";
  mapping.time_pointer = "t";
  std::string head = "t", row;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "f" + std::to_string(i);
    mapping.fields.push_back({.name = name, .pointer = name, .type = {}, .unit = ""});
    head += "," + name;
    row += ",1";
  }
  world.request.mapping = mapping;
  std::string text = head + "\n";
  for (int i = 0; i < 9000; ++i) text += std::to_string(i) + row + "\n";
  world.put(text);
  CHECK(world.read().at("n wide f0 f").size() == 9000);

  World many;  // more series than a set may have, with long keys
  many.request.format = ImportFormat::kLineProtocol;
  many.request.node = "n";
  const std::string tag(300, 'x');
  text.clear();
  for (int i = 0; i < 6000; ++i) {
    text += "m,tag=" + tag + std::to_string(i) + " a=1,b=2 " + std::to_string(i) + "\n";
  }
  many.put(text);
  CHECK(many.read().size() == 12'000);

  World long_texts;
  long_texts.request.format = ImportFormat::kCsv;
  text = "time,node,series,raw\n";
  for (int i = 0; i < 600; ++i) {
    text += "1970-01-01T00:00:00.000000" + std::to_string(100 + i) + "Z,n,l t s," +
            std::string(60'000, static_cast<char>('a' + i % 26)) + "\n";
  }
  long_texts.put(text);
  CHECK(long_texts.read().at("n l t s").size() == 600);
  CHECK(long_texts.steps > 1);
}

TEST_CASE("a text of line protocol may have line breaks, wherever a piece ends") {
  World world;
  world.request.format = ImportFormat::kLineProtocol;
  world.request.node = "n";
  std::string text = "CREATE DATABASE x\n";
  for (int i = 0; i < 30'000; ++i) {
    text += R"(log,q="a text="one \"two\")"
            "\nCREATE three\n\" " +
            std::to_string(i) + "\n";
  }
  world.put(text);
  const auto found = world.read();
  REQUIRE(found.size() == 1);
  const auto& texts = found.begin()->second;
  CHECK(world.rows_bad == 0);
  REQUIRE(texts.size() == 30'000);
  CHECK(texts[29'999] == "29999=one \"two\"\nCREATE three\n");
}

TEST_CASE("rows for nothing end a step as well") {
  World world;
  world.request.format = ImportFormat::kCsv;
  std::string text = "time,node,series,raw\n";
  for (int i = 0; i < 600'000; ++i) text += "x,n,a b i,1\n";
  world.put(text);
  CHECK(world.read().empty());
  CHECK(world.rows_bad == 600'000);
  CHECK(world.steps >= 3);
}
