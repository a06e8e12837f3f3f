// gzip for answers (RFC 1952).
#pragma once

#include <string>
#include <string_view>

namespace etcdrill::http {

// Does this Accept-Encoding allow gzip? A weight of zero forbids it (RFC 9110 12.5.3).
bool AcceptsGzip(std::string_view accept_encoding);

std::string Gzip(std::string_view bytes);

}  // namespace etcdrill::http
