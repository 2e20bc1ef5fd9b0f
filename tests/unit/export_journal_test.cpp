#include "coordinator/exports/export_journal.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/sim/sim_disk.h"
#include "tests/support/sim/sim_files.h"

namespace fieldpost::test {
namespace {

using coordinator::ExportJournal;
using coordinator::FileEntry;

TEST_CASE("a list of frames that was begun is begun anew when one of them is gone") {
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  ExportJournal journal = ExportJournal::open(files, "/journal").value();
  const auto body = [](const std::string& name) {
    FileEntry entry;
    entry.path = "blobs/" + name;
    entry.type = "image/jpeg";
    entry.written = {1, wire::sha256(name)};
    return entry;
  };
  FileEntry samples;
  samples.path = "p/samples";
  const auto paths = [&] {
    std::string out;
    const ExportJournal again = ExportJournal::open(files, "/journal").value();
    for (const auto& [path, entry] : again.entries()) out += path + " ";
    return out;
  };
  REQUIRE(journal.add(samples));
  REQUIRE(journal.set_bodies({body("a"), body("b")}));
  CHECK(paths() == "blobs/a blobs/b p/samples ");
  const std::uint64_t size = files.info("/journal").value().size;
  REQUIRE(journal.set_bodies({body("a"), body("b")}));
  CHECK(files.info("/journal").value().size == size);
  REQUIRE(journal.set_bodies({body("b")}));
  CHECK(journal.find("blobs/a") == nullptr);
  CHECK(paths() == "blobs/b p/samples ");
  REQUIRE(journal.set_bodies({}));
  CHECK(paths() == "p/samples ");
}

TEST_CASE("a journal larger than what is read of it at once is read whole, up to a torn line") {
  sim::SimDisk disk;
  sim::SimFiles files{disk};
  ExportJournal journal = ExportJournal::open(files, "/journal").value();
  const std::size_t count = 2'500;
  std::vector<FileEntry> entries(count);
  for (std::size_t i = 0; i < count; ++i) {
    entries[i].path = fmt::format("blobs/{:0400}", i);
    entries[i].type = "image/jpeg";
  }
  REQUIRE(journal.set_bodies(std::move(entries)));
  const std::uint64_t size = files.info("/journal").value().size;
  REQUIRE(size > (1U << 20U));
  REQUIRE(files.write_at("/journal", size, R"({"path":"torn)", 0640));
  ExportJournal again = ExportJournal::open(files, "/journal").value();
  CHECK(again.entries().size() == count);
  FileEntry last;
  last.path = "z";
  REQUIRE(again.add(last));
  const ExportJournal mended = ExportJournal::open(files, "/journal").value();
  CHECK(mended.entries().size() == count + 1);
}

}  // namespace
}  // namespace fieldpost::test
