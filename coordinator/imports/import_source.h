#pragma once

#include <memory>
#include <string>

#include "coordinator/imports/import_request.h"
#include "coordinator/imports/import_sink.h"
#include "proto/rt/files.h"
#include "proto/rt/result.h"

namespace fieldpost::coordinator {

/// Reads one file from a place on. One thread at a time.
class ImportSource {
 public:
  virtual ~ImportSource() = default;
  /// Goes on until the sink is full (true) or the file at its end (false), and moves `place` along.
  /// What is wrong with a row goes to the sink; an error means that the file cannot be read on.
  virtual rt::Result<bool> read(ImportSink& sink, ImportPlace& place) = 0;
  /// How much of the file was read, 0 to 1.
  [[nodiscard]] virtual double part() const = 0;
};

/// `path` is not compressed and no archive. `files` outlives it.
rt::Result<std::unique_ptr<ImportSource>> open_import_source(rt::Files& files,
                                                             const std::string& path,
                                                             const ImportRequest& request,
                                                             const ImportPlace& place);

}  // namespace fieldpost::coordinator
