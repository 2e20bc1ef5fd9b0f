#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "tools/cli/line_input.h"
#include "tools/cli/progress.h"
#include "tools/cli/verbs.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kBatchLines = 5'000;
constexpr std::size_t kBatchBytes = 1 << 20;
constexpr int kTriesMax = 10;
constexpr std::int64_t kRetryLeastMs = 500;
constexpr std::int64_t kRetryMostMs = 30'000;

struct Batch {
  std::string text;
  std::size_t first_line = 1;
  std::size_t lines = 0;
  std::size_t filled = 0;  ///< of them, neither blank nor a comment
};

struct Report {
  std::size_t sent = 0;    ///< lines
  std::size_t stored = 0;  ///< of them
  std::vector<std::string> bad;
};

bool is_filled(std::string_view line) {
  const std::size_t at = line.find_first_not_of(" \t\r");
  return at != std::string_view::npos && line[at] != '#';
}

/// How many lines of a refused body were stored all the same, as the coordinator words it.
std::size_t stored_of(std::string_view words) {
  constexpr std::string_view kMark = "; stored=";
  const std::size_t at = words.rfind(kMark);
  if (at == std::string_view::npos) return 0;
  const std::string_view number = words.substr(at + kMark.size());
  std::size_t stored = 0;
  std::from_chars(number.data(), number.data() + number.size(), stored);
  return stored;
}

std::int64_t wait_of(const Fetched& answer, std::int64_t otherwise) {
  const std::string_view text = answer.header("Retry-After");
  std::int64_t seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool right = failed == std::errc{} && end == text.data() + text.size() && seconds >= 0;
  return right && !text.empty() ? std::min(seconds * 1000, kRetryMostMs) : otherwise;
}

/// Offers it again while the coordinator is away or full: the key makes that harmless.
rt::Result<Fetched> post(Context& context, const std::string& path, const Batch& batch) {
  const Fetch fetch{.method = "POST",
                    .path = path,
                    .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                                {"Idempotency-Key", context.make_key()}},
                    .body = batch.text};
  std::int64_t retry = kRetryLeastMs;
  for (int tries = 1;; ++tries) {
    auto answer = context.fetcher.fetch(fetch);
    const bool later =
        answer ? answer->status == 503 : answer.error().code == rt::Errc::kUnavailable;
    if (!later || tries == kTriesMax) return answer;
    const std::int64_t wait = answer ? wait_of(*answer, retry) : retry;
    fmt::print(context.err, "fieldpost: {}; again in {:.1f} s\n",
               answer ? "the coordinator cannot take more now" : answer.error().message,
               static_cast<double>(wait) / 1000);
    context.pause(wait);
    retry = std::min(retry * 2, kRetryMostMs);
  }
}

rt::Status send(Context& context, const std::string& path, const Batch& batch, Report& report) {
  if (batch.lines == 0) return rt::ok();
  const auto answer = post(context, path, batch);
  if (!answer) return answer.error();
  report.sent += batch.lines;
  if (answer->status == 400) {
    const Json document = Json::parse(answer->body, nullptr, false);
    const std::string words = document.is_object() ? document.value("error", "refused") : "refused";
    report.stored += stored_of(words);
    report.bad.push_back(fmt::format("lines {} to {}, counted from there: {}", batch.first_line,
                                     batch.first_line + batch.lines - 1, words));
    return rt::ok();
  }
  if (answer->status < 200 || answer->status > 299) {
    const auto code = answer->status == 503                            ? rt::Errc::kBusy
                      : answer->status == 401 || answer->status == 403 ? rt::Errc::kDenied
                                                                       : rt::Errc::kIo;
    return rt::Error{code, fmt::format("writing: the coordinator answered {}", answer->status)};
  }
  report.stored += batch.filled;
  return rt::ok();
}

int tell(Context& context, const Report& report) {
  for (const std::string& bad : report.bad) fmt::print(context.err, "fieldpost: {}\n", bad);
  if (context.json) {
    context.print(Json({{"lines", report.stored}, {"errors", report.bad}}).dump() + "\n");
  } else {
    context.print(fmt::format("ok {}\n", report.stored));
  }
  return report.bad.empty() ? kExitDone : kExitFailed;
}

/// The lines that are given, one after the other: of the arguments, or of standard input.
class Lines {
 public:
  Lines(Context& context, const std::vector<std::string>& given) : input_(context.in) {
    if (given.empty()) return;
    given_.emplace(fmt::format("{}", fmt::join(given, "\n")));
  }
  std::optional<std::string> next() { return given_ ? next_given() : input_.next(); }
  [[nodiscard]] std::optional<double> part_read() const {
    return given_ ? std::nullopt : input_.part_read();
  }

 private:
  std::optional<std::string> next_given() {
    if (at_ > given_->size()) return std::nullopt;
    const std::size_t end = std::min(given_->find('\n', at_), given_->size());
    std::string line = given_->substr(at_, end - at_);
    at_ = end + 1;
    return line;
  }

  LineInput input_;
  std::optional<std::string> given_;
  std::size_t at_ = 0;
};

void add(Batch& batch, const std::string& line) {
  batch.text += line + '\n';
  ++batch.lines;
  if (is_filled(line)) ++batch.filled;
}

}  // namespace

int run_write(Context& context, const WriteOptions& options) {
  std::string path = "/write?precision=" + encode_query(options.precision);
  if (!options.node.empty()) path += "&node=" + encode_query(options.node);
  Lines lines(context, options.lines);
  Progress progress(context, "lines");
  Report report;
  Batch batch;
  bool more = true;
  while (more) {
    const auto line = lines.next();
    more = line.has_value();
    if (line) add(batch, *line);
    if (more && batch.lines < kBatchLines && batch.text.size() < kBatchBytes) continue;
    const auto sent = send(context, path, batch, report);
    if (sent) progress.show(report.sent, lines.part_read());
    if (!sent || !more) progress.finish();
    if (!sent) {
      tell(context, report);
      return context.fail(sent.error());
    }
    batch = {{}, batch.first_line + batch.lines, 0, 0};
  }
  return tell(context, report);
}

}  // namespace fieldpost::cli
