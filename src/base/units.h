// Durations and sizes as people write them: "90s", "1h30m", "250ms", "7d"; "512MiB", "2GB". A bare
// number is refused, because nobody can tell what it counts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill {

// Units ns us ms s m h d; several may follow each other. Not negative, below 100 years.
Result<Duration> ParseDuration(std::string_view text);

// Units B kB MB GB TB (powers of 1000) and KiB MiB GiB TiB (powers of 1024). Not negative, below
// 1000 TB.
Result<uint64_t> ParseSize(std::string_view text);

std::string FormatDuration(Duration d);  // "1h30m", "2.3s", "15ms"
std::string FormatSize(uint64_t bytes);  // "1.4 GiB", "512 B"

}  // namespace etcdrill
