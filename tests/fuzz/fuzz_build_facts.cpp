// Any bytes as a fact of a job: what is understood is within its bounds.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "coordinator/builds/told_fact.h"
#include "proto/rt/json_depth.h"
#include "proto/rt/result.h"
#include "proto/wire/build.h"
#include "proto/wire/limits.h"

namespace {

using namespace fieldpost;  // NOLINT: a test

void read(std::string_view json) {
  const auto fact = coordinator::read_fact(json);
  if (!fact) {
    FP_CHECK(fact.error().code == rt::Errc::kInvalid && !fact.error().message.empty());
    return;
  }
  FP_CHECK(!fact->type.empty());
  if (const auto* ended = std::get_if<coordinator::EndedFact>(&fact->content)) {
    FP_CHECK(ended->time >= 0 && ended->log_bytes <= INT64_MAX);
    FP_CHECK(ended->verdict != coordinator::BuildVerdict::kAgentLost);
    FP_CHECK(ended->outputs.starts_with('{') && !rt::nests_too_deep(ended->outputs));
  }
  if (const auto* artifact = std::get_if<coordinator::ArtifactFact>(&fact->content)) {
    FP_CHECK(!artifact->name.empty() && artifact->name.size() <= wire::kBodyNameBytesMax);
    FP_CHECK(!artifact->path.empty() && artifact->size <= wire::kBodyBytesMax);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read(bytes);
  if (const auto event = wire::decode_build_fact(bytes)) read(event->fact);
  return 0;
}
