// Which names and metadata every store can hold, and hand back unchanged. S3 servers list keys with
// "//" under other names, refuse "..", or leave what needs escapes unescaped; a directory has names
// of at most 255 bytes, and hidden ones for what is half done. So names are plain, whatever a
// cluster is called.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/status.h"
#include "objects/object_store.h"

namespace etcdrill::objects {

// S3 has 1,024 for the bucket's prefix and the name.
inline constexpr size_t kNameBytesMax = 512;
inline constexpr size_t kNamePartBytesMax = 200;

// What stands between two slashes: [A-Za-z0-9._-], without a dot in front.
bool IsNamePart(std::string_view part);

// kUsage if it is not parts between single slashes.
Status CheckName(std::string_view name);

// Of an object that is to be written: its name, and metadata that fits into headers of HTTP: names
// of [a-z0-9], as Azure takes no hyphen in them; values of printable ASCII without blanks at the
// ends.
Status CheckPut(std::string_view name, const PutOptions& options);

}  // namespace etcdrill::objects
