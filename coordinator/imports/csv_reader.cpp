#include "coordinator/imports/csv_reader.h"

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace fieldpost::coordinator {
namespace {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Result;
using rt::Status;

constexpr std::size_t kPieceBytes = 64 * 1024;

}  // namespace

struct CsvReader::Parser {
  csv_parser state;
  CsvRow row;  ///< in the making
  std::size_t row_bytes = 0;
  std::deque<CsvRow> rows;
  std::uint64_t rows_made = 0;
  std::uint64_t offset = 0;
  bool is_too_long = false;
  bool is_at_end = false;

  explicit Parser(char delimiter) {
    FP_CHECK(csv_init(&state, CSV_STRICT | CSV_STRICT_FINI) == 0);
    csv_set_delim(&state, static_cast<unsigned char>(delimiter));
    csv_set_blk_size(&state, kPieceBytes);  // what a long field grows by
    // Blanks belong to the field.
    csv_set_space_func(&state, [](unsigned char) { return 0; });
  }
  ~Parser() { csv_free(&state); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void add_field(const char* text, std::size_t size) {
    row_bytes += size;
    is_too_long |= row.size() == kFieldsMax || row_bytes > kRowBytesMax;
    if (!is_too_long) row.emplace_back(text, size);
  }
  void end_row() {
    rows.push_back(std::exchange(row, {}));
    row_bytes = 0;
    rows_made += 1;
  }
  [[nodiscard]] Error problem(std::string_view what) const {
    return {Errc::kInvalid, fmt::format("row {}: {}", rows_made + 1, what)};
  }
  [[nodiscard]] Status parse(std::string_view bytes);
};

Status CsvReader::Parser::parse(std::string_view bytes) {
  const auto on_field = [](void* text, std::size_t size, void* self) {
    static_cast<Parser*>(self)->add_field(static_cast<const char*>(text), size);
  };
  const auto on_row = [](int, void* self) { static_cast<Parser*>(self)->end_row(); };
  bool is_right = true;
  if (bytes.empty()) {
    is_at_end = true;
    is_right = csv_fini(&state, on_field, on_row, this) == 0;
  } else {
    is_right =
        csv_parse(&state, bytes.data(), bytes.size(), on_field, on_row, this) == bytes.size();
  }
  if (!is_right) {
    const bool is_quote = csv_error(&state) == CSV_EPARSE;
    return is_quote ? problem("a quote stands where none may be, or is not closed")
                    : problem(csv_strerror(csv_error(&state)));
  }
  if (is_too_long || csv_get_buffer_size(&state) > 2 * kRowBytesMax) {
    return problem(fmt::format("it has more than {} bytes or {} fields", kRowBytesMax, kFieldsMax));
  }
  return ok();
}

CsvReader::CsvReader(rt::Files& files, std::string path, char delimiter)
    : files_(files), path_(std::move(path)), parser_(std::make_unique<Parser>(delimiter)) {}

CsvReader::~CsvReader() = default;

Status CsvReader::read_on() {
  const auto bytes = files_.read(path_, parser_->offset, kPieceBytes);
  if (!bytes) return bytes.error();
  std::string_view text = *bytes;
  if (parser_->offset == 0 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  parser_->offset += bytes->size();
  return parser_->parse(text);
}

double CsvReader::part() const {
  const auto info = files_.info(path_);
  if (!info || info->size == 0) return 1;
  return std::min(1.0, static_cast<double>(parser_->offset) / static_cast<double>(info->size));
}

Result<bool> CsvReader::next(CsvRow& row) {
  while (parser_->rows.empty()) {
    if (parser_->is_at_end) return false;
    if (auto done = read_on(); !done) return done.error();
  }
  row = std::move(parser_->rows.front());
  parser_->rows.pop_front();
  return true;
}

}  // namespace fieldpost::coordinator
