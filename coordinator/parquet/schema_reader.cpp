#include "coordinator/parquet/schema_reader.h"

#include <utility>

#include "coordinator/parquet/limits.h"
#include "proto/wire/names.h"

namespace fieldpost::coordinator::parquet {
namespace {

using Field = ThriftReader::Field;
using Annotation = SchemaElement::Annotation;

rt::Error corrupt(const char* what) {
  return {rt::Errc::kCorrupt, what};
}

TimeUnit read_unit(ThriftReader& reader, Field field) {
  TimeUnit unit{};
  reader.read_struct(field, [&](Field member) {
    unit = static_cast<TimeUnit>(member.id);
    reader.skip(member);
  });
  return unit;
}

/// TimestampType and IntType; of the other members of the union their number says all.
Annotation read_annotation(ThriftReader& reader, Field field) {
  Annotation annotation;
  reader.read_struct(field, [&](Field member) {
    annotation.logical = static_cast<Logical>(member.id);
    reader.read_struct(member, [&](Field part) {
      if (annotation.logical == Logical::kTimestamp && part.id == 2) {
        annotation.unit = read_unit(reader, part);
      } else if (annotation.logical == Logical::kInteger && part.id == 2) {
        annotation.is_signed = reader.boolean(part);
      } else {
        reader.skip(part);
      }
    });
  });
  return annotation;
}

std::int64_t scale_of(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMillis: return 1'000'000;
    case TimeUnit::kMicros: return 1'000;
    case TimeUnit::kNanos: return 1;
  }
  return 0;
}

/// What the older annotation means in terms of the newer. Nothing for what is not known here.
std::optional<Annotation> annotation_of(Converted converted) {
  switch (converted) {
    case Converted::kUtf8: return Annotation{Logical::kString};
    case Converted::kEnum: return Annotation{Logical::kEnum};
    case Converted::kJson: return Annotation{Logical::kJson};
    case Converted::kTimestampMillis: return Annotation{Logical::kTimestamp, TimeUnit::kMillis};
    case Converted::kTimestampMicros: return Annotation{Logical::kTimestamp, TimeUnit::kMicros};
    case Converted::kUint8:
    case Converted::kUint16:
    case Converted::kUint32:
    case Converted::kUint64: return Annotation{Logical::kInteger, {}, false};
    case Converted::kInt8:
    case Converted::kInt16:
    case Converted::kInt32:
    case Converted::kInt64: return Annotation{Logical::kInteger, {}, true};
  }
  return std::nullopt;
}

bool is_text(Logical logical) {
  return logical == Logical::kString || logical == Logical::kEnum || logical == Logical::kJson;
}

/// Kind and conversion of an integer; the reason why there is none.
std::string resolve_integer(const Annotation& annotation, FileColumn& column) {
  if (annotation.logical == Logical::kInteger) {
    column.is_unsigned = !annotation.is_signed;
    column.spec.kind = annotation.is_signed ? Kind::kI64 : Kind::kU64;
    return {};
  }
  if (annotation.logical == Logical::kTimestamp && column.physical == Physical::kInt64) {
    column.spec.kind = Kind::kTime;
    column.time_scale = scale_of(annotation.unit);
    return column.time_scale > 0 ? "" : "its unit of time is unknown";
  }
  return "its integers have a meaning that is not supported, like DATE or DECIMAL";
}

std::string resolve_type(const std::optional<Annotation>& annotation, FileColumn& column) {
  switch (column.physical) {
    case Physical::kBoolean: column.spec.kind = Kind::kBool; return {};
    case Physical::kInt32:
    case Physical::kInt64:
      return resolve_integer(annotation.value_or(Annotation{Logical::kInteger}), column);
    case Physical::kFloat:
    case Physical::kDouble: column.spec.kind = Kind::kF64; return {};
    case Physical::kByteArray:
      column.spec.kind = Kind::kText;
      if (!annotation || is_text(annotation->logical)) return {};
      return "its bytes are not text";
    case Physical::kInt96: return "it has times of the old type INT96; write them as TIMESTAMP";
    case Physical::kFixedBytes: return "it has values of fixed length, like UUID or DECIMAL";
  }
  return "its type is unknown";
}

std::string resolve_leaf(const SchemaElement& element, FileColumn& column) {
  const bool is_flat =
      element.repetition == Repetition::kRequired || element.repetition == Repetition::kOptional;
  if (!is_flat) return "it is a list; only flat columns are";
  column.physical = *element.physical;
  std::optional<Annotation> annotation = element.annotation;
  if (!annotation && element.converted) {
    annotation = annotation_of(*element.converted);
    if (!annotation) annotation = Annotation{};  // known to none of the types
  }
  return resolve_type(annotation, column);
}

/// Walks over the children of a nested column. `at` is behind them afterwards.
rt::Status skip_nested(const std::vector<SchemaElement>& schema, std::size_t& at,
                       std::size_t& leaves) {
  std::uint64_t open = 1;
  while (open > 0) {
    if (at == schema.size()) return corrupt("its schema is cut short");
    const SchemaElement& element = schema[at++];
    open += static_cast<std::uint64_t>(element.children) - 1;
    if (element.children == 0) leaves += 1;
  }
  return rt::ok();
}

rt::Status add_column(const std::vector<SchemaElement>& schema, std::size_t& at, Footer& footer) {
  if (at == schema.size()) return corrupt("its schema is cut short");
  const SchemaElement& element = schema[at];
  if (!wire::is_utf8(element.name)) return corrupt("the name of a column is not UTF-8");
  FileColumn column;
  column.spec.name = element.name;
  column.spec.nullable = element.repetition == Repetition::kOptional;
  column.leaf = footer.leaves;
  if (element.children > 0 || !element.physical) {
    column.unreadable = "it is nested; only flat columns are";
    if (auto skipped = skip_nested(schema, at, footer.leaves); !skipped) return skipped;
  } else {
    column.unreadable = resolve_leaf(element, column);
    footer.leaves += 1;
    at += 1;
  }
  footer.columns.push_back(std::move(column));
  return rt::ok();
}

}  // namespace

SchemaElement read_schema_element(ThriftReader& reader, Field field) {
  SchemaElement element;
  reader.read_struct(field, [&](Field part) {
    switch (part.id) {
      case 1: element.physical = static_cast<Physical>(reader.i32(part)); break;
      case 3: element.repetition = static_cast<Repetition>(reader.i32(part)); break;
      case 4: element.name = reader.binary(part); break;
      case 5: element.children = reader.i32(part); break;
      case 6: element.converted = static_cast<Converted>(reader.i32(part)); break;
      case 10: element.annotation = read_annotation(reader, part); break;
      default: reader.skip(part); break;
    }
  });
  if (element.children < 0) reader.fail();
  return element;
}

rt::Status resolve_schema(const std::vector<SchemaElement>& schema, Footer& footer) {
  if (schema.empty()) return corrupt("it has no schema");
  const auto count = static_cast<std::size_t>(schema[0].children);
  if (count > kColumnsMax) {
    return rt::Error{rt::Errc::kInvalid, "it has " + std::to_string(count) + " columns; at most " +
                                             std::to_string(kColumnsMax) + " are read"};
  }
  std::size_t at = 1;
  while (footer.columns.size() < count) {
    if (auto added = add_column(schema, at, footer); !added) return added;
  }
  return at == schema.size() ? rt::ok() : corrupt("its schema has a column too many");
}

}  // namespace fieldpost::coordinator::parquet
