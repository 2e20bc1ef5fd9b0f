#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/flat.h"

namespace fieldpost::wire {

inline constexpr std::size_t kNoCountMax = std::numeric_limits<std::size_t>::max();

/// The door for one FlatBuffer from outside (A10): verifies it, copies values out of it and
/// remembers the first thing that is wrong, after which copies come out empty. What it copies may
/// not exceed the message in total: a buffer whose parts overlap would otherwise grow without
/// bound.
class FlatReader {
 public:
  /// `kind` names the message in errors. `bytes` must outlive the reader.
  FlatReader(std::string_view kind, std::string_view bytes);

  /// The verified root, living as long as the reader; null when there is none.
  template <typename Table>
  const Table* root();

  /// Remembers `why` when the condition does not hold. Returns the condition.
  bool require(bool condition, std::string_view why);
  void require_name(const Name& name);
  void require_range(const SeqRange& range);
  void require_names(const NameRange& range);
  void require_ascending(const std::vector<SeqRange>& ranges);

  template <typename Flat>
  std::string bytes(const Flat* flat, std::size_t size_max, std::string_view why) {
    if (flat == nullptr || !require(flat->size() <= size_max, why) || !take(flat->size()))
      return {};
    return {flat->data(), flat->data() + flat->size()};
  }

  template <typename Flat>
  std::string text(const Flat* flat) {
    if (flat == nullptr || !take(flat->size())) return {};
    return {flat->data(), flat->size()};
  }

  template <typename Flat>
  std::vector<std::string> texts(const Flat* flat, std::size_t count_max, std::string_view why) {
    return tables(flat, count_max, why, [this](const auto& one) { return this->text(&one); });
  }

  /// A vector of tables or strings, each through `convert`. Null is empty.
  template <typename Flat, typename Convert>
  auto tables(const Flat* flat, std::size_t count_max, std::string_view why, Convert convert) {
    std::vector<decltype(convert(*flat->Get(0)))> out;
    if (flat == nullptr || !require(flat->size() <= count_max, why)) return out;
    for (const auto* one : *flat) {
      if (error_) break;
      out.push_back(convert(*one));
    }
    return out;
  }

  /// A vector of structs. Null is empty. The verifier of FlatBuffers 2.0 does not look at the
  /// alignment of structs in vectors; this does.
  template <typename Flat>
  auto structs(const Flat* flat, std::size_t count_max = kNoCountMax, std::string_view why = "") {
    using Struct = std::remove_cvref_t<decltype(*flat->Get(0))>;
    std::vector<decltype(from_flat(*flat->Get(0)))> out;
    if (flat == nullptr || !require(flat->size() <= count_max, why) ||
        !take(flat->size() * sizeof(Struct)) || !take_aligned(flat->Data(), alignof(Struct))) {
      return out;
    }
    out.reserve(flat->size());
    for (const auto* one : *flat) out.push_back(from_flat(*one));
    return out;
  }

  std::vector<NameRange> name_ranges(std::vector<NameRange> ranges);
  std::vector<SeqRange> ascending(std::vector<SeqRange> ranges);
  /// A required field.
  Clock clock(const fb::Clock* flat);

  template <typename Value>
  rt::Result<Value> finish(Value value) {
    if (error_) return *error_;
    return value;
  }
  [[nodiscard]] const rt::Error& error() const {
    FP_CHECK(error_.has_value());
    return *error_;
  }

 private:
  bool take(std::size_t size);
  bool take_aligned(const void* data, std::size_t alignment);

  std::string_view kind_;
  std::string_view bytes_;
  std::vector<std::uint64_t> aligned_;  ///< a copy, when the caller's bytes start at an odd place
  std::size_t left_;                    ///< bytes that may still be copied out
  std::optional<rt::Error> error_;
};

}  // namespace fieldpost::wire
