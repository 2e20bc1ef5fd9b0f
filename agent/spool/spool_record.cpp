#include "agent/spool/spool_record.h"

#include "proto/wire/hash.h"

namespace fieldpost::agent {

SpoolRecord make_spool_record(const wire::Record& record, RecordClass record_class) {
  SpoolRecord out;
  out.record_class = record_class;
  out.kind = record.kind;
  out.readings = record.readings;
  out.first_time = record.first_time;
  out.last_time = record.last_time;
  out.set = record.set;
  out.body = std::make_shared<const std::string>(wire::encode(record));
  out.hash = wire::hash128(*out.body);
  for (const wire::Gap& gap : record.gaps) {
    out.covers.insert(out.covers.end(), gap.names.begin(), gap.names.end());
  }
  return out;
}

}  // namespace fieldpost::agent
