#include "coordinator/ingest/downlink.h"

#include <utility>

namespace fieldpost::coordinator {

using rt::Errc;

rt::Status Downlink::send(rt::MqttMessage message) {
  pump();
  if (queue_.empty()) {
    const auto sent = mqtt_.publish(message);
    if (sent) return rt::ok();
    if (sent.error().code != Errc::kBusy) return sent.error();
  }
  if (bytes_ + size_of(message) > kBytesMax) {
    return rt::Error{Errc::kFull, "too many messages wait for the broker"};
  }
  bytes_ += size_of(message);
  queue_.push_back(std::move(message));
  return rt::ok();
}

void Downlink::pump() {
  while (!queue_.empty() && mqtt_.publish(queue_.front())) {
    bytes_ -= size_of(queue_.front());
    queue_.pop_front();
  }
}

void Downlink::clear() {
  queue_.clear();
  bytes_ = 0;
}

}  // namespace fieldpost::coordinator
