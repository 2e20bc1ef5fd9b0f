// Numbers for things that are too large to stand in every state.
#pragma once

#include <cstdint>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "tests/model/search.h"

namespace fieldpost::model::session {

/// Equal things have equal numbers, from 1.
template <class T>
class Table {
 public:
  std::uint32_t number(const T& thing) {
    const auto [at, fresh] =
        numbers_.try_emplace(hash_of(thing), static_cast<std::uint32_t>(things_.size() + 1));
    if (fresh) things_.push_back(thing);
    return at->second;
  }
  const T& operator[](std::uint32_t number) const { return things_[number - 1]; }

 private:
  std::vector<T> things_;
  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
};

}  // namespace fieldpost::model::session
