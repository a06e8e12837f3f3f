// How results reach people and scripts: plain lines, a table, or JSON; and a progress line on
// terminals.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/reason.h"
#include "proof/finding.h"
#include "proof/words.h"

namespace etcdrill {
struct Manifest;
namespace pipeline {
struct DrillReport;
}
namespace verify {
struct LineageReport;
struct VerifyReport;
}  // namespace verify
}  // namespace etcdrill

namespace etcdrill::cli {

enum class OutputFormat { kSimple, kTable, kJson, kFields };
enum class ProgressMode { kAuto, kAlways, kNever };

// Green, red or yellow on a terminal without NO_COLOR, else the bare word.
enum class Colour { kGreen, kRed, kYellow };
std::string Coloured(std::string_view word, Colour colour);

// What a verdict looks like, and what its command exits with.
struct Look {
  Colour colour;
  ExitCode exit_code;
};
inline constexpr Look kLooksGood = {Colour::kGreen, ExitCode::kOk};
inline constexpr Look kLooksWrong = {Colour::kRed, ExitCode::kVerificationFailed};
inline constexpr Look kLooksOpen = {Colour::kYellow, ExitCode::kFailed};
Look LookOf(Verdict verdict);
Look LookOf(Continuity verdict);

// One field of a table. Its text may come from anywhere: controls are escaped when it is printed
// (base/text.h).
struct Cell {
  Cell(std::string t) : text(std::move(t)) {}
  Cell(const char* t) : text(t) {}
  Cell(std::string_view t) : text(t) {}
  Cell(std::string_view t, Colour c) : text(t), colour(c) {}

  std::string text;
  std::optional<Colour> colour;
};
using Row = std::vector<Cell>;
using Rows = std::vector<Row>;

// A table with a frame of ASCII characters. etcdutl, which some commands stand in for, sets all
// cells to the right.
enum class Cells { kNumbersRight, kAllRight };
std::string FramedTable(const std::vector<std::string>& head, Rows rows,
                        Cells cells = Cells::kNumbersRight);
// The same without a frame, columns apart by two blanks: easy to read and to cut.
std::string PlainTable(const std::vector<std::string>& head, Rows rows);

// "177 kB", as etcdutl prints sizes (go-humanize: powers of 1000).
std::string HumanBytes(uint64_t bytes);

// A JSON document, as it is but for DEL and C1 (and bytes that are no UTF-8), which JSON allows and
// terminals obey: they are escaped as JSON does it.
void PrintJsonText(std::string_view json);
void PrintJson(const Json& json);
// The JSON of each, for commands that can do without the header of the library. (An overload of
// PrintJson would be no choice: Json converts to anything.)
void PrintDocument(const Manifest& manifest);
void PrintDocument(const pipeline::DrillReport& report);
void PrintDocument(const verify::LineageReport& report);
void PrintDocument(const verify::VerifyReport& report);
// With a frame or without, as `format` says.
void PrintTable(OutputFormat format, const std::vector<std::string>& head, const Rows& rows);
// `json`, or the table.
void PrintList(OutputFormat format, const Json& json, const std::vector<std::string>& head,
               const Rows& rows);

// "warning: CODE: TEXT" and the end of the line.
std::string FindingLine(const Finding& finding);
// One line for each that was kept, and one for each severity of which some were not.
void PrintFindings(const Findings& findings);

// What `snapshot status` and `hashkv` print, byte for byte as etcdutl 3.6 does, for scripts that
// read it. Source: etcdutl/printer*.go. (3.7, and Debian's build of 3.5, frame tables with other
// characters.)
struct EtcdutlCell {
  std::string_view head;          // in a table
  std::string_view field;         // in fields
  std::string_view key;           // in JSON
  std::optional<int64_t> number;  // in fields and JSON, instead of the text
  std::string text;               // on a simple line and in a table
};
void PrintAsEtcdutl(const std::vector<EtcdutlCell>& cells, OutputFormat format);

// A function to be called with (done, total) that redraws one line on stderr at most ten times a
// second, and clears it at the end. Draws nothing if stderr is not a terminal, unless `mode` is
// kAlways.
std::function<void(uint64_t, uint64_t)> ProgressLine(std::string label, ProgressMode mode,
                                                     Clock& clock);

}  // namespace etcdrill::cli

template <>
inline constexpr auto etcdrill::kNames<etcdrill::cli::OutputFormat> =
    etcdrill::Names("simple", "table", "json", "fields");
template <>
inline constexpr auto etcdrill::kNames<etcdrill::cli::ProgressMode> = etcdrill::Names("auto",
                                                                                      "always",
                                                                                      "never");
