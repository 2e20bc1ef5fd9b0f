#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "proto/rt/result.h"
#include "proto/rt/time.h"
#include "proto/wire/sha256.h"
#include "tools/cli/context.h"

/// Files on their way to the coordinator, piece by piece.
namespace fieldpost::cli {

inline constexpr std::size_t kPieceBytes = 8 << 20;

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using FilePtr = std::unique_ptr<std::FILE, CloseFile>;

/// What errno says of a file.
[[nodiscard]] rt::Error file_error(const std::string& path);

/// A plain file, opened and hashed.
struct UploadFile {
  std::string path, name;
  FilePtr file;
  std::uint64_t size = 0;
  rt::UnixTime modified;
  wire::Sha256Digest hash;
};
/// kInvalid: it is none, or empty.
[[nodiscard]] rt::Result<UploadFile> open_upload(const std::string& path);
/// `size` bytes from `offset` on; kIo: it became shorter.
[[nodiscard]] rt::Result<std::string> read_piece(UploadFile& file, std::uint64_t offset,
                                                 std::size_t size);
/// Sends it again while the server is away or busy (503): only for what may be done twice. Whatever
/// the status of the answer in the end; kUnavailable: nobody answers.
[[nodiscard]] rt::Result<Fetched> ask_patiently(Context& context, const Fetch& fetch);
/// The same, and errors as `fetch_good` has them.
[[nodiscard]] rt::Result<Fetched> fetch_patiently(Context& context, const Fetch& fetch);
/// Member `received` of an answer, as far as the file is long.
[[nodiscard]] std::optional<std::uint64_t> received_in(const Fetched& answer, std::uint64_t size);

}  // namespace fieldpost::cli
