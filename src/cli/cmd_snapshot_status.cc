// snapshot status.
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/verify_for_use.h"

namespace etcdrill::cli {

Result<ExitCode> SnapshotStatus(const Context& context, const StatusOptions& options) {
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, options.file));
  ASSIGN_OR_RETURN(const auto manifest, ManifestBeside(context, options.file));
  ASSIGN_OR_RETURN(const verify::VerifyReport report,
                   VerifyForUse(context, image, manifest, Proof::kRightIfThere));
  const verify::Keyspace& keyspace = report.keyspace.value();
  const bool as_35 = options.compat == "3.5";
  const uint64_t keys =
      as_35 ? keyspace.total_keys : keyspace.live_keys + (keyspace.bumped ? 1 : 0);
  const auto number = [](uint64_t n) { return static_cast<int64_t>(n); };
  std::vector<EtcdutlCell> cells = {
      {"HASH", "Hash", "hash", keyspace.hash, fmt::format("{:x}", keyspace.hash)},
      {"REVISION", "Revision", "revision", keyspace.newest_row,
       std::to_string(keyspace.newest_row)},
      {"TOTAL KEYS", "Keys", "totalKey", number(keys), std::to_string(keys)},
      {"TOTAL SIZE", "Size", "totalSize", number(keyspace.total_bytes),
       HumanBytes(keyspace.total_bytes)}};
  if (!as_35)
    cells.push_back({"VERSION", "Version", "version", std::nullopt, keyspace.storage_version});
  PrintAsEtcdutl(cells, options.format);
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
