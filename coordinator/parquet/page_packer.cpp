#include "coordinator/parquet/page_packer.h"

#include <bit>

#include "coordinator/parquet/page_checksum.h"
#include "coordinator/parquet/thrift_writer.h"

namespace fieldpost::coordinator::parquet {
namespace {

std::int32_t number(Encoding encoding) {
  return static_cast<std::int32_t>(encoding);
}

}  // namespace

/// PageHeader; `describe` adds the one of its type.
template <typename Describe>
std::size_t PagePacker::put(std::string& out, PageType type, std::string_view body,
                            Describe describe) {
  packed_.clear();
  zstd_.append_frame(packed_, body);
  const std::size_t begin = out.size();
  ThriftWriter header(out);
  header.i32(1, static_cast<std::int32_t>(type));
  header.i32(2, static_cast<std::int32_t>(body.size()));
  header.i32(3, static_cast<std::int32_t>(packed_.size()));
  header.i32(4, std::bit_cast<std::int32_t>(page_checksum(packed_)));
  describe(header);
  header.end();
  const std::size_t header_size = out.size() - begin;
  out += packed_;
  return header_size + body.size();
}

std::size_t PagePacker::put_data(std::string& out, std::size_t count, Encoding encoding,
                                 std::string_view body) {
  return put(out, PageType::kData, body, [&](ThriftWriter& header) {
    header.begin_struct(5);
    header.i32(1, static_cast<std::int32_t>(count));
    header.i32(2, number(encoding));
    header.i32(3, number(Encoding::kRle));  // of definition levels
    header.i32(4, number(Encoding::kRle));  // of repetition levels, of which there are none
    header.end();
  });
}

std::size_t PagePacker::put_dictionary(std::string& out, std::size_t count, std::string_view body) {
  return put(out, PageType::kDictionary, body, [&](ThriftWriter& header) {
    header.begin_struct(7);
    header.i32(1, static_cast<std::int32_t>(count));
    header.i32(2, number(Encoding::kPlain));
    header.end();
  });
}

}  // namespace fieldpost::coordinator::parquet
