// Any bytes as a delta make the target, or nothing. The first byte says what the rest is: even, the
// file of a delta; odd, its commands.
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
  const std::string base = fieldpost::test::body_bytes(2000, 1);
  const std::string target = base.substr(0, 700) + "edited" + base.substr(710);
  DeltaWorld world(base, target);
  const bool is_file = data[0] % 2 == 0;
  world.files.put("/delta", is_file ? std::string(bytes)
                                    : fieldpost::test::delta_file({.change = world.change}, bytes));
  const bool is_made = world.patch().has_value();
  FP_CHECK(world.has("/made") == is_made);
  FP_CHECK(!is_made || world.file("/made") == target);
  FP_CHECK(!world.has("/made.part"));
  return 0;
}
