#include "proto/delta/delta_encoder.h"

#include <string_view>
#include <utility>

namespace fieldpost::delta {

using rt::Result;

DeltaEncoder::DeltaEncoder(rt::Files& files, DeltaPaths paths, const Change& change,
                           std::uint64_t bytes_max)
    : files_(files), paths_(std::move(paths)), change_(change), bytes_max_(bytes_max) {
  loader_.emplace();
  signing_.emplace(files_, paths_.base, change_.base,
                   choose_signature(change_.base.size, SignatureUse::kStays),
                   [this](std::string_view bytes) { return loader_->add(bytes); });
}

Result<bool> DeltaEncoder::step() {
  if (writer_) return writer_->step();
  const auto more = signing_->step();
  if (!more) return more.error();
  if (*more) return true;
  auto signature = loader_->finish();
  if (!signature) return signature.error();
  signing_.reset();
  loader_.reset();
  signature_ = std::move(*signature);
  writer_.emplace(files_, *signature_, paths_, change_, bytes_max_);
  return true;
}

}  // namespace fieldpost::delta
