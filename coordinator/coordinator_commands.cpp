// Commands to nodes.
#include <memory>
#include <utility>

#include "coordinator/coordinator.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;
using wire::TopicKind;

namespace {

constexpr rt::Nanos kCommandLife = std::chrono::hours(24);

}  // namespace

/// A node may still have what the store lost.
void Coordinator::ask_for_damaged() {
  auto asked = std::make_shared<std::vector<Store::NodeCommand>>();
  run_store(
      [asked, now = clock_.now()](Store& store) -> Status {
        auto commands = store.ask_for_damaged(now, now + kCommandLife);
        if (!commands) return commands.error();
        *asked = std::move(*commands);
        return ok();
      },
      [this, asked](Status status) {
        if (!status) log_.warning("asking for what is damaged: {}", status.error().message);
        for (Store::NodeCommand& each : *asked) {
          log_.info("node {} is asked for a damaged record: command {}", each.node,
                    each.command.id);
          send_signed_command(each.node, std::move(each.command));
        }
      });
}

void Coordinator::send_command(const std::string& node, const std::string& verb,
                               const std::string& arguments,
                               std::function<void(rt::Result<wire::Command>)> done) {
  const auto session = sessions_.find(node);
  if (session == sessions_.end() || session->second.nonce == 0) {
    return refuse_command(node, std::move(done));
  }
  auto made = std::make_shared<rt::Result<wire::Command>>(wire::Command{});
  const rt::UnixTime now = clock_.now();
  run_store(
      [made, node, spool = session->second.spool, verb, arguments, now](Store& store) -> Status {
        *made = store.add_command(node, spool, verb, arguments, now, now + kCommandLife);
        return *made ? ok() : Status(made->error());
      },
      [this, made, node, done = std::move(done)](Status) {
        if (*made) send_signed_command(node, **made);
        done(std::move(*made));
      });
}

void Coordinator::tell_sampling(const std::string& node, const SamplingIntervals& every_s,
                                std::function<void(rt::Status)> done) {
  const auto session = sessions_.find(node);
  if (session == sessions_.end() || session->second.nonce == 0) {
    return done(Error{Errc::kUnavailable, "node " + node + " is not connected"});
  }
  auto made = std::make_shared<wire::Command>();
  run_store(
      [made, node, spool = session->second.spool, every_s,
       now = clock_.now()](Store& store) -> Status {
        auto command = store.tell_sampling(node, spool, every_s, now, now + kCommandLife);
        if (!command) return command.error();
        *made = *std::move(command);
        return ok();
      },
      [this, made, node, done = std::move(done)](const Status& status) {
        if (status) send_signed_command(node, std::move(*made));
        done(status);
      });
}

void Coordinator::refuse_command(const std::string& node,
                                 std::function<void(rt::Result<wire::Command>)> done) {
  run_store(
      [node](Store& store) -> Status {
        const auto no = store.ledger().find_node(node);
        if (!no) return no.error();
        if (!*no) return Error{Errc::kNotFound, "no such node: " + node};
        return Error{Errc::kUnavailable,
                     "node " + node + " is not connected: a command needs its spool"};
      },
      [done = std::move(done)](Status status) { done(status.error()); });
}

void Coordinator::send_signed_command(const std::string& node, wire::Command command) {
  // A command is signed for the session that is on [cmd-4]; without one it goes with the welcome of
  // the next that has its spool.
  const auto session = sessions_.find(node);
  if (session == sessions_.end() || session->second.nonce == 0 ||
      session->second.spool != command.spool) {
    return;
  }
  command.generation = generation_;
  command.nonce = session->second.nonce;
  send_signed(node, TopicKind::kCommand, wire::encode(command));
}

}  // namespace fieldpost::coordinator
