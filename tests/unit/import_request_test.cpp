#include "coordinator/imports/import_request.h"

#include <doctest/doctest.h>

#include <string>

using namespace fieldpost;               // NOLINT
using namespace fieldpost::coordinator;  // NOLINT

namespace {

const std::string kHash(64, 'a');

std::string with(const std::string& members) {
  return R"({"size": 10, "sha256": ")" + kHash + "\"" + (members.empty() ? "" : ", ") + members +
         "}";
}

ImportRequest read(const std::string& members) {
  JsonFields fields(with(members), "an object");
  auto request = read_import_request(fields);
  CHECK(fields.problem() == "");
  return request;
}

std::string problem(const std::string& members) {
  JsonFields fields(with(members), "an object");
  (void)read_import_request(fields);
  return fields.problem();
}

constexpr const char* kDoor =
    R"("name": "doors.csv", "node": "house", "mapping": {"measurement": "door",
       "fields": {"open": "state"}, "types": {"open": "bool"}, "units": {"open": "1"},
       "tag_pointers": {"door": "which"}, "tags": {"floor": "2"}, "time_pointer": "when",
       "time_precision": "ms"})";

}  // namespace

TEST_CASE("the name of a file tells what it is, compressed or not") {
  CHECK(format_of_name("a.tar") == ImportFormat::kArchive);
  CHECK(format_of_name("a.tar.zst") == ImportFormat::kArchive);
  CHECK(format_of_name("a.tgz") == ImportFormat::kArchive);
  CHECK(format_of_name("a.b.csv.gz") == ImportFormat::kCsv);
  CHECK(format_of_name("a.lp") == ImportFormat::kLineProtocol);
  CHECK(format_of_name("a.jsonl") == ImportFormat::kJsonLines);
  CHECK(format_of_name("a.parquet") == ImportFormat::kParquet);
  CHECK_FALSE(format_of_name("a.txt").has_value());
  CHECK_FALSE(format_of_name("csv").has_value());
}

TEST_CASE("a request is read, and is the same after it was kept") {
  const ImportRequest request = read(kDoor);
  CHECK(request.format == ImportFormat::kCsv);
  CHECK(request.node == "house");
  REQUIRE(request.mapping.has_value());
  CHECK(request.mapping->fields.at(0).pointer == "state");
  CHECK(request.mapping->fields.at(0).type == wire::ValueType::kBool);
  CHECK(request.mapping->fields.at(0).unit == "1");
  CHECK(request.mapping->time_precision == wire::Precision::kMs);
  const auto again = decode_import_request(encode(request));
  REQUIRE(again.has_value());
  CHECK(encode(*again) == encode(request));
  CHECK(again->mapping->tag_pointers == request.mapping->tag_pointers);
  CHECK(decode_import_request("{}").error().code == rt::Errc::kCorrupt);
}

TEST_CASE("what brings in the same in the same way has one id") {
  const ImportRequest request = read(R"("name": "a.lp", "node": "n")");
  ImportRequest other = request;
  other.name = "b.lp";
  CHECK(import_id(other) == import_id(request));
  other.node = "m";
  CHECK(import_id(other) != import_id(request));
  other = request;
  other.precision = "s";
  CHECK(import_id(other) != import_id(request));
  other = request;
  other.again = "x";
  CHECK(import_id(other) != import_id(request));
  CHECK(import_id(request).size() == 32);
}

TEST_CASE("what is wrong with a request is told by its place") {
  CHECK(problem(R"("name": "a.txt")").find(R"("format")") == 0);
  CHECK(problem(R"("format": "xml")").find("archive, parquet, csv, jsonl") != std::string::npos);
  CHECK(problem(R"("name": "a.lp")").find(R"("node")") == 0);
  CHECK(problem(R"("name": "a.lp", "node": "A")").find(R"("node")") == 0);
  CHECK(problem(R"("name": "a.lp", "node": "n", "precision": "y")").find(R"("precision")") == 0);
  CHECK(problem(R"("name": "a.csv", "delimiter": "\"")").find(R"("delimiter")") == 0);
  CHECK(problem(R"("name": "a.csv", "delimiter": ";;")").find(R"("delimiter")") == 0);
  CHECK(problem(R"("name": "a.tar", "size": 0)").find(R"("size")") == 0);
  CHECK(problem(R"("name": "a.tar", "sha256": "x")").find(R"("sha256")") == 0);
  CHECK(problem(R"("name": "a.tar", "more": 1)").find(R"("more")") == 0);
  const auto mapping = [](const std::string& members) {
    return problem(R"("name": "a.csv", "node": "n", "mapping": {"measurement": "m")" + members +
                   "}");
  };
  CHECK(mapping("").find(R"("mapping/time_pointer")") == 0);
  CHECK(mapping(R"(, "time_pointer": "t")").find(R"("mapping/fields")") == 0);
  CHECK(mapping(R"(, "time_pointer": "t", "fields": {"f": ""})").find(R"("mapping/fields")") == 0);
  CHECK(mapping(R"(, "time_pointer": "t", "fields": {"f": "c"}, "types": {"g": "f64"})")
            .find(R"("mapping/types")") == 0);
  CHECK(mapping(R"(, "time_pointer": "t", "fields": {"f": "c"}, "time_precision": "y")")
            .find(R"("mapping/time_precision")") == 0);
  CHECK(mapping(R"(, "time_pointer": "t", "fields": {"f": "c"}, "units": {"g": "m"})")
            .find(R"("mapping/units")") == 0);
  CHECK(mapping(R"(, "when": "t")").find(R"("mapping/when")") == 0);
}
