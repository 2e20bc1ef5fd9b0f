#include "tests/sim/sim_node.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/spool/open_spool.h"
#include "proto/wire/hash.h"
#include "proto/wire/readings_codec.h"
#include "tests/sim/store_rows.h"
#include "tests/support/sample_bodies.h"

namespace fieldpost::sim {

using agent::RecordSink;
using agent::SpoolRecord;

namespace {

constexpr const char* kSpoolPath = "/spool/spool.db";
constexpr rt::Nanos kRestartOpen = rt::Seconds(5);
constexpr rt::Nanos kOfferAgain = rt::Seconds(5);
constexpr int kStampedPct = 15, kSharedPct = 20;
constexpr std::int64_t kSharedTimes = 20;  ///< seconds from the time base

}  // namespace

struct SimNode::Tap final : RecordSink {
  Tap(SimNode& owner, RecordSink& next) : node(owner), sink(next) {}
  void on_record(const SpoolRecord& record, bool on_disk) override {
    node.note_record(record);
    sink.on_record(record, on_disk);
  }
  void on_spooled(const wire::Name& name) override { sink.on_spooled(name); }
  void on_marked(const std::vector<wire::NameRange>& ranges) override { sink.on_marked(ranges); }
  void on_statement_outdated(const std::string& why) override { sink.on_statement_outdated(why); }
  SimNode& node;
  RecordSink& sink;
};

struct SimNode::Hinted final : agent::Source {
  explicit Hinted(agent::SamplingHints& told) : hints(told) {}
  [[nodiscard]] agent::SourceHealth health() const override { return {}; }
  void set_sampling(const agent::SamplingHints& told) override { hints = told; }
  agent::SamplingHints& hints;
};

SimNode::SimNode(SimWorld& world, SimBroker& broker, Ledgerbook& book, Options options)
    : world_(world),
      broker_(broker),
      book_(book),
      options_(std::move(options)),
      client_id_("fp-lab-" + options_.node),
      vfs_(disk_, options_.disk_name),
      files_(disk_),
      clock_(world, options_.disk_name),
      log_(world, options_.disk_name),
      dice_(world.dice("node " + options_.disk_name)) {}

SimNode::~SimNode() {
  end(false);
}

void SimNode::start() {
  if (process_) return;
  if (disk_.is_stopped()) disk_.restart_after_kill();  // it died while it was opening the spool
  auto process = std::make_unique<Process>();
  process->loop = std::make_unique<SimLoop>(world_, clock_.uptime());
  process->random = std::make_unique<SimRandom>(world_.dice("random " + options_.disk_name));
  auto spool = agent::open_spool(kSpoolPath, vfs_.name(), files_, *process->random, log_);
  if (!spool) {
    log_.error("opening the spool: {}", spool.error().message);
    if (disk_.is_stopped()) disk_.restart_after_kill();
    world_.schedule(kRestartOpen, [this] { start(); });
    return;
  }
  process->mqtt = std::make_unique<SimMqtt>(*process->loop, broker_);
  process->store = std::make_unique<SimWorker>(*process->loop, dice_.fork());
  process->encoder = std::make_unique<SimWorker>(*process->loop, dice_.fork());
  process->front = std::make_unique<agent::SpoolFront>(*process->loop, clock_, *process->random,
                                                       *process->store, *process->encoder, log_,
                                                       options_.front, std::move(*spool));
  agent::UplinkOptions uplink;
  uplink.site = "lab";
  uplink.node = options_.node;
  uplink.version = "test";
  uplink.pin_at_first_sight = true;
  uplink.bytes_per_second = options_.bytes_per_second;
  uplink.bytes_per_day = options_.bytes_per_day;
  uplink.mqtt.keepalive = rt::Seconds(15);
  process->uplink = std::make_unique<agent::Uplink>(*process->loop, clock_, *process->random,
                                                    *process->mqtt, log_, *process->front, uplink);
  process->inbox = std::make_unique<agent::Inbox>(*process->loop, clock_, log_, *process->front,
                                                  *process->uplink);
  process->sources.push_back(std::make_unique<Hinted>(process->hints));
  process->sampling = std::make_unique<agent::Sampling>(log_, *process->front, process->sources);
  process->inbox->set_verb("sampling",
                           [sampling = process->sampling.get()](const wire::Command& command) {
                             return sampling->obey(command);
                           });
  process_ = std::move(process);
  process_->sampling->recover();
  process_->inbox->recover();
  process_->uplink->start();
  process_->tap = std::make_unique<Tap>(*this, *process_->uplink);
  process_->front->set_sink(process_->tap.get());
  process_->front->set_on_damaged([this] { salvage(); });
  process_->bodies = std::make_unique<agent::BodyWriter>(*process_->loop, clock_, *process_->front);
  offer_body();
}

void SimNode::salvage() {
  if (auto done = agent::mark_damaged(files_, kSpoolPath); !done) {
    log_.error("marking the spool damaged: {}", done.error().message);
  }
  world_.schedule(rt::Nanos(0), [this] {
    if (!process_ || !process_->front->needs_salvage()) return;
    kill();
    start();
  });
}

void SimNode::rot(Dice& dice) {
  const auto file = disk_.find(kSpoolPath);
  if (file == nullptr || disk_.size(*file) == 0) return;
  disk_.flip_bit(kSpoolPath, dice.below(disk_.size(*file) * 8));
}

bool SimNode::forgot() const {
  return log_.count_containing("a new one begins") > 0 ||
         log_.count_containing("spool salvaged") >
             log_.count_containing("(0 incarnations unreadable)");
}

void SimNode::end(bool power) {
  if (!process_) return;
  disk_.stop();
  if (power) broker_.lose_power(client_id_);
  process_->loop->kill();
  process_->bodies.reset();
  process_->inbox.reset();
  process_->sampling.reset();
  process_->uplink.reset();
  process_->front.reset();
  process_->store.reset();
  process_->encoder.reset();
  process_->mqtt.reset();
  process_.reset();
  if (power) {
    disk_.restart_after_power_cut(dice_);
    clock_.reboot();
  } else {
    disk_.restart_after_kill();
  }
}

void SimNode::kill() {
  end(false);
}

void SimNode::power_cut() {
  end(true);
}

void SimNode::restore(const SimDisk::Image& image) {
  end(true);
  if (disk_.is_stopped()) disk_.restart_after_kill();
  disk_.restore(image);
}

std::int64_t SimNode::next_number(Ledgerbook& book) {
  return book.entries.empty() ? 1 : book.entries.rbegin()->first + 1;
}

void SimNode::feed(bool durable, int count, std::int64_t time_base, int series, Dice& dice) {
  if (!process_) return;
  wire::ParsedLines lines;
  lines.stamp_ns = clock_.now().ns;
  std::map<int, std::size_t> columns;
  std::vector<std::int64_t> numbers;
  for (int i = 0; i < count; ++i) {
    const int which = static_cast<int>(dice.below(static_cast<std::uint64_t>(series)));
    const std::string key = fmt::format("m,s={} v i", which);
    const auto [place, added] = columns.try_emplace(which, lines.keys.size());
    if (added) {
      lines.keys.push_back(key);
      lines.types.push_back(wire::ValueType::kI64);
      lines.columns.emplace_back();
    }
    const std::int64_t number = next_number(book_);
    const auto kind = static_cast<int>(dice.below(100));
    std::int64_t time = time_base + (kSharedTimes + number) * 1'000'000'000;
    if (kind < kStampedPct) {
      time = lines.stamp_ns;
      lines.readings_stamped += 1;
    } else if (kind < kStampedPct + kSharedPct) {
      const auto second = static_cast<std::int64_t>(dice.below(std::uint64_t{kSharedTimes}));
      time = time_base + second * 1'000'000'000;
    }
    lines.columns[place->second].times.push_back(time);
    lines.columns[place->second].values.push_back(static_cast<std::uint64_t>(number));
    book_.entries[number] = {durable, false, key, time, {}, 0, options_.node};
    numbers.push_back(number);
  }
  lines.readings = lines.lines_stored = static_cast<std::size_t>(count);
  if (!durable) {
    process_->front->accept_sampled(std::move(lines));
    return;
  }
  process_->front->accept_durable(std::move(lines), {},
                                  [this, numbers](rt::Result<agent::Accepted> accepted) {
                                    if (!accepted) return;
                                    for (const std::int64_t number : numbers) {
                                      book_.entries.at(number).answered = true;
                                    }
                                  });
}

void SimNode::feed_body(std::uint64_t bytes, std::int64_t time_base, Dice& dice) {
  const std::int64_t number = next_number(book_);
  std::string content = test::body_bytes(bytes, static_cast<std::uint64_t>(number));
  const wire::Sha256Digest hash = wire::sha256(content);
  const std::int64_t time = time_base + (kSharedTimes + number) * 1'000'000'000;
  const std::string key = fmt::format("c,s={} f s", dice.below(2));
  book_.entries[number] = {true, false, key, time, {}, 0, options_.node};
  book_.bodies[hash] = {std::move(content), number, {}};
  offered_.push_back(hash);
  if (process_ && offered_.size() == 1) offer_body();
}

void SimNode::offer_body() {
  if (!process_ || offered_.empty()) return;
  const wire::Sha256Digest hash = offered_.front();
  const Ledgerbook::Body& body = book_.bodies.at(hash);
  const Ledgerbook::Entry& entry = book_.entries.at(body.number);
  agent::BodyOffer offer;
  offer.reference = {hash, body.bytes.size(), "image/jpeg", std::to_string(body.number)};
  offer.series = *wire::SeriesKey::parse(entry.series);
  offer.time = {entry.time};
  offer.read = [&body](std::uint64_t offset, std::size_t size, auto done) {
    done(body.bytes.substr(offset, size));
  };
  process_->bodies->accept(std::move(offer),
                           [this, hash](const rt::Status& status) { on_body(hash, status); });
}

void SimNode::on_body(const wire::Sha256Digest& hash, const rt::Status& status) {
  if (status || status.error().code == rt::Errc::kInvalid) {
    book_.entries.at(book_.bodies.at(hash).number).answered = status.has_value();
    offered_.pop_front();
    process_->loop->after(rt::Nanos(0), [this] { offer_body(); });
  } else {
    process_->loop->after(kOfferAgain, [this] { offer_body(); });
  }
}

void SimNode::feed_strange_record(Dice& dice) {
  if (!process_) return;
  wire::Record record;
  record.kind = static_cast<std::uint16_t>(wire::RecordKind::kEvent);
  record.payload = "from the future";
  switch (dice.below(3)) {
    case 0: record.kind = 999; break;
    case 1: record.codec = 77; break;
    default: break;  // not the JSON that an event is
  }
  record.raw_size = static_cast<std::uint32_t>(record.payload.size());
  process_->front->append_record(std::move(record), agent::RecordClass::kEvent, [](rt::Status) {});
}

void SimNode::note_record(const SpoolRecord& record) {
  note(record.name, *record.body, record.definition.get());
}

void SimNode::note_envelope(const std::string& payload) {
  const auto envelope = wire::decode_envelope(payload);
  if (!envelope) return;
  for (const std::string& definition : envelope->definitions) {
    if (const auto set = wire::SeriesSet::decode(definition)) book_.sets[set->hash] = definition;
  }
  note(envelope->name, envelope->record, nullptr);
}

void SimNode::note(const wire::Name& name, const std::string& body, const std::string* definition) {
  const auto [known_hash, is_new] = book_.hashes.try_emplace(name, wire::hash128(body));
  if (!is_new && known_hash->second != wire::hash128(body)) book_.clashes.push_back(name);
  if (book_.by_name.contains(name)) return;
  const auto content = wire::decode_record(body);
  if (content && content->kind == static_cast<std::uint16_t>(wire::RecordKind::kFragment)) {
    return note_fragment(name, *content);
  }
  if (!content || content->kind != static_cast<std::uint16_t>(wire::RecordKind::kReadings)) return;
  if (definition == nullptr) {
    const auto known = book_.sets.find(content->set);
    if (known == book_.sets.end()) return;  // asked for, then published again with it
    definition = &known->second;
  } else {
    book_.sets[content->set] = *definition;
  }
  const auto set = wire::SeriesSet::decode(*definition);
  const auto raw = wire::decompress(content->payload, content->codec, content->raw_size);
  FP_CHECK(set && raw);
  const auto columns = wire::decode_columns(*raw, set->types);
  FP_CHECK(columns.has_value());
  for (std::size_t c = 0; c < columns->columns.size(); ++c) {
    const wire::Column& column = columns->columns[c];
    std::size_t run = 0, left = 0;
    for (const std::uint64_t value : column.values) {
      wire::Name first = content->first_name.value_or(name);
      if (!columns->origins.empty()) {
        while (left == 0 && run < columns->origin_runs[c].size()) {
          left = columns->origin_runs[c][run++].count;
        }
        if (left > 0) {
          first = columns->origins[columns->origin_runs[c][run - 1].origin];
          left -= 1;
        }
      }
      const std::int64_t number = number_of(column, value);
      Ledgerbook::Entry& entry = book_.entries.at(number);
      if (entry.names.empty()) entry.names.push_back(first);
      if (name != entry.names.front()) entry.names.push_back(name);
      book_.by_name[name].push_back(number);
    }
  }
}

void SimNode::note_fragment(const wire::Name& name, const wire::Record& record) {
  const auto fragment = wire::decode_fragment(record.payload);
  FP_CHECK(fragment.has_value());
  std::vector<wire::Name>& names = book_.bodies.at(fragment->body).names[fragment->offset];
  if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
}

bool SimNode::idle() const {
  return process_ && process_->uplink->is_up() && process_->front->totals().records_held == 0 &&
         process_->front->records_in_memory() == 0 && offered_.empty();
}

std::uint64_t SimNode::shed() const {
  return process_ ? process_->front->totals().shed : 0;
}

std::string SimNode::describe() const {
  if (!process_) return "not running";
  return fmt::format("up={} held={} in memory={} shed={}", process_->uplink->is_up(),
                     process_->front->totals().records_held, process_->front->records_in_memory(),
                     process_->front->totals().shed);
}

}  // namespace fieldpost::sim
