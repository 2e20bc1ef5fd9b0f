#include "coordinator/http/blob_uploads.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "coordinator/http/answers.h"
#include "proto/mapping/readings_builder.h"
#include "proto/wire/topics.h"

namespace fieldpost::coordinator {

using rt::Errc;
using rt::Error;
using rt::ok;
using rt::Status;

namespace {

constexpr std::string_view kNodeOfHttp = "http";
constexpr std::size_t kHashPieceBytes = 4 << 20;  ///< read at a time
constexpr unsigned kUploadMode = 0640;

/// What came before this process: hashed from the file.
Status resume(rt::Files& files, const std::string& path, std::uint64_t size_max,
              std::uint64_t& received, wire::Sha256& hash) {
  const auto info = files.info(path);
  if (!info && info.error().code == Errc::kNotFound) return ok();
  if (!info) return info.error();
  if (info->size > size_max) return files.remove(path);
  while (received < info->size) {
    const auto piece = files.read(path, received, kHashPieceBytes);
    if (!piece) return piece.error();
    if (piece->empty()) return ok();
    hash.add(*piece);
    received += piece->size();
  }
  return ok();
}

/// Takes away what was left behind. kFull: what is left is too much for one more of this size.
Status make_room(rt::Files& files, const std::string& directory, const std::string& path,
                 std::uint64_t size, rt::UnixTime now) {
  if (auto made = files.make_directories(directory); !made) return made;
  const auto names = files.list(directory);
  if (!names) return names.error();
  std::uint64_t bytes = size;
  for (const std::string& name : *names) {
    const std::string other = directory + "/" + name;
    const auto info = other == path ? rt::Result<rt::FileInfo>(rt::FileInfo{}) : files.info(other);
    if (!info) return info.error();
    if (other != path && info->modified.ns < now.ns - kUploadKeepNs) {
      if (auto gone = files.remove(other); !gone) return gone;
    } else {
      bytes += info->size;
    }
  }
  if (bytes <= kUploadBytesMax) return ok();
  return Error{Errc::kFull, "too many bodies were begun and not finished; try again later"};
}

}  // namespace

struct BlobUploads::Request {
  wire::BlobWrite write;
  wire::BodyReference reference;
  std::string node, path;
  rt::UnixTime time;
  std::shared_ptr<Upload> upload;
  std::shared_ptr<rt::HttpResponder> responder;
};

void BlobUploads::add_to(Router& router) {
  router.add("POST", std::string(wire::kBlobsPath), [this](Call call) { take(std::move(call)); });
}

std::string BlobUploads::path_of(const wire::Sha256Digest& hash) const {
  return services_.upload_directory + "/" + hash.hex();
}

void BlobUploads::take(Call call) {
  auto write = wire::read_blob_write(std::move(call.request));
  if (!write) return call.responder->respond(wire::refuse_blob(write.error()));
  auto request = std::make_shared<Request>();
  request->write = *std::move(write);
  request->responder = std::move(call.responder);
  request->node = request->write.node.empty() ? kNodeOfHttp : std::string_view(request->write.node);
  request->time = request->write.time.value_or(services_.clock.now());
  if (!wire::is_valid_id(request->node)) {
    return refuse(request, {Errc::kInvalid, "parameter node: expected the name of a node"});
  }
  if (request->write.is_piece()) return begin(std::move(request));
  // Whole, it is hashed here; what the client said of it must be right.
  services_.parser.run(
      [request] {
        const wire::Sha256Digest hash = wire::sha256(request->write.body);
        request->write.size = request->write.body.size();
        if (!request->write.hash) request->write.hash = hash;
      },
      [this, request] { begin(request); });
}

void BlobUploads::begin(RequestPtr request) {
  const wire::BlobWrite& write = request->write;
  request->reference = {*write.hash, *write.size, write.type, write.name};
  if (auto checked = wire::check(request->reference); !checked) {
    return refuse(request, checked.error());
  }
  services_.desk.ask<bool>(
      [reference = request->reference](ReadingQuery& query) -> rt::Result<bool> {
        const auto body = query.find_body(reference.hash);
        if (!body) return body.error();
        return *body && (*body)->complete && (*body)->size == reference.size;
      },
      [this, request](const rt::Result<bool>& stored) {
        if (!stored) return refuse(request, stored.error());
        *stored ? store(request, "") : this->write(request);
      });
}

void BlobUploads::write(RequestPtr request) {
  request->path = path_of(request->reference.hash);
  auto& upload = uploads_[request->path];
  if (!upload) {
    if (!make_place()) {
      uploads_.erase(request->path);
      return refuse(request, {Errc::kBusy, "too many bodies are coming; try again later"});
    }
    upload = std::make_shared<Upload>();
  }
  if (upload->busy) {
    return refuse(request, {Errc::kBusy, "another request brings this body just now"});
  }
  request->upload = upload;
  upload->busy = true;
  upload->used = services_.loop.now();
  auto status = std::make_shared<Status>(ok());
  services_.parser.run(
      [&files = services_.files, directory = services_.upload_directory,
       now = services_.clock.now(), request, status] {
        Upload& to = *request->upload;
        const std::uint64_t size = request->reference.size;
        if (!to.known) {
          to.received = 0;
          to.hash = {};
          *status = make_room(files, directory, request->path, size, now);
          if (*status) *status = resume(files, request->path, size, to.received, to.hash);
          if (!*status) return;
          to.known = true;
        }
        const wire::BlobWrite& write = request->write;
        if (write.offset > to.received) return;  // told where to go on
        std::string_view fresh = write.body;
        fresh.remove_prefix(std::min<std::uint64_t>(fresh.size(), to.received - write.offset));
        if (!fresh.empty()) {
          *status = files.write_at(request->path, to.received, fresh, kUploadMode);
          to.known = status->has_value();
          if (!to.known) return;
          to.hash.add(fresh);
          to.received += fresh.size();
        }
        if (to.received == size) *status = files.sync(request->path);
      },
      [this, request, status] { on_written(request, *status); });
}

void BlobUploads::on_written(const RequestPtr& request, const Status& status) {
  Upload& upload = *request->upload;
  if (!status) return refuse(request, status.error());
  if (upload.received < request->reference.size) {
    auto answer = json_response(
        wire::blob_piece_json(request->reference.hash, request->reference.size, upload.received),
        202);
    release(request);
    return request->responder->respond(std::move(answer));
  }
  if (upload.hash.digest() == request->reference.hash) return store(request, request->path);
  services_.parser.run(
      [&files = services_.files, path = request->path] { (void)files.remove(path); },
      [this, request] {
        request->upload->known = false;
        refuse(request, {Errc::kInvalid, "the bytes are not those of this sha256: begin again"});
      });
}

void BlobUploads::store(const RequestPtr& request, std::string path) {
  mapping::ReadingsBuilder builder;
  const bool fits = builder.add(request->write.series, request->time.ns,
                                mapping::DeviceValue::of(wire::encode(request->reference)));
  if (!fits) return refuse(request, {Errc::kInvalid, "no reading can tell of it at this time"});
  services_.view.write_blob({request->node, std::move(builder.lines()), request->reference,
                             std::move(path), request->write.idempotency_key},
                            [this, request](const Status& stored) {
                              if (!stored) {
                                if (request->upload)
                                  request->upload->known =
                                      false;  // the file may be in place already
                                return refuse(request, stored.error());
                              }
                              if (request->upload) uploads_.erase(request->path);
                              request->responder->respond(json_response(
                                  wire::blob_json(request->reference, request->write.series,
                                                  request->node, request->time),
                                  201));
                            });
}

void BlobUploads::refuse(const RequestPtr& request, const Error& error) {
  release(request);
  request->responder->respond(wire::refuse_blob(error));
}

void BlobUploads::release(const RequestPtr& request) {
  if (!request->upload) return;
  request->upload->busy = false;
  // Whether its file is still as it was nobody knows after a failure.
  if (!request->upload->known) uploads_.erase(request->path);
}

/// Forgets the one that was idle longest; its file stays, and is hashed when it goes on.
bool BlobUploads::make_place() {
  if (uploads_.size() <= kUploadsMax) return true;
  auto oldest = uploads_.end();
  for (auto it = uploads_.begin(); it != uploads_.end(); ++it) {
    if (!it->second || it->second->busy) continue;
    if (oldest == uploads_.end() || it->second->used < oldest->second->used) oldest = it;
  }
  if (oldest == uploads_.end()) return false;
  uploads_.erase(oldest);
  return true;
}

}  // namespace fieldpost::coordinator
