#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "tools/cli/node_words.h"
#include "tools/cli/verbs.h"
#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kClockWarnSeconds = 5;
constexpr double kNanosPerSecond = 1e9;

enum class Outcome : std::uint8_t { kOk, kWarn, kFail };

/// Asks one question after the other and remembers the answers.
class Examination {
 public:
  explicit Examination(Context& context) : context_(context) {}

  void note(Outcome outcome, std::string what) {
    checks_.push_back({{"outcome", outcome == Outcome::kOk     ? "ok"
                                   : outcome == Outcome::kWarn ? "warn"
                                                               : "fail"},
                       {"what", std::move(what)}});
    if (outcome == Outcome::kFail) failed_ = true;
  }

  int tell() {
    if (context_.json) {
      context_.print(Json({{"checks", checks_}, {"healthy", !failed_}}).dump(2) + "\n");
    } else {
      for (const Json& check : checks_) {
        context_.print(fmt::format("{:<5} {}\n", check.at("outcome").get<std::string>(),
                                   check.at("what").get<std::string>()));
      }
    }
    return failed_ ? kExitFailed : kExitDone;
  }

  [[nodiscard]] Context& context() { return context_; }

 private:
  Context& context_;
  std::vector<Json> checks_;
  bool failed_ = false;
};

void check_clock(Examination& examination, const Fetched& answer) {
  if (answer.date_s == 0) return;
  const double ours = static_cast<double>(examination.context().clock.now().ns) / kNanosPerSecond;
  const double apart = std::abs(ours - static_cast<double>(answer.date_s));
  const bool good = apart <= kClockWarnSeconds;
  examination.note(good ? Outcome::kOk : Outcome::kWarn,
                   good ? "the coordinator's clock and this machine's agree"
                        : fmt::format("the coordinator's clock and this machine's are {} apart",
                                      duration_words(apart)));
}

void check_ready(Examination& examination) {
  const auto ready = fetch_good(examination.context().fetcher, {.path = "/readyz"});
  examination.note(ready ? Outcome::kOk : Outcome::kFail,
                   ready ? "the coordinator is ready: store open, broker connected"
                         : "the coordinator is not ready: " + ready.error().message);
}

void check_nodes(Examination& examination) {
  Context& context = examination.context();
  const std::int64_t now = context.clock.now().ns;
  std::size_t count = 0;
  const auto walked = for_each_item(context, "/api/v1/nodes", [&](const Json& node) {
    ++count;
    const bool broken = !node.at("alarms").empty() || node.at("unexplained") > 0;
    for (std::string& trouble : troubles_of(node, now)) {
      examination.note(broken ? Outcome::kFail : Outcome::kWarn, std::move(trouble));
    }
    return true;
  });
  if (!walked) return examination.note(Outcome::kFail, walked.error().message);
  examination.note(count > 0 ? Outcome::kOk : Outcome::kWarn,
                   count > 0 ? fmt::format("{} node{} known", count, count == 1 ? " is" : "s are")
                             : "no node has been heard of yet: does an agent run?");
}

}  // namespace

int run_doctor(Context& context, const std::string& url_source) {
  Examination examination(context);
  examination.note(Outcome::kOk, fmt::format("the coordinator's address is {} ({})",
                                             context.fetcher.url(), url_source));
  const auto alive = fetch_good(context.fetcher, {.path = "/healthz"});
  if (!alive) {
    examination.note(Outcome::kFail, alive.error().message);
    examination.tell();
    return exit_code_of(alive.error().code);
  }
  examination.note(Outcome::kOk, "it answers");
  check_clock(examination, *alive);
  check_ready(examination);
  check_nodes(examination);
  return examination.tell();
}

}  // namespace fieldpost::cli
