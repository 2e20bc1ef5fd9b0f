#include "coordinator/experiments/study.h"

#include <doctest/doctest.h>

#include <set>

#include "coordinator/experiments/button.h"
#include "coordinator/experiments/uuid.h"
#include "proto/wire/hash.h"

namespace fieldpost::test {
namespace {

using namespace coordinator;  // NOLINT: what is tested
using enum ExperimentState;

constexpr ExperimentState kStates[] = {kDraft, kReady, kRecording, kPaused, kFinished, kArchived};
constexpr StateFacts kBest{.has_sensors = true, .has_recordings = false, .is_complete = true};

TEST_CASE("an experiment goes the way of its states and no other") {
  const std::set<std::pair<ExperimentState, ExperimentState>> allowed = {
      {kDraft, kReady},        {kReady, kDraft},     {kRecording, kPaused},
      {kRecording, kFinished}, {kPaused, kFinished}, {kFinished, kArchived}};
  for (const auto from : kStates) {
    for (const auto to : kStates) {
      INFO(to_string(from), " to ", to_string(to));
      CHECK(refusal(from, to, kBest).has_value() == (from != to && !allowed.contains({from, to})));
    }
  }
}

TEST_CASE("what is refused is refused with the reason") {
  CHECK(refusal(kDraft, kReady, {}).value().find("no sensor config") != std::string::npos);
  CHECK(refusal(kReady, kDraft, {.has_recordings = true}).value().find("recordings already") !=
        std::string::npos);
  const std::string outstanding = refusal(kFinished, kArchived, {}).value();
  for (const char* part : {"outstanding", "\"incomplete\": true", "--incomplete"}) {
    CHECK(outstanding.find(part) != std::string::npos);
  }
  CHECK(refusal(kPaused, kRecording, {}).value().find("start one") != std::string::npos);
  CHECK(refusal(kArchived, kReady, kBest).value() ==
        "from archived it cannot become ready; the way is draft, ready, recording and paused, "
        "finished, archived");
  CHECK(refusal_to_record(kDraft).value().find("make it ready") != std::string::npos);
  CHECK(refusal_to_record(kFinished) == "it is finished");
  for (const auto state : {kReady, kRecording, kPaused}) CHECK_FALSE(refusal_to_record(state));
}

TEST_CASE("states read back from their names") {
  for (const auto state : kStates) CHECK(parse_experiment_state(to_string(state)) == state);
  CHECK_FALSE(parse_experiment_state("").has_value());
  CHECK(parse_progress_state("skipped") == ProgressState::kSkipped);
  CHECK_FALSE(parse_progress_state("half").has_value());
}

Press press(std::int64_t at, PressAction action) {
  Press out;
  out.time = at;
  out.at = at;
  out.action = action;
  out.by = "node n";
  return out;
}

/// "1-2 5-" of stretches from 1 to 2 and from 5 on.
std::string stretches(const std::vector<Press>& presses) {
  std::string out;
  for (const Stretch& each : stretches_of(presses)) {
    if (!out.empty()) out += ' ';
    out += std::to_string(each.start) + "-" + (each.stop ? std::to_string(*each.stop) : "");
  }
  return out;
}

TEST_CASE("presses of a button make stretches") {
  using enum PressAction;
  CHECK(stretches({}) == "");
  CHECK(stretches({press(1, kStart), press(2, kStop), press(5, kStart)}) == "1-2 5-");
  CHECK(stretches({press(1, kStop), press(2, kStop)}) == "");
  CHECK(stretches({press(1, kStart), press(3, kStart), press(4, kStop), press(9, kStop)}) ==
        "1-3 3-4");
  CHECK(stretches({press(1, kToggle), press(2, kToggle), press(3, kToggle)}) == "1-2 3-");
  CHECK(stretches({press(1, kStart), press(2, kToggle), press(3, kToggle)}) == "1-2 3-");
  Press unknown = press(2, kStop);
  unknown.at.reset();
  CHECK(stretches({press(1, kStart), unknown, press(3, kNone)}) == "1-");
}

TEST_CASE("presses go as long as those behind them mean what they meant") {
  using enum PressAction;
  const auto gone = [](const std::vector<Press>& presses, std::size_t wanted) {
    return droppable(presses, wanted);
  };
  const std::vector<Press> toggles = {press(1, kToggle), press(2, kToggle), press(3, kToggle),
                                      press(4, kToggle), press(5, kToggle)};
  CHECK(gone(toggles, 0) == 0);
  CHECK(gone(toggles, 1) == 2);
  CHECK(gone(toggles, 3) == 4);
  CHECK(gone(toggles, 5) == 4);
  CHECK(gone({press(1, kStart), press(2, kNone), press(3, kStart)}, 1) == 2);
  CHECK(gone({press(1, kStop), press(2, kNone), press(3, kStop)}, 1) == 1);
  CHECK(gone({press(1, kStop), press(1, kStart), press(1, kStart)}, 1) == 0);  // all at once
  CHECK(gone({}, 1) == 0);
}

TEST_CASE("a UUID is known by its shape") {
  CHECK(is_uuid(uuid_of(wire::hash128("a"))));
  const std::string id = "0123abcd-89ef-4000-8000-000000000000";
  CHECK(is_uuid(id));
  CHECK_FALSE(is_uuid(""));
  CHECK_FALSE(is_uuid(id.substr(1)));
  CHECK_FALSE(is_uuid(id + "0"));
  for (std::size_t at = 0; at < id.size(); ++at) {
    INFO(at);
    std::string other = id;
    other[at] = id[at] == '-' ? '0' : '-';
    CHECK_FALSE(is_uuid(other));
    other[at] = at % 2 == 0 ? '/' : 'G';
    CHECK_FALSE(is_uuid(other));
  }
  CHECK_FALSE(is_uuid("0123ABCD-89ef-4000-8000-000000000000"));
}

TEST_CASE("a UUID of a hash is the same each time, and says its version") {
  const std::string id = uuid_of(wire::hash128("a"));
  CHECK(id == uuid_of(wire::hash128("a")));
  CHECK(id != uuid_of(wire::hash128("b")));
  CHECK(id.size() == 36);
  CHECK(id[14] == '8');
  CHECK(std::string("89ab").find(id[19]) != std::string::npos);
}

}  // namespace
}  // namespace fieldpost::test
