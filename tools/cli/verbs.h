#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/cli/context.h"

/// The verbs, one file each; every one returns the exit code.
namespace fieldpost::cli {

struct StatusOptions {
  bool gaps = false;  ///< list the gaps too
};
int run_status(Context& context, const StatusOptions& options);

struct NodesOptions {
  std::string id;         ///< empty: all
  std::string command;    ///< sent to the node; empty: none
  std::string arguments;  ///< JSON object
};
struct FlashOptions {
  std::string node;
  std::string board;     ///< as the node's bridge calls it
  std::string image;     ///< Intel HEX file; empty: `sha256`
  std::string sha256;    ///< of an image that the bridge keeps
  std::string firmware;  ///< version that the board tells afterwards
  unsigned timeout_s = 60;
  bool no_wait = false;
};
/// Has a node's bridge flash one of its boards.
int run_flash(Context& context, const FlashOptions& options);
/// [back-3], after one of two machines that are this node was stopped.
int run_release(Context& context, const std::string& node);
int run_nodes(Context& context, const NodesOptions& options);

int run_series(Context& context, const SeriesChoice& choice);

struct DeleteOptions {
  std::optional<std::string> node, measurement;  ///< none: any, but not both
  std::optional<std::string> from, to;           ///< as the API takes them
  std::optional<std::string> reason;
  bool really = false;  ///< otherwise only tells how much would go
};
int run_delete(Context& context, const DeleteOptions& options);

struct ReprocessOptions {
  std::string node;
  std::string source;    ///< empty: the node's only one
  std::string from, to;  ///< as the API takes them
  std::string rules;     ///< JSON
  bool really = false;   ///< otherwise only tells what would change
  bool lines = false;    ///< only prints the readings that would be made
  bool quarantined = false;
  bool give_up = false;
};
int run_reprocess(Context& context, const ReprocessOptions& options);

enum class QueryFormat : std::uint8_t { kTable, kCsv, kJson };
struct BucketOptions {
  std::uint64_t points = 0;     ///< buckets of a series; 0: a width, or no buckets
  std::string width, of, fill;  ///< as the API takes them; empty: its default
  std::vector<std::string> group_by;
  [[nodiscard]] bool wanted() const { return points > 0 || !width.empty(); }
};

struct QueryOptions {
  SeriesChoice choice;
  std::string from, to;  ///< as the API takes them
  BucketOptions buckets;
  bool last = false;        ///< the last reading of each series, nothing else
  std::uint64_t limit = 0;  ///< readings; 0: all
  bool corrected = false;
  std::string calibrated, calibrated_by;  ///< as the API takes them; empty: as it is stored
  QueryFormat format = QueryFormat::kTable;
};
int run_query(Context& context, const QueryOptions& options);

struct TailOptions {
  SeriesChoice choice;
  std::uint64_t count = 0;  ///< readings, then stop; 0: never
  bool lines = false;       ///< as line protocol
};
int run_tail(Context& context, const TailOptions& options);

struct DecodeOptions {
  std::string key;  ///< the coordinator's public key, hex; empty: signatures are not checked
};
int run_decode(Context& context, const DecodeOptions& options);

struct WriteOptions {
  std::vector<std::string> lines;  ///< empty: from standard input
  std::string node;
  std::string precision = "ns";
};
int run_write(Context& context, const WriteOptions& options);

struct BlobOptions {
  std::vector<std::string> files;
  std::string measurement, field, node;
  std::vector<std::string> tags;  ///< "key=value"
  std::string time;               ///< as the API takes it; empty: when the file was changed
  std::string type;               ///< media type; empty: by the name's end
};
/// Brings one file; the document that the coordinator answers. What an earlier try brought is not
/// sent again.
rt::Result<std::string> send_blob(Context& context, const BlobOptions& options,
                                  const std::string& path);
/// Files as bodies, one after the other.
int run_write_blobs(Context& context, const BlobOptions& options);

struct GetBlobOptions {
  std::string blob;  ///< SHA-256 in hex, or "last" of `series`
  std::int64_t series = 0;
  std::string output;  ///< empty: standard output
};
int run_get_blob(Context& context, const GetBlobOptions& options);

int run_doctor(Context& context, const std::string& url_source);

struct SpoolOptions {
  std::string directory;
};
int run_spool(Context& context, const SpoolOptions& options);

}  // namespace fieldpost::cli
