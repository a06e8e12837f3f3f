// The INI dialect of ~/.aws/config and ~/.aws/credentials, as Python's RawConfigParser reads it for
// botocore (docs.python.org/3/library/configparser.html#supported-ini-file-structure): `=` or `:`,
// blanks around them or not, names of keys in any case, whole lines of comment with # or ;, and
// what is indented belongs to the key above it.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"

namespace etcdrill::objects {

// Keys are in lower case.
using IniSection = std::map<std::string, std::string>;
using Ini = std::map<std::string, IniSection>;

// What is indented is passed over: there are settings of the AWS tools, never keys. Sections and
// keys that are there twice are merged, the last one wins. kCredentials with the number of the
// line, never what it holds, if one is neither.
Result<Ini> ParseIni(std::string_view text);

}  // namespace etcdrill::objects
