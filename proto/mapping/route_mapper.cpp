#include "proto/mapping/route_mapper.h"

#include <fmt/format.h>

#include <utility>

#include "proto/rt/http_text.h"
#include "proto/wire/gunzip.h"

namespace fieldpost::mapping {

using rt::Errc;
using rt::Error;
using rt::Result;

Error request_too_large() {
  return {Errc::kFull, fmt::format("a request may have {} bytes with its path and its head, packed "
                                   "or not; one that is not UTF-8 three quarters of that",
                                   kRawTextBytesMax)};
}

RouteMapper::RouteMapper(Mapper mapper, RawKeeper keeper, bool keeps_all)
    : mapper_(std::move(mapper)), keeper_(std::move(keeper)), keeps_all_(keeps_all) {}

Result<RouteMapper> RouteMapper::make(const HttpRoute& route) {
  if (auto checked = check_route(route); !checked) return checked.error();
  auto mapper = Mapper::make(route.rules);
  if (!mapper) return mapper.error();
  auto keeper = RawKeeper::make(route_name(route), mapper->rules());
  if (!keeper) return keeper.error();
  return RouteMapper(*std::move(mapper), *std::move(keeper), route.keep_raw);
}

Result<RouteMapper::Mapped> RouteMapper::map(Request request, rt::UnixTime now, bool tells_rules) {
  if (request.gzip) {
    auto text = wire::gunzip(request.body, kRawTextBytesMax);
    if (!text && text.error().code == Errc::kFull) return request_too_large();
    if (!text) return text.error();
    request.body = *std::move(text);
  }
  const std::string topic = rt::format_http_target(request.target);
  const Message message{topic, request.body, false};
  // Else what does not fit would be lost, and nobody could tell beforehand.
  if (!encode_raw(message)) return request_too_large();
  Mapped mapped;
  mapped.arrived = keeper_.stamp(now);
  auto made = mapper_.map(message, mapped.arrived, {});
  if (!made.is_meant) made.status = Error{Errc::kInvalid, "the path is not this route's"};
  mapped.lines = std::move(made.lines);
  mapped.readings = mapped.lines.readings;
  mapped.fits = std::move(made.status);
  mapped.lines.lines_stored = mapped.fits ? 1 : 0;
  if (keeps_all_ || !mapped.fits) keep(message, tells_rules, mapped);
  return mapped;
}

void RouteMapper::keep(const Message& message, bool tells_rules, Mapped& mapped) {
  const auto kept = keeper_.add(message, mapped.arrived, mapped.lines);
  FP_CHECK(kept.has_value());  // its size was looked at
  if (tells_rules) keeper_.add_rules(mapped.arrived, mapped.lines);
  mapped.tells_rules = tells_rules;
}

}  // namespace fieldpost::mapping
