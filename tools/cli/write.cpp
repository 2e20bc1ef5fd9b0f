#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "tools/cli/line_input.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

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
};

struct Report {
  std::size_t lines = 0;  ///< sent
  std::vector<std::string> bad;
};

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
  report.lines += batch.lines;
  if (answer->status == 400) {
    const Json document = Json::parse(answer->body, nullptr, false);
    report.bad.push_back(
        fmt::format("lines {} to {}, counted from there: {}", batch.first_line,
                    batch.first_line + batch.lines - 1,
                    document.is_object() ? document.value("error", "refused") : "refused"));
    return rt::ok();
  }
  if (answer->status < 200 || answer->status > 299) {
    const auto code = answer->status == 503                            ? rt::Errc::kBusy
                      : answer->status == 401 || answer->status == 403 ? rt::Errc::kDenied
                                                                       : rt::Errc::kIo;
    return rt::Error{code, fmt::format("writing: the coordinator answered {}", answer->status)};
  }
  return rt::ok();
}

void show_progress(const Context& context, const Report& report, bool last) {
  if (!context.terminal) return;
  fmt::print(context.err, "\r{} lines written{}", count_words(report.lines), last ? "\n" : "");
}

int tell(Context& context, const Report& report) {
  for (const std::string& bad : report.bad) fmt::print(context.err, "fieldpost: {}\n", bad);
  if (context.json) {
    context.print(Json({{"lines", report.lines}, {"errors", report.bad}}).dump() + "\n");
  } else if (report.bad.empty()) {
    context.print(fmt::format("ok {}\n", report.lines));
  }
  return report.bad.empty() ? kExitDone : kExitFailed;
}

}  // namespace

int run_write(Context& context, const WriteOptions& options) {
  std::string path = "/write?precision=" + encode_query(options.precision);
  if (!options.node.empty()) path += "&node=" + encode_query(options.node);
  LineInput input(context.in);
  std::size_t given = 0;
  const auto next_line = [&]() -> std::optional<std::string> {
    if (options.lines.empty()) return input.next();
    return given < options.lines.size() ? std::optional(options.lines[given++]) : std::nullopt;
  };
  Report report;
  Batch batch;
  bool more = true;
  while (more) {
    const auto line = next_line();
    more = line.has_value();
    if (line) {
      batch.text += *line + '\n';
      ++batch.lines;
    }
    if (more && batch.lines < kBatchLines && batch.text.size() < kBatchBytes) continue;
    if (auto sent = send(context, path, batch, report); !sent) {
      show_progress(context, report, true);
      tell(context, report);
      return context.fail(sent.error());
    }
    show_progress(context, report, !more);
    batch = {{}, batch.first_line + batch.lines, 0};
  }
  return tell(context, report);
}

}  // namespace fieldpost::cli
