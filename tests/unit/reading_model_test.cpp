// The store and its queries against a map, over random operations from a seed.

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "coordinator/query/reading_query.h"
#include "coordinator/store/deletion_table.h"
#include "coordinator/store/eraser.h"
#include "coordinator/store/reading_store.h"
#include "coordinator/store/replacement.h"
#include "coordinator/store/run.h"
#include "tests/support/reading_world.h"
#include "tests/support/sim/dice.h"

namespace fieldpost::test {
namespace {

using coordinator::Bucket;
using coordinator::Calibration;
using coordinator::NodeNo;
using coordinator::Reading;
using coordinator::ReadingBatch;
using coordinator::SeriesId;
using wire::ValueType;

constexpr int kSeeds = 3;
constexpr int kOperations = 160;
constexpr std::int64_t kTimes = 60'000;  // readings fall into so many times
constexpr std::int64_t kKeep = 8'000;    // of the rule that comes now and then

const std::vector<std::string> kKeys{"m a f", "m b i", "m c u", "m d b", "m e s", "k f f"};

/// What the model holds of one time and boot.
struct Held {
  wire::Rank rank;
  std::uint64_t value = 0;
  std::string text;
};
using TimeAndBoot = std::pair<std::int64_t, wire::Id128>;
using SeriesModel = std::map<TimeAndBoot, Held>;

class Model {
 public:
  /// Positions ascend, so of equal times and ranks the later one stays; repetitions are equal.
  void take(const ReadingBatch& batch) {
    for (std::size_t i = 0; i < batch.columns.columns.size(); ++i) {
      const wire::Column& column = batch.columns.columns[i];
      SeriesModel& series = series_[{batch.node, batch.set->keys[i]}];
      for (std::size_t k = 0; k < column.count(); ++k) {
        const wire::Rank rank = rank_of(batch, i, k);
        if (is_deleted(batch, i, k, rank)) continue;
        auto [at, added] = series.try_emplace({column.times[k], batch.boot});
        if (!added && at->second.rank > rank) continue;
        const bool is_text = batch.set->types[i] == ValueType::kString;
        at->second = {rank, is_text ? 0 : column.values[k],
                      is_text ? column.strings[column.values[k]] : std::string()};
      }
    }
  }
  const SeriesModel& of(NodeNo node, const std::string& key) { return series_[{node, key}]; }

  /// All of these times that is there, and whatever comes later of what was sent up to `seq_max`.
  void remove(const coordinator::DeletionScope& scope, std::uint64_t seq_max) {
    deletions_.push_back({scope, seq_max});
    for (auto& [of, series] : series_) {
      if (of.first != scope.node || !is_meant(scope, of.second)) continue;
      std::erase_if(series, [&](const auto& held) {
        return held.first.first >= scope.first_time && held.first.first <= scope.last_time;
      });
    }
  }
  /// What a rule may have taken is gone when the store does not have it any more.
  void forget(NodeNo node, const std::string& key, const TimeAndBoot& at) {
    series_[{node, key}].erase(at);
  }

 private:
  static bool is_meant(const coordinator::DeletionScope& scope, const std::string& key) {
    return scope.measurement.empty() ||
           wire::SeriesKey::parse(key)->measurement == scope.measurement;
  }
  bool is_deleted(const ReadingBatch& batch, std::size_t column, std::size_t position,
                  const wire::Rank& rank) const {
    const std::int64_t time = batch.columns.columns[column].times[position];
    return std::any_of(deletions_.begin(), deletions_.end(), [&](const auto& deletion) {
      const auto& [scope, seq_max] = deletion;
      return batch.node == scope.node && rank.seq <= seq_max && time >= scope.first_time &&
             time <= scope.last_time && is_meant(scope, batch.set->keys[column]);
    });
  }
  static wire::Rank rank_of(const ReadingBatch& batch, std::size_t column, std::size_t position) {
    if (batch.origin_ranks.empty()) return batch.rank;
    for (const wire::OriginRun& run : batch.columns.origin_runs[column]) {
      if (position < run.count) return batch.origin_ranks[run.origin];
      position -= run.count;
    }
    return batch.rank;
  }
  std::map<std::pair<NodeNo, std::string>, SeriesModel> series_;
  std::vector<std::pair<coordinator::DeletionScope, std::uint64_t>> deletions_;
};

std::uint64_t random_value(sim::Dice& dice, ValueType type) {
  const auto decimal = [&] {
    return std::bit_cast<std::uint64_t>(static_cast<double>(dice.below(20'000)) / 100.0 - 100.0);
  };
  switch (type) {
    case ValueType::kF64:
      if (dice.chance(90)) return decimal();
      return dice.chance(50) ? dice.next() : std::bit_cast<std::uint64_t>(-0.0);
    case ValueType::kI64: return dice.next() >> dice.below(64);
    case ValueType::kU64: return dice.chance(90) ? dice.below(1000) : dice.next();
    case ValueType::kBool: return dice.below(2);
    case ValueType::kString: return 0;
  }
  return 0;
}

void fill(sim::Dice& dice, wire::Column& column, ValueType type, std::int64_t from) {
  const std::uint64_t count = dice.chance(5) ? dice.below(6000) : dice.below(80);
  std::int64_t time = from;
  for (std::uint64_t k = 0; k < count; ++k) {
    // Mostly onwards; sometimes the same again, or back.
    time += dice.chance(85) ? 1 : -static_cast<std::int64_t>(dice.below(30));
    column.times.push_back(time);
    column.values.push_back(random_value(dice, type));
  }
  if (type != ValueType::kString || count == 0) return;
  column.strings = {"on", "off", "", "text " + std::to_string(dice.below(50))};
  for (std::uint64_t& value : column.values) value = dice.below(4);
}

/// The random life of one store.
class Trial {
 public:
  explicit Trial(std::uint64_t seed) : dice_(seed) {
    nodes_ = {world_.add_node("n1"), world_.add_node("n2")};
    sets_ = {make_set(kKeys), make_set({kKeys[3], kKeys[0]}), make_set({kKeys[5], kKeys[4]})};
  }

  void run() {
    for (int i = 0; i < kOperations; ++i) operate();
    check();
    const auto before = answers();
    world_.compact();
    world_.erase();
    const bool same = answers() == before;  // too long to print
    CHECK(same);
    check();
    check_counts();
    check_order();
  }

 private:
  void operate() {
    switch (dice_.below(20)) {
      case 0: return repeat();
      case 1: return thin();
      case 2: return world_.compact({dice_.between(1, 9), 0, dice_.between(1, 5000)});
      case 3: return step();
      case 4: return reopen();
      case 5: return roll_back();
      case 7: return remove();
      case 8: return erase_step();
      case 9: return crash();
      case 10:
        if (dice_.chance(20)) outlive();
        return;
      case 11: return take_out();
      case 6:
        if (dice_.chance(20)) check();
        return;
      default: return accept(fresh());
    }
  }

  ReadingBatch fresh() {
    const auto& set = sets_[dice_.below(sets_.size())];
    wire::Columns columns;
    columns.columns.resize(set->keys.size());
    now_ += static_cast<std::int64_t>(dice_.below(100));
    const auto late = static_cast<std::int64_t>(dice_.chance(20) ? dice_.below(kTimes) : 0);
    for (std::size_t i = 0; i < set->keys.size(); ++i) {
      if (dice_.chance(80)) fill(dice_, columns.columns[i], set->types[i], now_ - late);
    }
    const wire::Rank rank{dice_.between(1, 3), ++seq_};
    const wire::Id128 boot = dice_.chance(15) ? wire::Id128{9, dice_.below(3)} : wire::Id128{};
    return make_batch(nodes_[dice_.below(2)], rank, set, std::move(columns), boot);
  }

  void accept(const ReadingBatch& batch) {
    world_.add(batch);
    model_.take(batch);
    history_.push_back(batch);
  }

  void repeat() {
    if (history_.empty()) return;
    const ReadingBatch& old = history_[dice_.below(history_.size())];
    world_.add(old);
    model_.take(old);  // what a rule took is there again
  }

  /// Every other winner of an earlier record, under a new name with its rank.
  void thin() {
    if (history_.empty()) return;
    const ReadingBatch old = history_[dice_.below(history_.size())];
    if (!old.origin_ranks.empty()) return;
    wire::Columns columns;
    columns.origins = {wire::Name{{{1, 2}, 3}, old.rank.seq}};
    for (const wire::Column& column : old.columns.columns) {
      coordinator::Run run;
      append_column(run, column, std::span(&old.rank, 1));
      wire::Column thinned;
      thinned.strings = column.strings;
      for (std::size_t k = 0; k < run.items.size(); k += 2) {
        thinned.times.push_back(run.items[k].time);
        thinned.values.push_back(run.items[k].value);
      }
      if (thinned.times.empty()) thinned.strings.clear();
      const auto count = static_cast<std::uint32_t>(thinned.count());
      columns.origin_runs.push_back(count == 0 ? std::vector<wire::OriginRun>()
                                               : std::vector<wire::OriginRun>{{0, count}});
      columns.columns.push_back(std::move(thinned));
    }
    ReadingBatch batch = make_batch(old.node, {3, ++seq_}, old.set, std::move(columns), old.boot);
    batch.origin_ranks = {old.rank};
    accept(batch);
  }

  void step() {
    const auto done = world_.store().compact_step({1, 0, dice_.between(1, 500)}, {});
    REQUIRE(done);
  }

  void remove() {
    coordinator::DeletionScope scope;
    scope.node = nodes_[dice_.below(2)];
    if (dice_.chance(30)) scope.measurement = dice_.chance(50) ? "m" : "k";
    const std::int64_t width = dice_.chance(20) ? kTimes : 500;
    if (dice_.chance(90)) scope.first_time = now_ - static_cast<std::int64_t>(dice_.below(kTimes));
    if (dice_.chance(90)) {
      scope.last_time = std::max(scope.first_time, std::int64_t{0}) +
                        static_cast<std::int64_t>(dice_.below(static_cast<std::uint64_t>(width)));
    }
    world_.delete_readings(scope, {{1, seq_}, {2, seq_}, {3, seq_}}, 3);
    model_.remove(scope, seq_);
    has_deletions_ = true;
  }

  /// Some readings of a series and boot go, as in a replay.
  void take_out() {
    const NodeNo node = nodes_[dice_.below(2)];
    const std::string& key = kKeys[dice_.below(kKeys.size())];
    coordinator::OldReadings old{key, {}, {}};
    if (dice_.chance(20)) old.boot = {9, dice_.below(3)};
    std::vector<TimeAndBoot> gone;
    for (const auto& [at, held] : model_.of(node, key)) {
      if (at.second != old.boot || !dice_.chance(30)) continue;
      // Sometimes an older one is meant, which gave way before.
      const bool outranks = dice_.chance(20);
      wire::Rank rank = held.rank;
      if (outranks) rank.seq -= 1;
      old.times.push_back({at.first, rank});
      if (!outranks) gone.push_back(at);
    }
    const std::size_t there = gone.size();
    old.times.push_back({now_ + 10 * kTimes, {}});  // which nobody has
    REQUIRE(world_.store().compact_all_of(node, {1, 0, 5000}, {}));
    coordinator::ChunkPurge chunks(world_.db());
    REQUIRE(world_.db().begin());
    const auto taken = coordinator::take_old(world_.db(), chunks, node, old);
    REQUIRE(taken);
    CHECK(*taken == there);
    REQUIRE(chunks.finish());
    REQUIRE(world_.db().commit());
    for (const TimeAndBoot& at : gone) model_.forget(node, key, at);
  }

  void erase_step() {
    for (std::uint64_t i = dice_.between(1, 6); i > 0; --i) REQUIRE(world_.eraser().step({}, {}));
  }

  /// A rule takes what is old, and nothing that is not.
  void outlive() {
    world_.compact();
    coordinator::RetentionRule rule;
    rule.measurement = "?";
    rule.keep_ns = kKeep;
    const std::int64_t limit = now_ - kKeep;
    reopen();  // a new start begins with a pass
    world_.erase({rule}, rt::UnixTime{now_});
    for_each_series([&](SeriesId id, const SeriesModel& model, ValueType, NodeNo node,
                        const std::string& key) {
      std::set<TimeAndBoot> there;
      for (const Reading& reading : world_.all(id)) there.insert({reading.time, reading.boot});
      std::vector<TimeAndBoot> gone;
      for (const auto& [at, held] : model) {
        const bool is_there = there.contains(at);
        const bool may_go = at.first < limit && at.second.is_zero();
        if (!is_there) gone.push_back(at);
        CHECK((is_there || may_go));
        CHECK_FALSE((is_there && may_go && at.first < limit - kKeep / coordinator::kOutlivePart));
      }
      for (const TimeAndBoot& at : gone) model_.forget(node, key, at);
    });
  }

  /// The power goes while chunks are made or taken out.
  void crash() {
    world_.disk().stop_at(dice_.between(1, 40));
    for (int i = 0; i < 20 && !world_.disk().is_stopped(); ++i) {
      const bool compacts = dice_.chance(50);
      const bool worked = compacts ? world_.store().compact_step({1, 0, 300}, {}).has_value()
                                   : world_.eraser().step({}, {}).has_value();
      if (!worked) break;
    }
    world_.close();
    if (world_.disk().is_stopped()) world_.disk().restart_after_power_cut(dice_);
    world_.disk().heal();
    world_.open();
  }

  void reopen() {
    world_.close();
    world_.open();
  }

  void roll_back() {
    REQUIRE(world_.db().begin());
    REQUIRE(world_.store().add_batch(fresh(), {}));
    world_.db().rollback();
    world_.store().forget_uncommitted();
  }

  template <typename Each>
  void for_each_series(Each each) {
    for (const NodeNo node : nodes_) {
      for (const std::string& key : kKeys) {
        const auto id =
            world_.number("SELECT id FROM series WHERE node_no = " + std::to_string(node) +
                          " AND key = '" + key + "'");
        const SeriesModel& model = model_.of(node, key);
        if (!id) {
          CHECK(model.empty());
          continue;
        }
        INFO("series ", key, " of node ", node);
        const ValueType type = wire::SeriesKey::parse(key).value().type;
        if constexpr (std::is_invocable_v<Each, SeriesId, const SeriesModel&, ValueType>) {
          each(*id, model, type);
        } else {
          each(*id, model, type, node, key);
        }
      }
    }
  }

  void check() {
    for_each_series([&](SeriesId id, const SeriesModel& model, ValueType type) {
      const auto all = world_.all(id, dice_.between(1, 3000));
      REQUIRE(all.size() == model.size());
      auto held = model.begin();
      std::size_t wrong = 0;
      for (const Reading& reading : all) {
        const bool same = held->first == TimeAndBoot{reading.time, reading.boot} &&
                          held->second.text == reading.text && held->second.value == reading.value;
        if (!same) ++wrong;
        ++held;
      }
      CHECK(wrong == 0);
      check_last(id, model);
      if (type != ValueType::kString) check_buckets(id, model, type);
    });
  }

  bool is_taking_out() {
    return has_deletions_ && (world_.number("SELECT count(*) FROM deletion WHERE state = 1") != 0 ||
                              world_.number("SELECT count(*) FROM batch") != 0);
  }

  void check_last(SeriesId id, const SeriesModel& model) {
    const auto last = world_.query().last({id});
    REQUIRE(last);
    REQUIRE(last->size() == (model.empty() ? 0 : 1));
    if (model.empty()) return;
    const auto& [at, held] = *model.rbegin();
    CHECK(last->front().second.time == at.first);
    CHECK(last->front().second.boot == at.second);
    CHECK(last->front().second.text == held.text);
    CHECK(last->front().second.value == held.value);
  }

  void check_buckets(SeriesId id, const SeriesModel& model, ValueType type) {
    if (model.empty()) return;
    coordinator::TimeRange range;
    // Of a range without ends, the buckets may reach over what is deleted, until it is taken out.
    if (dice_.chance(50) || is_taking_out()) {
      range.from = model.begin()->first.first + static_cast<std::int64_t>(dice_.below(1000));
      range.to = range.from + static_cast<std::int64_t>(dice_.between(1, kTimes));
    }
    const std::size_t points = dice_.between(1, 40);
    const Calibration calibration = any_calibration();
    const auto closed = world_.query().close({id}, range);
    REQUIRE(closed);
    const auto buckets =
        world_.query().aggregate(id, *closed, coordinator::BucketGrid::split(*closed, points),
                                 coordinator::Derived::kNone, {{id, calibration}});
    REQUIRE(buckets);
    CHECK(buckets->size() <= points);
    if (range.from == INT64_MIN) {
      range = {model.begin()->first.first, model.rbegin()->first.first + 1};
    }
    const std::int64_t width = (range.to - range.from - 1) / static_cast<std::int64_t>(points) + 1;
    std::size_t seen = 0;
    for (std::int64_t start = range.from; start < range.to; start += width) {
      const auto expected =
          bucket_of(model, type, calibration, start, std::min(start + width, range.to));
      if (expected.count == 0) continue;
      REQUIRE(seen < buckets->size());
      check_bucket(buckets->at(seen++), expected);
    }
    CHECK(seen == buckets->size());
  }

  /// None, or one that keeps order, turns it round, has one value for all, or bends.
  Calibration any_calibration() {
    const std::vector<Calibration> all{{},    {{0.5, 2}}, {{10, -3}},
                                       {{4}}, {{7, 0}},   {{1, -2, 0.25}}};
    return all[dice_.below(all.size())];
  }

  static Bucket bucket_of(const SeriesModel& model, ValueType type, const Calibration& calibration,
                          std::int64_t from, std::int64_t to) {
    Bucket bucket{from, 0, INFINITY, -INFINITY, 0, 0, 0};
    for (auto at = model.lower_bound({from, {}}); at != model.end() && at->first.first < to; ++at) {
      const double value = calibration.apply(coordinator::number_of(at->second.value, type));
      if (std::isnan(value)) continue;
      if (bucket.count++ == 0) bucket.first = value;
      bucket.last = value;
      bucket.min = std::min(bucket.min, value);
      bucket.max = std::max(bucket.max, value);
      bucket.mean += value;
    }
    bucket.mean /= static_cast<double>(bucket.count);
    return bucket;
  }

  static void check_bucket(const Bucket& bucket, const Bucket& expected) {
    CHECK(bucket.time == expected.time);
    CHECK(bucket.count == expected.count);
    CHECK(bucket.min == expected.min);
    CHECK(bucket.max == expected.max);
    CHECK(bucket.first == expected.first);
    CHECK(bucket.last == expected.last);
    const double most = std::max(std::abs(expected.min), std::abs(expected.max));
    if (std::isfinite(most) && std::isfinite(expected.mean)) {
      CHECK(std::abs(bucket.mean - expected.mean) <= 1e-9 * std::max(1.0, most));
    }
  }

  /// Everything but the means, whose last bits depend on the order of summing.
  std::string answers() {
    std::string out;
    for_each_series([&](SeriesId id, const SeriesModel&, ValueType type) {
      for (const Reading& r : world_.all(id)) {
        out += std::to_string(r.time) + r.boot.hex() + r.text + std::to_string(r.value);
      }
      if (type == ValueType::kString) return;
      const auto buckets = world_.query().aggregate(id, {0, 3 * kTimes}, 7).value();
      for (const Bucket& b : buckets) {
        for (const double x : {b.min, b.max, b.first, b.last}) out += std::to_string(x) + ",";
        out += std::to_string(b.time) + ":" + std::to_string(b.count);
      }
    });
    return out;
  }

  void check_counts() {
    for_each_series([&](SeriesId id, const SeriesModel& model, ValueType) {
      const auto info = world_.query().series_by_id({id});
      REQUIRE(info);
      CHECK(info->at(0).count == model.size());
      if (model.empty()) return;
      CHECK(info->at(0).first_time == model.begin()->first.first);
      CHECK(info->at(0).last_time == model.rbegin()->first.first);
    });
  }

  void check_order() {
    CHECK(world_.number(
              "SELECT count(*) FROM chunk AS a JOIN chunk AS b USING (series_id, boot) WHERE"
              " a.last_time < b.last_time AND a.last_time >= b.first_time") == 0);
    CHECK(world_.number("SELECT count(*) FROM chunk WHERE count > 4096") == 0);
    CHECK(world_.number("SELECT count(*) FROM pack WHERE users <>"
                        " (SELECT count(*) FROM chunk WHERE pack_no = no)") == 0);
  }

  ReadingWorld world_;
  Model model_;
  sim::Dice dice_;
  std::vector<NodeNo> nodes_;
  std::vector<std::shared_ptr<const wire::SeriesSet>> sets_;
  std::vector<ReadingBatch> history_;
  bool has_deletions_ = false;
  std::int64_t now_ = kTimes;
  std::uint64_t seq_ = 0;
};

}  // namespace

TEST_CASE("the store answers as a map would, whatever came when and was compacted when") {
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    INFO("seed ", seed);
    Trial(seed).run();
  }
}

TEST_CASE("readings are taken out of a series of very many chunks") {
  constexpr std::int64_t kBatches = 8, kEach = 50'000, kStep = 1'000;
  ReadingWorld world;
  const NodeNo node = world.add_node("n1");
  const auto set = make_set({"m a i"});
  for (std::int64_t batch = 0; batch < kBatches; ++batch) {
    wire::Columns columns;
    columns.columns.resize(1);
    for (std::int64_t i = 0; i < kEach; ++i) {
      columns.columns[0].times.push_back(batch * kEach + i);
      columns.columns[0].values.push_back(static_cast<std::uint64_t>(i % 7));
    }
    world.add(make_batch(node, {1, static_cast<std::uint64_t>(batch + 1)}, set, columns));
  }
  world.compact();
  REQUIRE(*world.number("SELECT count(*) FROM chunk") > 90);
  coordinator::OldReadings old{"m a i", {}, {}};
  for (std::int64_t time = 0; time < kBatches * kEach; time += kStep) {
    old.times.push_back({time, {1, 100}});
  }
  coordinator::ChunkPurge chunks(world.db());
  REQUIRE(world.db().begin());
  CHECK(coordinator::take_old(world.db(), chunks, node, old).value() == kBatches * kEach / kStep);
  REQUIRE(chunks.finish());
  REQUIRE(world.db().commit());
  const auto left = world.all(1);
  CHECK(left.size() == kBatches * kEach - kBatches * kEach / kStep);
  CHECK(std::ranges::none_of(left, [](const Reading& each) { return each.time % kStep == 0; }));
}

}  // namespace fieldpost::test
