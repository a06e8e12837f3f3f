// How results reach people and scripts: plain lines, a table, or JSON; and a progress line on terminals.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "format/finding.h"

namespace etcdrill::app {

enum class OutputFormat { kSimple, kTable, kJson, kFields };
enum class ProgressMode { kAuto, kAlways, kNever };

// A table with a frame of ASCII characters. etcdutl, which some commands stand in for, sets all cells to the right.
enum class Cells { kNumbersRight, kAllRight };
std::string FramedTable(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows,
                        Cells cells = Cells::kNumbersRight);
// The same without a frame, columns apart by two blanks: easy to read and to cut.
std::string PlainTable(const std::vector<std::string>& head, const std::vector<std::vector<std::string>>& rows);

// "177 kB", as etcdutl prints sizes (go-humanize: powers of 1000).
std::string HumanBytes(uint64_t bytes);

// Green, red or yellow on a terminal without NO_COLOR, else the bare word.
enum class Colour { kGreen, kRed, kYellow };
std::string Coloured(std::string_view word, Colour colour);

// One line for each that was kept, and one that counts the rest.
void PrintFindings(const Findings& findings);

// A function to be called with (done, total) that redraws one line on stderr at most ten times a second, and clears it
// at the end. Draws nothing if stderr is not a terminal, unless `mode` is kAlways.
std::function<void(uint64_t, uint64_t)> ProgressLine(std::string label, ProgressMode mode, Clock& clock);

}  // namespace etcdrill::app
