// Any bytes are no signature, or one against which a delta is made. The first byte says in which
// pieces they come.
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/support/delta_world.h"
#include "tests/support/sample_bodies.h"

using fieldpost::test::DeltaWorld;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto signature = fieldpost::test::load_signature(bytes, std::size_t{data[0]} + 1);
  if (!signature) return 0;
  const std::string base = fieldpost::test::body_bytes(2000, 1);
  DeltaWorld world(base, base.substr(0, 700) + "edited" + base.substr(710));
  FP_CHECK(world.encode_afar(*signature).has_value());
  // What it lies about its base makes another target, which is not taken.
  const bool is_made = world.patch().has_value();
  FP_CHECK(!is_made || world.file("/made") == world.file("/target"));
  return 0;
}
