// `cluster`: where the source is, and how to log in.
#include "base/url.h"
#include "config/readers.h"
#include "config/values.h"

namespace etcdrill::config {

void ReadCluster(Section section, ClusterConfig& cluster) {
  section.Read("name", cluster.name, CheckClusterName);
  std::vector<std::string> lists;
  section.Read("endpoints", lists, CheckEndpoints);
  for (const std::string& list : lists) {
    for (std::string& item : SplitList(list)) cluster.endpoints.push_back(std::move(item));
  }
  if (!lists.empty() && cluster.endpoints.empty())
    section.Complain("has endpoints, but all of them are empty");
  Section tls = section.Sub("tls");
  tls.Read("ca_file", cluster.tls.ca_file, CheckPath);
  tls.Read("cert_file", cluster.tls.cert_file, CheckPath);
  tls.Read("key_file", cluster.tls.key_file, CheckPath);
  tls.Read("server_name", cluster.tls.server_name, CheckNoNul);
  tls.Finish();
  Section auth = section.Sub("auth");
  auth.Read("username", cluster.username);
  auth.Read("password_file", cluster.password_file, CheckPath);
  auth.Finish();
  section.Finish();
}

}  // namespace etcdrill::config
