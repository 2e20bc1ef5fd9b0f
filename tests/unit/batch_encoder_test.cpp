#include "proto/wire/batch_encoder.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "proto/wire/limits.h"
#include "proto/wire/line_protocol.h"
#include "proto/wire/readings_codec.h"

namespace fieldpost::wire {
namespace {

using Random = std::mt19937_64;

/// Texts by series and time.
using Texts = std::map<std::pair<std::string, std::int64_t>, std::string>;

std::string some_bytes(Random& random, std::size_t size) {
  std::string text(size, '\0');
  for (char& c : text) c = static_cast<char>(random());
  return text;
}

/// Pieces of a batch of strings, and what is in them.
class TextBatch {
 public:
  void begin_piece() {
    batch_.pieces.emplace_back();
    known_.clear();
  }
  void add(const std::string& key, std::string text) {
    ParsedLines& piece = batch_.pieces.back();
    const auto known = std::find(piece.keys.begin(), piece.keys.end(), key);
    const auto at = static_cast<std::size_t>(known - piece.keys.begin());
    if (known == piece.keys.end()) {
      piece.keys.push_back(key);
      piece.types.push_back(ValueType::kString);
      piece.columns.emplace_back();
    }
    Column& column = piece.columns[at];
    const auto [index, is_new] = known_[key].try_emplace(text, column.strings.size());
    if (is_new) column.strings.push_back(text);
    column.values.push_back(index->second);
    column.times.push_back(++time_);
    piece.readings += 1;
    texts_[{key, time_}] = std::move(text);
  }
  std::vector<EncodedReadings> encode() {
    BatchEncoder encoder{EncoderOptions{}};
    auto encoded = encoder.encode(std::move(batch_));
    REQUIRE(encoded.has_value());
    return std::move(*encoded);
  }
  [[nodiscard]] const Texts& texts() const { return texts_; }

 private:
  ReadingsBatch batch_;
  std::map<std::string, std::map<std::string, std::uint64_t>> known_;  ///< strings of the piece
  Texts texts_;
  std::int64_t time_ = 0;
};

void decode_into(Texts& out, const EncodedReadings& encoded) {
  const Record& record = encoded.record;
  const auto raw = decompress(record.payload, record.codec, record.raw_size);
  REQUIRE(raw.has_value());
  const auto columns = decode_columns(*raw, encoded.set->types);
  REQUIRE(columns.has_value());
  REQUIRE(columns->readings() == record.readings);
  for (std::size_t c = 0; c < columns->columns.size(); ++c) {
    const Column& column = columns->columns[c];
    for (std::size_t i = 0; i < column.count(); ++i) {
      const bool is_new = out.emplace(std::pair{encoded.set->keys[c], column.times[i]},
                                      column.strings[static_cast<std::size_t>(column.values[i])])
                              .second;
      REQUIRE(is_new);
    }
  }
}

/// Of its envelope, with everything that may come along.
std::size_t envelope_size(const EncodedReadings& encoded) {
  Envelope envelope;
  envelope.name = {{{1, 1}, 1}, 1};
  envelope.record = encode(encoded.record);
  envelope.definitions = {encoded.set->encode()};
  envelope.marked.resize(256, {{{1, 1}, 1}, {1, 1}});
  return encode(envelope).size();
}

/// What the records say, each of which can travel.
Texts decoded(const std::vector<EncodedReadings>& records) {
  Texts out;
  for (const EncodedReadings& each : records) {
    REQUIRE(each.record.payload.size() <= kPayloadBytesMax);
    REQUIRE(each.record.raw_size <= kRawPayloadBytesMax);
    REQUIRE(envelope_size(each) <= kEnvelopeBytesMax);
    decode_into(out, each);
  }
  return out;
}

}  // namespace

TEST_CASE("raw messages are in the last records, whatever their class, with and without classes") {
  for (const bool has_classes : {false, true}) {
    EncoderOptions options;
    if (has_classes) options.classes = {{"fieldpost_*", 1}, {"late", 2}};
    BatchEncoder encoder(options);
    ReadingsBatch batch;
    for (int i = 0; i < 2; ++i) {  // the second one with sets that are known
      LineParser parser;
      batch.pieces.push_back(
          parser.parse("fieldpost_raw,source=s message=\"x\" 1\n"
                       "early v=1 1\nlate v=2 1\nfieldpost_rawer v=3 1\n",
                       {}));
      const auto records = encoder.encode(std::exchange(batch, {})).value();
      REQUIRE(records.size() >= 2);
      CHECK(records.back().set->keys ==
            std::vector<std::string>{"fieldpost_raw,source=s message s"});
      CHECK(records.back().class_index == (has_classes ? 1 : 0));
      CHECK(records.back().record.readings == 1);
      std::size_t readings = 0;
      for (const EncodedReadings& each : records) readings += each.record.readings;
      CHECK(readings == 4);
    }
  }
}

TEST_CASE("a piece that has a series twice is refused, also when its set is known") {
  BatchEncoder encoder{EncoderOptions{}};
  const ParsedLines once = LineParser().parse("a v=1 1\nb v=2 1\n", {});
  ParsedLines twice = once;
  twice.keys[1] = twice.keys[0];
  for (int round = 0; round < 2; ++round) {
    CAPTURE(round);
    ReadingsBatch bad, good;
    bad.pieces = {twice};
    good.pieces = {once};
    const auto refused = encoder.encode(std::move(bad));
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == rt::Errc::kInvalid);
    CHECK(encoder.encode(std::move(good)).has_value());
  }
}

TEST_CASE("text of one series that no record can hold goes into few records, none with more") {
  Random random(1);
  TextBatch batch;
  batch.begin_piece();
  for (int i = 0; i < 256; ++i) batch.add("m log s", some_bytes(random, 2048));
  const auto records = batch.encode();
  CHECK(records.size() == 8);
  CHECK(decoded(records) == batch.texts());
}

TEST_CASE("more different strings than a payload may have are told apart over records") {
  TextBatch batch;
  batch.begin_piece();
  for (std::size_t i = 0; i < kRecordReadingsMax + 100; ++i) {
    batch.add("m log s", std::to_string(i));
  }
  CHECK(decoded(batch.encode()) == batch.texts());
}

TEST_CASE("strings of one series that come in several pieces stay what they were") {
  TextBatch batch;
  for (const std::vector<std::string>& piece :
       {std::vector<std::string>{"a", "b"}, {"c", "b"}, {"b", "a", "c", "d"}}) {
    batch.begin_piece();
    for (const std::string& text : piece) batch.add("m log s", text);
  }
  const auto records = batch.encode();
  CHECK(records.size() == 1);
  CHECK(decoded(records) == batch.texts());
}

TEST_CASE("every record of random text can travel, and every reading of it survives") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed ", seed);
    Random random(seed);
    TextBatch batch;
    const std::size_t series = 1 + random() % 5;
    const std::size_t size_max = std::size_t{1} << (random() % 17);
    for (std::size_t piece = 0; piece < 1 + random() % 4; ++piece) {
      batch.begin_piece();
      for (std::size_t left = 300'000; left > size_max && random() % 200 != 0;) {
        const std::size_t size = random() % (size_max + 1);
        batch.add("m,s=" + std::to_string(random() % series) + " log s",
                  random() % 3 == 0 ? std::string(size, 'x') : some_bytes(random, size));
        left -= size;
      }
    }
    CHECK(decoded(batch.encode()) == batch.texts());
  }
}

}  // namespace fieldpost::wire
