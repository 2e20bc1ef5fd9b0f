#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "proto/rt/streams.h"
#include "proto/wire/build.h"
#include "tests/support/sim/sim_streams.h"

namespace fieldpost::sim {

/// fieldpost-runner at the other end of its socket (agent/runner/README.md), without steps that
/// run: what its jobs say and make is what a test adds to them. Keeps all of it over the lives of
/// the agents that ask.
class FakeRunner {
 public:
  struct Job {
    std::uint64_t fence = 1;
    std::vector<std::string> facts;  ///< JSON objects; `ended` as the last one ends it
    std::string log;
    std::map<std::string, std::string> artifacts;  ///< bytes by name
    std::uint64_t fetched = 0;
    std::string cancelled;  ///< why; empty: it is not
  };
  /// What it does instead of answering as it should.
  enum class Fault : std::uint8_t {
    kNone,
    kHangsUp,
    kSilent,
    kGarbage,   ///< a line that is no JSON
    kEndless,   ///< more than a line may have, without its end
    kRefuses,   ///< an error without a code
    kSaysMore,  ///< the right answer, and a line behind it
    kHalf,      ///< half of the right answer, then it hangs up
  };

  /// Listens.
  FakeRunner(SimStreams& streams, std::string path);
  void start();
  /// Its process ends. What it knows stays, unless `jobs` is cleared.
  void stop();
  void hang_up() { peers_.clear(); }
  /// To all that are connected, unasked.
  void say_bytes(const std::string& bytes);
  [[nodiscard]] std::size_t clients() const;
  [[nodiscard]] std::size_t watchers() const;

  Job& add_job(const wire::JobId& id, std::uint64_t fence = 1);
  /// These tell the watchers, too. `fact`: a JSON object.
  void add_fact(const wire::JobId& id, const std::string& fact);
  void add_log(const wire::JobId& id, const std::string& bytes);
  /// With its fact.
  void add_artifact(const wire::JobId& id, const std::string& name, const std::string& bytes);
  /// The fact `ended`, passed, with the size of the log.
  void end(const wire::JobId& id);

  /// Questions of a verb.
  [[nodiscard]] std::vector<nlohmann::json> asked_to(const std::string& verb) const;

  std::map<wire::JobId, Job> jobs;
  std::vector<nlohmann::json> asked;        ///< in order, whatever was answered
  std::map<std::string, std::string> says;  ///< by verb: always this line
  std::deque<Fault> faults;                 ///< of the next questions, one each
  Fault fault = Fault::kNone;               ///< of those behind them
  std::string fault_of;                     ///< only of this verb; empty: of all
  bool is_busy = false;                     ///< it starts nothing
  std::size_t piece_most = 1 << 20;         ///< bytes of a log or an artifact that it gives at once
  std::size_t slots = 2;

 private:
  struct Peer {
    std::unique_ptr<rt::Stream> stream;
    std::string text;
    bool is_watching = false;
    bool is_gone = false;
  };

  void accept(std::unique_ptr<rt::Stream> stream);
  void take(Peer& peer, const std::string& bytes);
  void answer(Peer& peer, const nlohmann::json& question);
  [[nodiscard]] Fault next_fault(const std::string& verb);
  [[nodiscard]] std::string answer_to(const nlohmann::json& question);
  [[nodiscard]] std::string hello() const;
  [[nodiscard]] std::string begin(const nlohmann::json& spec);
  [[nodiscard]] std::string forget(const wire::JobId& id);
  [[nodiscard]] std::string about(Job& job, const nlohmann::json& question) const;
  [[nodiscard]] std::string facts_of(const Job& job, const nlohmann::json& question) const;
  [[nodiscard]] std::string piece_of(const std::string& whole,
                                     const nlohmann::json& question) const;
  void tell(const nlohmann::json& event);

  SimStreams& streams_;
  std::string path_;
  std::unique_ptr<rt::Listener> listener_;
  std::vector<std::unique_ptr<Peer>> peers_;
};

/// `{"type":"step_started","step":n}`.
[[nodiscard]] std::string step_fact(int step);

}  // namespace fieldpost::sim
