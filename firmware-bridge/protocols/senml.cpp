#include "firmware-bridge/protocols/senml.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

#include "firmware-bridge/protocols/cbor_reader.h"
#include "proto/wire/names.h"

namespace fieldpost::bridge {
namespace {

using mapping::DeviceValue;
using rt::Errc;
using rt::Error;
using rt::Result;

constexpr std::int64_t kVersionMax = 10;        ///< of RFC 8428
constexpr double kRelativeBelow = 268'435'456;  ///< seconds, section 4.5.3: 2^28
constexpr double kTimeMax = 9'000'000'000;      ///< seconds that nanoseconds in 64 bits can tell
constexpr double kUsPerSecond = 1e6;            // finer than that no double tells a time of today
constexpr std::size_t kTextBytesMax = 1024;

/// A record as it stands. Its texts lie in the pack.
struct Record {
  std::optional<std::string_view> base_name, base_unit, name, unit, text;
  std::optional<double> base_time, base_value, value, time, version;
  std::optional<bool> truth;
  std::string_view refused;  ///< a label that must be understood, and is not
};

Error broken(std::size_t index, std::string_view what) {
  return {Errc::kInvalid, fmt::format("SenML: record {}: {}", index + 1, what)};
}

/// Section 4.5.1: letters, digits and - : . / _, a letter or digit first.
bool is_senml_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || !is_plain(name.front())) return false;
  return std::ranges::all_of(name, [&](char c) {
    return is_plain(c) || std::string_view("-:./_").find(c) != std::string_view::npos;
  });
}

/// Gives records the bases of those before them.
class Resolver {
 public:
  Result<bool> add(const Record& record) {
    if (out_.size() + 1 > kSenmlRecordsMax) {
      return broken(index_, fmt::format("a pack has at most {}", kSenmlRecordsMax));
    }
    if (!record.refused.empty()) {
      return broken(index_, fmt::format("{} is not understood", record.refused));
    }
    if (record.version.value_or(kVersionMax) > kVersionMax) {
      return broken(index_, "a version of SenML above 10");
    }
    if (record.base_name) base_name_ = *record.base_name;
    if (record.base_unit) base_unit_ = *record.base_unit;
    if (record.base_time) base_time_ = *record.base_time;
    if (record.base_value) base_value_ = *record.base_value;
    const int values = (record.value ? 1 : 0) + (record.truth ? 1 : 0) + (record.text ? 1 : 0);
    if (values > 1) return broken(index_, "more than one value");
    if (values == 1) {
      auto reading = resolve(record);
      if (!reading) return reading.error();
      out_.push_back(*std::move(reading));
    }
    index_ += 1;
    return true;
  }
  [[nodiscard]] std::size_t index() const { return index_; }
  void expect(std::uint64_t records) {
    out_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(records, kSenmlRecordsMax)));
  }
  std::vector<SenmlReading> take() { return std::move(out_); }

 private:
  Result<SenmlReading> resolve(const Record& record) {
    SenmlReading out;
    out.name = base_name_;
    out.name += record.name.value_or("");
    if (!is_senml_name(out.name)) return broken(index_, "no name, or not one of SenML");
    out.unit = record.unit.value_or(base_unit_);
    if (!wire::is_name(out.unit)) return broken(index_, "a unit with line breaks");
    const double time = base_time_ + record.time.value_or(0);
    if (!(std::abs(time) <= kTimeMax)) return broken(index_, "a time that cannot be");
    out.is_absolute = time >= kRelativeBelow;
    out.time = static_cast<std::int64_t>(std::llround(time * kUsPerSecond)) * 1000;
    if (!out.is_absolute) out.time = std::min<std::int64_t>(out.time, 0);
    if (record.text) {
      out.value = DeviceValue::of(std::string(*record.text));
    } else if (record.truth) {
      out.value = DeviceValue::of(*record.truth);
    } else {
      out.value = DeviceValue::of(base_value_ + *record.value);
    }
    return out;
  }

  std::vector<SenmlReading> out_;
  std::size_t index_ = 0;
  std::string base_name_, base_unit_;
  double base_time_ = 0;
  double base_value_ = 0;
};

struct TextLabel {
  std::string_view json;
  std::int64_t cbor;
  std::optional<std::string_view> Record::*member;
};
struct NumberLabel {
  std::string_view json;
  std::int64_t cbor;
  std::optional<double> Record::*member;
};
/// Section 6, table 4.
constexpr std::array kTexts{TextLabel{"bn", -2, &Record::base_name},
                            TextLabel{"bu", -4, &Record::base_unit},
                            TextLabel{"n", 0, &Record::name}, TextLabel{"u", 1, &Record::unit},
                            TextLabel{"vs", 3, &Record::text}};
constexpr std::array kNumbers{
    NumberLabel{"bver", -1, &Record::version}, NumberLabel{"bt", -3, &Record::base_time},
    NumberLabel{"bv", -5, &Record::base_value}, NumberLabel{"v", 2, &Record::value},
    NumberLabel{"t", 6, &Record::time}};
constexpr std::string_view kTruth = "vb";
constexpr std::int64_t kTruthLabel = 4;
/// Base sum, sum, data: they would be readings that nobody sees.
constexpr std::array<std::string_view, 3> kRefused{"bs", "s", "vd"};
constexpr std::array<std::int64_t, 3> kRefusedLabels{-6, 5, 8};

/// What a label's value is, in either form. Its text lies in the pack.
struct Value {
  std::optional<std::string_view> text;
  std::optional<double> number;
  std::optional<bool> truth;
};

/// Labels that end in "_" must be understood, others that are not known are passed over
/// (section 4.4). Exactly one of `name` and `label` is meant. false: of a wrong type.
template <typename Label, typename Names>
bool fill(Record& record, const Label& label, const Names& is_label, const Value& value) {
  for (const TextLabel& each : kTexts) {
    if (!is_label(label, each.json, each.cbor)) continue;
    if (!value.text || value.text->size() > kTextBytesMax) return false;
    record.*each.member = value.text;
    return true;
  }
  for (const NumberLabel& each : kNumbers) {
    if (!is_label(label, each.json, each.cbor)) continue;
    if (!value.number) return false;
    record.*each.member = value.number;
    return true;
  }
  if (is_label(label, kTruth, kTruthLabel)) {
    record.truth = value.truth;
    return value.truth.has_value();
  }
  for (std::size_t i = 0; i < kRefused.size(); ++i) {
    if (is_label(label, kRefused[i], kRefusedLabels[i])) record.refused = kRefused[i];
  }
  return true;
}

Value value_of(const nlohmann::json& json) {
  Value out;
  if (json.is_string()) out.text = json.get_ref<const std::string&>();
  if (json.is_number()) out.number = json.get<double>();
  if (json.is_boolean()) out.truth = json.get<bool>();
  return out;
}

Value value_of(const CborItem& item) {
  Value out;
  switch (item.kind) {
    case CborItem::Kind::kText: out.text = item.text; break;
    case CborItem::Kind::kUnsigned: out.number = static_cast<double>(item.number); break;
    case CborItem::Kind::kNegative: out.number = -1 - static_cast<double>(item.number); break;
    case CborItem::Kind::kReal: out.number = item.real; break;
    case CborItem::Kind::kBool: out.truth = item.number != 0; break;
    default: break;
  }
  return out;
}

/// A label of CBOR: a number, or a text as in JSON.
struct CborLabel {
  std::optional<std::int64_t> number;
  std::string_view text;
};

Result<CborLabel> label_in(CborReader& reader) {
  constexpr std::uint64_t kLabelMax = 1000;
  const auto item = reader.next();
  if (!item) return item.error();
  const auto small = static_cast<std::int64_t>(std::min(item->number, kLabelMax));
  if (item->kind == CborItem::Kind::kUnsigned) return CborLabel{small, {}};
  if (item->kind == CborItem::Kind::kNegative) return CborLabel{-1 - small, {}};
  if (item->kind == CborItem::Kind::kText) return CborLabel{std::nullopt, item->text};
  return Error{Errc::kInvalid, "SenML: a label that is neither number nor text"};
}

bool is_cbor_label(const CborLabel& label, std::string_view json, std::int64_t cbor) {
  return label.number ? *label.number == cbor : label.text == json;
}

bool is_json_label(const std::string& label, std::string_view json, std::int64_t) {
  return label == json;
}

Result<Record> read_cbor_record(CborReader& reader, std::size_t index) {
  Record record;
  auto map = reader.begin_map();
  if (!map) return map.error();
  for (;;) {
    const auto more = reader.has_more(*map);
    if (!more) return more.error();
    if (!*more) return record;
    const auto label = label_in(reader);
    if (!label) return label.error();
    const auto item = reader.next();
    if (!item) return item.error();
    const bool is_nested =
        item->kind == CborItem::Kind::kArray || item->kind == CborItem::Kind::kMap ||
        item->kind == CborItem::Kind::kOpenArray || item->kind == CborItem::Kind::kOpenMap ||
        item->kind == CborItem::Kind::kBreak;
    if (is_nested || !fill(record, *label, is_cbor_label, value_of(*item))) {
      return broken(index, "a value of a wrong type");
    }
    if (label->text.ends_with('_')) record.refused = label->text;
  }
}

}  // namespace

Result<std::vector<SenmlReading>> parse_senml_json(std::string_view text) {
  const auto pack = nlohmann::json::parse(text, nullptr, false);
  if (!pack.is_array()) return Error{Errc::kInvalid, "SenML: expected a JSON array"};
  Resolver resolver;
  resolver.expect(pack.size());
  for (const auto& each : pack) {
    if (!each.is_object()) return broken(resolver.index(), "expected an object");
    Record record;
    for (const auto& [label, value] : each.items()) {
      if (!fill(record, label, is_json_label, value_of(value))) {
        return broken(resolver.index(), "\"" + label + "\" is of a wrong type");
      }
      if (label.ends_with('_')) record.refused = label;
    }
    if (auto done = resolver.add(record); !done) return done.error();
  }
  return resolver.take();
}

Result<std::vector<SenmlReading>> parse_senml_cbor(std::string_view bytes) {
  CborReader reader(bytes);
  auto pack = reader.begin_array();
  if (!pack) return pack.error();
  Resolver resolver;
  if (!pack->is_open) resolver.expect(pack->left);
  for (;;) {
    const auto more = reader.has_more(*pack);
    if (!more) return more.error();
    if (!*more) break;
    const auto record = read_cbor_record(reader, resolver.index());
    if (!record) return record.error();
    if (auto done = resolver.add(*record); !done) return done.error();
  }
  if (!reader.at_end()) return Error{Errc::kInvalid, "SenML: more than a pack"};
  return resolver.take();
}

}  // namespace fieldpost::bridge
