#include "agent/sources/http_blobs.h"

#include <utility>

#include "proto/rt/http_text.h"

namespace fieldpost::agent {

using rt::Errc;

namespace {

rt::HttpResponse refuse_piece() {
  return rt::problem_response(413,
                              "the agent takes a body whole: give larger ones to the coordinator, "
                              "or put them where a source file_drop picks them up");
}

}  // namespace

void HttpBlobs::handle(rt::HttpRequest request, std::shared_ptr<rt::HttpResponder> responder) {
  if (request.method != "POST") {
    auto refused = rt::problem_response(405, "the agent takes bodies by POST");
    refused.headers.add("Allow", "POST");
    return responder->respond(std::move(refused));
  }
  auto blob = wire::read_blob_write(std::move(request));
  if (!blob) {
    health_.errors += 1;
    health_.last_error = blob.error().message;
    return responder->respond(wire::refuse_blob(blob.error()));
  }
  if (blob->is_piece() && *blob->size != blob->body.size()) {
    return responder->respond(refuse_piece());
  }
  const auto write = std::make_shared<Write>();
  write->blob = *std::move(blob);
  write->responder = std::move(responder);
  write->time = write->blob.time.value_or(ports_.clock.now());
  if (bytes_ + write->blob.body.size() > kBodyBytesMax) {
    return refuse(*write, {Errc::kBusy, "too many bodies are waiting"});
  }
  write->bytes = write->blob.body.size();
  bytes_ += write->bytes;
  ports_.worker.run(
      [write] {
        write->reference = {wire::sha256(write->blob.body), write->blob.body.size(),
                            write->blob.type, write->blob.name};
      },
      [this, write, alive = std::weak_ptr(alive_)] {
        if (!alive.expired()) on_hashed(write);
      });
}

void HttpBlobs::on_hashed(const WritePtr& write) {
  if (write->blob.hash && *write->blob.hash != write->reference.hash) {
    return refuse(*write, {Errc::kInvalid, "the bytes are not those of this sha256"});
  }
  BodyOffer offer;
  offer.reference = write->reference;
  offer.series = write->blob.series;
  offer.time = write->time;
  offer.stamped = !write->blob.time;
  offer.idempotency_key = write->blob.idempotency_key;
  offer.read = [write](std::uint64_t offset, std::size_t size, auto done) {
    done(write->blob.body.substr(offset, size));
  };
  writer_.accept(std::move(offer),
                 [this, write, alive = std::weak_ptr(alive_)](const rt::Status& status) {
                   if (!alive.expired()) on_stored(write, status);
                 });
}

void HttpBlobs::on_stored(const WritePtr& write, const rt::Status& status) {
  if (!status) return refuse(*write, status.error());
  bytes_ -= write->bytes;
  health_.readings += 1;
  rt::HttpResponse response;
  response.status = 201;
  response.headers.add("Content-Type", "application/json");
  response.body = wire::blob_json(write->reference, write->blob.series, node_, write->time);
  write->responder->respond(std::move(response));
}

void HttpBlobs::refuse(const Write& write, const rt::Error& error) {
  bytes_ -= write.bytes;
  health_.errors += 1;
  health_.last_error = error.message;
  write.responder->respond(wire::refuse_blob(error));
}

}  // namespace fieldpost::agent
