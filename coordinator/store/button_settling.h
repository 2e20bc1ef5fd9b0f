#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coordinator/experiments/button.h"
#include "coordinator/store/studies.h"
#include "proto/rt/result.h"
#include "proto/wire/readings.h"

namespace fieldpost::coordinator {

struct Button {
  SeriesId series = 0;
  std::string node;
  wire::SeriesKey key;
  [[nodiscard]] std::string tag(std::string_view name) const;  ///< empty: none
};

/// Brings the recordings of a button in line with its presses, once. There may be very many of
/// both: what is the same for all of them is looked up once. Inside the caller's transaction.
class ButtonSettling {
 public:
  ButtonSettling(Studies& studies, const Button& button) : studies_(studies), button_(button) {}

  /// `pressed` (ns): before it nothing is new.
  rt::Status run(std::int64_t pressed);

 private:
  struct Known {
    Recording recording;
    bool stays = false;
  };
  struct Labels {
    std::optional<std::int64_t> participant, task, member_operator;
    std::string problem;
  };
  rt::Result<std::int64_t> window_of(std::int64_t pressed);
  rt::Status settle(const Stretch& stretch, Press& press);
  rt::Status begin(const Stretch& stretch, Press& press);
  rt::Status change(Recording& recording, const Recording& wanted);
  rt::Result<std::vector<const Experiment*>> meant_at(std::int64_t time);
  rt::Result<const Labels*> labels_of(std::int64_t experiment);
  rt::Status end_by(const Stretch& stretch, Recording& recording);
  rt::Status add(const Recording& recording);

  Studies& studies_;
  const Button& button_;
  std::map<std::int64_t, Known> known_;  ///< recordings by start
  std::optional<std::vector<Experiment>> candidates_;
  std::map<std::int64_t, Labels> labels_;                         ///< by experiment
  std::map<std::int64_t, std::optional<std::int64_t>> finished_;  ///< by experiment
  std::map<std::int64_t, std::int64_t> counts_;                   ///< of recordings by experiment
  std::optional<std::int64_t> count_open_;
  std::set<std::int64_t> touched_;  ///< experiments
};

}  // namespace fieldpost::coordinator
