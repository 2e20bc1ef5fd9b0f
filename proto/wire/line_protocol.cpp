#include "proto/wire/line_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "proto/wire/line_cache.h"
#include "proto/wire/line_value.h"
#include "proto/wire/names.h"

namespace fieldpost::wire {
namespace {

constexpr std::string_view kUnitLine = "#unit ";
constexpr std::size_t kReadingBytesMin = 4;  ///< "a=1,": text of some size has no more readings

/// A value of the line at hand. Columns get it when the whole line proved good.
struct Pending {
  std::uint32_t series = 0;
  std::uint64_t bits = 0;
  std::string_view text;
};

std::string_view token_at(const char* at, const char* end) {
  const char* stop = at;
  while (stop != end && !ends_token(*stop)) ++stop;
  return {at, static_cast<std::size_t>(stop - at)};
}

/// One call of LineParser::parse.
class LineReader {
 public:
  LineReader(std::string_view text, const LineOptions& options, LineCache& cache,
             std::vector<Pending>& pending, std::uint64_t parse, UnitLines unit_lines)
      : at_(text.data()),
        end_(text.data() + text.size()),
        options_(&options),
        cache_(&cache),
        pending_(&pending),
        parse_(parse),
        unit_lines_(unit_lines),
        expected_left_(text.size() / kReadingBytesMin) {}

  ParsedLines read() {
    out_.stamp_ns = options_->now.ns;
    for (; at_ != end_; ++line_) read_line();
    return std::move(out_);
  }

 private:
  void read_line();
  bool read_unit();
  bool read_head();
  bool read_fields();
  bool read_field(std::uint32_t& guess);
  bool read_field_name(std::uint32_t guess, std::uint32_t& field);
  bool read_time();
  void store();
  void store_string(std::uint32_t at, Column& column, std::string_view text);
  Column& column_of(std::uint32_t series);
  bool fail(std::string what);
  bool fail_field(const LineCache::Field& field, const char* from, const char* why);

  void skip_spaces() {
    while (at_ != end_ && *at_ == ' ') ++at_;
  }
  [[nodiscard]] bool at_line_end() const {
    return at_ == end_ || *at_ == '\n' || (*at_ == '\r' && (at_ + 1 == end_ || at_[1] == '\n'));
  }
  void skip_line();
  [[nodiscard]] std::string_view rest() const {
    return {at_, static_cast<std::size_t>(end_ - at_)};
  }
  std::string_view take_head_text();
  std::string_view take_rest_of_line();
  void leave_column(LineCache::Series& series);

  const char* at_;
  const char* end_;
  const LineOptions* options_;
  LineCache* cache_;
  std::vector<Pending>* pending_;
  std::uint64_t parse_;
  UnitLines unit_lines_;
  std::size_t expected_left_;  ///< readings that memory may still be taken for in advance
  ParsedLines out_;
  std::size_t line_ = 1;
  std::size_t inner_lines_ = 0;  ///< line feeds inside the strings of the line at hand
  std::uint32_t head_ = 0;
  std::int64_t time_ = 0;
  bool stamped_ = false;
  std::string unescaped_;
  std::unordered_map<std::uint32_t, TextMap<std::uint32_t>> strings_;  ///< by column
  TextMap<std::uint32_t> columns_left_;  ///< columns by key, of series whose unit has changed
};

void LineReader::read_line() {
  while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  if (!at_line_end() && unit_lines_ == UnitLines::kObeyed && rest().starts_with(kUnitLine)) {
    read_unit();
    return skip_line();
  }
  if (at_line_end() || *at_ == '#') return skip_line();
  pending_->clear();
  inner_lines_ = 0;
  if (read_head() && read_fields() && read_time()) {
    store();
  }
  skip_line();
  line_ += inner_lines_;
}

void LineReader::skip_line() {
  const void* feed = at_ == end_ ? nullptr : std::memchr(at_, '\n', rest().size());
  at_ = feed == nullptr ? end_ : static_cast<const char*>(feed) + 1;
}

bool LineReader::fail(std::string what) {
  out_.lines_bad += 1;
  if (out_.errors.size() < ParsedLines::kLineErrorsMax) {
    out_.errors.push_back({line_, std::move(what)});
  }
  return false;
}

bool LineReader::read_unit() {
  constexpr std::string_view kExpected = "expected \"#unit measurement[,tag=value...] field unit\"";
  at_ += kUnitLine.size();
  const std::string_view head = take_head_text();
  if (at_ == end_ || *at_ == '\n') return fail(std::string(kExpected));
  ++at_;
  const std::string_view field = take_head_text();
  if (at_ == end_ || *at_ == '\n') return fail(std::string(kExpected));
  ++at_;
  const auto said = cache_->set_unit(head, field, take_rest_of_line(),
                                     [this](LineCache::Series& series) { leave_column(series); });
  return said.has_value() || fail(said.error().message);
}

/// Up to a space that no backslash escapes, or to the end of the line.
std::string_view LineReader::take_head_text() {
  const char* const from = at_;
  while (at_ != end_ && *at_ != ' ' && *at_ != '\n') {
    const bool escapes = *at_ == '\\' && at_ + 1 != end_ && (at_[1] == ' ' || at_[1] == '\\');
    at_ += escapes ? 2 : 1;
  }
  return {from, static_cast<std::size_t>(at_ - from)};
}

std::string_view LineReader::take_rest_of_line() {
  const char* const from = at_;
  while (!at_line_end()) ++at_;
  return {from, static_cast<std::size_t>(at_ - from)};
}

/// What comes from now on goes into another column; into this one again if its key comes back.
void LineReader::leave_column(LineCache::Series& series) {
  if (series.parse != parse_) return;
  columns_left_.insert_or_assign(series.key, series.column);
  series.parse = 0;
}

bool LineReader::read_head() {
  head_ = cache_->guess_head(rest());
  if (head_ != LineCache::kNone) {
    at_ += cache_->head(head_).raw.size();
    return true;
  }
  const std::string_view raw = take_head_text();
  if (at_ == end_ || *at_ == '\n') {
    return fail(
        fmt::format("missing fields: expected \"measurement[,tag=value...] "
                    "field=value[,field=value...] [time]\""));
  }
  const auto found = cache_->find_head(raw);
  if (!found) return fail(found.error().message);
  head_ = *found;
  return true;
}

bool LineReader::read_fields() {
  skip_spaces();
  if (at_line_end()) return fail("missing fields: expected \"field=value\" after the space");
  for (std::uint32_t guess = 0;; ++at_) {
    if (!read_field(guess)) return false;
    if (at_ == end_ || *at_ != ',') return true;
  }
}

/// `guess` is the field that probably comes; it becomes the one after the field that came.
bool LineReader::read_field(std::uint32_t& guess) {
  std::uint32_t index = 0;
  if (!read_field_name(guess, index)) return false;
  guess = index + 1;
  LineCache::Head& head = cache_->head(head_);
  LineCache::Field& field = head.fields[index];
  const char* const from = at_;
  FieldValue value;
  if (const char* why = take_value(at_, end_, value)) return fail_field(field, from, why);
  std::uint32_t series = field.series[static_cast<std::size_t>(value.type) - 1];
  if (series == LineCache::kNone) {
    const auto found = cache_->find_series(head, field, value.type);
    if (!found) return fail(found.error().message);
    series = *found;
  }
  if (value.type == ValueType::kString) {
    inner_lines_ +=
        static_cast<std::size_t>(std::count(value.text.begin(), value.text.end(), '\n'));
  }
  pending_->push_back({series, value.bits, value.text});
  return true;
}

bool LineReader::read_field_name(std::uint32_t guess, std::uint32_t& field) {
  LineCache::Head& head = cache_->head(head_);
  if (guess < head.fields.size() && rest().starts_with(head.fields[guess].raw)) {
    at_ += head.fields[guess].raw.size();
    field = guess;
    return true;
  }
  const char* const from = at_;
  while (at_ != end_ && *at_ != '=' && !ends_token(*at_)) {
    const bool escapes = *at_ == '\\' && at_ + 1 != end_ &&
                         (at_[1] == ' ' || at_[1] == '\\' || at_[1] == ',' || at_[1] == '=');
    at_ += escapes ? 2 : 1;
  }
  const std::string_view name(from, static_cast<std::size_t>(at_ - from));
  if (name.empty() && (at_ == end_ || *at_ != '=')) return fail("expected a field");
  if (at_ == end_ || *at_ != '=') {
    return fail(fmt::format("field {}: expected \"=\" and a value", quoted(name)));
  }
  ++at_;
  const auto found = cache_->find_field(head, {from, static_cast<std::size_t>(at_ - from)});
  if (!found) return fail(found.error().message);
  field = *found;
  return true;
}

bool LineReader::fail_field(const LineCache::Field& field, const char* from, const char* why) {
  const std::string_view name = std::string_view(field.raw).substr(0, field.raw.size() - 1);
  const std::string_view value = token_at(from, end_);
  if (value.empty()) return fail(fmt::format("field {}: {}", quoted(name), why));
  return fail(fmt::format("field {}: {}: {}", quoted(name), quoted(value), why));
}

bool LineReader::read_time() {
  skip_spaces();
  stamped_ = at_line_end();
  time_ = options_->now.ns;
  if (stamped_) return true;
  const char* const from = at_;
  if (const char* why = take_time(at_, end_, options_->precision, time_)) {
    return fail(fmt::format("time {}: {}", quoted(token_at(from, end_)), why));
  }
  skip_spaces();
  return at_line_end() || fail("expected the end of the line after the time");
}

void LineReader::store() {
  for (const Pending& reading : *pending_) {
    Column& column = column_of(reading.series);
    if (reading.text.data() != nullptr) {
      store_string(cache_->series(reading.series).column, column, reading.text);
    } else {
      column.values.push_back(reading.bits);
    }
    column.times.push_back(time_);
  }
  out_.lines_stored += 1;
  out_.readings += pending_->size();
  if (stamped_) out_.readings_stamped += pending_->size();
}

Column& LineReader::column_of(std::uint32_t index) {
  LineCache::Series& series = cache_->series(index);
  if (series.parse != parse_) {
    series.parse = parse_;
    const auto left = columns_left_.find(series.key);
    if (left != columns_left_.end()) {
      series.column = left->second;
      return out_.columns[series.column];
    }
    series.column = static_cast<std::uint32_t>(out_.columns.size());
    out_.keys.push_back(series.key);
    out_.types.push_back(series.type);
    Column& column = out_.columns.emplace_back();
    const std::size_t expected = std::min(series.readings, expected_left_);
    expected_left_ -= expected;
    column.times.reserve(expected);
    column.values.reserve(expected);
    series.readings = 0;
  }
  series.readings += 1;
  return out_.columns[series.column];
}

void LineReader::store_string(std::uint32_t at, Column& column, std::string_view text) {
  unescape_string(text, unescaped_);
  const auto index = static_cast<std::uint32_t>(column.strings.size());
  auto& known = strings_[at];
  const auto found = known.find(unescaped_);
  column.values.push_back(found == known.end() ? index : found->second);
  if (found != known.end()) return;
  column.strings.push_back(unescaped_);
  known.emplace(unescaped_, index);
  out_.string_bytes += unescaped_.size();
}

}  // namespace

struct LineParser::State {
  UnitLines unit_lines = UnitLines::kComments;
  LineCache cache;
  std::vector<Pending> pending;
  std::uint64_t parses = 0;
};

LineParser::LineParser(UnitLines unit_lines) : state_(std::make_unique<State>()) {
  state_->unit_lines = unit_lines;
}
LineParser::~LineParser() = default;
LineParser::LineParser(LineParser&&) noexcept = default;
LineParser& LineParser::operator=(LineParser&&) noexcept = default;

ParsedLines LineParser::parse(std::string_view text, const LineOptions& options) {
  state_->cache.trim(options.tags);
  state_->parses += 1;
  return LineReader(text, options, state_->cache, state_->pending, state_->parses,
                    state_->unit_lines)
      .read();
}

}  // namespace fieldpost::wire
