#include "proto/wire/flash_order.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "proto/rt/base64.h"
#include "proto/wire/limits.h"

namespace fieldpost::wire {
namespace {

using nlohmann::json;

const std::string kHash(64, 'a');

json good() {
  return {{"board", "nano-1"}, {"version", "2.1.0"}, {"timeout_s", 90}, {"sha256", kHash}};
}

bool is_taken(const json& order) {
  return parse_flash_order(order.dump()).has_value();
}

/// The good order with this member instead.
bool is_taken_with(const char* key, const json& value) {
  json order = good();
  order[key] = value;
  return is_taken(order);
}

bool is_taken_without(const char* key) {
  json order = good();
  order.erase(key);
  return is_taken(order);
}

}  // namespace

TEST_CASE("an order to flash comes back as it was, with an image or the name of one") {
  FlashOrder order{"nano-1", std::string("\0:00000001FF\n\xff", 14), "", "2.1.0-\xc3\xa9", 3600};
  const auto image = parse_flash_order(encode(order));
  REQUIRE(image.has_value());
  CHECK(image->board == "nano-1");
  CHECK(image->image == order.image);
  CHECK(image->sha256 == "");
  CHECK(image->version == order.version);
  CHECK(image->timeout_s == 3600);
  const auto named = parse_flash_order(encode({"b", "", kHash, "1", 1}));
  REQUIRE(named.has_value());
  CHECK(named->image == "");
  CHECK(named->sha256 == kHash);
  CHECK(named->timeout_s == 1);
}

TEST_CASE("an order without a time has a minute") {
  json order = good();
  order.erase("timeout_s");
  const auto parsed = parse_flash_order(order.dump());
  REQUIRE(parsed.has_value());
  CHECK(parsed->timeout_s == 60);
}

TEST_CASE("what is no object is no order") {
  for (const std::string text :
       {"", "7", "[]", "null", "{", "\"x\"", "{}", "{\"board\":\"a\xff\"}"}) {
    INFO(text);
    CHECK_FALSE(parse_flash_order(text).has_value());
  }
  json order = good();
  order["more"] = json::parse(std::string(500, '[') + std::string(500, ']'));
  CHECK_FALSE(is_taken(order));
}

TEST_CASE("each member of an order has its type and its limits") {
  CHECK(is_taken(good()));
  CHECK_FALSE(is_taken_without("board"));
  CHECK_FALSE(is_taken_without("version"));
  CHECK_FALSE(is_taken_without("sha256"));
  for (const json& board : {json(7), json(nullptr), json(""), json("A"), json("a/b"), json("-a"),
                            json(std::string(64, 'a'))}) {
    INFO(board.dump());
    CHECK_FALSE(is_taken_with("board", board));
  }
  CHECK(is_taken_with("board", std::string(63, 'a')));
  for (const json& version :
       {json(2), json(nullptr), json(""), json(std::string(121, '1')), json::array({"1"})}) {
    INFO(version.dump());
    CHECK_FALSE(is_taken_with("version", version));
  }
  CHECK(is_taken_with("version", std::string(120, '1')));
  for (const json& timeout : {json(0), json(-1), json(3601), json(1.5), json("60"), json(nullptr),
                              json(std::uint64_t{1} << 32)}) {
    INFO(timeout.dump());
    CHECK_FALSE(is_taken_with("timeout_s", timeout));
  }
  for (const json& hash : {json(1), json(std::string(63, 'a')), json(std::string(65, 'a')),
                           json(std::string(64, 'A')), json(std::string(64, 'g')), json(nullptr)}) {
    INFO(hash.dump());
    CHECK_FALSE(is_taken_with("sha256", hash));
  }
}

TEST_CASE("an order has an image or the name of one, and never both") {
  json order = good();
  order["image"] = "Zm9v";
  CHECK_FALSE(is_taken(order));
  order["sha256"] = "";
  CHECK(is_taken(order));
  order["image"] = "";
  CHECK_FALSE(is_taken(order));
  for (const json& image : {json(1), json("Zm9"), json("Zm9v\n"), json(nullptr)}) {
    INFO(image.dump());
    order["image"] = image;
    CHECK_FALSE(is_taken(order));
  }
}

TEST_CASE("an image is as long as a command can carry") {
  const auto with_image = [](std::size_t bytes) {
    return parse_flash_order(encode({"b", std::string(bytes, ':'), "", "1", 60})).has_value();
  };
  CHECK(with_image(kFlashImageBytesMax));
  CHECK_FALSE(with_image(kFlashImageBytesMax + 1));
  CHECK(encode({std::string(63, 'b'), std::string(kFlashImageBytesMax, ':'), "",
                std::string(120, 'v'), kFlashTimeoutMaxS})
            .size() <= kCommandArgumentsBytesMax);
  std::string padded = good().dump();
  padded += std::string(kCommandArgumentsBytesMax - padded.size(), ' ');
  CHECK(parse_flash_order(padded).has_value());
  CHECK_FALSE(parse_flash_order(padded + " ").has_value());
}

}  // namespace fieldpost::wire

namespace fieldpost::rt {

TEST_CASE("base64 is that of RFC 4648, section 10") {
  const std::pair<std::string, std::string> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : vectors) {
    INFO(bytes);
    CHECK(to_base64(bytes) == text);
    CHECK(from_base64(text) == bytes);
  }
}

TEST_CASE("every byte goes through base64") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  for (std::size_t size = 250; size <= bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    CHECK(from_base64(to_base64(part)) == part);
  }
  CHECK(to_base64("\xfb\xff\xbf") == "+/+/");
}

TEST_CASE("what is not base64 to the last character is refused") {
  for (const std::string text :
       {"Z", "Zg", "Zg=", "Zm9", "Zg==Zg==", "Zg===", "=", "====", "Zm9v=", " Zm9v", "Zm9v\n",
        "Zm 9v", "Zm9v!", "-_-_", "Zh==", "Zm9=", "Zm9v\xc3\xa9"}) {
    INFO(text);
    CHECK_FALSE(from_base64(text).has_value());
  }
  CHECK_FALSE(from_base64(std::string("Zm9v\0", 5)).has_value());
}

}  // namespace fieldpost::rt
