// Printing one record in etcdutl's four forms.
#include "cli/etcdutl_output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/text.h"

namespace etcdrill::cli {
namespace {

void PrintCells(const std::vector<EtcdutlCell>& cells) {
  nlohmann::ordered_json json;
  for (const EtcdutlCell& cell : cells) {
    std::visit([&](const auto& value) { json[std::string(cell.key)] = value; }, cell.value);
  }
  PrintJsonText(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

void PrintFields(const std::vector<EtcdutlCell>& cells) {
  for (const EtcdutlCell& cell : cells) {
    const auto text = [&](const auto& value) {
      return fmt::format("\"{}\" : {}", cell.field, value);
    };
    fmt::print("{}\n", Shown(std::visit(text, cell.value)));
  }
}

}  // namespace

void PrintAsEtcdutl(const std::vector<EtcdutlCell>& cells, OutputFormat format) {
  if (format == OutputFormat::kJson) return PrintCells(cells);
  if (format == OutputFormat::kFields) return PrintFields(cells);
  std::vector<std::string> head;
  Row row;
  std::vector<std::string> texts;
  for (const EtcdutlCell& cell : cells) {
    head.emplace_back(cell.head);
    row.emplace_back(cell.text);
    texts.push_back(Shown(cell.text));
  }
  if (format == OutputFormat::kTable) {
    fmt::print("{}", FramedTable(head, {row}, Cells::kAllRight));
  } else {
    fmt::print("{}\n", fmt::join(texts, ", "));
  }
}

}  // namespace etcdrill::cli
