#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "proto/wire/limits.h"
#include "proto/wire/topics.h"
#include "tests/support/cli_world.h"
#include "tests/support/sample_messages.h"
#include "tests/support/temp_directory.h"
#include "tools/cli/verbs.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT
using nlohmann::json;
using test::CliWorld;

namespace {

const std::string kNode = R"({"id":"a","site":"lab","online":false,"last_seen":null,"version":"1",
  "labels":[],"clock":{"synchronised":false,"offset_s":-90},
  "spool":{"records":2,"bytes":2048,"oldest_age_s":61,"forecast_s":90000,"forecast_class":null},
  "accepted":1284551,"held":2,"delivered":1284549,"unexplained":1,"gaps":1,"readings_lost":7,
  "unknown_from":null,"disk_bytes_written":0,"wire_bytes_sent":0,"messages_ignored":0,
  "alarms":["it burns"]})";
const std::string kSeries = R"({"id":7,"node":"a","measurement":"air","tags":{"pos":"top"},
  "field":"temp","type":"f64","unit":"°C","count":2,"first_time":"2024-01-01T00:00:00.000000000Z",
  "last_time":"2024-01-01T00:00:01.000000000Z"})";

const std::string kCommands = "/api/v1/nodes/a%20b/commands";
const FlashOptions kFlash{
    .node = "a b", .board = "nano", .image = "", .sha256 = std::string(64, 'a'), .firmware = "2"};

std::string list(const std::string& items, const std::string& next = "null") {
  return R"({"items":[)" + items + R"(],"next_cursor":)" + next + "}";
}

std::string with(std::string series, const std::string& name, const std::string& value) {
  series.back() = ',';
  return series + "\"" + name + "\":" + value + "}";
}

}  // namespace

TEST_CASE("status tells first what needs attention, then how the nodes are") {
  CliWorld world;
  world.answer("/readyz", R"({"detail":"the broker is not connected"})", 503);
  world.answer("/api/v1/nodes?limit=1000", list(kNode));
  CHECK(run_status(world.context, {}) == kExitDone);
  const std::string out = world.out();
  CHECK(
      out.starts_with("! the coordinator is not ready: the broker is not connected\n"
                      "! a: it burns\n"
                      "! a: 1 readings unexplained\n"
                      "! a: offline, last seen never\n"
                      "! a: its clock is not synchronised\n"
                      "! a: 1 gap, 7 readings known lost\n"
                      "\n"
                      "1,284,549 of 1,284,551 delivered, 1 unexplained; 0 of 1 nodes online\n"));
  CHECK(out.find("2 records, 2.0 KiB, oldest 1 min 1 s") != std::string::npos);
  CHECK(out.find("1 d 1 h") != std::string::npos);
  CHECK(out.find("1 min 30 s behind") != std::string::npos);
}

TEST_CASE("a node that only writes over HTTP made known is not offline, and no trouble") {
  CliWorld world;
  json node = json::parse(kNode);
  node.update({{"agent", false}, {"alarms", json::array()}, {"unexplained", 0}, {"gaps", 0}});
  node["clock"]["synchronised"] = nullptr;
  world.answer("/readyz", R"({"status":"ready"})");
  world.answer("/api/v1/nodes?limit=1000", list(node.dump()));
  CHECK(run_status(world.context, {}) == kExitDone);
  const std::string out = world.out();
  CHECK(out.find("! ") == std::string::npos);
  CHECK(out.find("0 of 0 nodes online") != std::string::npos);
  CHECK(out.find("offline") == std::string::npos);
}

TEST_CASE("status as JSON carries the same") {
  CliWorld world;
  world.context.json = true;
  world.answer("/readyz", R"({"status":"ready"})");
  world.answer("/api/v1/nodes?limit=1000", list(""));
  world.answer("/api/v1/gaps?limit=1000", list(""));
  CHECK(run_status(world.context, {.gaps = true}) == kExitDone);
  const json document = json::parse(world.out());
  CHECK(document.at("ready") == true);
  CHECK(document.at("attention").empty());
  CHECK(document.at("gaps").empty());
}

TEST_CASE("lists are walked page by page") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries, "\"s31\""));
  world.answer("/api/v1/series?limit=1000&cursor=s31", list(kSeries));
  CHECK(run_series(world.context, {}) == kExitDone);
  const std::string out = world.out();
  CHECK(out.find("air,pos=top temp") != std::string::npos);
  CHECK(std::count(out.begin(), out.end(), '\n') == 3);
}

TEST_CASE("filters of series are handed to the coordinator") {
  CliWorld world;
  world.answer(
      "/api/v1/series?node=a%20b&measurement=m&field=f&series=1%2C2&tag.k=v%3Dw&limit=1000",
      list(""));
  SeriesChoice choice{{1, 2}, "a b", "m", "f", {"k=v=w"}};
  CHECK(run_series(world.context, choice) == kExitDone);
  CHECK(world.out() == "no series matches\n");
  choice.tags = {"k"};
  CHECK(run_series(world.context, choice) == kExitUsage);
  CHECK(world.err() == "fieldpost: --tag: expected KEY=VALUE, not \"k\"\n");
}

TEST_CASE("an error of the coordinator becomes its words and the right exit code") {
  const auto code = [](int status) {
    CliWorld world;
    world.answer("/api/v1/nodes?limit=1000", R"({"detail":"because"})", status);
    const int exit = run_nodes(world.context, {});
    CHECK(world.err() == "fieldpost: because\n");
    return exit;
  };
  CHECK(code(400) == kExitUsage);
  CHECK(code(401) == kExitNotPermitted);
  CHECK(code(403) == kExitNotPermitted);
  CHECK(code(404) == kExitFailed);
  CHECK(code(500) == kExitFailed);
  CHECK(code(503) == kExitFailed);
  CliWorld world;
  world.answer_error("/api/v1/nodes?limit=1000", {rt::Errc::kUnavailable, "nobody is there"});
  CHECK(run_nodes(world.context, {}) == kExitUnreachable);
  CliWorld other;
  other.answer("/api/v1/nodes?limit=1000", "<html>");
  CHECK(run_nodes(other.context, {}) == kExitFailed);
}

TEST_CASE("a node is shown with how often it was told to measure") {
  const auto words = [](const std::string& sampling) {
    CliWorld world;
    world.answer("/api/v1/nodes/a", with(kNode, "sampling", sampling));
    CHECK(run_nodes(world.context, {"a", "", ""}) == kExitDone);
    const std::size_t at = world.out().find("measures ");
    return at == std::string::npos ? "" : world.out().substr(at);
  };
  CHECK(words("null") == "");
  CHECK(
      words(R"({"every_s":{"mem":1.0,"soil":0.5},"state":"confirmed","detail":"soil: nobody"})") ==
      "measures mem every 1 s, soil every 0.5 s: confirmed (soil: nobody)\n");
  CHECK(words(R"({"every_s":{},"state":"waiting","detail":""})") ==
        "measures as configured: waiting\n");
  CHECK(words(R"({"every_s":null,"state":"waiting","detail":""})") ==
        "measures nobody knows how often: waiting\n");
}

TEST_CASE("a node is released") {
  CliWorld world;
  world.answer("/api/v1/nodes/a/release", "", 204);
  CHECK(run_release(world.context, "a") == kExitDone);
  CHECK(world.fetcher.asked.at(0).method == "POST");
  CHECK(world.out() == "a is released: the machine that is left is taken as new\n");
  world.answer("/api/v1/nodes/b/release", R"({"title":"Not Found","status":404})", 404);
  CHECK(run_release(world.context, "b") == kExitFailed);
}

TEST_CASE("a command is sent to a node") {
  CliWorld world;
  world.answer("/api/v1/nodes/a/commands", R"({"id":4,"verb":"ping"})", 202);
  CHECK(run_nodes(world.context, {"a", "ping", R"({"n":1})"}) == kExitDone);
  CHECK(world.fetcher.asked.at(0).method == "POST");
  CHECK(json::parse(world.fetcher.asked.at(0).body) ==
        json::parse(R"({"verb":"ping","arguments":{"n":1}})"));
  CHECK(world.out() == "command 4 (ping) is on its way to a\n");
  CHECK(run_nodes(world.context, {"a", "ping", "[]"}) == kExitUsage);
  CHECK(run_nodes(world.context, {"", "ping", ""}) == kExitUsage);
}

TEST_CASE("a board is flashed by its node, and what came of it is told") {
  CliWorld world;
  const test::TempDirectory directory;
  const std::string image = directory.file("new.hex");
  std::ofstream(image) << ":00000001FF\n";
  world.answer(kCommands, R"({"id":4})", 202);
  world.answer(kCommands + "/4", R"({"id":4,"outcome":null})");
  world.answer(kCommands + "/4", R"({"id":4,"outcome":{"ok":null,"detail":"unknown: it ended"}})");
  world.answer(kCommands + "/4", R"({"id":4,"outcome":{"ok":true,"detail":"firmware 2 runs"}})");
  const FlashOptions options{
      .node = "a b", .board = "nano", .image = image, .firmware = "2", .timeout_s = 90};
  CHECK(run_flash(world.context, options) == kExitDone);
  CHECK(world.out() == "nano of a b: firmware 2 runs\n");
  CHECK(world.err() == "");
  CHECK(world.pauses == std::vector<std::int64_t>{500, 500});
  REQUIRE(world.fetcher.asked.size() == 4);
  CHECK(world.fetcher.asked[0].method == "POST");
  CHECK(json::parse(world.fetcher.asked[0].body) ==
        json::parse(R"({"verb":"flash","arguments":{"board":"nano","version":"2","timeout_s":90,
                        "image":"OjAwMDAwMDAxRkYK"}})"));
}

TEST_CASE("an image that the bridge keeps is flashed by its name") {
  CliWorld world;
  world.answer(kCommands, R"({"id":4})", 202);
  world.answer(kCommands + "/4", R"({"id":4,"outcome":{"ok":true,"detail":"it runs"}})");
  CHECK(run_flash(world.context, kFlash) == kExitDone);
  const json sent = json::parse(world.fetcher.asked.at(0).body);
  CHECK(sent.at("arguments").at("sha256") == kFlash.sha256);
  CHECK_FALSE(sent.at("arguments").contains("image"));
  CHECK(sent.at("arguments").at("timeout_s") == 60);
}

TEST_CASE("a board that was not flashed is a failure, and so is an outcome that nobody told") {
  const auto flash = [](const std::string& outcome) {
    CliWorld world;
    world.answer(kCommands, R"({"id":4})", 202);
    world.answer(kCommands + "/4", R"({"id":4,"outcome":)" + outcome + "}");
    CHECK(run_flash(world.context, kFlash) == kExitFailed);
    CHECK(world.out() == "");
    return world.err();
  };
  CHECK(flash(R"({"ok":false,"detail":"the board does not answer"})") ==
        "fieldpost: nano of a b: the board does not answer\n");
  CHECK(flash(R"({"ok":null,"detail":"expired: the node told no outcome in time"})") ==
        "fieldpost: nano of a b: expired: the node told no outcome in time\n");
}

TEST_CASE("a flash as JSON is its outcome, with the same exit code") {
  const auto flash = [](bool ok, int exit) {
    CliWorld world;
    world.context.json = true;
    const json outcome = {{"ok", ok}, {"detail", "so it was"}, {"id", 4}};
    world.answer(kCommands, R"({"id":4})", 202);
    world.answer(kCommands + "/4", json{{"id", 4}, {"outcome", outcome}}.dump());
    CHECK(run_flash(world.context, kFlash) == exit);
    CHECK(json::parse(world.out()) == outcome);
    CHECK(world.err() == "");
  };
  flash(true, kExitDone);
  flash(false, kExitFailed);
}

TEST_CASE("a flash that is not waited for is only sent") {
  CliWorld world;
  FlashOptions options = kFlash;
  options.no_wait = true;
  world.answer(kCommands, R"({"id":4})", 202);
  CHECK(run_flash(world.context, options) == kExitDone);
  CHECK(world.out() == "command 4 is on its way to a b\n");
  CHECK(world.fetcher.asked.size() == 1);
  CliWorld other;
  other.context.json = true;
  other.answer(kCommands, R"({"id":4})", 202);
  CHECK(run_flash(other.context, options) == kExitDone);
  CHECK(json::parse(other.out()) == json{{"id", 4}});
}

TEST_CASE("a flash needs an image or the name of one, and an image that a command can carry") {
  CliWorld world;
  const test::TempDirectory directory;
  FlashOptions options = kFlash;
  options.image = directory.file("new.hex");
  CHECK(run_flash(world.context, options) == kExitUsage);
  options.sha256.clear();
  CHECK(run_flash(world.context, options) == kExitFailed);  // it is not there
  const auto flash = [&](std::size_t bytes) {
    std::ofstream(options.image, std::ios::trunc) << std::string(bytes, ':');
    return run_flash(world.context, options);
  };
  CHECK(flash(0) == kExitUsage);
  CHECK(flash(wire::kFlashImageBytesMax + 1) == kExitUsage);
  options.image.clear();
  CHECK(run_flash(world.context, options) == kExitUsage);
  CHECK(world.fetcher.asked.empty());
  options.image = directory.file("new.hex");
  world.answer(kCommands, R"({"detail":"node a b is not connected"})", 503);
  CHECK(flash(wire::kFlashImageBytesMax) == kExitFailed);
  CHECK(world.fetcher.asked.size() == 1);
  CHECK(world.err().ends_with("fieldpost: node a b is not connected\n"));
}

TEST_CASE("readings are printed page by page under their series") {
  CliWorld world;
  world.answer("/api/v1/series?series=7&limit=1000", list(kSeries));
  const std::string path = "/api/v1/readings?series=7&from=1&to=9";
  world.answer(path + "&limit=3",
               list(with(kSeries, "readings", R"([["t1",1.5],["t2",2]])"), "\"r1\""));
  world.answer(path + "&limit=1&cursor=r1",
               list(with(kSeries, "readings", R"([["t3",3]])"), "\"r2\""));
  QueryOptions options{.choice = {.ids = {7}}, .from = "1", .to = "9", .limit = 3};
  CHECK(run_query(world.context, options) == kExitDone);
  CHECK(world.out() == "# 7 a air,pos=top temp in °C\nt1  1.5\nt2  2\nt3  3\n");
  world.context.json = true;
  CHECK(run_query(world.context, options) == kExitDone);
  const std::string out = world.out();
  const json document = json::parse(out.substr(out.find('{')));
  CHECK(document.at("items").size() == 2);
  CHECK(document.at("next_cursor").is_null());
}

TEST_CASE("buckets are printed as a table or as CSV") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  world.answer("/api/v1/readings/aggregate?series=7&points=1",
               list(with(kSeries, "buckets", R"([["t",2,1,2.5,1.75,1,2.5]])")));
  CHECK(run_query(world.context, {.buckets = {.points = 1}, .format = QueryFormat::kCsv}) ==
        kExitDone);
  CHECK(world.out() ==
        "time,series,node,measurement,tags,field,count,min,max,mean,first,last\r\n"
        "t,7,a,air,pos=top,temp,2,1,2.5,1.75,1,2.5\r\n");
  CHECK(run_query(world.context, {.buckets = {.points = 1}}) == kExitDone);
  CHECK(
      world.out().ends_with("TIME  COUNT  MIN  MAX  MEAN  FIRST  LAST\n"
                            "t         2    1  2.5  1.75      1   2.5\n"));
}

TEST_CASE("buckets of groups say what the series have in common") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  world.answer(
      "/api/v1/readings/aggregate?series=7&width=1h&of=rate&fill=null&group_by=node%2Ctag.pos",
      list(R"({"group":{"node":"a","tag.pos":"x,y"},"series":[7,8],"unit":"B/s",)"
           R"("buckets":[["t",0,null,null,null,null,null]]})"));
  QueryOptions options{
      .buckets = {.width = "1h", .of = "rate", .fill = "null", .group_by = {"node", "tag.pos"}}};
  CHECK(run_query(world.context, options) == kExitDone);
  CHECK(world.out().starts_with("# node=a;tag.pos=x,y (2 series) in B/s\n"));
  options.format = QueryFormat::kCsv;
  CHECK(run_query(world.context, options) == kExitDone);
  CHECK(
      world.out().ends_with("time,series,group,count,min,max,mean,first,last\r\n"
                            "t,7;8,\"node=a;tag.pos=x,y\",0,,,,,\r\n"));
}

TEST_CASE("the last readings, one line each") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  world.answer("/api/v1/readings/last?series=7",
               list(with(kSeries, "time\":\"t1\",\"value", "2.5")));
  CHECK(run_query(world.context, {.last = true}) == kExitDone);
  CHECK(world.out() == "t1  7 a air,pos=top temp = 2.5 °C\n");
  CHECK(run_query(world.context, {.last = true, .format = QueryFormat::kCsv}) == kExitDone);
  CHECK(
      world.out().ends_with("time,series,node,measurement,tags,field,unit,value\r\n"
                            "t1,7,a,air,pos=top,temp,°C,2.5\r\n"));
}

TEST_CASE("calibrated values are asked for in each kind of query, and told as such") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  const std::string calibrated = with(kSeries, "calibration", "[1,2]");
  world.answer("/api/v1/readings?series=7&calibrated=dry%20soil&limit=50000",
               list(with(calibrated, "readings", R"([["t1",3]])")));
  CHECK(run_query(world.context, {.calibrated = "dry soil"}) == kExitDone);
  CHECK(world.out() == "# 7 a air,pos=top temp in °C, calibrated\nt1  3\n");
  world.answer("/api/v1/readings/last?series=7&calibrated_by=house%402",
               list(with(calibrated, "time\":\"t1\",\"value", "2.5")));
  CHECK(run_query(world.context, {.last = true, .calibrated_by = "house@2"}) == kExitDone);
  CHECK(world.out().ends_with("t1  7 a air,pos=top temp = 2.5 °C, calibrated\n"));
  world.answer("/api/v1/readings/aggregate?series=7&points=1&calibrated_by=house%402",
               list(R"({"group":{"node":"a"},"series":[7],"unit":null,"calibrations":[[1,2]],)"
                    R"("buckets":[["t",1,1,1,1,1,1]]})"));
  CHECK(run_query(world.context, {.buckets = {.points = 1}, .calibrated_by = "house@2"}) ==
        kExitDone);
  CHECK(world.out().find("# node=a (1 series), calibrated\n") != std::string::npos);
  const std::string csv = "/api/v1/readings?series=7&calibrated=e&format=csv";
  world.answer(csv, "time,value\r\n");
  CHECK(run_query(world.context, {.calibrated = "e", .format = QueryFormat::kCsv}) == kExitDone);
  CHECK(world.fetcher.asked.back().path == csv);
}

TEST_CASE("options of query that cannot go together are refused with what to do") {
  CliWorld world;
  CHECK(run_query(world.context, {.buckets = {.fill = "null"}}) == kExitUsage);
  CHECK(run_query(world.context, {.buckets = {.points = 3}, .last = true}) == kExitUsage);
  CHECK(run_query(world.context, {.from = "1", .last = true}) == kExitUsage);
}

TEST_CASE("CSV of more series than one address holds has one header line") {
  CliWorld world;
  std::string items;
  std::string first = "/api/v1/readings?series=";
  std::string second = first + "201";
  for (int id = 1; id <= 201; ++id) {
    std::string series = kSeries;
    series.replace(series.find("\"id\":7"), 6, "\"id\":" + std::to_string(id));
    items += (id == 1 ? "" : ",") + series;
    if (id <= 200) first += (id == 1 ? "" : ",") + std::to_string(id);
  }
  world.answer("/api/v1/series?limit=1000", list(items));
  world.answer(first + "&format=csv&limit=3", "time,value\r\n1,1\r\n2,2\r\n");
  world.answer(second + "&format=csv&limit=1", "time,value\r\n3,3\r\n");
  CHECK(run_query(world.context, {.limit = 3, .format = QueryFormat::kCsv}) == kExitDone);
  CHECK(world.out() == "time,value\r\n1,1\r\n2,2\r\n3,3\r\n");
}

TEST_CASE("tail prints readings, and connects again when the stream ends") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  const std::string reading =
      R"({"series":7,"time":"1970-01-01T00:00:00.000000005Z","value":21.5})";
  const std::string later = R"({"series":7,"time":"1970-01-01T00:00:00.000000006Z","value":22})";
  world.answer("/api/v1/live?series=7&last=true", "event: reading\ndata: " + reading + "\n\n");
  world.answer_error("/api/v1/live?series=7", {rt::Errc::kUnavailable, "reset"});
  world.answer("/api/v1/live?series=7",
               "event: gap\ndata: {\"id\":3,\"node\":\"a\",\"cause\":\"shed\"}\n\n"
               "event: reading\ndata: {\"series\":8,\"time\":\"x\",\"value\":1}\n\n"
               "event: reading\ndata: " +
                   reading + "\n\nevent: reading\ndata: " + later + "\n\n");
  CHECK(run_tail(world.context, {.count = 2}) == kExitDone);
  const std::string line = "1970-01-01T00:00:00.000000005Z  a  air,pos=top temp = 21.5 °C\n";
  // The reading that is told again when the stream begins anew is not printed again.
  CHECK(world.out() == line + "! gap 3 of a: shed\n" +
                           "1970-01-01T00:00:00.000000006Z  a  air,pos=top temp = 22 °C\n");
  CHECK(world.pauses == std::vector<std::int64_t>{1000, 2000});
}

TEST_CASE("tail prints line protocol or JSON") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  world.answer("/api/v1/live?series=7&last=true",
               "event: reading\ndata: {\"series\":7,\"time\":\"1970-01-01T00:00:00.000000005Z\","
               "\"value\":21.5}\n\n");
  CHECK(run_tail(world.context, {.count = 1, .lines = true}) == kExitDone);
  CHECK(world.out() == "air,pos=top temp=21.5 5\n");
  world.context.json = true;
  CHECK(run_tail(world.context, {.count = 1}) == kExitDone);
  CHECK(
      world.out().ends_with("{\"event\":\"reading\",\"series\":7,\"time\":"
                            "\"1970-01-01T00:00:00.000000005Z\",\"value\":21.5}\n"));
}

TEST_CASE("tail gives up when it never got through, or was refused") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(kSeries));
  world.answer_error("/api/v1/live?series=7&last=true", {rt::Errc::kUnavailable, "gone"});
  CHECK(run_tail(world.context, {}) == kExitUnreachable);
  CHECK(world.pauses.empty());
  CliWorld away;
  away.answer_error("/api/v1/series?limit=1000", {rt::Errc::kUnavailable, "gone"});
  CHECK(run_tail(away.context, {}) == kExitUnreachable);
}

namespace {

std::string reading_event(int series, int time) {
  return "event: reading\ndata: {\"series\":" + std::to_string(series) +
         ",\"time\":\"1970-01-01T00:00:0" + std::to_string(time) + ".000000000Z\",\"value\":1}\n\n";
}

std::string series_of(int id, const std::string& node) {
  return R"({"id":)" + std::to_string(id) + R"(,"node":")" + node +
         R"(","measurement":"m","tags":{},"field":"v","type":"f64","unit":null,"count":1})";
}

}  // namespace

TEST_CASE("tail waits for the first series, and follows those that come later") {
  CliWorld world;
  world.answer("/api/v1/series?limit=1000", list(""));
  world.answer("/api/v1/series?limit=1000", list(series_of(1, "a")));
  world.answer("/api/v1/series?limit=1000", list(series_of(1, "a") + "," + series_of(2, "b")));
  world.answer("/api/v1/live?series=1&last=true", reading_event(1, 1));
  world.answer("/api/v1/live?series=1,2&last=true", reading_event(1, 1) + reading_event(2, 2));
  world.fetcher.on_wait = [&] { world.sim.run_for(rt::Seconds{10}); };
  CHECK(run_tail(world.context, {.count = 2}) == kExitDone);
  CHECK(world.out() ==
        "1970-01-01T00:00:01.000000000Z  a  m v = 1\n"
        "1970-01-01T00:00:02.000000000Z  b  m v = 1\n");
  CHECK(world.err() == "fieldpost: no series matches yet; waiting for one\n");
  CHECK(world.pauses == std::vector<std::int64_t>{3000});
}

TEST_CASE("tail counts readings only, and tells of the nodes it was asked for") {
  CliWorld world;
  world.context.json = true;
  world.answer("/api/v1/series?node=a&limit=1000", list(series_of(1, "a")));
  world.answer("/api/v1/live?series=1&last=true",
               "event: node\ndata: {\"id\":\"b\"}\n\n"
               "event: node\ndata: {\"id\":\"a\"}\n\n"
               "event: gap\ndata: {\"id\":3,\"node\":\"b\"}\n\n" +
                   reading_event(1, 1));
  CHECK(run_tail(world.context, {.choice = {.ids = {}, .node = "a"}, .count = 1}) == kExitDone);
  const std::string out = world.out();
  CHECK(out.starts_with("{\"event\":\"node\",\"id\":\"a\"}\n{\"event\":\"reading\""));
  CHECK(std::count(out.begin(), out.end(), '\n') == 2);
}

TEST_CASE("tail follows as many series as a stream takes, and says so") {
  CliWorld world;
  std::string many, ids;
  for (int id = 1; id <= 1001; ++id) {
    many += (many.empty() ? "" : ",") + series_of(id, "a");
    if (id <= 1000) ids += (ids.empty() ? "" : ",") + std::to_string(id);
  }
  world.answer("/api/v1/series?limit=1000", list(many));
  world.answer("/api/v1/live?series=" + ids + "&last=true", reading_event(1000, 1));
  CHECK(run_tail(world.context, {.count = 1}) == kExitDone);
  CHECK(world.err().starts_with("fieldpost: 1001 series match and 1000 are followed"));
}

TEST_CASE("write sends batches under keys of their own and says how many lines") {
  std::string input;
  for (int i = 0; i < 5'001; ++i) input += "m v=" + std::to_string(i) + " 1\n";
  CliWorld world(input);
  world.answer("/write?precision=s&node=n", "", 204);
  CHECK(run_write(world.context, {.node = "n", .precision = "s"}) == kExitDone);
  CHECK(world.out() == "ok 5001\n");
  REQUIRE(world.fetcher.asked.size() == 2);
  CHECK(world.fetcher.asked[1].body == "m v=5000 1\n");
  CHECK(world.fetcher.asked[0].headers != world.fetcher.asked[1].headers);
}

TEST_CASE("write offers a batch again, under the same key, while the coordinator is away or full") {
  CliWorld world;
  world.answer_error("/write?precision=ns", {rt::Errc::kUnavailable, "away"});
  world.fetcher.answers["/write?precision=ns"].emplace_back(
      Fetched{503, "", {{"retry-after", "3"}}, 0});
  world.answer("/write?precision=ns", "", 204);
  CHECK(run_write(world.context, {.lines = {"m v=1"}}) == kExitDone);
  CHECK(world.pauses == std::vector<std::int64_t>{500, 3000});
  REQUIRE(world.fetcher.asked.size() == 3);
  CHECK(world.fetcher.asked[0].headers == world.fetcher.asked[2].headers);
  CliWorld hopeless;
  hopeless.answer_error("/write?precision=ns", {rt::Errc::kUnavailable, "away"});
  CHECK(run_write(hopeless.context, {.lines = {"m v=1"}}) == kExitUnreachable);
  CHECK(hopeless.fetcher.asked.size() == 10);
}

TEST_CASE("write counts the lines that are stored: no blank ones, comments and bad ones") {
  CliWorld world("m v=1 1\n\n  \t\n# a comment\nm v=2 2\n");
  world.answer("/write?precision=ns", "", 204);
  CHECK(run_write(world.context, {}) == kExitDone);
  CHECK(world.out() == "ok 2\n");
  CliWorld arguments;
  arguments.answer("/write?precision=ns", "", 204);
  CHECK(run_write(arguments.context, {.lines = {"m v=1\nm v=2", "m v=3"}}) == kExitDone);
  CHECK(arguments.out() == "ok 3\n");
}

TEST_CASE("write says every few seconds how far it is where there is no terminal") {
  std::string input;
  for (int i = 0; i < 10'001; ++i) input += "m v=" + std::to_string(i) + " 1\n";
  CliWorld world(input);
  world.answer_error("/write?precision=ns", {rt::Errc::kUnavailable, "away"});
  world.answer("/write?precision=ns", "", 204);
  world.context.pause = [&](std::int64_t) { world.sim.run_for(rt::Seconds{6}); };
  CHECK(run_write(world.context, {}) == kExitDone);
  CHECK(world.err() ==
        "fieldpost: away; again in 0.5 s\n"
        "fieldpost: 5,000 lines so far\n");
}

TEST_CASE("write shows a bar on a terminal, of a file whose size is known") {
  std::string input;
  for (int i = 0; i < 10'000; ++i) input += "m v=1 1\n";
  CliWorld world(input);
  world.context.terminal = true;
  world.answer_error("/write?precision=ns", {rt::Errc::kUnavailable, "away"});
  world.answer("/write?precision=ns", "", 204);
  world.context.pause = [&](std::int64_t) { world.sim.run_for(rt::Seconds{6}); };
  CHECK(run_write(world.context, {}) == kExitDone);
  CHECK(world.err().find("\r[###############---------------]  50 %  5,000 lines") !=
        std::string::npos);
  CHECK(world.err().ends_with("\r[##############################] 100 %  10,000 lines\n"));
}

TEST_CASE("write names bad lines, says how many were stored, and fails") {
  CliWorld world;
  world.answer("/write?precision=ns",
               R"({"error":"partial write: line 2: nonsense; stored=1 dropped=1"})", 400);
  CHECK(run_write(world.context, {.lines = {"m v=1", "x"}}) == kExitFailed);
  CHECK(world.err() ==
        "fieldpost: lines 1 to 2, counted from there: partial write: line 2: nonsense; stored=1 "
        "dropped=1\n");
  CHECK(world.out() == "ok 1\n");
  CliWorld denied;
  denied.answer("/write?precision=ns", "", 401);
  CHECK(run_write(denied.context, {.lines = {"m v=1"}}) == kExitNotPermitted);
}

TEST_CASE("decode takes topics with spaces in them") {
  CliWorld world("some one's topic 00\nanother one \n");
  CHECK(run_decode(world.context, {}) == kExitDone);
  CHECK(world.out().find("some one's topic") != std::string::npos);
}

TEST_CASE("decode prints one JSON object a message and names lines that are none") {
  CliWorld world("fieldpost/v1/lab/a/hello 00\n\nnonsense\nfieldpost/v1/lab/a/hello 0g\n");
  CHECK(run_decode(world.context, {}) == kExitFailed);
  const std::string out = world.out();
  CHECK(std::count(out.begin(), out.end(), '\n') == 1);
  CHECK(json::parse(out).contains("error"));
  CHECK(world.err() ==
        "fieldpost: line 3: expected TOPIC and the payload in hex\n"
        "fieldpost: line 4: expected TOPIC and the payload in hex\n");
  CliWorld key;
  CHECK(run_decode(key.context, {.key = "12"}) == kExitUsage);
}

TEST_CASE("doctor asks one thing after the other and fails for what is broken") {
  CliWorld world;
  world.answer("/healthz", "{}");
  world.answer("/readyz", "{}");
  world.answer("/api/v1/nodes?limit=1000", list(kNode));
  CHECK(run_doctor(world.context, "the default") == kExitFailed);
  CHECK(world.out().find("fail  a: it burns\n") != std::string::npos);
  CliWorld away;
  away.answer_error("/healthz", {rt::Errc::kUnavailable, "nobody is there"});
  CHECK(run_doctor(away.context, "--url") == kExitUnreachable);
  CHECK(away.out() ==
        "ok    the coordinator's address is http://fake (--url)\nfail  nobody is there\n");
}
