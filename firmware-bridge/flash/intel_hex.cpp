#include "firmware-bridge/flash/intel_hex.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace fieldpost::bridge {
namespace {

constexpr std::uint32_t kSegmentBytes = 1U << 16U;
constexpr std::size_t kRecordBytes = 16;
constexpr std::size_t kFrameBytes = 5;  // of a record beside its data: size, address, type, sum

enum RecordType : std::uint8_t {
  kData = 0,
  kEnd = 1,
  kSegmentBase = 2,
  kSegmentStart = 3,
  kLinearBase = 4,
  kLinearStart = 5,
};

std::uint8_t byte_of(char c) {
  return static_cast<std::uint8_t>(c);
}

/// -1: no hexadecimal digit.
int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

struct Record {
  std::uint8_t type = 0;
  std::uint32_t address = 0;
  std::string data;
};

rt::Error bad(std::string message) {
  return {rt::Errc::kInvalid, std::move(message)};
}

rt::Result<std::string> read_digits(std::string_view digits) {
  if (digits.size() % 2 != 0) return bad("an odd number of digits");
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_of(digits[i]);
    const int low = digit_of(digits[i + 1]);
    if (high < 0 || low < 0) return bad("something else than hexadecimal digits");
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

rt::Result<Record> read_record(std::string_view line) {
  if (!line.starts_with(':')) return bad("a record of Intel HEX begins with ':'");
  auto read = read_digits(line.substr(1));
  if (!read) return read.error();
  const std::string& bytes = *read;
  if (bytes.size() < kFrameBytes) return bad("the record is cut off");
  const std::size_t size = byte_of(bytes[0]);
  if (bytes.size() != size + kFrameBytes) {
    return bad(fmt::format("the record says {} bytes of data and has {}", size,
                           bytes.size() - kFrameBytes));
  }
  unsigned sum = 0;
  for (const char c : bytes) sum += byte_of(c);
  if ((sum & 0xffU) != 0) return bad("the checksum is wrong: the file is damaged");
  Record record;
  record.type = byte_of(bytes[3]);
  record.address = (std::uint32_t{byte_of(bytes[1])} << 8U) | byte_of(bytes[2]);
  record.data = bytes.substr(4, size);
  return record;
}

/// One file: records one after the other until the end record.
class HexReader {
 public:
  rt::Status take(const Record& record) {
    if (ended_) return bad("there is something behind the end record");
    switch (record.type) {
      case kData: return take_data(record);
      case kEnd: ended_ = true; return expect_size(record, 0);
      case kSegmentBase: return take_base(record, 4);
      case kLinearBase: return take_base(record, 16);
      case kSegmentStart:
      case kLinearStart: return expect_size(record, 4);
    }
    return bad(fmt::format("records of type {:02x} are not known", record.type));
  }

  [[nodiscard]] bool ended() const { return ended_; }
  FlashImage take_image() { return std::move(image_); }

 private:
  static rt::Status expect_size(const Record& record, std::size_t size) {
    if (record.data.size() == size) return rt::ok();
    return bad(fmt::format("a record of type {:02x} has {} bytes, not {}", record.type, size,
                           record.data.size()));
  }

  rt::Status take_base(const Record& record, unsigned shift) {
    if (auto fits = expect_size(record, 2); !fits) return fits;
    const std::uint32_t value =
        (std::uint32_t{byte_of(record.data[0])} << 8U) | byte_of(record.data[1]);
    base_ = value << shift;
    linear_ = record.type == kLinearBase;
    return rt::ok();
  }

  rt::Status take_data(const Record& record) {
    // In a segment, addresses would go on at its begin; no compiler means that.
    if (!linear_ && record.address + record.data.size() > kSegmentBytes) {
      return bad("the record runs over the end of its segment");
    }
    // Beyond 4 GiB they would go on at 0; `put` refuses what is so high.
    if (base_ >= FlashImage::kBytesMax && !record.data.empty()) {
      return bad(fmt::format("address {:#x} is above {} KiB: is there more than flash in it?",
                             base_ + record.address, FlashImage::kBytesMax / 1024));
    }
    return image_.put(base_ + record.address, record.data);
  }

  FlashImage image_;
  std::uint32_t base_ = 0;
  bool linear_ = false;
  bool ended_ = false;
};

std::string_view trimmed(std::string_view line) {
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ' || line.back() == '\t')) {
    line.remove_suffix(1);
  }
  return line;
}

void append_record(std::string& out, std::uint8_t type, std::uint32_t address,
                   std::string_view data) {
  std::string bytes;
  bytes += static_cast<char>(data.size());
  bytes += static_cast<char>((address >> 8U) & 0xffU);
  bytes += static_cast<char>(address & 0xffU);
  bytes += static_cast<char>(type);
  bytes += data;
  unsigned sum = 0;
  out += ':';
  for (const char c : bytes) {
    sum += byte_of(c);
    fmt::format_to(std::back_inserter(out), "{:02X}", byte_of(c));
  }
  fmt::format_to(std::back_inserter(out), "{:02X}\n", (0x100U - (sum & 0xffU)) & 0xffU);
}

}  // namespace

rt::Status FlashImage::put(std::uint32_t address, std::string_view bytes) {
  if (bytes.empty()) return rt::ok();
  if (address >= kBytesMax || bytes.size() > kBytesMax - address) {
    return bad(fmt::format("address {:#x} is above {} KiB: is there more than flash in it?",
                           address + bytes.size() - 1, kBytesMax / 1024));
  }
  const auto last = address + static_cast<std::uint32_t>(bytes.size());
  auto next = ranges_.lower_bound(address);
  auto before = next == ranges_.begin() ? ranges_.end() : std::prev(next);
  const auto end_of = [](const auto& range) {
    return range.first + static_cast<std::uint32_t>(range.second.size());
  };
  if ((next != ranges_.end() && next->first < last) ||
      (before != ranges_.end() && end_of(*before) > address)) {
    return bad(fmt::format("two records say what is at {:#x}", address));
  }
  if (before != ranges_.end() && end_of(*before) == address) {
    before->second += bytes;
  } else {
    before = ranges_.emplace_hint(next, address, bytes);
  }
  if (next != ranges_.end() && next->first == last) {
    before->second += next->second;
    ranges_.erase(next);
  }
  return rt::ok();
}

std::uint32_t FlashImage::size() const {
  std::size_t bytes = 0;
  for (const auto& [address, range] : ranges_) bytes += range.size();
  return static_cast<std::uint32_t>(bytes);
}

std::uint32_t FlashImage::end() const {
  if (ranges_.empty()) return 0;
  const auto& [address, bytes] = *ranges_.rbegin();
  return address + static_cast<std::uint32_t>(bytes.size());
}

bool FlashImage::has(std::uint32_t address) const {
  const auto next = ranges_.upper_bound(address);
  return next != ranges_.begin() &&
         address - std::prev(next)->first < std::prev(next)->second.size();
}

std::uint8_t FlashImage::at(std::uint32_t address) const {
  if (!has(address)) return kErased;
  const auto& [begin, bytes] = *std::prev(ranges_.upper_bound(address));
  return byte_of(bytes[address - begin]);
}

bool FlashImage::is_blank() const {
  return flat().empty();
}

std::string FlashImage::flat() const {
  std::string out(end(), static_cast<char>(kErased));
  for (const auto& [address, bytes] : ranges_) out.replace(address, bytes.size(), bytes);
  while (!out.empty() && byte_of(out.back()) == kErased) out.pop_back();
  return out;
}

wire::Sha256Digest FlashImage::sha256() const {
  return wire::sha256(flat());
}

FlashImage FlashImage::below(std::uint32_t end) const {
  FlashImage out;
  for (const auto& [address, bytes] : ranges_) {
    if (address < end) out.ranges_.emplace(address, bytes.substr(0, end - address));
  }
  return out;
}

std::string FlashImage::page(std::uint32_t begin, std::uint32_t page_bytes) const {
  std::string out;
  for (std::uint32_t i = 0; i < page_bytes; ++i) out += static_cast<char>(at(begin + i));
  return out;
}

std::optional<std::uint32_t> first_difference(const FlashImage& wanted, const FlashImage& found) {
  for (const auto& [address, bytes] : wanted.ranges()) {
    for (std::uint32_t i = 0; i < bytes.size(); ++i) {
      if (byte_of(bytes[i]) != found.at(address + i)) return address + i;
    }
  }
  return std::nullopt;
}

namespace {

/// Calls `take` with the address of each page that `image` touches, ascending.
template <typename Take>
void for_each_page(const FlashImage& image, std::uint32_t page_bytes, const Take& take) {
  std::uint32_t next = 0;
  for (const auto& [address, bytes] : image.ranges()) {
    const auto end = address + static_cast<std::uint32_t>(bytes.size());
    for (std::uint32_t page = std::max(next, address / page_bytes * page_bytes); page < end;
         page += page_bytes) {
      take(page);
      next = page + page_bytes;
    }
  }
}

}  // namespace

FlashImage pages_to_write(const FlashImage& to, const FlashImage& from, std::uint32_t page_bytes) {
  FlashImage out;
  for_each_page(to, page_bytes, [&](std::uint32_t page) {
    const std::string wanted = to.page(page, page_bytes);
    if (wanted != from.page(page, page_bytes)) FP_CHECK(out.put(page, wanted).has_value());
  });
  return out;
}

FlashImage same_pages(const FlashImage& pages, const FlashImage& image, std::uint32_t page_bytes) {
  FlashImage out;
  for_each_page(pages, page_bytes, [&](std::uint32_t page) {
    FP_CHECK(out.put(page, image.page(page, page_bytes)).has_value());
  });
  return out;
}

rt::Result<FlashImage> parse_intel_hex(std::string_view text) {
  if (text.size() > kHexBytesMax) {
    return bad(fmt::format("an image has at most {} bytes of Intel HEX", kHexBytesMax));
  }
  HexReader reader;
  std::size_t line = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view content = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    line += 1;
    if (content.empty()) continue;
    const auto record = read_record(content);
    const rt::Status taken = record ? reader.take(*record) : rt::Status(record.error());
    if (!taken) return bad(fmt::format("line {}: {}", line, taken.error().message));
  }
  if (!reader.ended()) return bad("there is no end record: the file is cut off");
  return reader.take_image();
}

std::string format_intel_hex(const FlashImage& image) {
  std::string out;
  std::uint32_t upper = 0;
  for (const auto& [begin, bytes] : image.ranges()) {
    for (std::size_t done = 0; done < bytes.size();) {
      const std::uint32_t address = begin + static_cast<std::uint32_t>(done);
      if (address / kSegmentBytes != upper) {
        upper = address / kSegmentBytes;
        const std::string base{static_cast<char>(upper >> 8U), static_cast<char>(upper & 0xffU)};
        append_record(out, kLinearBase, 0, base);
      }
      const std::size_t size = std::min({kRecordBytes, bytes.size() - done,
                                         std::size_t{kSegmentBytes - address % kSegmentBytes}});
      append_record(out, kData, address % kSegmentBytes,
                    std::string_view(bytes).substr(done, size));
      done += size;
    }
  }
  append_record(out, kEnd, 0, "");
  return out;
}

}  // namespace fieldpost::bridge
