#pragma once

#include <cstdint>
#include <string_view>

#include "proto/rt/result.h"

namespace fieldpost::bridge {

/// One item of CBOR (RFC 8949) as it stands: of arrays and maps their beginning.
struct CborItem {
  enum class Kind : std::uint8_t {
    kUnsigned,  ///< `number`
    kNegative,  ///< −1 − `number`
    kReal,      ///< `real`
    kBool,      ///< `number` 0 or 1
    kNull,
    kText,   ///< `text`; whether it is UTF-8 was not looked at
    kBytes,  ///< `text`
    kArray,  ///< `number` elements
    kMap,    ///< `number` pairs
    kOpenArray,
    kOpenMap,
    kBreak  ///< ends what was open
  };
  Kind kind = Kind::kNull;
  std::uint64_t number = 0;
  double real = 0;
  std::string_view text;  ///< lies in what is read
};

/// An array or map that is gone through.
struct CborContainer {
  bool is_open = false;    ///< ends with a break
  std::uint64_t left = 0;  ///< elements or pairs, when not
};

/// Reads items one behind the other. Each error is kInvalid. Tags and strings in pieces are none of
/// what is understood. The bytes are the caller's.
class CborReader {
 public:
  explicit CborReader(std::string_view bytes) : bytes_(bytes) {}

  rt::Result<CborItem> next();
  /// The next item is an array, or a map.
  rt::Result<CborContainer> begin_array() {
    return begin(CborItem::Kind::kArray, CborItem::Kind::kOpenArray);
  }
  rt::Result<CborContainer> begin_map() {
    return begin(CborItem::Kind::kMap, CborItem::Kind::kOpenMap);
  }
  /// Whether another element follows; the end of an open one is read over.
  rt::Result<bool> has_more(CborContainer& container);
  rt::Result<std::string_view> text();
  [[nodiscard]] bool at_end() const { return bytes_.empty(); }

 private:
  rt::Result<CborContainer> begin(CborItem::Kind counted, CborItem::Kind open);
  std::string_view bytes_;
};

}  // namespace fieldpost::bridge
