// `drill`: when, where, with which etcd, and what the restored data must hold.
#include "base/units.h"
#include "config/readers.h"
#include "config/values.h"

namespace etcdrill::config {
namespace {

// There is no other choice; the key stands in the file to say what is done.
Status CheckNewest(std::string_view text) {
  return text == "always" ? OkStatus()
                          : Error(Reason::kConfig, "the newest snapshot is drilled always");
}

Assertion ReadAssertion(Section& section) {
  Assertion a;
  section.Read("prefix", a.prefix);
  section.ReadOptional("min_keys", a.min_keys, ParseCount);
  section.ReadOptional("max_keys", a.max_keys, ParseCount);
  section.Read("key", a.key);
  section.ReadOptional("exists", a.exists, ParseBool);
  section.ReadOptional<std::string>(
      "equals", a.equals, [](std::string_view text) { return Result<std::string>(text); });
  section.ReadOptional<std::string>("matches", a.matches,
                                    [](std::string_view text) -> Result<std::string> {
                                      RETURN_IF_ERROR(CheckExpression(text));
                                      return std::string(text);
                                    });
  const bool counts = a.min_keys.has_value() || a.max_keys.has_value();
  const bool looks = a.exists.has_value() || a.equals.has_value() || a.matches.has_value();
  if (a.prefix.empty() == a.key.empty()) {
    section.Complain("names either a prefix or a key");
  } else if (a.key.empty() ? !counts || looks : !looks || counts) {
    section.Complain(a.key.empty() ? "has min_keys, max_keys or both beside a prefix"
                                   : "has exists, equals or matches beside a key");
  } else if (counts && a.min_keys.value_or(0) > a.max_keys.value_or(UINT64_MAX)) {
    section.Complain("has more min_keys than max_keys");
  } else if (a.exists == false && (a.equals.has_value() || a.matches.has_value())) {
    section.Complain("can't look at the value of a key that must not exist");
  }
  section.Finish();
  return a;
}

}  // namespace

void ReadDrill(Section section, DrillConfig& drill) {
  section.Read("schedule", drill.schedule, ParseSchedule);
  section.Read("jitter", drill.jitter, ParseDuration);  // none is zero, too
  section.Read("scratch_dir", drill.scratch_dir, CheckNeededPath);
  section.Read("timeout", drill.timeout);
  Section etcd = section.Sub("etcd");
  std::string binary;
  etcd.Read("binary", binary, CheckPath);
  if (!binary.empty()) drill.etcd_binaries = {binary};
  etcd.ReadByName("binaries", drill.etcd_binaries, CheckNeededPath);
  etcd.ReadOptional("memory_limit", drill.etcd_memory_limit, ParseSize);
  etcd.Finish();
  Section sample = section.Sub("sample");
  std::string newest = "always";
  sample.Read("newest", newest, CheckNewest);
  sample.Read("older", drill.sample.older_parts, ParseParts);
  sample.Finish();
  Section history = section.Sub("history");
  history.Read("max_key_loss", drill.history.key_loss_max, ParsePercent);
  history.Read("max_prefix_loss", drill.history.prefix_loss_max, ParsePercent);
  history.Finish();
  for (Section& entry : section.List("assertions"))
    drill.assertions.push_back(ReadAssertion(entry));
  section.Finish();
}

}  // namespace etcdrill::config
