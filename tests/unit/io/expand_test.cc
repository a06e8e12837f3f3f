// Compressed files, made by the libraries themselves; and files that only look like it.
#include "io/expand.h"

#include <zip.h>
#include <zlib.h>

#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using testing::ReadFile;
using testing::TestContext;
using testing::WriteFile;

std::string Content() {
  std::string content;
  for (uint64_t i = 0; content.size() < 900'000; ++i)
    content += std::to_string(i * i) + std::string(1, static_cast<char>(i));
  return content;
}

void WriteGzip(const std::string& path, const std::string& content) {
  const gzFile file = gzopen(path.c_str(), "ab");
  REQUIRE(gzwrite(file, content.data(), static_cast<unsigned>(content.size())) ==
          static_cast<int>(content.size()));
  REQUIRE(gzclose(file) == Z_OK);
}

void WriteZip(const std::string& path, const std::vector<std::string>& contents) {
  zip_t* archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
  for (const std::string& content : contents) {
    zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
    REQUIRE(zip_file_add(archive, std::to_string(content.size()).c_str(), source, 0) >= 0);
  }
  REQUIRE(zip_close(archive) == 0);
}

struct Expanded {
  Status status;
  std::string content;
};

Expanded Expand(TestContext& test, uint64_t size_max = uint64_t{1} << 30) {
  Expanded expanded;
  expanded.status = ReadExpanded(test.fs(), test.Path("f"), size_max, [&](std::string_view bytes) {
    expanded.content += bytes;
    return OkStatus();
  });
  return expanded;
}

TEST_CASE("plain and packed files give the same bytes") {
  TestContext test;
  const std::string content = Content();
  SECTION("plain") { WriteFile(test.Path("f"), content); }
  SECTION("gzip") { WriteGzip(test.Path("f"), content); }
  SECTION("gzip in two parts") {
    WriteGzip(test.Path("f"), content.substr(0, 1000));
    WriteGzip(test.Path("f"), content.substr(1000));
  }
  SECTION("zip") { WriteZip(test.Path("f"), {content}); }
  const Expanded expanded = Expand(test);
  CHECK(expanded.status.ok());
  CHECK(expanded.content == content);
  CHECK(Expand(test, content.size()).status.ok());
  CHECK(ReasonOf(Expand(test, content.size() - 1).status) == Reason::kDamaged);
}

TEST_CASE("a small file that expands to a large one stops at the limit") {
  TestContext test;
  const std::string zeros(50'000'000, '\0');
  SECTION("gzip") { WriteGzip(test.Path("f"), zeros); }
  SECTION("zip") { WriteZip(test.Path("f"), {zeros}); }
  const Expanded expanded = Expand(test, 1'000'000);
  CHECK(ReasonOf(expanded.status) == Reason::kDamaged);
  CHECK(expanded.content.size() <= 1'000'000);
}

TEST_CASE("what is cut or changed is damaged and nothing crashes") {
  TestContext test;
  const std::string content = Content();
  SECTION("gzip") { WriteGzip(test.Path("f"), content); }
  SECTION("zip") { WriteZip(test.Path("f"), {content}); }
  SECTION("zip with two files") {
    WriteZip(test.Path("f"), {content, "another"});
    CHECK(ReasonOf(Expand(test).status) == Reason::kDamaged);
  }
  const std::string packed = ReadFile(test.Path("f"));
  for (size_t size = 4; size < packed.size(); size += packed.size() / 40) {
    WriteFile(test.Path("f"), packed.substr(0, size));
    CHECK(ReasonOf(Expand(test).status) == Reason::kDamaged);
  }
  for (size_t at = 100; at < packed.size() - 200; at += packed.size() / 40) {
    std::string changed = packed;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    WriteFile(test.Path("f"), changed);
    const Expanded expanded = Expand(test);
    CHECK((!expanded.status.ok() || expanded.content == content));
  }
}

TEST_CASE("small files and errors of the sink") {
  TestContext test;
  for (const std::string content : {"", "P", "PK\x03", "\x1f", "xyz"}) {
    WriteFile(test.Path("f"), content);
    CHECK(Expand(test).content == content);
  }
  const Status status = ReadExpanded(test.fs(), test.Path("f"), 10, [](std::string_view) {
    return Error(Reason::kNoSpace, "full");
  });
  CHECK(ReasonOf(status) == Reason::kNoSpace);
}

}  // namespace
}  // namespace etcdrill
