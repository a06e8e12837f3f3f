#include "cli/output.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"

namespace etcdrill::cli {
namespace {

// Characters on the screen: bytes, less UTF-8 continuation bytes.
size_t WidthOf(std::string_view text) {
  const auto shows = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<size_t>(std::ranges::count_if(text, shows));
}

void MakeShown(Rows& rows) {
  for (Row& row : rows) {
    for (Cell& cell : row) cell.text = Shown(cell.text);
  }
}

std::string Coloured(const std::string& padded, const Cell& cell) {
  return cell.colour.has_value() ? cli::Coloured(padded, *cell.colour) : padded;
}

std::vector<size_t> ColumnWidths(const std::vector<std::string>& head, const Rows& rows) {
  std::vector<size_t> widths(head.size());
  for (size_t i = 0; i < head.size(); ++i) {
    widths[i] = WidthOf(head[i]);
    for (const Row& row : rows) widths[i] = std::max(widths[i], WidthOf(row[i].text));
  }
  return widths;
}

enum class Align { kLeft, kCentre, kRight };

std::string Padded(std::string_view text, size_t width, Align align = Align::kLeft) {
  const size_t blanks = width - std::min(width, WidthOf(text));
  const size_t before = align == Align::kLeft ? 0 : align == Align::kRight ? blanks : blanks / 2;
  return std::string(before, ' ') + std::string(text) + std::string(blanks - before, ' ');
}

bool IsNumber(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

void PrintCells(const std::vector<EtcdutlCell>& cells) {
  Json json;
  for (const EtcdutlCell& cell : cells) {
    auto& value = json[std::string(cell.key)];
    if (cell.number.has_value()) {
      value = *cell.number;
    } else {
      value = cell.text;
    }
  }
  PrintJsonText(DumpLine(json));
}

void PrintFields(const std::vector<EtcdutlCell>& cells) {
  for (const EtcdutlCell& cell : cells) {
    const std::string value = cell.number.has_value() ? std::to_string(*cell.number) : cell.text;
    fmt::print("{}\n", Shown(fmt::format("\"{}\" : {}", cell.field, value)));
  }
}

}  // namespace

std::string FramedTable(const std::vector<std::string>& head, Rows rows, Cells cells) {
  MakeShown(rows);
  const std::vector<size_t> widths = ColumnWidths(head, rows);
  std::string rule = "+";
  for (const size_t width : widths) rule += std::string(width + 2, '-') + "+";
  rule += "\n";
  std::string out = rule + "|";
  for (size_t i = 0; i < head.size(); ++i)
    out += " " + Padded(head[i], widths[i], Align::kCentre) + " |";
  out += "\n" + rule;
  for (const Row& row : rows) {
    out += "|";
    for (size_t i = 0; i < row.size(); ++i) {
      const bool right = cells == Cells::kAllRight || IsNumber(row[i].text);
      out +=
          " " +
          Coloured(Padded(row[i].text, widths[i], right ? Align::kRight : Align::kLeft), row[i]) +
          " |";
    }
    out += "\n";
  }
  return out + rule;
}

std::string PlainTable(const std::vector<std::string>& head, Rows rows) {
  MakeShown(rows);
  const std::vector<size_t> widths = ColumnWidths(head, rows);
  const auto line = [&](const Row& row) {
    // Nothing stands behind the last field that says something.
    const auto last =
        std::find_if(row.rbegin(), row.rend(), [](const Cell& cell) { return !cell.text.empty(); });
    const auto fields = static_cast<size_t>(row.rend() - last);
    std::string text;
    for (size_t i = 0; i < fields; ++i) {
      const std::string field = i + 1 < fields ? Padded(row[i].text, widths[i]) : row[i].text;
      text += (i > 0 ? "  " : "") + Coloured(field, row[i]);
    }
    return text + "\n";
  };
  std::string out = line(Row(head.begin(), head.end()));
  for (const Row& row : rows) out += line(row);
  return out;
}

std::string HumanBytes(uint64_t bytes) {
  constexpr std::array kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 10) return fmt::format("{} B", bytes);
  const auto value = static_cast<double>(bytes);
  const auto exponent = static_cast<size_t>(std::floor(std::log(value) / std::log(1000.0)));
  const double scaled =
      std::floor(value / std::pow(1000.0, static_cast<double>(exponent)) * 10 + 0.5) / 10;
  return scaled < 10 ? fmt::format("{:.1f} {}", scaled, kUnits[exponent])
                     : fmt::format("{:.0f} {}", scaled, kUnits[exponent]);
}

std::string Coloured(std::string_view word, Colour colour) {
  static const bool on = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  const std::string shown = Shown(word);
  if (!on) return shown;
  const int code = colour == Colour::kGreen ? 32 : colour == Colour::kRed ? 31 : 33;
  return fmt::format("\x1b[{}m{}\x1b[0m", code, shown);
}

Look LookOf(Verdict verdict) {
  return verdict == Verdict::kProven    ? kLooksGood
         : verdict == Verdict::kDamaged ? kLooksWrong
                                        : kLooksOpen;
}

Look LookOf(Continuity verdict) {
  return verdict == Continuity::kContinues  ? kLooksGood
         : verdict == Continuity::kDiverged ? kLooksWrong
                                            : kLooksOpen;
}

void PrintJsonText(std::string_view json) {
  std::string out;
  while (!json.empty()) {
    const size_t length = Utf8Length(json);
    const std::string_view character = json.substr(0, std::max<size_t>(length, 1));
    if (length == 0) {
      out += "\\ufffd";
    } else if (IsControl(character) && static_cast<unsigned char>(character.back()) >= 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(character.back()));
    } else {
      out += character;
    }
    json.remove_prefix(character.size());
  }
  fmt::print("{}{}", out, out.ends_with('\n') ? "" : "\n");
}

void PrintJson(const Json& json) { PrintJsonText(Dump(json)); }

void PrintTable(OutputFormat format, const std::vector<std::string>& head, const Rows& rows) {
  fmt::print("{}",
             format == OutputFormat::kTable ? FramedTable(head, rows) : PlainTable(head, rows));
}

void PrintList(OutputFormat format, const Json& json, const std::vector<std::string>& head,
               const Rows& rows) {
  if (format == OutputFormat::kJson) return PrintJson(json);
  PrintTable(format, head, rows);
}

std::string FindingLine(const Finding& finding) {
  return fmt::format("{}: {}: {}\n", NameOf(finding.severity), finding.code, Shown(finding.text));
}

void PrintFindings(const Findings& findings) {
  for (const Severity severity : kSeverities) {
    for (const Finding& f : findings.kept()) {
      if (f.severity == severity) fmt::print("{}", FindingLine(f));
    }
  }
  for (const Severity severity : kSeverities) {
    const uint64_t more = findings.dropped(severity);
    if (more > 0) fmt::print("... and {} more of severity {}\n", more, NameOf(severity));
  }
}

std::function<void(uint64_t, uint64_t)> ProgressLine(std::string label, ProgressMode mode,
                                                     Clock& clock) {
  const bool on =
      mode == ProgressMode::kAlways || (mode == ProgressMode::kAuto && isatty(STDERR_FILENO) == 1);
  if (!on) return [](uint64_t, uint64_t) {};
  return [label = std::move(label), &clock, watch = Stopwatch(clock), next = clock.Monotonic()](
             uint64_t done, uint64_t total) mutable {
    constexpr Duration kRedrawEvery = std::chrono::milliseconds(100);
    const bool finished = done >= total;
    if (!finished && clock.Monotonic() < next) return;
    next = clock.Monotonic() + kRedrawEvery;
    const double share = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
    const double rate = static_cast<double>(done) / std::max(watch.Seconds(), 1e-3);
    fmt::print(stderr, "\r{} {:3.0f} %  {} of {}  {}/s\x1b[K{}", label, share * 100,
               FormatSize(done), FormatSize(total), FormatSize(static_cast<uint64_t>(rate)),
               finished ? "\r\x1b[K" : "");
  };
}

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
