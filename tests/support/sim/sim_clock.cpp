#include "tests/support/sim/sim_clock.h"

namespace fieldpost::sim {

namespace {

constexpr rt::UnixTime kWorldBegins{1'767'225'600'000'000'000};
constexpr rt::Nanos kBootTakes = rt::Seconds{5};

}  // namespace

SimWallClock::SimWallClock(SimWorld& world, std::string_view machine)
    : world_(world), dice_(world.dice("clock of " + std::string(machine))) {
  reboot();
}

rt::UnixTime SimWallClock::true_time() const {
  return kWorldBegins + world_.now();
}

rt::Nanos SimWallClock::drifted() const {
  return (world_.now() - drift_since_) / 1'000'000 * drift_ppm_;
}

rt::UnixTime SimWallClock::now() const {
  return true_time() + offset_ + drifted();
}

void SimWallClock::set_offset(rt::Nanos from_true_time) {
  offset_ = from_true_time;
  drift_since_ = world_.now();
}

void SimWallClock::set_drift_ppm(std::int64_t ppm) {
  offset_ += drifted();
  drift_since_ = world_.now();
  drift_ppm_ = ppm;
}

void SimWallClock::reboot() {
  booted_at_ = world_.now() - kBootTakes;
  for (std::uint8_t& byte : boot_id_) byte = static_cast<std::uint8_t>(dice_.below(256));
}

}  // namespace fieldpost::sim
