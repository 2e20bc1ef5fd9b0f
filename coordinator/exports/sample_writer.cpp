#include "coordinator/exports/sample_writer.h"

#include "coordinator/exports/parquet_samples.h"
#include "coordinator/exports/text_samples.h"

namespace fieldpost::coordinator {

rt::Result<std::unique_ptr<SampleWriter>> make_sample_writer(SampleFormat format,
                                                             SampleFileHead head,
                                                             wire::OutputFile& out) {
  switch (format) {
    case SampleFormat::kParquet: return make_parquet_samples(std::move(head), out);
    case SampleFormat::kCsv: return make_csv_samples(std::move(head), out);
    case SampleFormat::kJsonLines: return make_json_samples(std::move(head), out);
  }
  return rt::Error{rt::Errc::kInvalid, "no such format"};
}

}  // namespace fieldpost::coordinator
