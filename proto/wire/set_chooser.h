#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "proto/rt/result.h"
#include "proto/wire/readings.h"

namespace fieldpost::wire {

/// Puts series into sets so that batch after batch names the same few sets: a set's definition then
/// travels once. A series stays in its set; sets that are used together and fit into one are
/// united. Encoder's thread only.
class SetChooser {
 public:
  /// Where a series of a batch goes.
  struct Place {
    std::uint32_t group = 0;   ///< index into Choice::sets
    std::uint32_t column = 0;  ///< its position in that set
  };
  struct Choice {
    std::vector<std::shared_ptr<const SeriesSet>> sets;
    std::vector<Place> places;  ///< one for each key given
  };
  /// kInvalid: a key is not canonical, or is there twice, of which one would take the other's
  /// place.
  rt::Result<Choice> choose(const std::vector<std::string>& keys);

 private:
  struct Known {
    std::shared_ptr<const SeriesSet> set;
    std::uint32_t column = 0;
  };
  rt::Status make_sets(std::vector<std::string> keys);
  rt::Status add_new(const std::vector<std::string>& keys);
  rt::Status unite(const std::vector<std::string>& keys);

  std::unordered_map<std::string, Known> known_;
};

}  // namespace fieldpost::wire
