#include "config/shared_sections.h"

#include "base/units.h"
#include "config/values.h"

namespace etcdrill::config {

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

void ReadScrub(Section section, ScrubConfig& scrub) {
  section.Read("period", scrub.period);
  section.Read("rate", scrub.bytes_per_second, ParseRate);
  section.Finish();
}

}  // namespace etcdrill::config
