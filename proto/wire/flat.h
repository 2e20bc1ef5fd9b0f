#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "proto/wire/messages.h"

/// Between values and the structs of proto/schema/wire.fbs. Includes no FlatBuffers header: those
/// types are complete only in the .cpp files that use this.
namespace fieldpost::wire {

namespace fb {
struct Clock;
struct GapNames;
struct Id128;
struct NameRange;
struct OrdinalOf;
struct SeqRange;
struct StoredHash;
struct VerdictRange;
}  // namespace fb

fb::Id128 to_flat(const Id128& id);
fb::SeqRange to_flat(const SeqRange& range);
fb::NameRange to_flat(const NameRange& range);
fb::NameRange to_flat(const Name& name);
fb::Clock to_flat(const Clock& clock);
fb::GapNames to_flat(const GapNames& names);
fb::VerdictRange to_flat(const VerdictRange& range);
fb::StoredHash to_flat(const StoredHash& stored);
fb::OrdinalOf to_flat(const OrdinalOf& ordinal);

Id128 from_flat(const fb::Id128& flat);
SeqRange from_flat(const fb::SeqRange& flat);
NameRange from_flat(const fb::NameRange& flat);
Clock from_flat(const fb::Clock& flat);
GapNames from_flat(const fb::GapNames& flat);
VerdictRange from_flat(const fb::VerdictRange& flat);
StoredHash from_flat(const fb::StoredHash& flat);
OrdinalOf from_flat(const fb::OrdinalOf& flat);

/// Zero for a field that is not there.
Id128 id_or_zero(const fb::Id128* flat);

/// Writes a vector of structs; none for an empty one. CreateVectorOfStructs and not its
/// "uninitialized" sibling, which aligns by the size of the struct in FlatBuffers 2.0.
template <typename Builder, typename Value>
auto write_structs(Builder& builder, const std::vector<Value>& values) {
  std::vector<decltype(to_flat(values.front()))> flat;
  flat.reserve(values.size());
  for (const Value& value : values) flat.push_back(to_flat(value));
  using Offset = decltype(builder.CreateVectorOfStructs(flat));
  return flat.empty() ? Offset{} : builder.CreateVectorOfStructs(flat);
}

template <typename Builder>
auto write_bytes(Builder& builder, const std::string& bytes) {
  return builder.CreateVector(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

/// None for an empty one.
template <typename Builder>
auto write_text(Builder& builder, const std::string& text) {
  using Offset = decltype(builder.CreateString(text));
  return text.empty() ? Offset{} : builder.CreateString(text);
}

/// Writes a vector of tables or strings, each with `write`; none for an empty one.
template <typename Builder, typename Value, typename Write>
auto write_tables(Builder& builder, const std::vector<Value>& values, Write write) {
  std::vector<decltype(write(builder, values.front()))> offsets;
  offsets.reserve(values.size());
  for (const Value& value : values) offsets.push_back(write(builder, value));
  using Offset = decltype(builder.CreateVector(offsets));
  return offsets.empty() ? Offset{} : builder.CreateVector(offsets);
}

template <typename Builder>
auto write_texts(Builder& builder, const std::vector<std::string>& texts) {
  return write_tables(builder, texts, [](Builder& into, const std::string& text) {
    return into.CreateString(text);
  });
}

/// The finished buffer as a string.
template <typename Builder, typename Root>
std::string finish(Builder& builder, Root root) {
  builder.Finish(root);
  const auto* data = builder.GetBufferPointer();
  return {data, data + builder.GetSize()};
}

}  // namespace fieldpost::wire
