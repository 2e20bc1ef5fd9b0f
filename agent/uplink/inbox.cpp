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

std::optional<wire::Id128> id_from_hex(const std::string& hex) {
  if (hex.size() != 32) return std::nullopt;
  std::uint64_t parts[2] = {0, 0};
  for (std::size_t i = 0; i < hex.size(); ++i) {
    const char c = hex[i];
    int digit = -1;
    if (c >= '0' && c <= '9') digit = c - '0';
    if (c >= 'a' && c <= 'f') digit = c - 'a' + 10;
    if (digit < 0) return std::nullopt;
    parts[i / 16] = parts[i / 16] * 16 + static_cast<std::uint64_t>(digit);
  }
  return wire::Id128{parts[0], parts[1]};
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
  const auto spool = id_from_hex(json["spool"].get<std::string>());
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

void Inbox::recover() {
  struct Begun {
    std::uint64_t mark = 0;
    std::vector<std::pair<std::uint64_t, std::string>> unanswered;
  };
  auto begun = std::make_shared<Begun>();
  front_.with_spool(
      [begun](Spool& spool) -> Status {
        rt::Statement& rows =
            spool.database().prepare("SELECT id, verb, state FROM inbox ORDER BY id");
        for (;;) {
          const auto row = rows.step();
          if (!row) return row.error();
          if (!*row) return ok();
          begun->mark = rows.u64(0);
          if (rows.i64(2) == 1) begun->unanswered.emplace_back(rows.u64(0), rows.text(1));
        }
      },
      [this, begun](Status status) {
        if (!status) log_.error("reading the inbox: {}", status.error().message);
        uplink_.set_command_mark(begun->mark);
        for (const auto& [id, verb] : begun->unanswered) {
          answer(id, verb, false, "the agent ended before the outcome was known");
        }
      });
}

void Inbox::on_command(const wire::Command& command) {
  auto fresh = std::make_shared<bool>(false);
  front_.with_spool(
      [command, fresh, taken = clock_.now()](Spool& spool) {
        return spool.transact([&]() -> Status {
          rt::Statement& add = spool.database().prepare(
              "INSERT OR IGNORE INTO inbox (id, verb, arguments, state, taken_ns)"
              " VALUES (?1, ?2, ?3, 1, ?4)");
          add.bind(1, command.id).bind_text(2, command.verb).bind_text(3, command.arguments);
          add.bind(4, taken.ns);
          if (auto done = add.run(); !done) return done;
          *fresh = spool.database().changes() > 0;
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
    answer(command.id, command.verb, false, "expired");
  } else if (command.verb == "ping") {
    ping(command);
  } else if (command.verb == "resend") {
    resend(command);
  } else {
    answer(command.id, command.verb, false, "this agent does not know the verb " + command.verb);
  }
}

void Inbox::ping(const wire::Command& command) {
  answer(command.id, command.verb, true, "pong");
}

void Inbox::resend(const wire::Command& command) {
  const auto wanted = parse_resend(command.arguments);
  if (!wanted) {
    answer(command.id, command.verb, false,
           "expected {\"spool\": 32 hex digits, \"incarnation\": n, \"first\": n, \"last\": n}");
    return;
  }
  if (wanted->seqs.count() > kResendNamesMax) {
    answer(command.id, command.verb, false, "at most 1024 records a command");
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
          answer(id, verb, false, loaded.error().message);
          return;
        }
        const std::size_t count = loaded->size();
        uplink_.replay(std::move(*loaded));
        answer(id, verb, true, fmt::format("sent {} of {} records again", count, asked));
      });
}

void Inbox::answer(std::uint64_t id, const std::string& verb, bool done,
                   const std::string& detail) {
  const nlohmann::json outcome = {
      {"type", "command"}, {"id", id}, {"verb", verb}, {"ok", done}, {"detail", detail}};
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
  record.payload = outcome.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  record.stamp = clock_now(loop_, clock_);
  front_.append_record(std::move(record), RecordClass::kEvent, [this, id](Status written) {
    if (!written) {
      log_.error("outcome of command {} not written: {}", id, written.error().message);
      return;
    }
    front_.with_spool(
        [id](Spool& spool) {
          return spool.transact([&]() -> Status {
            rt::Statement& close =
                spool.database().prepare("UPDATE inbox SET state = 2 WHERE id = ?1");
            close.bind(1, id);
            return close.run();
          });
        },
        [](Status) {});
  });
}

}  // namespace fieldpost::agent
