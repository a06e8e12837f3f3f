// An empty root under two metas, which ApplyEdit then fills. The empty root stays behind as a free
// page.
#include "format/bbolt/new_database.h"

#include "base/check.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/meta.h"
#include "format/bbolt/page_appender.h"

namespace etcdrill::bbolt {
namespace {

std::string Page(PageId id, uint16_t flags, std::string_view body, uint32_t page_size) {
  std::string page = PageImage(id, flags, 0, nullptr, 0).append(body);
  page.resize(page_size);
  return page;
}

}  // namespace

Status CreateDatabase(FileSystem& fs, const std::string& path, uint32_t page_size,
                      const std::map<std::string, BucketContent>& buckets) {
  const Meta older{.page_size = page_size, .root = 2, .high_water = 3, .tx_id = 3};
  Meta meta = older;
  meta.tx_id = 4;
  const std::string empty = Page(0, kMetaPage, EncodeMeta(meta), page_size) +
                            Page(1, kMetaPage, EncodeMeta(older), page_size) +
                            Page(2, kLeafPage, "", page_size);
  ASSIGN_OR_RETURN(const auto file, fs.Create(path, kPrivateFileMode));
  RETURN_IF_ERROR(file->Append(empty));
  ASSIGN_OR_RETURN(const auto source, fs.OpenForReading(path));
  Findings none;
  ASSIGN_OR_RETURN(const auto database, Database::Open(*source, empty.size(), none));
  CHECK(database.has_value());
  return ApplyEdit(*database, {.replace = buckets}, *file);
}

}  // namespace etcdrill::bbolt
