// The scratch directory is swept here, as the next drill may be a day away.
#include "sidecar/generation.h"

#include "io/scratch_dir.h"

namespace etcdrill::sidecar {
namespace {

using Ends = std::map<std::string, Validity>;

std::shared_ptr<const Ends> CertificatesOf(FileSystem& fs, const config::TlsConfig& tls) {
  auto found = std::make_shared<Ends>();
  const auto add = [&](const char* name, const std::string& path,
                       Validity CertificateEnds::*which) {
    if (path.empty()) return;
    const auto pem = fs.ReadWhole(path, kWatchedBytesMax);
    const auto ends = pem.ok() ? CertificateEndsOf(*pem) : std::nullopt;
    if (ends.has_value()) (*found)[name] = (*ends).*which;
  };
  add("etcd_ca", tls.ca_file, &CertificateEnds::last);
  add("etcd_client", tls.cert_file, &CertificateEnds::first);
  return found;
}

Result<std::shared_ptr<Watched<const Ends>>> WatchCertificates(FileSystem& fs,
                                                               const config::TlsConfig& tls) {
  return Watched<const Ends>::Open(fs,
                                   {.paths =
                                        [tls] {
                                          return std::vector{tls.ca_file, tls.cert_file};
                                        },
                                    .make = [&fs, tls]() -> Result<std::shared_ptr<const Ends>> {
                                      return CertificatesOf(fs, tls);
                                    },
                                    .tell = [](const Status&) {}});  // who connects with them tells
}

}  // namespace

Result<std::shared_ptr<Generation>> Generation::Create(const Context& context,
                                                       const Settings& settings,
                                                       std::shared_ptr<etcd::CallCounts> counts,
                                                       std::shared_ptr<SiteMeters> meters) {
  const std::string& scratch = settings.config.drill.scratch_dir;
  RETURN_IF_ERROR(context.fs.MakeDirs(scratch, kPrivateDirMode));
  ScratchDir::Sweep(context, scratch);
  ASSIGN_OR_RETURN(auto client,
                   etcd::Client::Create(settings.connection, context, std::move(counts)));
  ASSIGN_OR_RETURN(auto certificates, WatchCertificates(context.fs, settings.config.cluster.tls));
  Sites sites;
  for (const config::SiteConfig& site : settings.config.sites) {
    auto opened = sites::Site::Open(context, site, settings.config.signing, (*meters)[site.name]);
    if (!opened.ok()) return Annotate(opened.status(), "site {}", site.name);
    sites[site.name] = *std::move(opened);
  }
  return std::shared_ptr<Generation>(new Generation(context, settings, std::move(client),
                                                    std::move(certificates), std::move(meters),
                                                    std::move(sites)));
}

std::vector<std::string> Generation::Endpoints() const {
  std::vector<std::string> addresses;
  for (const etcd::Endpoint& endpoint : client_->endpoints()) {
    addresses.push_back(endpoint.address());
  }
  return addresses;
}

}  // namespace etcdrill::sidecar
