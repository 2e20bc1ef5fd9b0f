#include "coordinator/parquet/page_header.h"

#include <bit>

#include "coordinator/parquet/thrift_reader.h"

namespace fieldpost::coordinator::parquet {
namespace {

using Field = ThriftReader::Field;

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view bytes) : reader_(bytes), size_(bytes.size()) {}

  std::optional<PageHeader> read() {
    reader_.read_struct([this](Field field) { read_field(field); });
    const bool has_part = described_ == header_.type || header_.type == PageType::kIndex;
    if (!reader_.ok() || !has_part) return std::nullopt;
    header_.header_size = size_ - reader_.rest();
    return header_;
  }

 private:
  void read_field(Field field) {
    switch (field.id) {
      case 1: header_.type = static_cast<PageType>(reader_.i32(field)); break;
      case 2: header_.raw_size = natural(field); break;
      case 3: header_.packed_size = natural(field); break;
      case 4: header_.checksum = std::bit_cast<std::uint32_t>(reader_.i32(field)); break;
      case 5:
        described_ = PageType::kData;
        reader_.read_struct(field, [this](Field part) { read_data(part); });
        break;
      case 7:
        described_ = PageType::kDictionary;
        reader_.read_struct(field, [this](Field part) { read_data(part); });
        break;
      case 8:
        described_ = PageType::kDataV2;
        reader_.read_struct(field, [this](Field part) { read_data_v2(part); });
        break;
      default: reader_.skip(field); break;
    }
  }

  /// DataPageHeader, and DictionaryPageHeader, of which the first two fields are the same.
  void read_data(Field part) {
    if (part.id == 1) {
      header_.values = natural(part);
    } else if (part.id == 2) {
      header_.encoding = encoding(part);
    } else if (part.id == 3 && described_ == PageType::kData) {
      header_.level_encoding = encoding(part);
    } else {
      reader_.skip(part);
    }
  }

  /// DataPageHeaderV2.
  void read_data_v2(Field part) {
    switch (part.id) {
      case 1: header_.values = natural(part); break;
      case 2: header_.nulls = natural(part); break;
      case 3: header_.rows = natural(part); break;
      case 4: header_.encoding = encoding(part); break;
      case 5: header_.definition_size = natural(part); break;
      case 6: header_.repetition_size = natural(part); break;
      case 7: header_.is_packed = reader_.boolean(part); break;
      default: reader_.skip(part); break;
    }
  }

  std::size_t natural(Field field) {
    const std::int32_t value = reader_.i32(field);
    if (value < 0) reader_.fail();
    return value < 0 ? 0 : static_cast<std::size_t>(value);
  }

  Encoding encoding(Field field) { return static_cast<Encoding>(reader_.i32(field)); }

  ThriftReader reader_;
  std::size_t size_;
  PageHeader header_;
  std::optional<PageType> described_;
};

}  // namespace

std::optional<PageHeader> read_page_header(std::string_view bytes) {
  return HeaderReader(bytes).read();
}

}  // namespace fieldpost::coordinator::parquet
