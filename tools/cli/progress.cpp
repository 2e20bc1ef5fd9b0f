#include "tools/cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "tools/cli/words.h"

namespace fieldpost::cli {
namespace {

constexpr std::int64_t kBarEveryNs = 200'000'000;
constexpr std::int64_t kLineEveryNs = 5'000'000'000;
constexpr int kBarCells = 30;

}  // namespace

Progress::Progress(const Context& context, std::string unit)
    : context_(context), unit_(std::move(unit)), shown_ns_(context.clock.now().ns) {}

std::string Progress::bar() const {
  const std::string words = count_words(done_) + " " + unit_;
  if (!part_) return words;
  const std::string cells(static_cast<std::size_t>(*part_ * kBarCells), '#');
  return fmt::format("[{:-<{}}] {:>3.0f} %  {}", cells, kBarCells, std::floor(*part_ * 100), words);
}

void Progress::show(std::uint64_t done, std::optional<double> part) {
  done_ = done;
  part_ = part ? std::optional(std::clamp(*part, 0.0, 1.0)) : std::nullopt;
  const std::int64_t now = context_.clock.now().ns;
  const std::int64_t every = context_.terminal ? kBarEveryNs : kLineEveryNs;
  if (now - shown_ns_ < every) return;
  shown_ns_ = now;
  begun_ = true;
  if (context_.terminal) {
    fmt::print(context_.err, "\r{}", bar());
    std::fflush(context_.err);
  } else {
    fmt::print(context_.err, "fieldpost: {} {} so far\n", count_words(done_), unit_);
  }
}

void Progress::finish() {
  if (context_.terminal && begun_) fmt::print(context_.err, "\r{}\n", bar());
  begun_ = false;
}

}  // namespace fieldpost::cli
