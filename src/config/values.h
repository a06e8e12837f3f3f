// Texts of the file that stand for something: each is parsed, or refused with what would have been
// right.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace etcdrill::config {

Status CheckClusterName(std::string_view name);  // it becomes part of file names
Status CheckEndpoints(std::string_view list);    // one, or several with commas, as the flag
Status CheckListen(std::string_view address);
Status CheckNoNul(std::string_view text);       // a C string would end there
Status CheckPath(std::string_view path);        // may be empty; no shell stands between, so no "~/"
Status CheckNeededPath(std::string_view path);  // not empty
Status CheckAdopt(std::string_view path);       // wildcards in the last part only
Status CheckExpression(std::string_view text);  // RE2

// As it is written, less dots and double slashes, and with a slash at its end.
std::string PlainDir(std::string_view dir);

Result<uint64_t> ParseCount(std::string_view text);
Result<double> ParsePercent(std::string_view text);  // "50%" gives 0.5
Result<uint64_t> ParseParts(std::string_view text);  // "1/7" gives 7, "none" 0
Result<uint64_t> ParseRate(std::string_view text);   // "20MiB/s", more than nothing
Result<bool> ParseBool(std::string_view text);

}  // namespace etcdrill::config
