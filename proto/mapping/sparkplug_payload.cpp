#include "proto/mapping/sparkplug_payload.h"

#include <bit>

#include "proto/mapping/protobuf.h"

namespace fieldpost::mapping {
namespace {

enum PayloadField : std::uint32_t { kTimestamp = 1, kMetrics = 2, kSeq = 3 };
enum MetricField : std::uint32_t {
  kName = 1,
  kAlias = 2,
  kMetricTimestamp = 3,
  kDatatype = 4,
  kIsNull = 7,
  kIntValue = 10,
  kLongValue = 11,
  kFloatValue = 12,
  kDoubleValue = 13,
  kBooleanValue = 14,
  kStringValue = 15,
};
enum Datatype : std::uint32_t {
  kInt8 = 1,
  kInt16 = 2,
  kInt32 = 3,
  kInt64 = 4,
  kUint8 = 5,
  kUint16 = 6,
  kUint32 = 7,
  kUint64 = 8,
  kFloat = 9,
  kDouble = 10,
  kBoolean = 11,
  kString = 12,
  kDateTime = 13,
  kText = 14,
  kUuid = 15,
};

void take_field(const ProtobufField& field, SparkplugMetric& metric) {
  switch (field.number) {
    case kName: metric.name = field.bytes; break;
    case kAlias: metric.alias = field.value; break;
    case kMetricTimestamp: metric.time_ms = field.value; break;
    case kDatatype: metric.datatype = static_cast<std::uint32_t>(field.value); break;
    case kIsNull: metric.is_null = field.value != 0; break;
    case kIntValue:
    case kLongValue:
    case kFloatValue:
    case kDoubleValue:
    case kBooleanValue:
    case kStringValue:
      metric.value_field = field.number;
      metric.bits = field.value;
      metric.text = field.bytes;
      break;
    default: break;  // metadata and properties are not readings
  }
}

bool decode_metric(std::string_view bytes, SparkplugMetric& metric) {
  ProtobufReader reader(bytes);
  while (const auto field = reader.next()) take_field(*field, metric);
  return !reader.broken();
}

/// Negative numbers come as the two's complement of their width, or sign-extended to 32 bits.
template <typename Narrow>
DeviceValue narrow(std::uint64_t bits) {
  return DeviceValue::of(static_cast<std::int64_t>(static_cast<Narrow>(bits)));
}

}  // namespace

rt::Result<SparkplugPayload> decode_sparkplug(std::string_view bytes) {
  SparkplugPayload payload;
  ProtobufReader reader(bytes);
  bool good = true;
  while (const auto field = reader.next()) {
    if (field->number == kTimestamp) payload.time_ms = field->value;
    if (field->number == kSeq) payload.seq = field->value;
    if (field->number != kMetrics) continue;
    if (payload.metrics.size() == kSparkplugMetricsMax) {
      return rt::Error{rt::Errc::kInvalid, "Sparkplug payload with too many metrics"};
    }
    good = decode_metric(field->bytes, payload.metrics.emplace_back()) && good;
  }
  if (reader.broken() || !good) {
    return rt::Error{rt::Errc::kInvalid, "not a Sparkplug B payload"};
  }
  return payload;
}

std::optional<DeviceValue> value_of(const SparkplugMetric& metric, std::uint32_t datatype) {
  if (metric.is_null || metric.value_field == 0) return std::nullopt;
  switch (datatype) {
    case kInt8: return narrow<std::int8_t>(metric.bits);
    case kInt16: return narrow<std::int16_t>(metric.bits);
    case kInt32: return narrow<std::int32_t>(metric.bits);
    case kInt64: return narrow<std::int64_t>(metric.bits);
    case kUint8:
    case kUint16:
    case kUint32:
    case kUint64:
    case kDateTime: return DeviceValue::of(metric.bits);
    case kFloat:
      if (metric.value_field != kFloatValue) return std::nullopt;
      return DeviceValue::of(
          static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(metric.bits))));
    case kDouble:
      if (metric.value_field != kDoubleValue) return std::nullopt;
      return DeviceValue::of(std::bit_cast<double>(metric.bits));
    case kBoolean: return DeviceValue::of(metric.bits != 0);
    case kString:
    case kText:
    case kUuid:
      if (metric.value_field != kStringValue) return std::nullopt;
      return DeviceValue::of(std::string(metric.text));
    default: return std::nullopt;
  }
}

std::string encode_rebirth_request(rt::UnixTime now) {
  const auto now_ms = static_cast<std::uint64_t>(now.ns / 1'000'000);
  std::string metric;
  append_protobuf_bytes(metric, kName, "Node Control/Rebirth");
  append_protobuf_varint(metric, kMetricTimestamp, now_ms);
  append_protobuf_varint(metric, kDatatype, kBoolean);
  append_protobuf_varint(metric, kBooleanValue, 1);
  std::string payload;
  append_protobuf_varint(payload, kTimestamp, now_ms);
  append_protobuf_bytes(payload, kMetrics, metric);
  return payload;
}

}  // namespace fieldpost::mapping
