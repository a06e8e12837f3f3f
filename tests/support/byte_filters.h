// Bytes through what is written piece by piece: AgeWriter, ZstdReader and their like.
#pragma once

#include <string>
#include <string_view>

#include "base/byte_sink.h"

namespace etcdrill::testing {

inline ByteSink AppendTo(std::string& out) {
  return [&out](std::string_view bytes) {
    out += bytes;
    return OkStatus();
  };
}

// `piece` bytes at a time, and the end.
template <typename Filter>
Status Feed(Filter& filter, std::string_view bytes, size_t piece) {
  for (size_t at = 0; at < bytes.size(); at += piece)
    RETURN_IF_ERROR(filter.Append(bytes.substr(at, piece)));
  return filter.Finish();
}

}  // namespace etcdrill::testing
