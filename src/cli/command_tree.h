// The command table as data, for what else is made from it: completion and the manual page. Filled
// from CLI11 in cli.cc, so that neither can say anything else than `--help`.
#pragma once

#include <string>
#include <vector>

namespace etcdrill::cli {

struct OptionInfo {
  std::vector<std::string> names;  // "-w", "--write-out"; of a positional its one name
  std::string value;               // "FILE", "simple|table|json"; empty for a flag
  std::string text;
  std::string environment;
  std::string fallback;  // what holds without it
  bool required = false;
};

struct CommandInfo {
  std::string name;
  std::string text;
  std::vector<OptionInfo> positionals;
  std::vector<OptionInfo> options;
  std::vector<CommandInfo> commands;
};

}  // namespace etcdrill::cli
