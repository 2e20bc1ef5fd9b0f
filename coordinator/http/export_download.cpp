#include "coordinator/http/export_download.h"

#include <optional>
#include <utility>

#include "coordinator/exports/exported_bodies.h"
#include "coordinator/exports/tar_writer.h"
#include "coordinator/store/blob_path.h"
#include "coordinator/http/answers.h"

namespace fieldpost::coordinator {
namespace {

/// Bodies lie where the store has them.
std::string place_of(const Download& download, const std::string& file) {
  const std::string_view name = file;
  if (!name.starts_with(kBodiesDirectory)) return download.directory + "/" + file;
  const auto hash = wire::Sha256Digest::from_hex(name.substr(kBodiesDirectory.size(), 64));
  return hash ? blob_path(download.blob_directory, *hash) : download.directory + "/" + file;
}

using rt::Status;

/// What is read next; the worker's while a job runs.
struct Reader {
  Download download;
  std::optional<TarWriter> tar;  ///< none: the file's own bytes
  std::size_t file = 0;
  std::uint64_t size = 0, offset = 0;  ///< of the file
  bool is_open = false, ended = false;
  std::string piece;

  Status next(rt::Files& files) {
    piece.clear();
    while (piece.empty() && !ended) {
      if (auto done = advance(files); !done) return done;
      if (tar) piece = tar->take();
    }
    return rt::ok();
  }

 private:
  Status advance(rt::Files& files) {
    if (file == download.files.size()) return finish();
    const std::string path = place_of(download, download.files[file]);
    if (!is_open) return open(files, path);
    if (offset == size) {
      file += 1;
      is_open = false;
      return rt::ok();
    }
    auto bytes = files.read(path, offset, kDownloadPieceBytes);
    if (!bytes) return bytes.error();
    if (bytes->empty()) return rt::Error{rt::Errc::kCorrupt, path + " is shorter than it was"};
    offset += bytes->size();
    if (tar) return tar->add(*bytes);
    piece = *std::move(bytes);
    return rt::ok();
  }

  Status open(rt::Files& files, const std::string& path) {
    const auto info = files.info(path);
    if (!info) return info.error();
    size = info->size;
    offset = 0;
    is_open = true;
    if (!tar) return rt::ok();
    return tar->begin_file(download.prefix + download.files[file], size, download.time_s);
  }

  Status finish() {
    ended = true;
    return tar ? tar->finish() : rt::ok();
  }
};

/// Lives as long as its stream's handlers and its job at the desk hold it.
class Sending : public std::enable_shared_from_this<Sending> {
 public:
  Sending(ExportDesk& desk, Download download, std::shared_ptr<rt::HttpResponder> responder)
      : desk_(desk), reader_(std::make_shared<Reader>()), responder_(std::move(responder)) {
    reader_->download = std::move(download);
    if (reader_->download.as_archive) reader_->tar.emplace();
  }

  void ask() {
    if (std::exchange(asking_, true)) return;
    desk_.with_files([reader = reader_](rt::Files& files) { return reader->next(files); },
                     [self = shared_from_this()](const Status& status) {
                       self->asking_ = false;
                       self->on_piece(status);
                     });
  }

 private:
  void on_piece(const Status& status) {
    if (!status) return fail(status.error());
    if (responder_) open_stream();
    if (!stream_) return;  // the client has gone
    if (reader_->piece.empty()) {
      stream_.reset();
    } else {
      stream_->send(std::move(reader_->piece));
    }
  }

  void open_stream() {
    const Download& download = reader_->download;
    stream_ = responder_->start_stream(
        200,
        {{"Content-Type", download.as_archive ? "application/x-tar" : "application/octet-stream"},
         {"Content-Disposition", "attachment; filename=\"" + download.name + "\""},
         {"X-Content-Type-Options", "nosniff"},
         {"Cache-Control", "no-store"}});
    responder_.reset();
    stream_->on_closed([self = shared_from_this()] { self->stream_.reset(); });
    stream_->on_drained([self = shared_from_this()] {
      if (self->stream_) self->ask();
    });
  }

  void fail(const rt::Error& error) {
    if (responder_) return responder_->respond(error_response(error));
    if (stream_) stream_->cut();
    stream_.reset();
  }

  ExportDesk& desk_;
  std::shared_ptr<Reader> reader_;
  std::shared_ptr<rt::HttpResponder> responder_;  ///< until the first piece is there
  std::unique_ptr<rt::HttpStream> stream_;
  bool asking_ = false;
};

}  // namespace

void send_download(ExportDesk& desk, Download download,
                   std::shared_ptr<rt::HttpResponder> responder) {
  std::make_shared<Sending>(desk, std::move(download), std::move(responder))->ask();
}

}  // namespace fieldpost::coordinator
