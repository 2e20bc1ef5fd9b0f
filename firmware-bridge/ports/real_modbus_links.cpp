#include "firmware-bridge/ports/real_modbus_links.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "proto/rt/thread_worker.h"

namespace fieldpost::bridge {

/// The worker goes first: it waits for the job that uses `modbus`.
struct RealModbusLinks::Bus {
  Bus(rt::Loop& loop, PortAddress address, SerialSettings serial, DeviceTrees trees)
      : modbus(std::move(address), serial, std::move(trees)), worker(loop) {}
  ModbusBus modbus;  ///< the worker's alone
  rt::ThreadWorker worker;
};

namespace {

/// What a job does and brings; the worker's until it is done.
struct Round {
  std::shared_ptr<const ModbusPlan> plan;
  std::shared_ptr<const std::atomic<bool>> dropped;
  std::uint8_t unit = 1;
  std::vector<std::vector<std::uint16_t>> cells;
  std::vector<ModbusFailure> failures;
  std::optional<rt::Error> error;  ///< the first one

  void run(ModbusBus& bus) {
    cells.resize(plan->reads().size());
    for (std::size_t i = 0; i < cells.size() && !*dropped; ++i) {
      ModbusBus::Answer answer = bus.read(unit, plan->reads()[i]);
      cells[i] = std::move(answer.cells);
      if (!answer.error) continue;
      failures.push_back(answer.failure);
      if (!error) error = std::move(answer.error);
      // Whoever answers with an exception answers the next question; others would take long.
      if (answer.failure != ModbusFailure::kException) return;
    }
  }
};

class RealModbusLink final : public ModbusLink {
 public:
  RealModbusLink(std::shared_ptr<RealModbusLinks::Bus> bus, const ProtocolOptions& options)
      : bus_(std::move(bus)),
        plan_(std::make_shared<const ModbusPlan>(options.modbus_values)),
        unit_(options.modbus_unit) {}
  ~RealModbusLink() override { *dropped_ = true; }
  RealModbusLink(const RealModbusLink&) = delete;
  RealModbusLink& operator=(const RealModbusLink&) = delete;

  void read_round(OnRound on_round) override {
    FP_CHECK(!std::exchange(at_work_, true));
    const auto round = std::make_shared<Round>();
    round->plan = plan_;
    round->dropped = dropped_;
    round->unit = unit_;
    bus_->worker.run([round, modbus = &bus_->modbus] { round->run(*modbus); },
                     [this, round, on_round = std::move(on_round)] {
                       if (!*round->dropped) finish(*round, on_round);
                     });
  }
  [[nodiscard]] const ModbusCounts& counts() const override { return counts_; }

 private:
  void finish(const Round& round, const OnRound& on_round) {
    at_work_ = false;
    for (const ModbusFailure failure : round.failures) count(failure);
    ModbusPlan::Decoded decoded = plan_->decode(round.cells);
    counts_.not_finite += decoded.not_finite;
    if (round.error) {
      counts_.why = round.error->message;
    } else {
      counts_.why.clear();
      counts_.rounds += 1;
    }
    const bool has_answers =
        std::ranges::any_of(round.cells, [](const auto& cells) { return !cells.empty(); });
    if (round.error && !has_answers) return on_round(*round.error);
    on_round(std::move(decoded.readings));
  }

  void count(ModbusFailure failure) {
    switch (failure) {
      case ModbusFailure::kTimeout: counts_.timeouts += 1; return;
      case ModbusFailure::kDamaged: counts_.damaged += 1; return;
      case ModbusFailure::kException: counts_.exceptions += 1; return;
      case ModbusFailure::kOther: counts_.others += 1; return;
    }
  }

  std::shared_ptr<RealModbusLinks::Bus> bus_;
  std::shared_ptr<const ModbusPlan> plan_;
  std::uint8_t unit_;
  std::shared_ptr<std::atomic<bool>> dropped_ = std::make_shared<std::atomic<bool>>(false);
  ModbusCounts counts_;
  bool at_work_ = false;
};

}  // namespace

std::unique_ptr<ModbusLink> RealModbusLinks::make(const DeviceConfig& config) {
  std::weak_ptr<Bus>& known = buses_[config.address.text()];
  std::shared_ptr<Bus> bus = known.lock();
  if (!bus) {
    bus = std::make_shared<Bus>(loop_, config.address, config.serial, trees_);
    known = bus;
  }
  return std::make_unique<RealModbusLink>(std::move(bus), config.protocol);
}

}  // namespace fieldpost::bridge
