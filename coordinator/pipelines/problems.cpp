#include "coordinator/pipelines/problems.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace fieldpost::coordinator {
namespace {

constexpr std::size_t kWordMax = 64;

/// Of Levenshtein.
std::size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string to_string(const Problem& problem) {
  std::string out = problem.place.file;
  if (problem.place.line > 0) {
    out += fmt::format(":{}:{}", problem.place.line, problem.place.column);
  }
  if (!problem.key.empty()) out += ": " + problem.key;
  out += ": " + problem.what;
  if (!problem.expected.empty()) out += ", expected " + problem.expected;
  return out;
}

void Problems::add(Place place, std::string key, std::string what, std::string expected) {
  if (all_.size() == kProblemsMax) {
    ++left_out_;
    return;
  }
  all_.push_back({std::move(place), std::move(key), std::move(what), std::move(expected)});
}

std::string Problems::near_name(const std::string& word,
                                const std::vector<std::string>& known) const {
  if (all_.size() == kProblemsMax) return {};
  const auto distance = [&](const std::string& name) {
    return edit_distance(word.substr(0, kWordMax), name.substr(0, kWordMax));
  };
  const auto nearest = std::ranges::min_element(known, {}, distance);
  if (nearest == known.end()) return {};
  const std::size_t far = std::max<std::size_t>(2, nearest->size() / 3) + 1;
  if (distance(*nearest) >= std::min(far, nearest->size())) return {};
  return fmt::format(" (did you mean `{}`?)", *nearest);
}

}  // namespace fieldpost::coordinator
