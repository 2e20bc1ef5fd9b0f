// Buttons in the field: presses become recordings.
#include <fmt/format.h>

#include <algorithm>

#include "coordinator/experiments/button.h"
#include "coordinator/store/batch_table.h"
#include "coordinator/store/button_settling.h"
#include "coordinator/store/studies.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

namespace {

bool is_press(const std::string& key) {
  if (!key.starts_with(kPressMeasurement)) return false;
  const auto parsed = wire::SeriesKey::parse(key);
  return parsed && parsed->measurement == kPressMeasurement && parsed->field == kPressField &&
         parsed->type == wire::ValueType::kString;
}

}  // namespace

Status Studies::take_presses(const ReadingBatch& batch, const std::vector<SeriesId>& series,
                             rt::UnixTime now) {
  for (std::size_t c = 0; c < series.size(); ++c) {
    if (batch.columns.columns[c].count() == 0 || !is_press(batch.set->keys[c])) continue;
    if (auto done = take_column(batch, c, series[c], now); !done) return done;
  }
  return ok();
}

Status Studies::take_column(const ReadingBatch& batch, std::size_t column, SeriesId series,
                            rt::UnixTime now) {
  const auto button = find_button(series);
  if (!button) return button.error();
  const wire::Column& in = batch.columns.columns[column];
  auto room = make_room(*button, in.count());
  if (!room) return room.error();
  const std::vector<wire::Rank> ranks =
      ranks_of(batch.columns, column, batch.rank, batch.origin_ranks);
  std::int64_t first = INT64_MAX;
  for (std::size_t i = 0; i < in.count(); ++i) {
    Press press{.series = series, .time = in.times[i], .boot = batch.boot};
    const std::string& text = in.strings[static_cast<std::size_t>(in.values[i])];
    press.action = parse_press_action(text);
    press.by = "node " + button->node;
    press.rank = ranks.size() == 1 ? ranks.front() : ranks[i];
    press.arrived = now.ns;
    if (press.action == PressAction::kNone) {
      press.problem = fmt::format("\"{}\" is not start, stop or toggle", text.substr(0, 100));
    }
    const auto known = presses.has(press);
    if (!known) return known.error();
    if (!*known) *room -= 1;
    // The reading is stored all the same: a bound of ours must not hold up a node. The first press
    // beyond it tells of all.
    if (!*known && *room < -1) continue;
    if (!*known && *room == -1) {
      press.action = PressAction::kNone;
      press.problem = fmt::format("{} presses of a button are kept: this and later ones are not",
                                  kPressesOfSeriesMax);
    }
    if (auto done = presses.put(press); !done) return done;
    first = std::min(first, press.time);
  }
  if (first == INT64_MAX) return ok();
  return ButtonSettling(*this, *button).run(batch.boot.is_zero() ? first : INT64_MIN);
}

/// For how many more there is room; below 0 where that was told already.
Result<std::int64_t> Studies::make_room(const Button& button, std::size_t count) {
  constexpr auto kMax = static_cast<std::int64_t>(kPressesOfSeriesMax);
  auto all = presses.count(button.series);
  if (!all) return all;
  if (*all + static_cast<std::int64_t>(count) > kMax) {
    if (auto done = ButtonSettling(*this, button).run(INT64_MIN); !done) return done.error();
    const std::size_t keep = kPressesOfSeriesMax - std::min(count, kPressesOfSeriesMax);
    auto done = drop_presses(button.series, std::min(keep, kPressesOfSeriesMax / 2));
    if (!done) return done.error();
    all = presses.count(button.series);
    if (!all) return all;
  }
  return kMax - *all;
}

/// Those before the newest `keep`, as far as they have done what they do.
Status Studies::drop_presses(SeriesId series, std::size_t keep) {
  const auto floor = presses.floor(series);
  if (!floor) return floor.error();
  auto all = presses.since(series, *floor);
  if (!all) return all.error();
  std::erase_if(*all, [](const Press& press) { return !press.at; });
  const std::size_t wanted = all->size() - std::min(keep, all->size());
  const std::size_t gone = droppable(*all, wanted);
  const std::int64_t from = gone == 0 ? *floor : *(*all)[gone].at;
  return from == INT64_MIN ? ok() : presses.drop_before(series, from);
}

Status Studies::take_overdue_presses() {
  const auto series = presses.overdue();
  if (!series) return series.error();
  for (const SeriesId each : *series) {
    const auto button = find_button(each);
    if (!button) return button.error();
    if (auto done = ButtonSettling(*this, *button).run(INT64_MIN); !done) return done;
  }
  return ok();
}

Result<Button> Studies::find_button(SeriesId series) {
  rt::Statement& stmt =
      db_.prepare("SELECT node.id, key FROM series JOIN node ON no = node_no WHERE series.id = ?1");
  const auto row = stmt.bind(1, series).step();
  if (!row) return row.error();
  if (!*row) return Error{Errc::kNotFound, fmt::format("no series {}", series)};
  Button button{series, std::string(stmt.text(0)), {}};
  auto key = wire::SeriesKey::parse(stmt.text(1));
  stmt.reset();
  if (!key) return Error{Errc::kCorrupt, key.error().message};
  button.key = *std::move(key);
  return button;
}

}  // namespace fieldpost::coordinator
