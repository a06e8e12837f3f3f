// Printing one record in etcdutl's four forms.
#include "app/etcdutl_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

namespace etcdrill::app {
namespace {

void PrintJson(const std::vector<EtcdutlCell>& cells) {
  nlohmann::ordered_json json;
  for (const EtcdutlCell& cell : cells) {
    std::visit([&](const auto& value) { json[std::string(cell.key)] = value; }, cell.value);
  }
  fmt::print("{}\n", json.dump());
}

void PrintFields(const std::vector<EtcdutlCell>& cells) {
  for (const EtcdutlCell& cell : cells) {
    std::visit([&](const auto& value) { fmt::print("\"{}\" : {}\n", cell.field, value); }, cell.value);
  }
}

}  // namespace

void PrintAsEtcdutl(const std::vector<EtcdutlCell>& cells, OutputFormat format) {
  if (format == OutputFormat::kJson) return PrintJson(cells);
  if (format == OutputFormat::kFields) return PrintFields(cells);
  std::vector<std::string> head;
  std::vector<std::string> row;
  for (const EtcdutlCell& cell : cells) {
    head.emplace_back(cell.head);
    row.push_back(cell.text);
  }
  if (format == OutputFormat::kTable) {
    fmt::print("{}", FramedTable(head, {row}, Cells::kAllRight));
  } else {
    fmt::print("{}\n", fmt::join(row, ", "));
  }
}

}  // namespace etcdrill::app
