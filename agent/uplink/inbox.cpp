#include "agent/uplink/inbox.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "agent/spool/spool_transaction.h"

namespace fieldpost::agent {

using rt::ok;
using rt::Status;

namespace {

constexpr std::size_t kResendNamesMax = 1024;
constexpr rt::Nanos kRetryEvery = rt::Seconds(2);

/// A command that was answered, and what need not be remembered any more: its arguments, which may
/// be a firmware's image, and older commands.
Status close_command(Spool& spool, std::uint64_t id) {
  rt::Statement& close =
      spool.database().prepare("UPDATE inbox SET state = 2, arguments = '' WHERE id = ?1");
  close.bind(1, id);
  if (auto done = close.run(); !done) return done;
  rt::Statement& prune = spool.database().prepare(
      "DELETE FROM inbox WHERE state = 2"
      " AND id < (SELECT id FROM inbox ORDER BY id DESC LIMIT 1 OFFSET ?1)");
  prune.bind(1, std::uint64_t{Inbox::kRowsMax - 1});
  return prune.run();
}

/// Whether it is new: neither in the inbox nor so old that it may have been there.
rt::Result<bool> note_command(Spool& spool, const wire::Command& command, rt::UnixTime taken) {
  rt::Statement& add = spool.database().prepare(
      "INSERT OR IGNORE INTO inbox (id, verb, arguments, state, taken_ns)"
      " SELECT ?1, ?2, ?3, 1, ?4"
      " WHERE ?1 > ifnull((SELECT id FROM inbox ORDER BY id DESC LIMIT 1 OFFSET ?5), 0)");
  add.bind(1, command.id).bind_text(2, command.verb).bind_text(3, command.arguments);
  add.bind(4, taken.ns).bind(5, std::uint64_t{Inbox::kRowsMax - 1});
  if (auto done = add.run(); !done) return done.error();
  return spool.database().changes() > 0;
}

struct Resend {
  wire::IncarnationId incarnation;
  wire::SeqRange seqs;
};

/// {"spool": 32 hex digits, "incarnation": n, "first": n, "last": n}
std::optional<Resend> parse_resend(const std::string& arguments) {
  const auto json = nlohmann::json::parse(arguments, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  for (const char* key : {"incarnation", "first", "last"}) {
    if (!json.contains(key) || !json[key].is_number_unsigned()) return std::nullopt;
  }
  if (!json.contains("spool") || !json["spool"].is_string()) return std::nullopt;
  const auto spool = wire::Id128::from_hex(json["spool"].get<std::string>());
  if (!spool) return std::nullopt;
  Resend out{{*spool, json["incarnation"].get<std::uint64_t>()},
             {json["first"].get<std::uint64_t>(), json["last"].get<std::uint64_t>()}};
  if (out.seqs.first == 0 || out.seqs.first > out.seqs.last) return std::nullopt;
  return out;
}

}  // namespace

Inbox::Inbox(rt::Loop& loop, const rt::WallClock& clock, rt::Log& log, SpoolFront& front,
             Uplink& uplink)
    : loop_(loop), clock_(clock), log_(log), front_(front), uplink_(uplink) {
  uplink_.set_on_command([this](const wire::Command& command) { on_command(command); });
}

Inbox::~Inbox() {
  loop_.cancel(retry_timer_);
}

void Inbox::recover() {
  struct Begun {
    std::uint64_t mark = 0;
    std::vector<wire::Command> unanswered;  ///< id, verb, arguments
  };
  auto begun = std::make_shared<Begun>();
  front_.with_spool(
      [begun](Spool& spool) -> Status {
        rt::Statement& rows =
            spool.database().prepare("SELECT id, verb, state, arguments FROM inbox ORDER BY id");
        for (;;) {
          const auto row = rows.step();
          if (!row) return row.error();
          if (!*row) return ok();
          begun->mark = rows.u64(0);
          if (rows.i64(2) != 1) continue;
          wire::Command& command = begun->unanswered.emplace_back();
          command.id = rows.u64(0);
          command.verb = rows.text(1);
          command.arguments = rows.text(3);
        }
      },
      [this, begun](Status status) {
        if (!status) log_.error("reading the inbox: {}", status.error().message);
        uplink_.set_command_mark(begun->mark);
        for (const wire::Command& command : begun->unanswered) resume(command);
      });
}

void Inbox::resume(const wire::Command& command) {
  const auto slow = slow_verbs_.find(command.verb);
  if (slow != slow_verbs_.end()) return act_slowly(slow->second.resume, command);
  answer(command.id, command.verb, {false, "the agent ended before the outcome was known"});
}

void Inbox::act_slowly(const SlowVerb::Act& act, const wire::Command& command) {
  act(command, [this, id = command.id, verb = command.verb](Answer answered) {
    answer(id, verb, std::move(answered));
  });
}

void Inbox::on_command(const wire::Command& command) {
  auto fresh = std::make_shared<bool>(false);
  front_.with_spool(
      [command, fresh, taken = clock_.now()](Spool& spool) {
        return spool.transact([&]() -> Status {
          const auto noted = note_command(spool, command, taken);
          if (!noted) return noted.error();
          *fresh = *noted;
          return ok();
        });
      },
      [this, command, fresh](Status status) {
        if (!status) {
          log_.error("command {} not taken: {}; it will be sent again", command.id,
                     status.error().message);
          return;
        }
        if (*fresh) act(command);
      });
}

void Inbox::act(const wire::Command& command) {
  uplink_.set_command_mark(command.id);
  const auto now = uplink_.coordinator_time();
  if (now && *now > command.expires) {
    answer(command.id, command.verb, {false, "expired"});
  } else if (command.verb == "ping") {
    ping(command);
  } else if (command.verb == "resend") {
    resend(command);
  } else if (const auto verb = verbs_.find(command.verb); verb != verbs_.end()) {
    answer(command.id, command.verb, verb->second(command));
  } else if (const auto slow = slow_verbs_.find(command.verb); slow != slow_verbs_.end()) {
    act_slowly(slow->second.act, command);
  } else {
    answer(command.id, command.verb, {false, "this agent does not know the verb " + command.verb});
  }
}

void Inbox::ping(const wire::Command& command) {
  answer(command.id, command.verb, {true, "pong"});
}

void Inbox::resend(const wire::Command& command) {
  const auto wanted = parse_resend(command.arguments);
  if (!wanted) {
    answer(command.id, command.verb,
           {false,
            "expected {\"spool\": 32 hex digits, \"incarnation\": n, \"first\": n, "
            "\"last\": n}"});
    return;
  }
  if (wanted->seqs.count() > kResendNamesMax) {
    answer(command.id, command.verb, {false, "at most 1024 records a command"});
    return;
  }
  std::vector<wire::Name> names;
  for (std::uint64_t seq = wanted->seqs.first; seq <= wanted->seqs.last; ++seq) {
    names.push_back({wanted->incarnation, seq});
  }
  front_.load_names(
      std::move(names), [this, id = command.id, verb = command.verb, asked = wanted->seqs.count()](
                            rt::Result<std::vector<SpoolRecord>> loaded) {
        if (!loaded) {
          answer(id, verb, {false, loaded.error().message});
          return;
        }
        const std::size_t found = loaded->size();
        const std::size_t queued = uplink_.replay(std::move(*loaded));
        answer(id, verb,
               {queued == found,
                fmt::format("{} of {} records are here, {} go out again in this session", found,
                            asked, queued)});
      });
}

void Inbox::answer(std::uint64_t id, const std::string& verb, Answer answer) {
  const nlohmann::json outcome = {{"type", "command"},
                                  {"id", id},
                                  {"verb", verb},
                                  {"ok", answer.done},
                                  {"detail", answer.detail}};
  write({id, outcome.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace),
         std::move(answer.also)});
}

void Inbox::write(Outcome outcome) {
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
  record.payload = outcome.text;
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  record.stamp = clock_now(loop_, clock_);
  SpoolWork also = [id = outcome.id, also = outcome.also](Spool& spool) {
    if (also) {
      if (auto done = also(spool); !done) return done;
    }
    return close_command(spool, id);
  };
  front_.append_record(
      std::move(record), RecordClass::kEvent,
      [this, outcome = std::move(outcome)](Status written) {
        if (written) return;
        log_.error("outcome of command {} not written, tried again: {}", outcome.id,
                   written.error().message);
        retry_later(outcome);
      },
      std::move(also));
}

void Inbox::retry_later(Outcome outcome) {
  unwritten_.push_back(std::move(outcome));
  if (retry_timer_ != rt::TimerId::kNone) return;
  retry_timer_ = loop_.after(kRetryEvery, [this] {
    retry_timer_ = rt::TimerId::kNone;
    for (Outcome& each : std::exchange(unwritten_, {})) write(std::move(each));
  });
}

}  // namespace fieldpost::agent
