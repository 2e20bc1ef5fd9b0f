#include "proto/rt/http.h"

#include <doctest/doctest.h>

using fieldpost::rt::Errc;
using fieldpost::rt::HttpHeaders;
using fieldpost::rt::HttpRequest;
using fieldpost::rt::parse_http_form;
using fieldpost::rt::parse_http_target;

TEST_CASE("a target is split into a decoded path and decoded query parameters") {
  const auto target = parse_http_target("/a%20b/c+d?db=x&q=CREATE+DATABASE%20%22y%22&flag#frag");
  REQUIRE(target.has_value());
  CHECK(target->path == "/a b/c+d");
  REQUIRE(target->query.size() == 3);
  CHECK(target->query[0] == std::pair<std::string, std::string>{"db", "x"});
  CHECK(target->query[1].second == "CREATE DATABASE \"y\"");
  CHECK(target->query[2] == std::pair<std::string, std::string>{"flag", ""});
}

TEST_CASE("a broken percent sequence or a target without a slash is refused") {
  for (const char* bad : {"/%", "/%1", "/%zz", "/ok?a=%2", "x", ""}) {
    INFO("target ", std::string(bad));
    const auto target = parse_http_target(bad);
    REQUIRE_FALSE(target.has_value());
    CHECK(target.error().code == Errc::kInvalid);
  }
  CHECK(parse_http_target("/%41").value().path == "/A");
}

TEST_CASE("a form keeps the order and repetition of its fields") {
  const auto form = parse_http_form("a=1&&b=2&a=3%26");
  REQUIRE(form.has_value());
  REQUIRE(form->size() == 3);
  CHECK(form->at(2).second == "3&");
}

TEST_CASE("headers and query parameters are found by name, the first one wins") {
  HttpRequest request;
  request.headers = HttpHeaders{{"Content-Type", "text/plain"}, {"content-type", "other"}};
  request.target.query = {{"p", "1"}, {"p", "2"}};
  CHECK(request.headers.get("CONTENT-TYPE") == "text/plain");
  CHECK(request.headers.get("content").empty());
  CHECK(request.query("p") == "1");
  CHECK_FALSE(request.query("q").has_value());
}
