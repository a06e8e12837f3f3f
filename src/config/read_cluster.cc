// `cluster`: where the source is, and how to log in.
#include "config/readers.h"
#include "config/values.h"

namespace etcdrill::config {

void ReadCluster(Section section, ClusterConfig& cluster) {
  section.Read("name", cluster.name, CheckClusterName);
  section.Read("endpoints", cluster.endpoints, CheckEndpoint);
  Section tls = section.Sub("tls");
  tls.Read("ca_file", cluster.tls.ca_file);
  tls.Read("cert_file", cluster.tls.cert_file);
  tls.Read("key_file", cluster.tls.key_file);
  tls.Read("server_name", cluster.tls.server_name);
  tls.Finish();
  Section auth = section.Sub("auth");
  auth.Read("username", cluster.username);
  auth.Read("password_file", cluster.password_file);
  auth.Finish();
  section.Finish();
}

}  // namespace etcdrill::config
