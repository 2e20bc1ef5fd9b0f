#include "proto/wire/gunzip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

namespace fieldpost::wire {
namespace {

constexpr std::size_t kStepBytes = 256 * 1024;
constexpr int kGzipOrZlib = MAX_WBITS + 32;

class Inflater {
 public:
  explicit Inflater(std::string_view packed) {
    stream_.next_in =
        const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));  // zlib only reads it
    stream_.avail_in = static_cast<uInt>(packed.size());
    FP_CHECK(inflateInit2(&stream_, kGzipOrZlib) == Z_OK);
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Appends up to `bytes_max` bytes. true: all members are unpacked.
  rt::Result<bool> step(std::string& out, std::size_t bytes_max) {
    const std::size_t before = out.size();
    out.resize(before + bytes_max);
    stream_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream_.avail_out = static_cast<uInt>(bytes_max);
    int code = inflate(&stream_, Z_NO_FLUSH);
    out.resize(out.size() - stream_.avail_out);
    if (code == Z_STREAM_END && stream_.avail_in == 0) return true;
    if (code == Z_STREAM_END) code = inflateReset(&stream_);
    if (code == Z_OK && (stream_.avail_in > 0 || stream_.avail_out == 0)) return false;
    return rt::Error{rt::Errc::kInvalid, "unpacking gzip: the data is damaged or cut short"};
  }

 private:
  z_stream stream_{};
};

}  // namespace

rt::Result<std::string> gunzip(std::string_view packed, std::size_t bytes_max) {
  Inflater inflater(packed);
  std::string out;
  while (out.size() <= bytes_max) {
    // One byte more than allowed tells a bomb from data that just fits.
    const auto done = inflater.step(out, std::min(kStepBytes, bytes_max + 1 - out.size()));
    if (!done) return done.error();
    if (*done && out.size() <= bytes_max) return out;
  }
  return rt::Error{rt::Errc::kFull,
                   fmt::format("unpacking gzip: more than {} bytes come out", bytes_max)};
}

}  // namespace fieldpost::wire
