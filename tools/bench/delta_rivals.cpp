#include "tools/bench/delta_rivals.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string_view>

#include "proto/delta/delta_encoder.h"
#include "proto/delta/patcher.h"
#include "proto/rt/system_files.h"

namespace fieldpost::bench {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::uint64_t kAny = std::uint64_t{1} << 40;
constexpr std::uint64_t kEditBytes = 1024;

delta::Content content_of(rt::Files& files, const std::string& path) {
  delta::Content out;
  wire::Sha256 hash;
  for (;;) {
    const auto piece = files.read(path, out.size, kPieceBytes);
    FP_CHECK(piece.has_value());
    if (piece->empty()) break;
    hash.add(*piece);
    out.size += piece->size();
  }
  out.sha256 = hash.digest();
  return out;
}

template <typename Job>
bool run(Job& job) {
  for (;;) {
    const auto more = job.step();
    if (!more) {
      std::fprintf(stderr, "%s\n", more.error().message.c_str());
      return false;
    }
    if (!*more) return true;
  }
}

std::uint64_t size_of(const std::string& path) {
  std::error_code failed;
  const auto size = std::filesystem::file_size(path, failed);
  return failed ? 0 : size;
}

Measured patch(const DeltaPair& pair, const delta::Change& change) {
  return run_measured([&] {
    rt::SystemFiles files;
    delta::Patcher patcher(files, {pair.base, pair.directory + "/made", pair.directory + "/delta"},
                           change);
    return run(patcher);
  });
}

delta::Change change_of(const DeltaPair& pair) {
  rt::SystemFiles files;
  return {content_of(files, pair.base), content_of(files, pair.target)};
}

bool sign(const DeltaPair& pair, const delta::Change& change) {
  rt::SystemFiles files;
  wire::OutputFile out(files, pair.directory + "/signature");
  delta::SignatureWriter writer(
      files, pair.base, change.base,
      delta::choose_signature(change.base.size, delta::SignatureUse::kTravels),
      [&](std::string_view bytes) { return out.append(bytes); });
  return run(writer) && out.finish().has_value();
}

bool encode_afar(const DeltaPair& pair, const delta::Change& change) {
  rt::SystemFiles files;
  delta::SignatureLoader loader;
  for (std::uint64_t at = 0;;) {
    const auto piece = files.read(pair.directory + "/signature", at, kPieceBytes);
    if (!piece || !loader.add(*piece)) return false;
    if (piece->empty()) break;
    at += piece->size();
  }
  const auto signature = loader.finish();
  if (!signature) return false;
  delta::DeltaWriter writer(files, *signature, {"", pair.target, pair.directory + "/delta"}, change,
                            kAny);
  return run(writer);
}

/// The number behind a word in what rsync says.
std::uint64_t number_behind(const std::string& path, const std::string& word) {
  std::ifstream file(path);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = text.find(word);
  std::uint64_t out = 0;
  if (at == std::string::npos) return out;
  for (const char each : text.substr(at + word.size())) {
    if (each == ',' || each == ' ') continue;
    if (each < '0' || each > '9') break;
    out = out * 10 + static_cast<std::uint64_t>(each - '0');
  }
  return out;
}

std::string noise(std::mt19937_64& random, std::size_t size) {
  std::string out;
  while (out.size() < size) {
    const std::uint64_t word = random();
    for (unsigned shift = 0; shift < 64; shift += 8) {
      out += static_cast<char>(word >> shift & 0xff);
    }
  }
  out.resize(size);
  return out;
}

}  // namespace

DeltaFigures measure_held(const DeltaPair& pair) {
  const delta::Change change = change_of(pair);
  DeltaFigures out{.way = "fieldpost, base held", .bytes_target = change.target.size};
  const delta::DeltaPaths paths{pair.base, pair.target, pair.directory + "/delta"};
  out.encode = run_measured([&] {
    rt::SystemFiles files;
    delta::DeltaEncoder encoder(files, paths, change, kAny);
    return run(encoder);
  });
  out.decode = patch(pair, change);
  out.bytes_up = size_of(paths.delta);
  return out;
}

DeltaFigures measure_afar(const DeltaPair& pair) {
  const delta::Change change = change_of(pair);
  DeltaFigures out{.way = "fieldpost, signature sent", .bytes_target = change.target.size};
  const Measured signing = run_measured([&] { return sign(pair, change); });
  out.encode = run_measured([&] { return encode_afar(pair, change); });
  out.decode = signing + patch(pair, change);
  out.bytes_up = size_of(pair.directory + "/delta");
  out.bytes_down = size_of(pair.directory + "/signature");
  return out;
}

DeltaFigures measure_rdiff(const DeltaPair& pair) {
  DeltaFigures out{.way = "rdiff", .bytes_target = size_of(pair.target)};
  const std::string in = pair.directory + "/";
  const std::string said = in + "said";
  const Measured signing =
      run_measured({"rdiff", "-f", "signature", pair.base, in + "signature"}, said);
  out.encode =
      run_measured({"rdiff", "-f", "delta", in + "signature", pair.target, in + "delta"}, said);
  out.decode =
      signing + run_measured({"rdiff", "-f", "patch", pair.base, in + "delta", in + "made"}, said);
  out.bytes_up = size_of(in + "delta");
  out.bytes_down = size_of(in + "signature");
  return out;
}

DeltaFigures measure_rsync(const DeltaPair& pair) {
  DeltaFigures out{.way = "rsync -z", .bytes_target = size_of(pair.target)};
  const std::string made = pair.directory + "/made";
  std::error_code failed;
  std::filesystem::copy_file(pair.base, made, std::filesystem::copy_options::overwrite_existing,
                             failed);
  if (failed) return out;
  const std::string said = pair.directory + "/said";
  out.encode = run_measured(
      {"rsync", "-z", "--no-whole-file", "--ignore-times", "--stats", pair.target, made}, said);
  out.decode.is_ok = true;
  out.bytes_up = number_behind(said, "Total bytes sent:");
  out.bytes_down = number_behind(said, "Total bytes received:");
  return out;
}

bool make_scattered_edits(const std::string& directory, std::uint64_t size) {
  std::mt19937_64 random(1);
  const std::string base = directory + "/base";
  const std::string target = directory + "/target";
  std::ofstream file(base, std::ios::binary | std::ios::trunc);
  for (std::uint64_t left = size; left > 0;) {
    const std::uint64_t piece = std::min<std::uint64_t>(left, kPieceBytes);
    file << noise(random, piece);
    left -= piece;
  }
  file.close();
  std::error_code failed;
  std::filesystem::copy_file(base, target, std::filesystem::copy_options::overwrite_existing,
                             failed);
  if (!file || failed) return false;
  std::fstream edited(target, std::ios::binary | std::ios::in | std::ios::out);
  const std::uint64_t edits = size > kEditBytes ? size / 100 / kEditBytes : 0;
  for (std::uint64_t i = 0; i < edits; ++i) {
    edited.seekp(static_cast<std::streamoff>(random() % (size - kEditBytes)));
    edited << noise(random, kEditBytes);
  }
  edited.close();
  return static_cast<bool>(edited);
}

}  // namespace fieldpost::bench
