#pragma once

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

#include "coordinator/experiments/json_fields.h"

namespace fieldpost::coordinator {

/// Reads a JSON object whose lists may be long: those that are named are never held as values, only
/// one object of them at a time, for values take many times the bytes of their text. Problems are
/// told as JsonFields tells them.
class LongFields {
 public:
  /// Of one object of a list, and of all that is in none of the lists.
  static constexpr std::size_t kValuesMax = 1'000'000;

  /// `text` outlives it. `expected` says what the whole should have been.
  LongFields(std::string_view text, std::string_view expected,
             std::initializer_list<std::string_view> lists);

  /// All but the lists.
  [[nodiscard]] JsonFields& rest() { return rest_; }
  /// Reads the objects of a list in their order, until one has a problem.
  void each(std::string_view name, std::size_t count_max,
            const std::function<void(JsonFields&)>& read);
  /// The first one; empty: there is none.
  [[nodiscard]] const std::string& problem() const;

 private:
  void split(std::initializer_list<std::string_view> lists, std::string_view expected);

  std::string_view text_;
  std::map<std::string_view, std::string_view> lists_;  ///< their texts by name
  std::string problem_;
  JsonFields rest_;
};

}  // namespace fieldpost::coordinator
