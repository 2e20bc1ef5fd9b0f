#include "coordinator/store/series_catalog.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <vector>

#include "tests/support/reading_world.h"

namespace fieldpost::test {
namespace {

using coordinator::CatalogLimits;
using coordinator::SeriesCatalog;

/// `count` sets of one series each, used by one node.
std::vector<coordinator::SetPtr> add_sets(ReadingWorld& world, SeriesCatalog& catalog,
                                          std::size_t count) {
  const auto node = world.add_node("n1");
  std::vector<coordinator::SetPtr> sets;
  rt::Transaction transaction(world.db());
  REQUIRE(transaction.begin());
  for (std::size_t i = 0; i < count; ++i) {
    const auto made = make_set({fmt::format("room,sensor=s{} value f", i)});
    const auto set = catalog.add_set(made->encode());
    REQUIRE(set);
    REQUIRE(catalog.series_of(node, **set));
    sets.push_back(*set);
  }
  REQUIRE(transaction.commit());
  return sets;
}

}  // namespace

TEST_CASE("thousands of small sets stay in memory") {
  ReadingWorld world;
  SeriesCatalog catalog(world.db());
  const auto sets = add_sets(world, catalog, 3000);
  std::vector<coordinator::SeriesIds> ids;
  for (const auto& set : sets) ids.push_back(*catalog.series_of(1, *set));
  for (std::size_t i = 0; i < sets.size(); ++i) {
    // The same objects, not read again.
    REQUIRE(*catalog.find_set(sets[i]->hash) == sets[i]);
    REQUIRE(*catalog.series_of(1, *sets[i]) == ids[i]);
  }
}

TEST_CASE("sets beyond the bound are forgotten, and read again") {
  ReadingWorld world;
  SeriesCatalog catalog(world.db(), {.set_bytes_max = 10'000, .id_bytes_max = 10'000});
  const auto sets = add_sets(world, catalog, 100);
  std::size_t kept = 0;
  for (std::size_t i = sets.size(); i-- > 0;) {
    const auto again = catalog.find_set(sets[i]->hash);
    REQUIRE(again);
    CHECK((*again)->keys == sets[i]->keys);
    if (*again == sets[i]) kept += 1;
    const auto ids = catalog.series_of(1, *sets[i]);
    REQUIRE(ids);
    CHECK(**ids == std::vector<coordinator::SeriesId>{static_cast<std::int64_t>(i) + 1});
  }
  CHECK(kept > 0);
  CHECK(kept < 30);
}

TEST_CASE("a set larger than the bound is used all the same") {
  ReadingWorld world;
  SeriesCatalog catalog(world.db(), {.set_bytes_max = 1, .id_bytes_max = 1});
  const auto sets = add_sets(world, catalog, 2);
  CHECK((*catalog.find_set(sets[0]->hash))->keys == sets[0]->keys);
  CHECK((*catalog.series_of(1, *sets[1]))->size() == 1);
}

}  // namespace fieldpost::test
