#include "proto/wire/build.h"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <optional>

#include "proto/rt/json_depth.h"
#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/limits.h"

namespace fieldpost::wire {
namespace {

using Json = nlohmann::ordered_json;
using rt::Errc;
using rt::Error;
using rt::Result;

Error no_fact(std::string_view why) {
  return {Errc::kInvalid, fmt::format("build fact: {}", why)};
}

std::optional<std::uint64_t> number_in(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number_unsigned()) return std::nullopt;
  return found->get<std::uint64_t>();
}

std::optional<JobId> job_in(const Json& object) {
  const auto found = object.find("job");
  if (found == object.end() || !found->is_string()) return std::nullopt;
  const auto job = JobId::from_hex(found->get_ref<const std::string&>());
  return job && !job->is_zero() ? job : std::nullopt;
}

}  // namespace

std::string encode(const LogPiece& piece) {
  flatbuffers::FlatBufferBuilder builder(piece.bytes.size() + 128);
  const auto bytes = write_bytes(builder, piece.bytes);
  const fb::Id128 job = to_flat(piece.attempt.job);
  return finish(builder,
                fb::CreateLogPiece(builder, &job, piece.attempt.fence, piece.offset, bytes));
}

Result<LogPiece> decode_log_piece(std::string_view bytes) {
  FlatReader in("log piece", bytes);
  const auto* flat = in.root<fb::LogPiece>();
  if (flat == nullptr) return in.error();
  LogPiece piece;
  if (flat->job() != nullptr) piece.attempt.job = from_flat(*flat->job());
  piece.attempt.fence = flat->fence();
  piece.offset = flat->offset();
  piece.bytes = in.bytes(flat->bytes(), kLogPieceBytesMax, "it is too large");
  in.require(!piece.attempt.job.is_zero() && piece.attempt.fence > 0, "it is of no job");
  in.require(!piece.bytes.empty(), "it is empty");
  in.require(piece.offset <= std::numeric_limits<std::int64_t>::max() - kLogPieceBytesMax,
             "no log is so long");
  return in.finish(std::move(piece));
}

std::string encode(const BuildFact& fact) {
  return fmt::format(R"({{"type":"build","job":"{}","fence":{},"n":{},"fact":{}}})",
                     fact.attempt.job.hex(), fact.attempt.fence, fact.n, fact.fact);
}

Result<BuildFact> decode_build_fact(std::string_view event) {
  if (rt::nests_too_deep(event)) return no_fact("it is nested too deeply");
  const Json json = Json::parse(event, nullptr, false);
  if (!json.is_object() || json.value("type", Json()) != "build") {
    return no_fact("expected an object of type \"build\"");
  }
  const auto job = job_in(json);
  const auto fence = number_in(json, "fence");
  const auto n = number_in(json, "n");
  const auto fact = json.find("fact");
  if (!job || !fence || *fence == 0) return no_fact("it is of no job");
  if (!n || *n > std::numeric_limits<std::uint32_t>::max()) return no_fact("it has no number");
  const bool is_fact = fact != json.end() && fact->is_object() && fact->contains("type") &&
                       fact->at("type").is_string();
  if (!is_fact) return no_fact("its member \"fact\" is no object with a type");
  BuildFact out{{*job, *fence}, static_cast<std::uint32_t>(*n), fact->dump()};
  if (out.fact.size() > kBuildFactBytesMax) return no_fact("it is too large");
  return out;
}

}  // namespace fieldpost::wire
