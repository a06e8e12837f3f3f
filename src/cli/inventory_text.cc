// Three tables; only the largest groups of each, the whole is in the JSON.
#include "cli/inventory_text.h"

#include <fmt/format.h>

#include "base/units.h"

namespace etcdrill::cli {
namespace {

constexpr size_t kGroupsShown = 20;

Row RowOf(const verify::InventoryGroup& g) {
  return {g.name,
          std::to_string(g.live_keys),
          std::to_string(g.revisions),
          FormatSize(g.live_value_bytes),
          FormatSize(g.bytes),
          std::to_string(g.encrypted),
          std::to_string(g.live_keys - g.encrypted)};
}

void PrintTable(std::vector<std::string> head, const Rows& rows, OutputFormat format) {
  fmt::print("{}",
             format == OutputFormat::kTable ? FramedTable(head, rows) : PlainTable(head, rows));
}

void PrintGroups(const char* what, const std::vector<verify::InventoryGroup>& groups,
                 OutputFormat format) {
  if (groups.empty()) return;
  Rows rows;
  for (const verify::InventoryGroup& g : groups) {
    if (rows.size() < kGroupsShown) rows.push_back(RowOf(g));
  }
  PrintTable({what, "KEYS", "REVISIONS", "VALUES", "STORED", "ENCRYPTED", "PLAIN"}, rows, format);
  if (groups.size() > rows.size())
    fmt::print("... and {} smaller ones, see -w json\n", groups.size() - rows.size());
}

}  // namespace

void PrintInventory(const verify::Inventory& inventory, OutputFormat format) {
  std::vector<verify::InventoryGroup> prefixes = {inventory.total};
  prefixes.insert(prefixes.end(), inventory.prefixes.begin(), inventory.prefixes.end());
  PrintGroups("PREFIX", prefixes, format);
  PrintGroups("RESOURCE", inventory.resources, format);
  if (inventory.encryption_keys.empty()) return;
  Rows rows;
  for (const verify::EncryptionKey& k : inventory.encryption_keys) {
    rows.push_back({k.provider, k.version, k.key, std::to_string(k.live_values)});
  }
  PrintTable({"PROVIDER", "VERSION", "KEY", "VALUES"}, rows, format);
}

}  // namespace etcdrill::cli
