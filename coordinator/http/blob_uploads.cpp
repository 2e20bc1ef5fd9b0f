#include "coordinator/http/blob_uploads.h"

#include <fmt/format.h>

#include <optional>
#include <set>
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

}  // namespace

struct BlobUploads::Request {
  wire::BlobWrite write;
  wire::BodyReference reference;
  std::string node;
  std::string name;  ///< of the upload
  rt::UnixTime time;
  UploadPtr upload;
  std::shared_ptr<rt::HttpResponder> responder;
};

BlobUploads::BlobUploads(Services& services)
    : services_(services),
      room_(std::make_shared<UploadRoom>(services.files, services.log, services.upload_directory)) {
  sweep();
}

BlobUploads::~BlobUploads() {
  services_.loop.cancel(timer_);
}

void BlobUploads::add_to(Router& router) {
  router.add("POST", std::string(wire::kBlobsPath), [this](Call call) { take(std::move(call)); });
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
  services_.bodies.run(
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
  services_.desk.ask<std::optional<BodyInfo>>(
      [hash = *write.hash](ReadingQuery& query) { return query.find_body(hash); },
      [this, request](const rt::Result<std::optional<BodyInfo>>& body) {
        if (!body) return refuse(request, body.error());
        if (!*body || !(*body)->complete) return this->write(request);
        if ((*body)->size == request->reference.size) return store(request, "");
        refuse(request, {Errc::kInvalid,
                         fmt::format("size: the body of this sha256 has {} bytes", (*body)->size)});
      });
}

void BlobUploads::write(const RequestPtr& request) {
  const wire::BodyReference& reference = request->reference;
  request->name = upload_name(reference.hash, reference.size);
  const UploadPtr upload = find(request->name, reference.size);
  if (!upload) return refuse(request, {Errc::kBusy, "too many bodies are coming; try again later"});
  if (upload->busy) {
    return refuse(request, {Errc::kBusy, "another request brings this body just now"});
  }
  request->upload = upload;
  upload->busy = true;
  upload->used = services_.loop.now();
  work(request);
}

/// In steps, so that the others that come are not kept waiting by a long file.
void BlobUploads::work(const RequestPtr& request) {
  auto done = std::make_shared<rt::Result<bool>>(false);
  services_.bodies.run([room = room_, &files = services_.files, request, done,
                        now = services_.clock.now()] { *done = step(*room, files, *request, now); },
                       [this, request, done] {
                         if (!*done) return refuse(request, done->error());
                         **done ? on_written(request) : work(request);
                       });
}

/// On the worker. false: not written yet.
rt::Result<bool> BlobUploads::step(UploadRoom& room, rt::Files& files, const Request& request,
                                   rt::UnixTime now) {
  UploadFile& file = request.upload->file;
  room.touch(request.name, now);
  auto caught_up = file.catch_up(files);
  if (!caught_up || !*caught_up) return caught_up;
  const wire::BlobWrite& write = request.write;
  Status done = ok();
  if (!write.body.empty() && write.offset <= file.received()) {
    done = room.reserve(request.name, request.reference.size, now);
  }
  if (done) done = file.write(files, write.offset, write.body);
  return done ? rt::Result<bool>(true) : done.error();
}

void BlobUploads::on_written(const RequestPtr& request) {
  const wire::BodyReference& reference = request->reference;
  UploadFile& file = request->upload->file;
  if (!file.is_whole()) {
    auto answer =
        json_response(wire::blob_piece_json(reference.hash, reference.size, file.received()), 202);
    release(*request);
    return request->responder->respond(std::move(answer));
  }
  if (file.hash() == reference.hash) return store(request, file.path());
  services_.bodies.run(
      [room = room_, &files = services_.files, request] {
        // What stays of it is looked at, and found wrong, again.
        static_cast<void>(request->upload->file.discard(files));
        room->release(request->name);
      },
      [this, request] {
        refuse(request, {Errc::kInvalid, "the bytes are not those of this sha256: begin again"});
      });
}

void BlobUploads::store(const RequestPtr& request, std::string path) {
  mapping::ReadingsBuilder builder;
  const bool fits = builder.add(request->write.series, request->time.ns,
                                mapping::DeviceValue::of(wire::encode(request->reference)));
  if (!fits) return refuse(request, {Errc::kInvalid, "no reading can tell of it at this time"});
  HttpBlob blob{request->node, std::move(builder.lines()), request->reference, std::move(path),
                request->write.idempotency_key};
  services_.view.write_blob(std::move(blob), [this, request](const Status& stored) {
    if (!stored) return refuse(request, stored.error());
    on_stored(*request);
    request->responder->respond(json_response(
        wire::blob_json(request->reference, request->write.series, request->node, request->time),
        201));
  });
}

/// Its file is a body now.
void BlobUploads::on_stored(const Request& request) {
  if (!request.upload) return;
  uploads_.erase(request.name);
  services_.bodies.run([room = room_, name = request.name] { room->release(name); }, [] {});
}

void BlobUploads::refuse(const RequestPtr& request, const Error& error) {
  release(*request);
  request->responder->respond(wire::refuse_blob(error));
}

void BlobUploads::release(const Request& request) {
  if (!request.upload) return;
  request.upload->busy = false;
  if (request.upload->file.is_blank()) uploads_.erase(request.name);
}

/// Null: too many are under way.
BlobUploads::UploadPtr BlobUploads::find(const std::string& name, std::uint64_t size) {
  const auto found = uploads_.find(name);
  if (found != uploads_.end()) return found->second;
  if (!make_place()) return nullptr;
  auto upload = std::make_shared<Upload>(
      Upload{UploadFile(room_->directory() + "/" + name, size), false, services_.loop.now()});
  uploads_.emplace(name, upload);
  return upload;
}

/// Forgets the one that was idle longest; its file stays, and is hashed when it goes on.
bool BlobUploads::make_place() {
  if (uploads_.size() < kUploadsMax) return true;
  auto oldest = uploads_.end();
  for (auto it = uploads_.begin(); it != uploads_.end(); ++it) {
    if (it->second->busy) continue;
    if (oldest == uploads_.end() || it->second->used < oldest->second->used) oldest = it;
  }
  if (oldest == uploads_.end()) return false;
  uploads_.erase(oldest);
  return true;
}

/// What nobody goes on with goes, and no file that is in use.
void BlobUploads::sweep() {
  std::erase_if(uploads_, [now = services_.loop.now()](const auto& each) {
    return !each.second->busy && now - each.second->used > kUploadKeep;
  });
  std::set<std::string> held;
  for (const auto& [name, upload] : uploads_) held.insert(name);
  auto swept = std::make_shared<Status>(ok());
  services_.bodies.run(
      [room = room_, swept, held = std::move(held), now = services_.clock.now()] {
        *swept = room->sweep(held, {now.ns - kUploadKeep.count()});
      },
      // It is tried again.
      [swept, &log = services_.log] {
        if (!*swept) log.warning("sweep of uploads: {}", swept->error().message);
      });
  timer_ = services_.loop.after(kUploadsSweep, [this] { sweep(); });
}

}  // namespace fieldpost::coordinator
