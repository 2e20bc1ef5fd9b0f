#include "coordinator/parquet/extent.h"

#include <cstring>
#include <type_traits>

#include "coordinator/parquet/limits.h"

namespace fieldpost::coordinator::parquet {
namespace {

template <typename T>
std::string plain(T value) {
  std::string out(sizeof value, '\0');
  std::memcpy(out.data(), &value, sizeof value);
  return out;
}

}  // namespace

template <typename T>
std::optional<Bounds> Extent<T>::bounds() const {
  if (least_ > most_) return std::nullopt;
  if constexpr (std::is_floating_point_v<T>) {
    return Bounds{plain(least_ == 0 ? -T{0} : least_), plain(most_ == 0 ? T{0} : most_)};
  } else {
    return Bounds{plain(least_), plain(most_)};
  }
}

template class Extent<std::uint8_t>;
template class Extent<std::int64_t>;
template class Extent<std::uint64_t>;
template class Extent<double>;

void TextExtent::take(std::string_view text) {
  too_long_ = too_long_ || text.size() > kStatisticBytesMax;
  if (too_long_) return;
  if (!bounds_) {
    bounds_ = Bounds{std::string(text), std::string(text)};
  } else if (text < bounds_->least) {
    bounds_->least = text;
  } else if (text > bounds_->most) {
    bounds_->most = text;
  }
}

std::optional<Bounds> TextExtent::bounds() const {
  return too_long_ ? std::nullopt : bounds_;
}

}  // namespace fieldpost::coordinator::parquet
