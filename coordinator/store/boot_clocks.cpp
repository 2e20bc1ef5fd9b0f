#include "coordinator/store/boot_clocks.h"

#include <string_view>

namespace fieldpost::coordinator {

wire::Id128 boot_of(const wire::Clock& stamp) {
  return wire::Id128::from_bytes(
      {reinterpret_cast<const char*>(stamp.boot.data()), stamp.boot.size()});
}

rt::Status BootClocks::note_stamp(const wire::Clock& stamp) {
  // Synchronised since its readings were stamped: it says nothing of what stamped them.
  if (stamp.synchronised) return rt::ok();
  return note(stamp,
              "INSERT INTO boot_clock (boot, stamped_ns) VALUES (?1, ?2) ON CONFLICT (boot)"
              " DO UPDATE SET stamped_ns = excluded.stamped_ns WHERE stamped_ns IS NULL");
}

rt::Status BootClocks::note_told(const wire::Clock& told) {
  if (!told.synchronised) return rt::ok();
  return note(told,
              "INSERT INTO boot_clock (boot, good_ns) VALUES (?1, ?2) ON CONFLICT (boot)"
              " DO UPDATE SET good_ns = excluded.good_ns WHERE good_ns IS NULL");
}

rt::Status BootClocks::note(const wire::Clock& clock, const char* sql) {
  // Told from outside: no two of these numbers need have a difference that fits.
  const std::uint64_t began = static_cast<std::uint64_t>(clock.wall.ns) -
                              static_cast<std::uint64_t>(clock.mono.since_boot.count());
  const std::string_view boot(reinterpret_cast<const char*>(clock.boot.data()), clock.boot.size());
  rt::Statement& add = db_.prepare(sql);
  add.bind_blob(1, boot).bind(2, began);
  return add.run();
}

}  // namespace fieldpost::coordinator
