// Hello, challenge, answer, welcome: section 4 of proto/README.md.
#include <utility>

#include "coordinator/coordinator.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::ok;
using rt::Status;
using wire::TopicKind;

void Coordinator::on_hello(const std::string& node, const rt::MqttMessage& message) {
  auto hello = wire::decode_hello(message.payload);
  if (!hello) {
    counters_.undecodable += 1;
    return;
  }
  if (!has_place(node)) return;
  Session& session = sessions_[node];
  session.last_heard = loop_.now();
  auto statement = hellos_.take(node, std::move(*hello), message.payload);
  if (!statement) {
    const bool full = statement.error().code == Errc::kFull;
    (full ? counters_.turned_away : counters_.undecodable) += 1;
    log_.warning("ignored a hello of {}: {}", node, statement.error().message);
    return;
  }
  if (!*statement) return;  // pages are missing
  // A new hello withdraws the challenge before it [chal-2]; the session goes on until it is
  // confirmed.
  session.hello_nonce = (*statement)->head.nonce;
  session.challenge = 0;
  challenge(node, std::make_shared<const Statement>(std::move(**statement)));
}

void Coordinator::challenge(const std::string& node, std::shared_ptr<const Statement> statement) {
  auto agrees = std::make_shared<bool>(false);
  run_store(
      [statement, agrees](Store& store) -> Status {
        auto same = store.concluder().digest_agrees(*statement);
        if (!same) return same.error();
        *agrees = *same;
        return ok();
      },
      [this, node, statement, agrees](Status status) {
        const auto found = sessions_.find(node);
        if (found == sessions_.end() || found->second.hello_nonce != statement->head.nonce) return;
        if (!status) {
          log_.error("checking the hello of {}: {}", node, status.error().message);
          return;
        }
        Session& session = found->second;
        session.challenge = random_.next_id();
        session.statement = statement;
        wire::Challenge challenge{store_id_, generation_, statement->head.nonce, session.challenge,
                                  !*agrees};
        if (challenge.list_all) session.challenge = 0;
        send_signed(node, TopicKind::kChallenge, wire::encode(challenge));
      });
}

void Coordinator::on_answer(const std::string& node, const rt::MqttMessage& message) {
  const auto answer = wire::decode_answer(message.payload);
  const auto found = sessions_.find(node);
  if (!answer || found == sessions_.end()) {
    if (!answer) counters_.undecodable += 1;
    return;
  }
  Session& session = found->second;
  if (session.challenge == 0 || answer->number != session.challenge ||
      answer->nonce != session.hello_nonce) {
    return;  // late, or of another hello: nothing is concluded
  }
  if (answer->statement != session.statement->hash) {
    counters_.undecodable += 1;
    log_.warning(
        "a hello of {} was damaged on its way: nothing is concluded from it, and the node says it "
        "again",
        node);
    return;
  }
  session.challenge = 0;
  conclude(node, std::exchange(session.statement, nullptr));
}

void Coordinator::conclude(const std::string& node, std::shared_ptr<const Statement> statement) {
  // Everything that arrived before the answer is committed before the hello is concluded [wel-3]:
  // the store thread takes its jobs in order.
  while (!arrivals_.empty()) submit_arrivals();
  struct Outcome {
    Conclusion conclusion;
    std::uint64_t mark = 0;
    std::vector<wire::Command> commands;
  };
  auto outcome = std::make_shared<Outcome>();
  run_store(
      [statement, outcome,
       moment = Moment{clock_.now(), clock_.synchronised()}](Store& store) -> Status {
        const rt::UnixTime now = moment.now;
        auto conclusion = store.concluder().conclude(*statement, moment);
        if (!conclusion) return conclusion.error();
        outcome->conclusion = std::move(*conclusion);
        if (outcome->conclusion.run_twice) return ok();
        const auto no = store.ledger().node_no(statement->node, now);
        if (!no) return no.error();
        const auto mark = store.exchange_mark(*no, statement->head.command_mark);
        if (!mark) return mark.error();
        outcome->mark = *mark;
        auto commands = store.open_commands(statement->node, statement->head.spool, now);
        if (!commands) return commands.error();
        outcome->commands = std::move(*commands);
        return ok();
      },
      [this, node, statement, outcome](Status status) {
        const auto found = sessions_.find(node);
        if (!status) {
          log_.error("concluding the hello of {}: {}", node, status.error().message);
          return;
        }
        if (on_changed_) on_changed_(node, outcome->conclusion.gaps);
        note_refused_numbers(node, outcome->conclusion.numbers_refused);
        if (found == sessions_.end() || found->second.hello_nonce != statement->head.nonce) return;
        welcome(node, *statement, std::move(outcome->conclusion), outcome->mark,
                std::move(outcome->commands));
      });
}

void Coordinator::welcome(const std::string& node, const Statement& statement,
                          Conclusion conclusion, std::uint64_t mark,
                          std::vector<wire::Command> commands) {
  NodeLive& live = nodes_[node];
  if (conclusion.run_twice) {
    const bool is_new = live.alarm.empty();
    live.alarm =
        "two machines say that they are this node: neither is welcomed until one is stopped and "
        "`fieldpost nodes release " +
        node + "` says so";
    if (is_new) log_.error("node {}: {}", node, live.alarm);
    end_session(node);
    return;
  }
  live.alarm.clear();
  set_online(node, true);
  if (conclusion.store_was_set_back) {
    log_.warning(
        "node {} knows a later state of this store: it was set back; the node sends again "
        "what it still has",
        node);
  }
  if (conclusion.all_answered) {
    log_.info("every node that this store knows has said hello since it was set back");
  }
  if (conclusion.branch_changed) {
    log_.warning(
        "the spool of node {} was set back or replaced: names of the branch left behind are "
        "in an unconfirmed gap",
        node);
  }
  Session& session = sessions_.at(node);
  session.nonce = statement.head.nonce;
  session.spool = statement.head.spool;
  session.last_missing.reset();
  if (conclusion.more_missing) session.last_missing = conclusion.welcome.missing.back();
  const Credit credit = credit_.grant(node, loop_.now());
  wire::Welcome& message = conclusion.welcome;
  message.store_id = store_id_;
  message.generation = generation_;
  message.nonce = statement.head.nonce;
  message.time = clock_.now();
  message.credit_bytes = credit.bytes;
  message.event_credit_bytes = credit.event_bytes;
  message.command_mark = mark;
  counters_.welcomes += 1;
  send_signed(node, TopicKind::kWelcome, wire::encode(message));
  keep_state(node);  // said before the hello, when nobody knew the node
  for (wire::Command& command : commands) send_signed_command(node, std::move(command));
}

}  // namespace fieldpost::coordinator
