#include <optional>
#include <utility>

#include "coordinator/parquet/footer.h"
#include "coordinator/parquet/limits.h"
#include "coordinator/parquet/schema_reader.h"
#include "coordinator/parquet/thrift_reader.h"

namespace fieldpost::coordinator::parquet {
namespace {

using Field = ThriftReader::Field;

rt::Error corrupt(const std::string& what) {
  return {rt::Errc::kCorrupt, what};
}

/// A count or offset: never negative.
std::uint64_t natural(ThriftReader& reader, Field field) {
  const std::int64_t value = reader.i64(field);
  if (value < 0) reader.fail();
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

/// Only the bounds of which the order is defined; deprecated ones are left out.
Statistics read_statistics(ThriftReader& reader, Field field) {
  Statistics statistics;
  std::optional<std::string> least;
  std::optional<std::string> most;
  reader.read_struct(field, [&](Field part) {
    if (part.id == 3) {
      statistics.null_count = reader.i64(part);
    } else if (part.id == 5) {
      most = reader.binary(part);
    } else if (part.id == 6) {
      least = reader.binary(part);
    } else {
      reader.skip(part);
    }
  });
  const bool fits =
      least && most && least->size() <= kStatisticBytesMax && most->size() <= kStatisticBytesMax;
  if (fits) statistics.bounds = Bounds{std::move(*least), std::move(*most)};
  return statistics;
}

/// ColumnMetaData.
void read_chunk_metadata(ThriftReader& reader, Field field, FileChunk& chunk) {
  std::uint64_t dictionary = 0;
  reader.read_struct(field, [&](Field part) {
    switch (part.id) {
      case 1: chunk.physical = static_cast<Physical>(reader.i32(part)); break;
      case 4: chunk.codec = static_cast<Codec>(reader.i32(part)); break;
      case 5: chunk.values = natural(reader, part); break;
      case 7: chunk.size = natural(reader, part); break;
      case 9: chunk.begin = natural(reader, part); break;
      case 11: dictionary = natural(reader, part); break;
      case 12: chunk.statistics = read_statistics(reader, part); break;
      default: reader.skip(part); break;
    }
  });
  // Some writers say 0 where there is none.
  if (dictionary > 0 && dictionary < chunk.begin) chunk.begin = dictionary;
}

/// ColumnChunk.
FileChunk read_chunk(ThriftReader& reader, Field field) {
  FileChunk chunk;
  chunk.elsewhere = true;
  bool refers = false;
  reader.read_struct(field, [&](Field part) {
    if (part.id == 3) {
      read_chunk_metadata(reader, part, chunk);
      chunk.elsewhere = false;
    } else {
      refers = refers || part.id == 1 || part.id == 8;  // another file; encrypted
      reader.skip(part);
    }
  });
  chunk.elsewhere = chunk.elsewhere || refers;
  return chunk;
}

class FooterReader {
 public:
  FooterReader(std::string_view bytes, std::uint64_t pages_end)
      : reader_(bytes), pages_end_(pages_end) {}

  rt::Result<Footer> read() {
    reader_.read_struct([this](Field field) { read_field(field); });
    if (!limits_) return limits_.error();
    if (!reader_.ok()) return corrupt("its footer is damaged");
    if (auto resolved = resolve_schema(schema_, footer_); !resolved) return resolved.error();
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < footer_.row_groups.size(); ++i) {
      if (auto checked = check(footer_.row_groups[i], i); !checked) return checked.error();
      rows += footer_.row_groups[i].rows;
    }
    if (rows != footer_.rows) return corrupt("its number of rows is not that of its row groups");
    return std::move(footer_);
  }

 private:
  void read_field(Field field) {
    switch (field.id) {
      case 2: reader_.read_list(field, [this](Field element) { read_element(element); }); break;
      case 3: footer_.rows = natural(reader_, field); break;
      case 4: reader_.read_list(field, [this](Field element) { read_row_group(element); }); break;
      case 5: reader_.read_list(field, [this](Field element) { read_key_value(element); }); break;
      case 6: footer_.created_by = reader_.binary(field); break;
      default: reader_.skip(field); break;
    }
  }

  void read_element(Field element) {
    if (schema_.size() == kSchemaElementsMax) return stop("its schema is too large");
    schema_.push_back(read_schema_element(reader_, element));
  }

  void read_key_value(Field element) {
    if (footer_.metadata.size() == kMetadataMax) return stop("it has too much metadata");
    KeyValue entry;
    reader_.read_struct(element, [&](Field part) {
      if (part.id == 1) {
        entry.key = reader_.binary(part);
      } else if (part.id == 2) {
        entry.value = reader_.binary(part);
      } else {
        reader_.skip(part);
      }
    });
    footer_.metadata.push_back(std::move(entry));
  }

  void read_row_group(Field element) {
    if (footer_.row_groups.size() == kRowGroupsMax) return stop("it has too many row groups");
    FileRowGroup group;
    reader_.read_struct(element, [&](Field part) {
      if (part.id == 1) {
        reader_.read_list(part, [&](Field chunk) { add_chunk(chunk, group); });
      } else if (part.id == 3) {
        group.rows = natural(reader_, part);
      } else {
        reader_.skip(part);
      }
    });
    footer_.row_groups.push_back(std::move(group));
  }

  void add_chunk(Field element, FileRowGroup& group) {
    if (++chunks_ > kChunksMax) return stop("it has too many row groups for its columns");
    group.chunks.push_back(read_chunk(reader_, element));
  }

  void stop(const char* why) {
    limits_ = rt::Error{rt::Errc::kInvalid, why};
    reader_.fail();
  }

  rt::Status check(const FileRowGroup& group, std::size_t index) const {
    const std::string where = "row group " + std::to_string(index);
    if (group.chunks.size() != footer_.leaves) return corrupt(where + " lacks columns");
    if (group.rows > INT64_MAX / kRowGroupsMax) return corrupt(where + " has too many rows");
    for (const FileChunk& chunk : group.chunks) {
      if (chunk.elsewhere) continue;
      const bool inside = chunk.begin >= kMagic.size() && chunk.begin <= pages_end_ &&
                          chunk.size <= pages_end_ - chunk.begin;
      if (!inside) return corrupt(where + " lies outside of the file");
    }
    return rt::ok();
  }

  ThriftReader reader_;
  std::uint64_t pages_end_;
  Footer footer_;
  std::vector<SchemaElement> schema_;
  std::size_t chunks_ = 0;  ///< of all row groups
  rt::Status limits_ = rt::ok();
};

}  // namespace

rt::Result<Footer> decode_footer(std::string_view bytes, std::uint64_t pages_end) {
  return FooterReader(bytes, pages_end).read();
}

}  // namespace fieldpost::coordinator::parquet
