// etcdrill.1, in the man(7) macros. The hard fact: in them a line must not begin with a dot or a
// quote, and a bare minus is a hyphen that can't be copied into a shell.
#include <fmt/format.h>

#include <map>

#include "base/version.h"
#include "cli/command_tree.h"

namespace etcdrill::cli {
namespace {

constexpr const char* kExitStatus = R"(.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
The operation failed, or the data cannot be confirmed.
.TP
.B 2
The command line or the configuration is not valid.
.TP
.B 3
The data is wrong.
.TP
.B 4
The snapshot is older than allowed.
.TP
.B 130
Stopped by a signal.
)";

constexpr const char* kRest = R"(.SH FILES
.TP
.I /etc/etcdrill/etcdrill.yaml
The configuration of the service, see
.BR etcdrill.yaml (5).
.TP
.I /var/lib/etcdrill
Snapshots and scratch data. They contain every secret of the cluster.
.SH SEE ALSO
.BR etcdrill.yaml (5)
)";

constexpr size_t kLine = 72;  // of the source; the reader's width is the reader's

// `code` becomes bold; everything else stands for itself, in lines that an editor shows whole.
std::string Text(std::string_view text) {
  std::string roff;
  bool code = false;
  size_t line = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' && i - line > kLine && i + 1 < text.size() && text[i + 1] != '.' &&
        text[i + 1] != '\'') {
      line = i;
      roff += '\n';
      continue;
    }
    if (c == '`') {
      code = !code;
      roff += code ? "\\fB" : "\\fR";
    } else if (c == '\\') {
      roff += "\\e";
    } else if (c == '-') {
      roff += "\\-";
    } else {
      if (roff.empty() && (c == '.' || c == '\'')) roff += "\\&";
      roff += c;
    }
  }
  return roff;
}

std::string Bold(std::string_view text) { return "\\fB" + Text(text) + "\\fR"; }
std::string Italic(std::string_view text) { return "\\fI" + Text(text) + "\\fR"; }

void AddOption(std::string& page, const OptionInfo& option, bool positional) {
  std::string head;
  for (const std::string& name : option.names) {
    head += (head.empty() ? "" : ", ") + (positional ? Italic(name) : Bold(name));
  }
  if (!positional && !option.value.empty()) head += " " + Italic(option.value);
  page += ".TP\n" + head + "\n" + Text(option.text);
  if (positional && option.text.empty()) page += Text(option.value);
  if (!option.fallback.empty()) page += fmt::format(" (default {})", Text(option.fallback));
  if (option.required && !positional) page += " (required)";
  if (!option.environment.empty()) page += fmt::format(" [{}]", Text(option.environment));
  page += "\n";
}

// `etcdrill snapshot save [OPTIONS] [path]`, its text, options and example; or the same for each
// command below it.
void AddCommand(std::string& page, const CommandInfo& command, const std::string& name) {
  for (const CommandInfo& next : command.commands) AddCommand(page, next, name + " " + next.name);
  if (!command.commands.empty()) return;
  page += fmt::format(".SS {}", Text(name));
  for (const OptionInfo& p : command.positionals) {
    const std::string name_of = Text(p.names.front());
    page += p.required ? " " + name_of : " [" + name_of + "]";
  }
  page += "\n" + Text(command.text) + ".\n";
  for (const OptionInfo& p : command.positionals) AddOption(page, p, /*positional=*/true);
  for (const OptionInfo& o : command.options) {
    if (o.names.back() != "--help") AddOption(page, o, /*positional=*/false);  // alike everywhere
  }
  if (!command.example.empty()) page += ".PP\nExample:\n.br\n" + Bold(command.example) + "\n";
}

void CollectEnvironment(const CommandInfo& command, std::map<std::string, std::string>& found) {
  for (const OptionInfo& o : command.options) {
    if (!o.environment.empty()) found[o.environment] = o.names.back();
  }
  for (const CommandInfo& next : command.commands) CollectEnvironment(next, found);
}

}  // namespace

std::string ManPage(const CommandInfo& root) {
  std::string page = fmt::format(
      ".TH ETCDRILL 1 \"{0}\" \"etcdrill {0}\" \"User Commands\"\n.SH NAME\netcdrill \\- proves "
      "etcd backups\n"
      ".SH SYNOPSIS\n.B etcdrill\n.RI [ OPTIONS ]\n.I COMMAND\n.RI [ ARGUMENTS ]\n.SH "
      "DESCRIPTION\n{1}\n.SH OPTIONS\n",
      kVersion, Text(root.text));
  for (const OptionInfo& o : root.options) AddOption(page, o, /*positional=*/false);
  page += ".SH COMMANDS\n";
  for (const CommandInfo& command : root.commands) AddCommand(page, command, command.name);
  page += kExitStatus;
  page += ".SH ENVIRONMENT\n";
  std::map<std::string, std::string> environment;
  CollectEnvironment(root, environment);
  for (const auto& [name, option] : environment) {
    page += fmt::format(".TP\n.B {}\nUsed where {} is not given.\n", name, Bold(option));
  }
  page += ".TP\n.B NO_COLOR\nDisables colours if it is set.\n";
  page += kRest;
  return page;
}

}  // namespace etcdrill::cli
