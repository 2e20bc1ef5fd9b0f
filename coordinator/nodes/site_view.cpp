#include "coordinator/nodes/site_view.h"

#include <algorithm>
#include <utility>

#include "coordinator/nodes/accounts.h"
#include "coordinator/nodes/alarms.h"
#include "proto/wire/flash_order.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::Result;

namespace {

constexpr std::size_t kGapsToldMax = 16;  ///< of one commit, to live watchers
constexpr rt::Nanos kOffsetsEvery = rt::Seconds(5);

bool is_known_verb(std::string_view verb) {
  return verb == "ping" || verb == "resend" || verb == wire::kFlashVerb;
}

}  // namespace

class SiteView::Subscription final : public LiveSubscription {
 public:
  Subscription(SiteView& view, std::uint64_t id, std::uint64_t feed)
      : view_(view), alive_(view.alive_), id_(id), feed_(feed) {}
  ~Subscription() override {
    if (!*alive_) return;
    view_.coordinator_.live().unwatch(feed_);
    view_.subscriptions_.erase(id_);
  }

 private:
  SiteView& view_;
  std::shared_ptr<bool> alive_;
  std::uint64_t id_, feed_;
};

SiteView::SiteView(rt::Loop& loop, rt::Worker& worker, Coordinator& coordinator, LedgerQuery ledger,
                   std::string site)
    : loop_(loop),
      worker_(worker),
      coordinator_(coordinator),
      ledger_(std::make_shared<LedgerQuery>(std::move(ledger))),
      site_(std::move(site)) {
  coordinator_.set_on_changed(
      [this](const std::string& node, const std::vector<std::int64_t>& gaps) {
        on_changed(node, gaps);
      });
  load_offsets();
}

SiteView::~SiteView() {
  *alive_ = false;
}

template <typename T>
void SiteView::ask(std::function<Result<T>(LedgerQuery&)> job,
                   std::function<void(Result<T>)> done) {
  auto answer = std::make_shared<std::optional<Result<T>>>();
  worker_.run([ledger = ledger_, answer, job = std::move(job)] { answer->emplace(job(*ledger)); },
              [alive = alive_, answer, done = std::move(done)] {
                if (*alive) done(std::move(**answer));
              });
}

NodeView SiteView::join(const NodeRecord& record) const {
  NodeView view;
  view.id = record.id;
  view.site = site_;
  view.last_seen = record.last_seen;
  view.version = record.version;
  view.labels = record.labels;
  view.delivered = record.delivered;
  view.gaps = record.gaps;
  view.readings_lost = record.readings_lost;
  view.sampling = record.sampling;
  const Accounts accounts = accounts_of(record);
  view.accepted = accounts.accepted;
  view.held = accounts.held;
  view.unexplained = accounts.unexplained;
  view.gaps_unknown = accounts.gaps_unknown;
  const auto live = coordinator_.nodes().find(record.id);
  if (live != coordinator_.nodes().end()) {
    view.online = live->second.online;
    if (const auto& state = live->second.state) {
      view.clock_synchronised = state->clock.synchronised;
      view.clock_offset_s = live->second.clock_offset_s;
      view.spool_records = state->records_held;
      view.spool_bytes = state->bytes_held;
      view.spool_oldest_age_s = static_cast<double>(state->oldest_age_ms) / 1000;
      if (state->forecast_s > 0) view.spool_forecast_s = state->forecast_s;
      view.spool_forecast_class = state->forecast_class;
      view.disk_bytes_written = state->disk_bytes_written;
      view.wire_bytes_sent = state->wire_bytes_sent;
      view.messages_ignored = state->messages_ignored;
    }
  }
  view.has_agent = record.has_agent;
  if (!view.online && view.has_agent) view.unknown_from = record.last_seen;
  view.alarms = alarms_of(record, live == coordinator_.nodes().end() ? nullptr : &live->second);
  return view;
}

void SiteView::list_nodes(std::string after, std::size_t limit,
                          std::function<void(Result<NodePage>)> done) {
  ask<std::vector<NodeRecord>>(
      [after = std::move(after), limit](LedgerQuery& ledger) {
        return ledger.nodes(after, limit + 1, "");
      },
      [this, limit, done = std::move(done)](Result<std::vector<NodeRecord>> rows) {
        if (!rows) return done(rows.error());
        NodePage page;
        page.more = rows->size() > limit;
        for (std::size_t i = 0; i < std::min(limit, rows->size()); ++i) {
          page.nodes.push_back(join((*rows)[i]));
        }
        done(std::move(page));
      });
}

void SiteView::find_node(std::string id, std::function<void(Result<NodeView>)> done) {
  ask<std::vector<NodeRecord>>(
      [id](LedgerQuery& ledger) { return ledger.nodes("", 1, id); },
      [this, id, done = std::move(done)](Result<std::vector<NodeRecord>> rows) {
        if (!rows) return done(rows.error());
        if (rows->empty()) return done(Error{Errc::kNotFound, "no such node: " + id});
        done(join(rows->front()));
      });
}

void SiteView::list_gaps(GapFilter filter, std::int64_t after, std::size_t limit,
                         std::function<void(Result<GapPage>)> done) {
  ask<std::vector<GapView>>(
      [filter = std::move(filter), after, limit](LedgerQuery& ledger) {
        return ledger.gaps(filter, after, limit + 1);
      },
      [limit, done = std::move(done)](Result<std::vector<GapView>> gaps) {
        if (!gaps) return done(gaps.error());
        GapPage page;
        page.more = gaps->size() > limit;
        if (page.more) gaps->resize(limit);
        page.gaps = std::move(*gaps);
        done(std::move(page));
      });
}

void SiteView::list_commands(std::string node, std::uint64_t after, std::size_t limit,
                             std::function<void(Result<CommandPage>)> done) {
  ask<std::vector<CommandView>>(
      [node = std::move(node), after, limit](LedgerQuery& ledger) {
        return ledger.commands(node, after, limit + 1);
      },
      [limit, done = std::move(done)](Result<std::vector<CommandView>> commands) {
        if (!commands) return done(commands.error());
        CommandPage page;
        page.more = commands->size() > limit;
        if (page.more) commands->resize(limit);
        page.commands = std::move(*commands);
        done(std::move(page));
      });
}

void SiteView::release_node(std::string node, std::function<void(rt::Status)> done) {
  coordinator_.release(node, std::move(done));
}

void SiteView::send_command(std::string node, std::string verb, std::string arguments,
                            std::function<void(Result<CommandView>)> done) {
  if (!is_known_verb(verb)) {
    done(Error{Errc::kInvalid, "the verbs are ping, resend and flash"});
    return;
  }
  coordinator_.send_command(node, verb, arguments.empty() ? "{}" : arguments,
                            [done = std::move(done)](Result<wire::Command> command) {
                              if (!command) return done(command.error());
                              CommandView view;
                              view.id = command->id;
                              view.expires = command->expires.ns;
                              view.verb = command->verb;
                              view.arguments = command->arguments;
                              done(std::move(view));
                            });
}

void SiteView::reprocess(std::string node, bool give_up,
                         std::function<void(Result<ReprocessView>)> done) {
  coordinator_.reprocess(node, give_up, [done = std::move(done)](Result<Reprocessed> outcome) {
    if (!outcome) return done(outcome.error());
    done(ReprocessView{outcome->stored, outcome->given_up, outcome->left});
  });
}

std::unique_ptr<LiveSubscription> SiteView::subscribe(const std::vector<SeriesId>& series,
                                                      LiveHandlers handlers) {
  const std::uint64_t id = next_subscription_++;
  auto shared = std::make_shared<LiveHandlers>(std::move(handlers));
  subscriptions_[id] = shared;
  const std::uint64_t feed =
      coordinator_.live().watch(series, [shared](const std::vector<LiveReading>& readings) {
        if (shared->on_readings) shared->on_readings(readings);
      });
  return std::make_unique<Subscription>(*this, id, feed);
}

void SiteView::load_offsets() {
  offsets_loaded_ = loop_.now();
  ask<BootOffsets>([](LedgerQuery& ledger) { return ledger.boot_offsets(); },
                   [this](Result<BootOffsets> offsets) {
                     if (offsets)
                       offsets_ = std::make_shared<const BootOffsets>(*std::move(offsets));
                   });
}

void SiteView::on_changed(const std::string& node, const std::vector<std::int64_t>& gaps) {
  // A clock that became good comes with a state of its node.
  if (loop_.now() - offsets_loaded_ >= kOffsetsEvery) load_offsets();
  if (subscriptions_.empty()) return;
  const auto tell = [this](const std::function<void(const LiveHandlers&)>& what) {
    const auto copy = subscriptions_;  // a handler may end its own subscription
    for (const auto& [id, handlers] : copy) {
      if (subscriptions_.contains(id)) what(*handlers);
    }
  };
  find_node(node, [tell](Result<NodeView> view) {
    if (!view) return;
    tell([&](const LiveHandlers& handlers) {
      if (handlers.on_node) handlers.on_node(*view);
    });
  });
  for (std::size_t i = 0; i < std::min(gaps.size(), kGapsToldMax); ++i) {
    ask<std::optional<GapView>>([no = gaps[i]](LedgerQuery& ledger) { return ledger.gap(no); },
                                [tell](Result<std::optional<GapView>> gap) {
                                  if (!gap || !*gap) return;
                                  tell([&](const LiveHandlers& handlers) {
                                    if (handlers.on_gap) handlers.on_gap(**gap);
                                  });
                                });
  }
}

void SiteView::write(HttpWrite write, std::function<void(Result<HttpWriteAnswer>)> done) {
  coordinator_.write_http(write.node, std::move(write.lines), std::move(write.idempotency_key),
                          [done = std::move(done)](Result<std::size_t> lines) {
                            if (!lines) return done(lines.error());
                            done(HttpWriteAnswer{*lines});
                          });
}

void SiteView::write_blob(HttpBlob blob, std::function<void(rt::Status)> done) {
  std::optional<AdoptedBody> body;
  if (!blob.path.empty()) body = AdoptedBody{std::move(blob.path), std::move(blob.reference)};
  coordinator_.write_http(
      blob.node, std::move(blob.lines), std::move(blob.idempotency_key),
      [done = std::move(done)](Result<std::size_t> lines) {
        done(lines ? rt::ok() : rt::Status(lines.error()));
      },
      std::move(body));
}

void SiteView::delete_readings(DeletionRequest request,
                               std::function<void(Result<std::vector<Deletion>>)> done) {
  coordinator_.delete_readings(std::move(request), std::move(done));
}

std::vector<Metric> SiteView::metrics() const {
  const CoordinatorCounters& c = coordinator_.counters();
  std::vector<Metric> out;
  const auto add = [&](const char* name, const char* help, MetricKind kind, double value) {
    out.push_back({name, help, kind, {{{}, value}}});
  };
  const auto count = [&](const char* name, const char* help, std::uint64_t value) {
    add(name, help, MetricKind::kCounter, static_cast<double>(value));
  };
  count("fieldpost_envelopes_total", "Envelopes that arrived.", c.envelopes);
  count("fieldpost_envelope_bytes_total", "Bytes of envelopes that arrived.", c.envelope_bytes);
  count("fieldpost_envelopes_bad_crc_total", "Envelopes dropped for their check sum.", c.bad_crc);
  count("fieldpost_messages_undecodable_total", "Messages that are none of the protocol.",
        c.undecodable);
  count("fieldpost_records_strange_total", "Records of incarnations that no hello stated.",
        c.strangers);
  count("fieldpost_envelopes_overflow_total", "Envelopes dropped at the bound.", c.overflow);
  count("fieldpost_messages_turned_away_total", "States and hellos of too many names.",
        c.turned_away);
  count("fieldpost_records_stored_total", "Records stored for the first time.", c.stored);
  count("fieldpost_records_again_total", "Records that were settled before.", c.again);
  count("fieldpost_records_conflict_total", "Names that met another record.", c.conflicts);
  count("fieldpost_records_quarantined_total", "Records kept raw.", c.quarantined);
  count("fieldpost_quarantine_full_total", "Records that the full quarantine did not take.",
        c.quarantine_full);
  count("fieldpost_bodies_total", "Bodies that became files.", c.bodies);
  count("fieldpost_bodies_broken_total", "Bodies whose bytes were not those of their hash.",
        c.bodies_broken);
  count("fieldpost_fragments_waited_total", "Fragments of bodies that might not begin.",
        c.fragments_waited);
  count("fieldpost_replays_refused_total", "Replays that changed nothing.", c.replays_refused);
  count("fieldpost_readings_stored_total", "Readings stored.", c.readings);
  count("fieldpost_readings_erased_total", "Readings taken out, deleted or too old.", c.erased);
  count("fieldpost_commits_total", "Transactions of arrivals.", c.commits);
  count("fieldpost_commit_failures_total", "Transactions that failed.", c.commit_failures);
  count("fieldpost_welcomes_total", "Sessions begun.", c.welcomes);
  count("fieldpost_numbers_refused_total", "Ordinals and marks that no coordinator can have given.",
        c.numbers_refused);
  add("fieldpost_broker_connected", "1 while connected to the broker.", MetricKind::kGauge,
      coordinator_.is_connected() ? 1 : 0);
  double online = 0;
  for (const auto& [node, live] : coordinator_.nodes()) online += live.online ? 1 : 0;
  add("fieldpost_nodes_online", "Nodes that are online.", MetricKind::kGauge, online);
  return out;
}

Readiness SiteView::readiness() const {
  if (coordinator_.is_connected()) return {true, ""};
  return {false, "no connection to the broker at " + coordinator_.options().mqtt.url};
}

}  // namespace fieldpost::coordinator
