#include "coordinator/pipelines/cron_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <vector>

#include "proto/pipeline/expression_value.h"

namespace fieldpost::coordinator {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> kDays = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  int least;
  int most;
};
constexpr std::array<Field, 5> kFields = {{{"minute", 0, 59},
                                           {"hour", 0, 23},
                                           {"day of month", 1, 31},
                                           {"month", 1, 12},
                                           {"day of week", 0, 7}}};
constexpr std::size_t kMonth = 3;
constexpr std::size_t kDayOfWeek = 4;

std::vector<std::string_view> split(std::string_view text, char divider) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t end = text.find(divider);
    out.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return out;
    text.remove_prefix(end + 1);
  }
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> out;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) out.push_back(word);
  }
  return out;
}

template <std::size_t N>
std::optional<int> index_of(const std::array<std::string_view, N>& names, std::string_view word) {
  for (std::size_t i = 0; i < N; ++i) {
    if (pipeline::same_ignoring_case(names[i], word)) return static_cast<int>(i);
  }
  return std::nullopt;
}

std::optional<int> number_of(std::string_view word, std::size_t field) {
  if (field == kMonth) {
    if (const auto month = index_of(kMonths, word)) return *month + 1;
  }
  if (field == kDayOfWeek) {
    if (const auto day = index_of(kDays, word)) return day;
  }
  int value = 0;
  const auto [stopped, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  const bool is_whole = error == std::errc() && stopped == word.data() + word.size();
  const bool fits = is_whole && value >= kFields[field].least && value <= kFields[field].most;
  return fits ? std::optional(value) : std::nullopt;
}

bool is_range(std::string_view text, std::size_t field) {
  if (text == "*") return true;
  const auto ends = split(text, '-');
  const auto first = number_of(ends.front(), field);
  if (ends.size() == 1) return first.has_value();
  const auto last = number_of(ends.back(), field);
  return ends.size() == 2 && first && last && *first <= *last;
}

bool is_element(std::string_view text, std::size_t field) {
  const auto parts = split(text, '/');
  if (parts.size() > 2 || !is_range(parts.front(), field)) return false;
  if (parts.size() == 1) return true;
  int step = 0;
  const std::string_view digits = parts.back();
  const auto [stopped, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  return error == std::errc() && stopped == digits.data() + digits.size() && step > 0 &&
         step <= kFields[field].most;
}

}  // namespace

std::string what_is_wrong_with_cron(std::string_view text) {
  const auto words = split_words(text);
  if (words.size() != kFields.size()) {
    return "five fields: minute, hour, day of month, month, day of week";
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    const bool is_right = std::ranges::all_of(
        split(words[i], ','), [&](std::string_view each) { return is_element(each, i); });
    if (is_right) continue;
    return fmt::format("a {} from {} to {} in place of `{}`, with * , - and /", kFields[i].name,
                       kFields[i].least, kFields[i].most, words[i]);
  }
  return {};
}

}  // namespace fieldpost::coordinator
