#include <doctest/doctest.h>

#include <string>

#include "proto/schema/wire_generated.h"
#include "proto/wire/body.h"
#include "proto/wire/limits.h"
#include "tests/support/sample_messages.h"

namespace fieldpost::wire {
namespace {

BodyReference sample_reference() {
  return {sha256("abc"), 3, "image/jpeg", "a \"b\".jpg"};
}

constexpr std::string_view kReferenceText =
    R"({"fieldpost_blob":1,)"
    R"("sha256":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",)"
    R"("size":3,"type":"image/jpeg","name":"a \"b\".jpg"})";

bool is_refused(Fragment fragment) {
  return !decode_fragment(encode(fragment)).has_value();
}

}  // namespace

TEST_CASE("SHA-256 agrees with FIPS 180-4, at once and in pieces") {
  const std::string abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  CHECK(sha256("abc").hex() == abc);
  CHECK(sha256("").hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256 pieces;
  pieces.add("a");
  CHECK(pieces.digest() == sha256("a"));
  pieces.add("bc");
  CHECK(pieces.digest().hex() == abc);
  CHECK(pieces.digest().hex() == abc);
}

TEST_CASE("a digest survives bytes and hex, and nothing else is one") {
  const Sha256Digest digest = sha256("abc");
  CHECK(Sha256Digest::from_hex(digest.hex()) == digest);
  CHECK(Sha256Digest::from_bytes(digest.bytes()) == digest);
  CHECK(!Sha256Digest::from_hex(digest.hex().substr(1)));
  CHECK(!Sha256Digest::from_hex(std::string(64, 'A')));
  CHECK(!Sha256Digest::from_bytes("abc"));
}

TEST_CASE("a reference to a body is one text, and only that text is a reference") {
  CHECK(encode(sample_reference()) == kReferenceText);
  CHECK(decode_body_reference(kReferenceText) == sample_reference());
  const std::string text(kReferenceText);
  CHECK(!decode_body_reference(" " + text));
  CHECK(!decode_body_reference(text + " "));
  CHECK(!decode_body_reference(text.substr(0, text.size() - 1) + R"(,"more":1})"));
  CHECK(!decode_body_reference(R"({"fieldpost_blob":1,"sha256":"ba","size":3,"type":"a/b"})"));
  CHECK(!decode_body_reference("image/jpeg"));
  CHECK(!decode_body_reference(R"({"fieldpost_blob":1,)"));
}

TEST_CASE("a reference without a name leaves it out") {
  BodyReference reference = sample_reference();
  reference.name.clear();
  CHECK(encode(reference).ends_with(R"("type":"image/jpeg"})"));
  CHECK(decode_body_reference(encode(reference)) == reference);
}

TEST_CASE("what no body can be has no reference") {
  const auto is_bad = [](auto&& change) {
    BodyReference reference = sample_reference();
    change(reference);
    return !check(reference) && !decode_body_reference(encode(reference));
  };
  CHECK(check(sample_reference()).has_value());
  CHECK(is_bad([](auto& r) { r.size = 0; }));
  CHECK(is_bad([](auto& r) { r.size = kBodyBytesMax + 1; }));
  CHECK(is_bad([](auto& r) { r.type = "image"; }));
  CHECK(is_bad([](auto& r) { r.type = "text/html; charset=utf-8"; }));
  CHECK(is_bad([](auto& r) { r.type = "Image/JPEG"; }));
  CHECK(is_bad([](auto& r) { r.type = "a/" + std::string(kMediaTypeBytesMax, 'b'); }));
  CHECK(is_bad([](auto& r) { r.name = "a/b"; }));
  CHECK(is_bad([](auto& r) { r.name = "a\nb"; }));
  CHECK(is_bad([](auto& r) { r.name = std::string(kBodyNameBytesMax + 1, 'a'); }));
}

TEST_CASE("a fragment survives its encoding, and is refused where it is none of its body") {
  const Fragment good = test::sample_fragment();
  CHECK(*decode_fragment(encode(good)) == good);
  const auto changed = [&](auto&& change) {
    Fragment fragment = good;
    change(fragment);
    return fragment;
  };
  CHECK(is_refused(changed([](auto& f) { f.offset += 1; })));
  CHECK(is_refused(changed([](auto& f) { f.offset += kFragmentBytes; })));
  CHECK(is_refused(changed([](auto& f) { f.offset = 0; })));
  CHECK(is_refused(changed([](auto& f) { f.bytes.pop_back(); })));
  CHECK(is_refused(changed([](auto& f) { f.bytes += "x"; })));
  CHECK(is_refused(changed([](auto& f) { f.size = 0; })));
  CHECK(is_refused(changed([](auto& f) { f.type = "image"; })));
  CHECK(is_refused(changed([](auto& f) {
    f.size = kBodyBytesMax + kFragmentBytes;
    f.bytes.resize(kFragmentBytes);
  })));
  CHECK(!decode_fragment("no fragment"));
}

TEST_CASE("a fragment whose body's hash has another length is refused") {
  for (const std::size_t length : {std::size_t{31}, std::size_t{33}}) {
    const Fragment good = test::sample_fragment();
    flatbuffers::FlatBufferBuilder builder;
    const auto hash = builder.CreateVector(std::vector<std::uint8_t>(length, 7));
    const auto type = builder.CreateString(good.type);
    const auto bytes = builder.CreateVector(
        reinterpret_cast<const std::uint8_t*>(good.bytes.data()), good.bytes.size());
    builder.Finish(fb::CreateFragment(builder, hash, good.size, type, good.offset, bytes));
    const std::string text(reinterpret_cast<const char*>(builder.GetBufferPointer()),
                           builder.GetSize());
    CHECK(!decode_fragment(text));
  }
}

TEST_CASE("a body is cut into whole fragments and a rest") {
  CHECK(fragment_count(1) == 1);
  CHECK(fragment_count(kFragmentBytes) == 1);
  CHECK(fragment_count(kFragmentBytes + 1) == 2);
  CHECK(fragment_size(kFragmentBytes + 1, 0) == kFragmentBytes);
  CHECK(fragment_size(kFragmentBytes + 1, kFragmentBytes) == 1);
}

TEST_CASE("the largest fragment makes a record that travels") {
  Fragment fragment = test::sample_fragment();
  fragment.offset = 0;
  fragment.bytes.assign(kFragmentBytes, 'x');
  fragment.type = "a/" + std::string(kMediaTypeBytesMax - 2, 'b');
  Record record = test::sample_fragment_record();
  record.payload = encode(fragment);
  record.first_name = Name{{{1, 2}, 3}, 4};
  CHECK(record.payload.size() <= kPayloadBytesMax);
  CHECK(decode_record(encode(record)).has_value());
}

TEST_CASE("fragments that wait come through a receipt") {
  CHECK(*decode_receipt(encode(test::sample_waiting_receipt())) == test::sample_waiting_receipt());
}

}  // namespace fieldpost::wire
