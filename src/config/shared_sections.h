// Sections that occur at more than one place of the file: of the store, and of each site.
#pragma once

#include "config/config.h"
#include "config/section.h"

namespace etcdrill::config {

// One that is given stands for itself: the defaults of the numbers that it leaves out are for a
// file without any.
void ReadRetention(Section section, Retention& retention);
void ReadScrub(Section section, ScrubConfig& scrub);

}  // namespace etcdrill::config
