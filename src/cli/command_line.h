// The command line, in front of CLI11: its templates take a compiler four seconds in each file that
// sees them, so command_line.cc alone does. What is here has the names and meanings that CLI11
// gives it (cliutils.github.io/CLI11).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_tree.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace etcdrill::cli {

// Says what is wrong with the text of an option; empty if nothing is.
using Check = std::function<std::string(const std::string& text)>;

class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}

  Option* required(bool value = true);
  Option* capture_default_str();
  Option* default_str(const std::string& text);
  Option* allow_extra_args(bool value);
  Option* envname(const std::string& name);
  Option* group(const std::string& name);
  Option* check(const Check& check);
  Option* type_name(const std::string& name);

 private:
  CLI::Option* option_;
};

// What came of the arguments.
struct Parsed {
  std::optional<int> exit_code;  // help or the version was asked for, and is printed
  std::string problem;
};

// A command, or the program itself. Variables must outlive it.
class App {
 public:
  App(const std::string& text, const std::string& name, const std::string& version);
  explicit App(std::shared_ptr<CLI::App> app) : app_(std::move(app)) {}
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  App* add_subcommand(const std::string& name, const std::string& text);
  App* require_subcommand(int count);
  App* group(const std::string& name);
  void callback(const std::function<void()>& function);
  Option* add_option(const std::string& name, std::string& value, const std::string& text = "");
  Option* add_option(const std::string& name, std::vector<std::string>& value,
                     const std::string& text = "");
  // `take` checks the text and keeps its meaning.
  Option* add_option(const std::string& name, const Check& take, const std::string& text = "");
  Option* add_flag(const std::string& name, bool& value, const std::string& text);
  // One command line, at the end of the help and in the manual.
  void AddExample(const std::string& line);

  Parsed Parse(int argc, char** argv);
  CommandInfo Describe() const;

 private:
  Option* Keep(CLI::Option* option) { return &options_.emplace_back(option); }

  std::shared_ptr<CLI::App> app_;
  std::deque<App> commands_;
  std::deque<Option> options_;
};

}  // namespace etcdrill::cli
