#include "proto/rt/http_text.h"

#include <doctest/doctest.h>

#include "proto/rt/json_text.h"

using namespace fieldpost::rt;  // NOLINT

namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("a head states its framing, its date and whether the connection goes on") {
  const HttpHead head{.status = 404, .body_bytes = 12, .date_s = 784111777};
  CHECK(format_http_head(head, {{"Content-Type", "text/plain"}}) ==
        "HTTP/1.1 404 Not Found\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: text/plain\r\n"
        "Content-Length: 12\r\n"
        "Connection: keep-alive\r\n\r\n");
  const HttpHead stream{.framing = HttpFraming::kChunked, .keeps_alive = false};
  const std::string text = format_http_head(stream, {});
  CHECK(text.find("Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n") != std::string::npos);
}

TEST_CASE("a header field cannot split a response or contradict its framing") {
  const HttpHeaders headers{{"X-A", "1\r\nX-Evil: 2"},     {"X-B\n", "1"},  {"Content-Length", "7"},
                            {"transfer-Encoding", "gzip"}, {"DATE", "now"}, {"X-Good", "yes"}};
  const std::string text = format_http_head({.framing = HttpFraming::kNone}, headers);
  CHECK(text ==
        "HTTP/1.1 200 OK\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
        "X-Good: yes\r\nConnection: keep-alive\r\n\r\n");
}

TEST_CASE("a problem document follows RFC 9457") {
  const HttpResponse response = problem_response(400, "expected \"a\"");
  CHECK(response.status == 400);
  CHECK(response.headers.get("content-type") == "application/problem+json");
  CHECK(response.body ==
        "{\"type\":\"about:blank\",\"title\":\"Bad Request\",\"status\":400,"
        "\"detail\":\"expected \\\"a\\\"\"}\n");
}

TEST_CASE("chunks carry their size in hex") {
  CHECK(format_http_chunk("0123456789abcdef!") == "11\r\n0123456789abcdef!\r\n");
  CHECK(format_http_chunk("").empty());
}

TEST_CASE("a JSON string escapes what must be escaped and keeps UTF-8") {
  CHECK(json("a\"b\\c\n\r\t\x01 °C") == "\"a\\\"b\\\\c\\n\\r\\t\\u0001 °C\"");
  CHECK(json("\x7f") == "\"\\u007f\"");
  CHECK(json("") == "\"\"");
}

TEST_CASE("bytes that are not UTF-8 become the replacement character") {
  CHECK(json("a\xff"
             "b") ==
        "\"a\xef\xbf\xbd"
        "b\"");
  CHECK(json("\xe2\x82") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // cut short
  CHECK(json("\xc0\xaf") == "\"\xef\xbf\xbd\xef\xbf\xbd\"");                  // overlong
  CHECK(json("\xed\xa0\x80") == "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");  // surrogate
  CHECK(json("\xf0\x9f\x98\x80") == "\"\xf0\x9f\x98\x80\"");
}
