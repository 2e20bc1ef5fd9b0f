#include "firmware-bridge/protocols/cbor_reader.h"

#include <cbor.h>

namespace fieldpost::bridge {
namespace {

using Kind = CborItem::Kind;
using rt::Errc;
using rt::Error;
using rt::Result;

/// Where libcbor's callbacks leave what they got.
struct Found {
  CborItem item;
  bool understood = true;
};

void set(void* context, Kind kind, std::uint64_t number) {
  CborItem& item = static_cast<Found*>(context)->item;
  item.kind = kind;
  item.number = number;
}

void set_real(void* context, double value) {
  set(context, Kind::kReal, 0);
  static_cast<Found*>(context)->item.real = value;
}

void set_text(void* context, Kind kind, cbor_data bytes, std::size_t size) {
  set(context, kind, 0);
  static_cast<Found*>(context)->item.text = {reinterpret_cast<const char*>(bytes), size};
}

void refuse(void* context) {
  static_cast<Found*>(context)->understood = false;
}

template <typename Number, Kind kKind>
void on_number(void* context, Number value) {
  set(context, kKind, value);
}

cbor_callbacks make_callbacks() {
  cbor_callbacks out = cbor_empty_callbacks;
  out.uint8 = on_number<std::uint8_t, Kind::kUnsigned>;
  out.uint16 = on_number<std::uint16_t, Kind::kUnsigned>;
  out.uint32 = on_number<std::uint32_t, Kind::kUnsigned>;
  out.uint64 = on_number<std::uint64_t, Kind::kUnsigned>;
  out.negint8 = on_number<std::uint8_t, Kind::kNegative>;
  out.negint16 = on_number<std::uint16_t, Kind::kNegative>;
  out.negint32 = on_number<std::uint32_t, Kind::kNegative>;
  out.negint64 = on_number<std::uint64_t, Kind::kNegative>;
  out.float2 = [](void* context, float value) { set_real(context, value); };
  out.float4 = [](void* context, float value) { set_real(context, value); };
  out.float8 = set_real;
  out.boolean = [](void* context, bool value) { set(context, Kind::kBool, value ? 1 : 0); };
  out.null = [](void* context) { set(context, Kind::kNull, 0); };
  out.string = [](void* context, cbor_data bytes, auto size) {
    set_text(context, Kind::kText, bytes, static_cast<std::size_t>(size));
  };
  out.byte_string = [](void* context, cbor_data bytes, auto size) {
    set_text(context, Kind::kBytes, bytes, static_cast<std::size_t>(size));
  };
  out.array_start = [](void* context, auto size) { set(context, Kind::kArray, size); };
  out.map_start = [](void* context, auto size) { set(context, Kind::kMap, size); };
  out.indef_array_start = [](void* context) { set(context, Kind::kOpenArray, 0); };
  out.indef_map_start = [](void* context) { set(context, Kind::kOpenMap, 0); };
  out.indef_break = [](void* context) { set(context, Kind::kBreak, 0); };
  out.byte_string_start = refuse;
  out.string_start = refuse;
  out.undefined = refuse;
  out.tag = [](void* context, std::uint64_t) { refuse(context); };
  return out;
}

const cbor_callbacks kCallbacks = make_callbacks();

Error broken(std::string_view what) {
  return {Errc::kInvalid, "CBOR: " + std::string(what)};
}

}  // namespace

Result<CborItem> CborReader::next() {
  Found found;
  const cbor_decoder_result done = cbor_stream_decode(reinterpret_cast<cbor_data>(bytes_.data()),
                                                      bytes_.size(), &kCallbacks, &found);
  if (done.status == CBOR_DECODER_NEDATA) return broken("it ends too early");
  if (done.status != CBOR_DECODER_FINISHED || !found.understood) {
    return broken("an item that is not understood");
  }
  bytes_.remove_prefix(done.read);
  return found.item;
}

Result<CborContainer> CborReader::begin(Kind counted, Kind open) {
  const auto item = next();
  if (!item) return item.error();
  if (item->kind == open) return CborContainer{true, 0};
  if (item->kind == counted) return CborContainer{false, item->number};
  return broken(counted == Kind::kMap ? "expected a map" : "expected an array");
}

Result<bool> CborReader::has_more(CborContainer& container) {
  if (!container.is_open) {
    if (container.left == 0) return false;
    container.left -= 1;
    return true;
  }
  constexpr char kBreak = '\xff';
  if (bytes_.empty()) return broken("it ends too early");
  if (bytes_.front() != kBreak) return true;
  bytes_.remove_prefix(1);
  return false;
}

Result<std::string_view> CborReader::text() {
  const auto item = next();
  if (!item) return item.error();
  if (item->kind != Kind::kText) return broken("expected a text");
  return item->text;
}

}  // namespace fieldpost::bridge
