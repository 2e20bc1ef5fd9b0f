#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "tools/cli/exit_code.h"
#include "tools/cli/settings.h"
#include "tools/cli/sse_reader.h"
#include "tools/cli/text_table.h"
#include "tools/cli/words.h"

using namespace fieldpost;       // NOLINT
using namespace fieldpost::cli;  // NOLINT

namespace {

using Texts = std::map<std::string, std::string>;

rt::Result<Settings> settings(const std::string& option, const Texts& environment,
                              const Texts& files) {
  return load_settings(
      option,
      [&](const std::string& name) -> std::optional<std::string> {
        const auto found = environment.find(name);
        return found == environment.end() ? std::nullopt : std::optional(found->second);
      },
      [&](const std::string& path) -> rt::Result<std::string> {
        const auto found = files.find(path);
        if (found != files.end()) return found->second;
        return rt::Error{rt::Errc::kNotFound, "there is no file " + path};
      });
}

}  // namespace

TEST_CASE("the coordinator is found by option, variable, file, or default, in this order") {
  const Texts file = {{"/home/u/.config/fieldpost/config.toml",
                       "[coordinator]\nurl = \"http://file\"\ntoken_file = \"/t\"\n"},
                      {"/t", "secret\n"}};
  CHECK(settings("", {}, {}).value().url == "http://127.0.0.1:8080");
  CHECK(settings("", {{"HOME", "/home/u"}}, file).value().url == "http://file");
  CHECK(settings("", {{"HOME", "/home/u"}}, file).value().token == "secret");
  const Texts both = {{"HOME", "/home/u"}, {"FIELDPOST_URL", "http://variable"}};
  CHECK(settings("", both, file).value().url == "http://variable");
  CHECK(settings("http://option", both, file).value().url == "http://option");
  CHECK(settings("http://option", both, file).value().source == "--url");
}

TEST_CASE("a configuration that is wrong is named with its place") {
  const auto error = [](const std::string& text) {
    const auto loaded = settings("", {{"FIELDPOST_CONFIG", "/c"}}, {{"/c", text}});
    return loaded ? std::string() : loaded.error().message;
  };
  CHECK(error("[coordinator]\nurl = \"box:8080\"").starts_with("/c:2: coordinator.url: expected"));
  CHECK(error("[coordinator]\nurls = \"http://x\"").starts_with("/c:2:"));
  CHECK(error("[coordinator]\ntoken_file = \"/none\"").find("/none") != std::string::npos);
  CHECK_FALSE(settings("", {{"FIELDPOST_CONFIG", "/none"}}, {}).has_value());
  CHECK(settings("box", {}, {}).error().message ==
        "--url: expected http://HOST:PORT or https://HOST, not \"box\"");
}

TEST_CASE("events are read alike however their bytes are cut") {
  const std::string bytes =
      ": hello\n\nretry: 5\n\nevent: reading\ndata: {\"a\":\r\ndata:1}\n\ndata: plain\n\n"
      "event: half\ndata: x";
  for (std::size_t piece = 1; piece < bytes.size(); piece += 3) {
    INFO("piece ", piece);
    std::vector<std::string> seen;
    SseReader reader([&](std::string_view event, std::string_view data) {
      seen.push_back(std::string(event) + "|" + std::string(data));
      return true;
    });
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      CHECK(reader.feed(std::string_view(bytes).substr(at, piece)));
    }
    CHECK(seen == std::vector<std::string>{"reading|{\"a\":\n1}", "message|plain"});
  }
}

TEST_CASE("a reader of events stops when it has enough") {
  int events = 0;
  SseReader reader([&](auto, auto) { return ++events < 2; });
  CHECK_FALSE(reader.feed("data: 1\n\ndata: 2\n\ndata: 3\n\n"));
  CHECK(events == 2);
}

TEST_CASE("a table lines up words and numbers, and shows no control characters") {
  TextTable table({{"NAME", {}}, {"N", TextTable::Align::kRight}, {"UNIT", {}}});
  table.add({"temp", "1", "°C"});
  table.add({"a\x1b[31m", "1,000", ""});
  CHECK(table.text() ==
        "NAME        N  UNIT\n"
        "temp        1  °C\n"
        "a?[31m  1,000\n");
}

TEST_CASE("numbers are told so that people can read them") {
  CHECK(count_words(0) == "0");
  CHECK(count_words(999) == "999");
  CHECK(count_words(1'284'551) == "1,284,551");
  CHECK(duration_words(0.44) == "0.4 s");
  CHECK(duration_words(-3) == "0.0 s");
  CHECK(duration_words(59) == "59 s");
  CHECK(duration_words(123) == "2 min 3 s");
  CHECK(duration_words(7'260) == "2 h 1 min");
  CHECK(duration_words(11 * 86'400 + 4 * 3600) == "11 d 4 h");
  CHECK(bytes_words(1023) == "1023 B");
  CHECK(bytes_words(1536) == "1.5 KiB");
  CHECK(bytes_words(48 << 20) == "48 MiB");
}

TEST_CASE("exit codes are those that scripts rely on") {
  CHECK(exit_code_of(rt::Errc::kInvalid) == 2);
  CHECK(exit_code_of(rt::Errc::kUnavailable) == 69);
  CHECK(exit_code_of(rt::Errc::kDenied) == 77);
  CHECK(exit_code_of(rt::Errc::kNotFound) == 1);
  CHECK(exit_code_of(rt::Errc::kIo) == 1);
}
