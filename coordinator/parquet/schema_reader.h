#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/parquet/footer.h"
#include "coordinator/parquet/thrift_reader.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator::parquet {

/// SchemaElement, as far as flat columns go.
struct SchemaElement {
  struct Annotation {  ///< LogicalType
    Logical logical{};
    TimeUnit unit{};
    bool is_signed = true;
  };

  std::optional<Physical> physical;
  Repetition repetition = Repetition::kRequired;
  std::string name;
  std::int32_t children = 0;
  std::optional<Converted> converted;
  std::optional<Annotation> annotation;
};

[[nodiscard]] SchemaElement read_schema_element(ThriftReader& reader, ThriftReader::Field field);

/// The top-level columns of a schema, the root first, depth first: into `columns` and `leaves`.
rt::Status resolve_schema(const std::vector<SchemaElement>& schema, Footer& footer);

}  // namespace fieldpost::coordinator::parquet
