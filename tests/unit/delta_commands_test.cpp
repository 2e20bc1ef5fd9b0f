// The commands of deltas, and how copies are made as long as they can be.
#include "proto/delta/delta_commands.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "proto/delta/copy_extender.h"

namespace fieldpost::test {
namespace {

using delta::CommandReader;
using delta::CommandWriter;
using delta::CopyExtender;
using delta::DeltaCommand;
using rt::Errc;

const std::string kMagic =
    "rs\x02"
    "6";

/// Commands as words: `+text`, `offset:size`, `.`; pieces of one literal are one.
rt::Result<std::string> words_of(std::string_view bytes, std::size_t piece) {
  CommandReader reader;
  std::string out;
  bool in_literal = false;
  for (;;) {
    const auto command = reader.next();
    if (!command) return command.error();
    if (!*command) {
      if (bytes.empty()) return out;
      reader.add(bytes.substr(0, piece));
      bytes.remove_prefix(std::min(piece, bytes.size()));
      continue;
    }
    const DeltaCommand& each = **command;
    if (each.kind == DeltaCommand::Kind::kLiteral && !in_literal) out += " +";
    in_literal = each.kind == DeltaCommand::Kind::kLiteral;
    out += each.literal;
    if (each.kind == DeltaCommand::Kind::kCopy) {
      out += " " + std::to_string(each.offset) + ":" + std::to_string(each.size);
    }
    if (each.kind == DeltaCommand::Kind::kEnd) return out + " .";
  }
}

Errc refusal_of(const std::string& commands) {
  const auto words = words_of(kMagic + commands, 3);
  REQUIRE(!words);
  return words.error().code;
}

/// What the extender makes of commands, against a base.
struct Extended {
  explicit Extended(std::string content, std::size_t block = 8, bool has_base = true)
      : base(std::move(content)),
        extender(has_base ? CopyExtender::ReadBase([this](std::uint64_t at, std::size_t size) {
                   reads += 1;
                   return rt::Result<std::string>(base.substr(at, size));
                 })
                          : CopyExtender::ReadBase(),
                 base.size(), block, out) {}

  void literal(std::string_view bytes) {
    REQUIRE(extender.take({.kind = DeltaCommand::Kind::kLiteral, .literal = bytes}));
  }
  void copy(std::uint64_t offset, std::uint64_t size) {
    REQUIRE(extender.take({.kind = DeltaCommand::Kind::kCopy, .offset = offset, .size = size}));
  }
  std::string end() {
    REQUIRE(extender.take({.kind = DeltaCommand::Kind::kEnd}));
    return words_of(out, 1000).value();
  }

  std::string base;
  std::string out;
  int reads = 0;
  CopyExtender extender;
};

}  // namespace

TEST_CASE("commands are read as they were written, in pieces of any size") {
  std::string bytes;
  CommandWriter writer(bytes);
  const std::string middle(64, 'm');
  const std::string large(300, 'l');
  writer.literal("a");
  writer.copy(0, 255);
  writer.literal(middle);
  writer.copy(256, 65'536);
  writer.literal(large);
  writer.copy(std::uint64_t{1} << 32, std::uint64_t{1} << 33);
  writer.literal("");
  writer.copy(5, 0);
  writer.end();
  const std::string expected =
      " +a 0:255 +" + middle + " 256:65536 +" + large + " 4294967296:8589934592 .";
  for (const std::size_t piece : {1U, 2U, 7U, 1000U}) {
    INFO("piece ", piece);
    const auto words = words_of(bytes, piece);
    REQUIRE_MESSAGE(words, words.error().message);
    CHECK(*words == expected);
  }
}

TEST_CASE("literals have any width that the format has") {
  for (const std::string& head :
       {std::string("\x41\x02", 2), std::string("\x42\0\x02", 3), std::string("\x43\0\0\0\x02", 5),
        std::string("\x44\0\0\0\0\0\0\0\x02", 9)}) {
    CHECK(words_of(kMagic + head + "ab" + std::string(1, '\0'), 1).value() == " +ab .");
  }
}

TEST_CASE("what is no delta is refused") {
  CHECK(words_of("rs\x01"
                 "6",
                 1)
            .error()
            .code == Errc::kInvalid);
  CHECK(refusal_of("\x55") == Errc::kInvalid);
  CHECK(refusal_of("\xff") == Errc::kInvalid);
  CHECK(refusal_of(std::string("\x41\0", 2)) == Errc::kInvalid);    // a literal of nothing
  CHECK(refusal_of(std::string("\x45\0\0", 3)) == Errc::kInvalid);  // a copy of nothing
  CHECK(refusal_of("\x44\xff\xff\xff\xff\xff\xff\xff\xff") == Errc::kInvalid);
  CHECK(refusal_of("\x54\xff\xff\xff\xff\xff\xff\xff\xff\1\1\1\1\1\1\1\1") == Errc::kInvalid);
  CHECK(refusal_of("\x48\1\xff\xff\xff\xff\xff\xff\xff\xff") == Errc::kInvalid);
  CHECK(words_of(kMagic + "\x45\1", 1).value().empty());  // more is needed
}

TEST_CASE("an edit inside a block costs its own bytes") {
  Extended world("0123456789abcdefghijklmnopqrstuv");
  world.copy(0, 8);
  world.literal("89ab");
  world.literal("XYef");
  world.copy(16, 16);
  CHECK(world.end() == " 0:12 +XY 14:18 .");
}

TEST_CASE("copies that follow each other are one, also where a literal is what the base has") {
  Extended world("0123456789abcdefghijklmnopqrstuv");
  world.copy(0, 8);
  world.copy(8, 8);
  world.literal("ghijklmn");
  world.copy(24, 8);
  CHECK(world.end() == " 0:32 .");
}

TEST_CASE("a literal at the beginning and one at the end of the base are shortened") {
  Extended world("0123456789abcdef");
  world.literal("X234567");
  world.copy(8, 8);
  world.literal("more");
  CHECK(world.end() == " +X 2:14 +more .");
}

TEST_CASE("without a base nothing is read, and copies that follow each other are one") {
  Extended world("0123456789abcdef", 8, false);
  world.literal("01234567");
  world.copy(8, 4);
  world.copy(12, 4);
  CHECK(world.end() == " +01234567 8:8 .");
  CHECK(world.reads == 0);
}

TEST_CASE("of a long literal only the end is held, and still given to the next copy") {
  Extended world("0123456789abcdefghijklmnopqrstuv");
  const std::string large(200'000, 'z');
  world.copy(0, 8);
  for (std::size_t at = 0; at < large.size(); at += 1000) world.literal(large.substr(at, 1000));
  CHECK(world.out.size() > 100'000);
  world.literal("cdef");
  world.copy(16, 8);
  const std::string words = world.end();
  const bool ends_so = words.ends_with("z 12:12 .");
  CHECK(ends_so);
}

TEST_CASE("a base that cannot be read ends the work") {
  std::string out;
  CopyExtender extender(
      [](std::uint64_t, std::size_t) -> rt::Result<std::string> {
        return rt::Error{Errc::kIo, "broken"};
      },
      100, 8, out);
  REQUIRE(extender.take({.kind = DeltaCommand::Kind::kCopy, .offset = 0, .size = 8}));
  const auto done = extender.take({.kind = DeltaCommand::Kind::kLiteral, .literal = "x"});
  REQUIRE(!done);
  CHECK(done.error().code == Errc::kIo);
}

}  // namespace fieldpost::test
