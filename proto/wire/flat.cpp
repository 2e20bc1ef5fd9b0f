#include "proto/wire/flat.h"

#include <algorithm>

#include "proto/schema/wire_generated.h"

namespace fieldpost::wire {

fb::Id128 to_flat(const Id128& id) {
  return {id.hi, id.lo};
}

fb::SeqRange to_flat(const SeqRange& range) {
  return {range.first, range.last};
}

fb::NameRange to_flat(const NameRange& range) {
  return {to_flat(range.incarnation.spool), range.incarnation.value, range.seqs.first,
          range.seqs.last};
}

fb::NameRange to_flat(const Name& name) {
  return to_flat(NameRange{name.incarnation, {name.seq, name.seq}});
}

fb::Clock to_flat(const Clock& clock) {
  const std::string_view boot(reinterpret_cast<const char*>(clock.boot.data()), clock.boot.size());
  return {clock.wall.ns, clock.mono.since_boot.count(), to_flat(Id128::from_bytes(boot)),
          clock.synchronised};
}

fb::GapNames to_flat(const GapNames& names) {
  return {to_flat(names.names), names.each, names.known};
}

fb::VerdictRange to_flat(const VerdictRange& range) {
  return {to_flat(range.names), static_cast<fb::Verdict>(range.verdict)};
}

fb::StoredHash to_flat(const StoredHash& stored) {
  const auto& [spool, incarnation] = stored.name.incarnation;
  return {to_flat(spool), incarnation, stored.name.seq, to_flat(stored.hash)};
}

fb::OrdinalOf to_flat(const OrdinalOf& ordinal) {
  return {to_flat(ordinal.incarnation.spool), ordinal.incarnation.value, ordinal.ordinal};
}

Id128 from_flat(const fb::Id128& flat) {
  return {flat.hi(), flat.lo()};
}

SeqRange from_flat(const fb::SeqRange& flat) {
  return {flat.first(), flat.last()};
}

NameRange from_flat(const fb::NameRange& flat) {
  return {{from_flat(flat.spool()), flat.incarnation()}, {flat.first(), flat.last()}};
}

Clock from_flat(const fb::Clock& flat) {
  Clock clock{.wall = {flat.wall_ns()},
              .mono = {rt::Nanos(flat.mono_ns())},
              .synchronised = flat.synchronised()};
  const std::string boot = from_flat(flat.boot()).bytes();
  std::copy(boot.begin(), boot.end(), clock.boot.begin());
  return clock;
}

GapNames from_flat(const fb::GapNames& flat) {
  return {from_flat(flat.names()), flat.each(), flat.known()};
}

VerdictRange from_flat(const fb::VerdictRange& flat) {
  return {from_flat(flat.names()), static_cast<Verdict>(flat.verdict())};
}

StoredHash from_flat(const fb::StoredHash& flat) {
  return {{{from_flat(flat.spool()), flat.incarnation()}, flat.seq()}, from_flat(flat.hash())};
}

OrdinalOf from_flat(const fb::OrdinalOf& flat) {
  return {{from_flat(flat.spool()), flat.incarnation()}, flat.ordinal()};
}

Id128 id_or_zero(const fb::Id128* flat) {
  return flat == nullptr ? Id128{} : from_flat(*flat);
}

}  // namespace fieldpost::wire
