// `snapshot`: when one is taken, and for how long it stays.
#include "base/units.h"
#include "config/readers.h"
#include "config/values.h"

namespace etcdrill::config {
namespace {

// One that is given stands for itself: the defaults of the numbers that it leaves out are for a
// file without any.
void ReadRetention(Section section, Retention& retention) {
  if (section.exists()) retention = {};
  section.Read("last", retention.last, ParseCount);
  section.Read("hourly", retention.hourly, ParseCount);
  section.Read("daily", retention.daily, ParseCount);
  section.Read("weekly", retention.weekly, ParseCount);
  section.ReadOptional("total_size", retention.total_size, ParseSize);
  section.Read("quarantine", retention.quarantine);
  section.Finish();
}

Result<When> ParseWhen(std::string_view text) {
  if (text == "always") return When::kAlways;
  if (text == "member-is-leader") return When::kMemberIsLeader;
  return Error(Reason::kConfig, "must be always or member-is-leader");
}

}  // namespace

void ReadSnapshot(Section section, SnapshotConfig& snapshot) {
  section.Read("schedule", snapshot.schedule, ParseSchedule);
  section.Read("when", snapshot.when, ParseWhen);
  section.Read("jitter", snapshot.jitter, ParseDuration);  // none is zero, too
  section.Read("timeout", snapshot.timeout);
  section.Read("skip_unchanged", snapshot.skip_unchanged, ParseBool);
  section.Read("force_after", snapshot.force_after);
  ReadRetention(section.Sub("retention"), snapshot.retention);
  section.Finish();
}

}  // namespace etcdrill::config
