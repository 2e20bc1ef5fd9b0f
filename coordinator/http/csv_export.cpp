#include "coordinator/http/csv_export.h"

#include <algorithm>
#include <utility>

#include "coordinator/http/answers.h"

namespace fieldpost::coordinator {
namespace {

/// Lives as long as its stream's handlers and its question at the desk hold it.
class CsvExport : public std::enable_shared_from_this<CsvExport> {
 public:
  CsvExport(QueryDesk& desk, ReadingsQuestion question, std::uint64_t readings_max,
            std::shared_ptr<rt::HttpResponder> responder)
      : desk_(desk),
        question_(std::move(question)),
        left_(readings_max),
        responder_(std::move(responder)) {}

  void ask() {
    if (asking_) return;
    asking_ = true;
    question_.limit = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kCsvPageReadings));
    desk_.ask<CsvPage>(
        [question = question_](ReadingQuery& query) { return readings_csv(query, question); },
        [self = shared_from_this()](rt::Result<CsvPage> page) {
          self->asking_ = false;
          self->on_page(std::move(page));
        });
  }

 private:
  void on_page(rt::Result<CsvPage> page) {
    if (!page) return fail(page.error());
    if (responder_) start();
    if (!stream_) return;  // the client has gone
    left_ -= std::min<std::uint64_t>(left_, page->readings);
    question_.place = page->next;
    ended_ = page->last || left_ == 0;
    if (!page->text.empty()) {
      stream_->send(std::move(page->text));
    } else if (ended_) {
      stream_.reset();
    } else {
      ask();
    }
  }

  void start() {
    stream_ = responder_->start_stream(
        200, {{"Content-Type", "text/csv; charset=utf-8; header=present"},
              {"Content-Disposition", "attachment; filename=\"readings.csv\""},
              {"Cache-Control", "no-store"}});
    responder_.reset();
    stream_->on_closed([self = shared_from_this()] { self->stream_.reset(); });
    stream_->on_drained([self = shared_from_this()] { self->on_drained(); });
  }

  void on_drained() {
    if (ended_) {
      stream_.reset();
    } else {
      ask();
    }
  }

  void fail(const rt::Error& error) {
    if (responder_) return responder_->respond(error_response(error));
    if (stream_) stream_->cut();
    stream_.reset();
  }

  QueryDesk& desk_;
  ReadingsQuestion question_;
  std::uint64_t left_;
  std::shared_ptr<rt::HttpResponder> responder_;  ///< until the first page is there
  std::unique_ptr<rt::HttpStream> stream_;
  bool asking_ = false;
  bool ended_ = false;
};

}  // namespace

void export_csv(QueryDesk& desk, ReadingsQuestion question, std::uint64_t readings_max,
                std::shared_ptr<rt::HttpResponder> responder) {
  std::make_shared<CsvExport>(desk, std::move(question), readings_max, std::move(responder))->ask();
}

}  // namespace fieldpost::coordinator
