#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <string_view>

namespace etcdrill::cli {
namespace {

constexpr std::string_view kExampleHead = "Example:\n  ";

OptionInfo InfoOf(const CLI::Option& option) {
  OptionInfo info{.text = option.get_description(),
                  .environment = option.get_envname(),
                  .fallback = option.get_default_str(),
                  .required = option.get_required()};
  if (option.get_items_expected_max() > 0) info.value = option.get_type_name();
  if (option.get_positional()) info.names.push_back(option.get_name(true));
  for (const std::string& name : option.get_snames()) info.names.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) info.names.push_back("--" + name);
  return info;
}

// What has no group is hidden.
CommandInfo InfoOf(const CLI::App& app) {
  CommandInfo info{.name = app.get_name(), .text = app.get_description()};
  if (const std::string footer = app.get_footer(); footer.starts_with(kExampleHead))
    info.example = footer.substr(kExampleHead.size());
  for (const CLI::Option* o :
       app.get_options([](const CLI::Option* o) { return !o->get_group().empty(); })) {
    (o->get_positional() ? info.positionals : info.options).push_back(InfoOf(*o));
  }
  for (const CLI::App* c :
       app.get_subcommands([](const CLI::App* c) { return !c->get_group().empty(); })) {
    info.commands.push_back(InfoOf(*c));
  }
  return info;
}

}  // namespace

Option* Option::required(bool value) {
  option_->required(value);
  return this;
}

Option* Option::capture_default_str() {
  option_->capture_default_str();
  return this;
}

Option* Option::default_str(const std::string& text) {
  option_->default_str(text);
  return this;
}

Option* Option::allow_extra_args(bool value) {
  option_->allow_extra_args(value);
  return this;
}

Option* Option::envname(const std::string& name) {
  option_->envname(name);
  return this;
}

Option* Option::group(const std::string& name) {
  option_->group(name);
  return this;
}

Option* Option::check(const Check& check) {
  option_->check(CLI::Validator([check](std::string& text) { return check(text); }, ""));
  return this;
}

Option* Option::type_name(const std::string& name) {
  option_->type_name(name);
  return this;
}

App::App(const std::string& text, const std::string& name, const std::string& version)
    : app_(std::make_shared<CLI::App>(text, name)) {
  app_->require_subcommand(1);
  app_->fallthrough();
  app_->set_version_flag("--version", version, "Print the version of " + name);
}

App* App::add_subcommand(const std::string& name, const std::string& text) {
  return &commands_.emplace_back(app_->get_subcommand_ptr(app_->add_subcommand(name, text)));
}

App* App::require_subcommand(int count) {
  app_->require_subcommand(count);
  return this;
}

App* App::group(const std::string& name) {
  app_->group(name);
  return this;
}

void App::callback(const std::function<void()>& function) { app_->callback(function); }

Option* App::add_option(const std::string& name, std::string& value, const std::string& text) {
  return Keep(app_->add_option(name, value, text));
}

Option* App::add_option(const std::string& name, std::vector<std::string>& value,
                        const std::string& text) {
  return Keep(app_->add_option(name, value, text));
}

Option* App::add_option(const std::string& name, const Check& take, const std::string& text) {
  const CLI::callback_t taken_already = [](const CLI::results_t&) { return true; };
  return Keep(app_->add_option(name, taken_already, text))->check(take);
}

Option* App::add_flag(const std::string& name, bool& value, const std::string& text) {
  return Keep(app_->add_flag(name, value, text));
}

void App::AddExample(const std::string& line) { app_->footer(std::string(kExampleHead) + line); }

Parsed App::Parse(int argc, char** argv) {
  try {
    app_->parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return {.exit_code = app_->exit(error)};  // --help, --version
    return {.problem = error.what()};
  }
  return {};
}

CommandInfo App::Describe() const { return InfoOf(*app_); }

}  // namespace etcdrill::cli
