// From an envelope to its receipt: arrivals, the commit, verdicts, credit.
#include <algorithm>
#include <map>
#include <utility>

#include "coordinator/coordinator.h"

namespace fieldpost::coordinator {

using rt::ok;
using rt::Status;
using wire::TopicKind;

namespace {

constexpr std::size_t kArrivalsPerTurn = 2048;

}  // namespace

void Coordinator::on_envelope(const std::string& node, const rt::MqttMessage& message) {
  counters_.envelopes += 1;
  counters_.envelope_bytes += message.payload.size();
  auto envelope = wire::decode_envelope(message.payload);
  if (!envelope) {
    const bool crc = envelope.error().message.find("CRC") != std::string::npos;
    (crc ? counters_.bad_crc : counters_.undecodable) += 1;
    if (const auto live = nodes_.find(node); !crc && live != nodes_.end()) {
      live->second.undecodable += 1;  // [env-4]
    }
    log_.warning("dropped an envelope of {}: {}", node, envelope.error().message);
    return;
  }
  if (arrival_bytes_ + message.payload.size() > arrival_bytes_max()) {
    counters_.overflow += 1;  // published again, since nothing acknowledged it
    return;
  }
  const auto session = sessions_.find(node);
  const bool in_session = session != sessions_.end() && session->second.nonce != 0 &&
                          session->second.nonce == envelope->nonce;
  arrival_bytes_ += message.payload.size();
  uncommitted_[node] += 1;
  arrivals_.push_back({node, std::move(*envelope), message.payload.size(), in_session});
  take_turn();
}

/// Whatever has credit finds room: it was acknowledged to the node, which would wait for nothing.
std::size_t Coordinator::arrival_bytes_max() const {
  return options_.credit.pool_bytes + options_.credit.event_pool_bytes;
}

void Coordinator::take_turn() {
  // One commit for everything that arrives while the one before is under way, or in this burst.
  if (std::exchange(turn_requested_, true)) return;
  loop_.after(rt::Nanos(0), [this] {
    turn_requested_ = false;
    commit_arrivals();
    commit_http();
  });
}

void Coordinator::commit_arrivals() {
  if (commits_under_way_ == 0 && !arrivals_.empty()) submit_arrivals();
}

void Coordinator::submit_arrivals() {
  commits_under_way_ += 1;
  auto arrivals = std::make_shared<std::vector<Arrival>>();
  if (arrivals_.size() <= kArrivalsPerTurn) {
    *arrivals = std::exchange(arrivals_, {});
  } else {
    const auto cut = arrivals_.begin() + static_cast<std::ptrdiff_t>(kArrivalsPerTurn);
    arrivals->assign(std::make_move_iterator(arrivals_.begin()), std::make_move_iterator(cut));
    arrivals_.erase(arrivals_.begin(), cut);
  }
  auto settled = std::make_shared<rt::Result<std::vector<Settled>>>(std::vector<Settled>{});
  run_store(
      [arrivals, settled, now = clock_.now()](Store& store) -> Status {
        *settled = store.ingest().commit(*arrivals, now);
        return ok();
      },
      [this, settled, arrivals](Status) { on_committed(std::move(*settled), *arrivals); });
}

void Coordinator::on_committed(rt::Result<std::vector<Settled>> settled,
                               const std::vector<Arrival>& arrivals) {
  commits_under_way_ -= 1;
  forget(arrivals);
  counters_.commits += 1;
  if (!settled) {
    counters_.commit_failures += 1;
    log_.error("nothing stored, nothing receipted: {}; nodes keep their readings and send again",
               settled.error().message);
  } else {
    end_to_ask_on(*settled);
    send_receipts(*settled);
    for (const Settled& each : *settled) note(each);
    const auto is_fragment = [](const Settled& each) { return each.fragment && each.fresh; };
    // After a failure only the tick tries again.
    if (!assembly_failed_ && std::any_of(settled->begin(), settled->end(), is_fragment)) {
      assemble_bodies();
    }
  }
  take_turn();
}

void Coordinator::forget(const std::vector<Arrival>& committed) {
  for (const Arrival& each : committed) {
    arrival_bytes_ -= each.bytes;
    const auto of_node = uncommitted_.find(each.node);
    if (--of_node->second == 0) uncommitted_.erase(of_node);
  }
}

void Coordinator::note(const Settled& settled) {
  if (settled.stranger) counters_.strangers += 1;
  if (!settled.dropped.empty()) {
    counters_.undecodable += 1;
    log_.error("dropped a record of {}: {}", settled.node, settled.dropped);
  }
  if (settled.fresh) {
    counters_.stored += 1;
  } else if (settled.verdict == wire::Verdict::kConflict) {
    counters_.conflicts += 1;
  } else if (settled.verdict != wire::Verdict::kNone && settled.note.empty()) {
    counters_.again += 1;
  }
  if (!settled.note.empty()) {
    counters_.quarantined += 1;
    log_.warning("quarantined a record of {}: {}", settled.node, settled.note);
  }
  if (settled.waits) counters_.fragments_waited += 1;
  if (settled.no_room) {
    counters_.quarantine_full += 1;
    nodes_[settled.node].no_room += 1;
  }
  if (!settled.replay_note.empty()) {
    counters_.replays_refused += 1;
    log_.warning("a replay of {} changed nothing: {}", settled.node, settled.replay_note);
  }
  if (settled.stored && settled.fresh) {
    counters_.readings += settled.stored->columns->readings();
    live_.publish(*settled.stored);
  }
  if (!settled.gaps.empty() && on_changed_) on_changed_(settled.node, settled.gaps);
}

/// A welcome that could not tell all missing names has told those that came first. When they have
/// come the session ends in silence: with no receipt the node says hello again, and the next
/// welcome goes on [wel-4].
void Coordinator::end_to_ask_on(const std::vector<Settled>& settled) {
  for (const Settled& each : settled) {
    const auto session = sessions_.find(each.node);
    if (session == sessions_.end() || !session->second.last_missing) continue;
    const wire::NameRange& last = *session->second.last_missing;
    if (last.incarnation != each.name.incarnation || each.name.seq != last.seqs.last) continue;
    log_.info("node {} has sent what was asked for, and more is missing: it says hello again",
              each.node);
    end_session(each.node);
  }
}

void Coordinator::send_receipts(const std::vector<Settled>& settled) {
  std::map<std::string, wire::Receipt> receipts;
  for (const Settled& each : settled) {
    // A receipt belongs to the session in which the envelope was sent [rcpt-1].
    const auto session = sessions_.find(each.node);
    if (session == sessions_.end() || session->second.nonce == 0 ||
        session->second.nonce != each.nonce) {
      continue;
    }
    wire::Receipt& receipt = receipts[each.node];
    if (each.need) {
      if (std::find(receipt.needs.begin(), receipt.needs.end(), *each.need) ==
          receipt.needs.end()) {
        receipt.needs.push_back(*each.need);
      }
      continue;
    }
    if (each.waits)
      receipt.waits.push_back({each.name.incarnation, {each.name.seq, each.name.seq}});
    if (each.verdict == wire::Verdict::kNone) continue;
    auto& verdicts = receipt.verdicts;
    if (!verdicts.empty() && verdicts.back().verdict == each.verdict &&
        verdicts.back().names.incarnation == each.name.incarnation &&
        verdicts.back().names.seqs.last + 1 == each.name.seq) {
      verdicts.back().names.seqs.last = each.name.seq;
    } else {
      verdicts.push_back({{each.name.incarnation, {each.name.seq, each.name.seq}}, each.verdict});
    }
  }
  for (auto& [node, receipt] : receipts) {
    send_receipt(node, std::move(receipt), credit_.renew(node, loop_.now()));
  }
  balance_credit();
}

void Coordinator::send_receipt(const std::string& node, wire::Receipt receipt,
                               const Credit& credit) {
  receipt.store_id = store_id_;
  receipt.generation = generation_;
  receipt.nonce = sessions_.at(node).nonce;
  receipt.time = clock_.now();
  receipt.credit_bytes = credit.bytes;
  receipt.event_credit_bytes = credit.event_bytes;
  send_signed(node, TopicKind::kReceipt, wire::encode(receipt));
}

/// Leases go from those who do not use them to those who wait [credit-3]. Only welcomed nodes have
/// one. What arrived and is not committed still takes its part of a lease: a slow store must not
/// make a busy node look idle.
void Coordinator::balance_credit() {
  for (const auto& [node, count] : uncommitted_) credit_.touch(node, loop_.now());
  for (const auto& [node, credit] : credit_.balance(loop_.now())) send_receipt(node, {}, credit);
}

}  // namespace fieldpost::coordinator
