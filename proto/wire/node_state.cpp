#include "proto/schema/wire_generated.h"
#include "proto/wire/flat_reader.h"
#include "proto/wire/limits.h"
#include "proto/wire/messages.h"

namespace fieldpost::wire {
namespace {

flatbuffers::Offset<fb::SourceState> write_source(flatbuffers::FlatBufferBuilder& builder,
                                                  const SourceState& source) {
  const auto name = write_text(builder, source.name);
  const auto last_error = write_text(builder, source.last_error);
  return fb::CreateSourceState(builder, name, source.readings, source.errors, last_error);
}

SourceState read_source(FlatReader& in, const fb::SourceState& flat) {
  return {.name = in.text(flat.name()),
          .readings = flat.readings(),
          .errors = flat.errors(),
          .last_error = in.text(flat.last_error())};
}

}  // namespace

std::string encode(const NodeState& state) {
  flatbuffers::FlatBufferBuilder builder;
  const auto version = write_text(builder, state.version);
  const auto labels = write_texts(builder, state.labels);
  const auto forecast_class = write_text(builder, state.forecast_class);
  const auto sources = write_tables(builder, state.sources, write_source);
  const auto clock = to_flat(state.clock);
  return finish(builder,
                fb::CreateNodeState(builder, state.online, version, labels, &clock,
                                    state.records_held, state.bytes_held, state.readings_held,
                                    state.oldest_age_ms, state.forecast_s, forecast_class,
                                    state.accepted, state.shed, state.disk_bytes_written,
                                    state.wire_bytes_sent, sources, state.messages_ignored));
}

rt::Result<NodeState> decode_node_state(std::string_view bytes) {
  FlatReader in("node state", bytes);
  const auto* flat = in.root<fb::NodeState>();
  if (flat == nullptr) return in.error();
  NodeState state{
      .online = flat->online(),
      .version = in.text(flat->version()),
      .labels = in.texts(flat->labels(), kLabelsMax, "too many labels"),
      .clock = in.clock(flat->clock()),
      .records_held = flat->records_held(),
      .bytes_held = flat->bytes_held(),
      .readings_held = flat->readings_held(),
      .oldest_age_ms = flat->oldest_age_ms(),
      .forecast_s = flat->forecast_s(),
      .forecast_class = in.text(flat->forecast_class()),
      .accepted = flat->accepted(),
      .shed = flat->shed(),
      .disk_bytes_written = flat->disk_bytes_written(),
      .wire_bytes_sent = flat->wire_bytes_sent(),
      .sources = in.tables(flat->sources(), kSourcesMax, "too many sources",
                           [&in](const fb::SourceState& one) { return read_source(in, one); }),
      .messages_ignored = flat->messages_ignored(),
  };
  return in.finish(std::move(state));
}

}  // namespace fieldpost::wire
