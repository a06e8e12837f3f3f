#!/usr/bin/env python3
"""Follows the pages of deploy/ as a newcomer would, on a control-plane node that kubeadm made, and
prints `ok NAME` or `FAIL NAME: why`. The commands are those of the pages, block by block; only
addresses and the version of etcd are this node's.

By hand, as it takes minutes and Kubernetes' own programs: KUBERNETES is a folder with kubeadm,
kubelet, kubectl and the three of the control plane, CRDS that of prometheus-operator's
example/prometheus-operator-crd. scripts/fetch-tools makes helm.

Usage: node KUBERNETES ETCD_DIR BUILD_DIR try.py CRDS
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

REPO = pathlib.Path(__file__).resolve().parents[3]
CRDS = pathlib.Path(sys.argv[1])
KUSTOMIZE = REPO / "deploy/kustomize"
PAGE = (KUSTOMIZE / "README.md").read_text()
ADDRESS = "198.18.0.2"
APPLY = "kubectl apply -k . && kubectl -n etcdrill rollout status daemonset/etcdrill --timeout=60s"
CONFIG = "/etc/etcdrill/config/etcdrill.yaml"
# A user's kustomization; kustomize wants relative paths to bases.
MINE = pathlib.Path(tempfile.mkdtemp(dir=REPO / "build"))


def run(command, folder=MINE, check=True):
    env = {**os.environ, "TMPDIR": "/var/tmp"}  # of the node, as all of /var
    done = subprocess.run(["bash", "-euc", command], cwd=folder, env=env, capture_output=True,
                          text=True)
    if check and done.returncode:
        raise RuntimeError(f"{command}: {done.stdout[-500:]}{done.stderr[-1500:]}".strip())
    return done.stdout + done.stderr


def etcdrill(arguments, workload="daemonset/etcdrill"):
    return run(f"kubectl -n etcdrill exec {workload} -- etcdrill {arguments} --config {CONFIG}")


def wait_for(what, condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            events = run("kubectl get events -A", check=False)[-1500:]
            raise RuntimeError(f"{what}: not within {seconds} s; {events}")
        time.sleep(1)


def blocks(language, heading, page=PAGE):
    """The code of one section of a page."""
    section = re.search(rf"^## {heading}.*?(?=^## |\Z)", page, re.S | re.M)[0]
    return re.findall(rf"^```{language}\n(.*?)^```$", section, re.S | re.M)


def kustomization(text):
    """Writes a user's file: the page's, with the path to this clone, and this cluster's
    etcd."""
    text = text.replace("PATH/TO/CLONE", "../..")
    text = text.replace("3.5.21-0", ETCD_TAG)
    (MINE / "kustomization.yaml").write_text(text)


def pod_address():
    return run("kubectl -n etcdrill get pods -l app.kubernetes.io/name=etcdrill "
               "-o jsonpath={.items[0].status.podIP}")


def metric(address, name):
    page = run(f"curl -s -m 5 http://{address}:9379/metrics", check=False)
    found = re.search(rf"^{name}(?:{{.*}})? (\S+)$", page, re.M)
    return float(found[1]) if found else None


def snapshots():
    # One is the state.
    return len(list(pathlib.Path("/var/lib/etcdrill/snapshots").glob("*.json"))) - 1


def end(manifests):
    run(f"kubectl delete --wait --timeout=60s --ignore-not-found {manifests}")
    pods = "kubectl get pods -A -l app.kubernetes.io/name=etcdrill -o name"
    wait_for("the pod ends", lambda: "etcdrill" not in run(pods))


# --- Checks, in this order ------------------------------------------------------------------------


def the_five_minutes_of_the_page():
    *before, last = blocks("sh", "Five minutes, with kubeadm")
    yaml, config = blocks("yaml", "Five minutes, with kubeadm")
    # A copy for the pages that come later.
    run("\n".join(before).replace("\nrm tls.key", "\ncp -r . /var/tmp/pki\nrm tls.key"))
    kustomization(yaml)
    said = run(last)
    if "proven, level 5 of 5" not in said:
        yield said


def the_pod_is_ready_and_scraped_at_its_address():
    run("kubectl -n etcdrill wait --for=condition=Ready pod "
        "-l app.kubernetes.io/name=etcdrill --timeout=30s")
    wait_for("the source is up", lambda: metric(pod_address(), "etcdrill_source_up") == 1, 20)


def pod_security_has_nothing_but_the_host_path_against_it():
    said = run("kubectl label --overwrite --dry-run=server namespace etcdrill "
               "pod-security.kubernetes.io/enforce=restricted")
    if re.findall(r"^Warning: etcdrill-\w+: (.*)", said, re.M) != ["restricted volume types"]:
        yield said


def a_pod_ends_at_once_and_the_next_gets_the_store():
    start = time.monotonic()
    run("kubectl -n etcdrill delete pod -l app.kubernetes.io/name=etcdrill")
    took = time.monotonic() - start
    if took > 10:
        yield f"{took:.1f} s"
    run("kubectl -n etcdrill rollout status daemonset/etcdrill --timeout=60s")
    run("kubectl -n etcdrill rollout restart daemonset/etcdrill")
    run("kubectl -n etcdrill rollout status daemonset/etcdrill --timeout=60s")
    if "restorable" not in etcdrill("snapshot list"):
        yield "the restorable snapshot is gone"


def an_own_configuration_rolls_the_pods():
    yaml, config = blocks("yaml", "Five minutes, with kubeadm")
    text = (KUSTOMIZE / "base/etcdrill.yaml").read_text()
    text = text.replace("@every 1h", "@every 10s").replace("jitter: 1m", "jitter: 1s")
    (MINE / "etcdrill.yaml").write_text(text)
    kustomization(yaml + config)
    run(APPLY)
    before = snapshots()
    wait_for("snapshots every ten seconds", lambda: snapshots() >= before + 2)


def snapshots_go_on_without_the_api_server():
    address = pod_address()
    run("mkdir /var/tmp/stopped; mv /etc/kubernetes/manifests/kube-*.yaml /var/tmp/stopped/")
    wait_for("the API server ends",
             lambda: "ok" not in run("kubectl get --raw /readyz", check=False))
    success = "etcdrill_snapshot_last_success_timestamp_seconds"
    before = metric(address, success)
    try:
        wait_for("a snapshot", lambda: (metric(address, success) or 0) > before)
    finally:
        run("mv /var/tmp/stopped/*.yaml /etc/kubernetes/manifests/; rmdir /var/tmp/stopped")
        wait_for("the API server", lambda: run("kubectl get --raw /readyz", check=False) == "ok")
        run("kubectl wait --for=condition=Ready node/control-plane --timeout=120s")


def prometheus_operators_api_takes_the_components():
    run(f"kubectl create -f {CRDS}/monitoring.coreos.com_podmonitors.yaml "
        f"-f {CRDS}/monitoring.coreos.com_prometheusrules.yaml")
    run("kubectl wait --for=condition=Established crd --all")
    yaml, _ = blocks("yaml", "Five minutes, with kubeadm")
    parts = ", ".join(f"../../deploy/kustomize/components/{name}"
                      for name in ("podmonitor", "rules", "dashboards"))
    kustomization(yaml.replace("components: []", f"components: [{parts}]"))
    said = run("kubectl apply -k .")
    for name in ("podmonitor.monitoring.coreos.com", "prometheusrule.monitoring.coreos.com",
                 "configmap/etcdrill-dashboards"):
        if not re.search(rf"{name}\S* created", said):
            yield f"{name}: {said}"
    run("kubectl apply -k . --server-side --dry-run=server --force-conflicts")


def the_host_network_overlay_works():
    yaml, _ = blocks("yaml", "Five minutes, with kubeadm")
    kustomization(yaml.replace("overlays/kubeadm", "overlays/hostnetwork"))
    said = run(blocks("sh", "Five minutes, with kubeadm")[-1])
    if "proven, level 5 of 5" not in said or metric("127.0.0.1", "etcdrill_source_up") != 1:
        yield said
    end("daemonset -n etcdrill etcdrill")


def the_static_pod_works():
    page = (REPO / "deploy/static-pod/README.md").read_text()
    folder = MINE / "static-pod"
    run(f"cp -r {REPO}/deploy/static-pod {folder}; cp /var/tmp/pki/* {folder}; "
        f"sed -i s/3.5.21-0/{ETCD_TAG}/ {folder}/etcdrill.yaml")
    run(re.search(r"^```sh\n(.*?)^```$", page, re.S | re.M)[1], folder)
    wait_for("its metrics", lambda: metric("127.0.0.1", "etcdrill_source_up") == 1)
    program = "kubectl -n kube-system exec etcdrill-control-plane -- etcdrill"
    run(f"{program} snapshot save --config /etc/etcdrill/etcdrill.yaml")
    said = run(f"{program} drill latest --config /etc/etcdrill/etcdrill.yaml")
    if "proven, level 5 of 5" not in said:
        yield said
    run("rm /etc/kubernetes/manifests/etcdrill.yaml")
    wait_for("it ends", lambda: metric("127.0.0.1", "etcdrill_source_up") is None)


def volume():
    """A volume for who claims one, on the disk of this node, which takes pods like any other from
    here on."""
    run("""\
kubectl taint node control-plane node-role.kubernetes.io/control-plane- 2> /dev/null || true
mkdir -p /var/lib/volume; kubectl delete pv store --ignore-not-found; kubectl apply -f - <<'YAML'
apiVersion: v1
kind: PersistentVolume
metadata: {name: store}
spec:
  capacity: {storage: 50Gi}
  accessModes: [ReadWriteOnce]
  persistentVolumeReclaimPolicy: Retain
  local: {path: /var/lib/volume}
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [
    {key: kubernetes.io/hostname, operator: In, values: [control-plane]}]}]}}
YAML""")


def secret_again():
    run("kubectl create namespace etcdrill --save-config")
    files = "--from-file=ca.crt --from-file=tls.crt --from-file=tls.key"
    run(f"kubectl -n etcdrill create secret generic etcdrill-client {files}", "/var/tmp/pki")


def an_etcd_elsewhere_works_under_the_level_restricted():
    end("namespace etcdrill")
    secret_again()
    volume()
    yaml, = blocks("yaml", "An etcd elsewhere")
    kustomization(re.sub(r'"https://10.*?"', f'"https://{ADDRESS}:2379"', yaml))
    said = run("kubectl apply -k .")
    if "PodSecurity" in said:
        yield said
    run("kubectl -n etcdrill rollout status deployment/etcdrill --timeout=60s")
    etcdrill("snapshot save", "deployment/etcdrill")
    said = etcdrill("drill latest", "deployment/etcdrill")
    if "proven, level 5 of 5" not in said:
        yield said
    run("kubectl -n etcdrill rollout restart deployment/etcdrill")
    run("kubectl -n etcdrill rollout status deployment/etcdrill --timeout=60s")
    end("namespace etcdrill")


def the_chart_works():
    page = (REPO / "deploy/helm/etcdrill/README.md").read_text()
    daemonset, deployment = re.findall(r"^```sh\n(.*?)^```$", page, re.S | re.M)
    label, install = daemonset.split("\n", 1)
    secret_again()
    said = run("\n".join([label, install]).replace("3.5.21-0", ETCD_TAG), REPO)
    run("kubectl -n etcdrill rollout status daemonset/etcdrill --timeout=60s")
    etcdrill("snapshot save")
    said += etcdrill("drill latest")
    if "proven, level 5 of 5" not in said or "Warning" in said:
        yield said
    run("helm uninstall etcdrill -n etcdrill --wait")
    end("namespace etcdrill")
    secret_again()
    volume()
    run("kubectl label namespace etcdrill pod-security.kubernetes.io/enforce=restricted")
    install = re.sub(r"endpoints={.*?}", f"endpoints={{https://{ADDRESS}:2379}}", deployment)
    said = run(f"{install.rstrip()} --set etcdImage.tag={ETCD_TAG}", REPO)
    run("kubectl -n etcdrill rollout status deployment/etcdrill --timeout=60s")
    etcdrill("snapshot save", "deployment/etcdrill")
    said += etcdrill("drill latest", "deployment/etcdrill")
    if "proven, level 5 of 5" not in said or "Warning" in said:
        yield said
    run("helm uninstall etcdrill -n etcdrill --wait")


def the_worst_day_of_operations():
    """docs/restore.md, with kubeadm: what was there at the snapshot is back, what came later is
    gone, the sidecar goes on."""
    page = (REPO / "docs/restore.md").read_text()
    parts = dict(re.findall(r"^```sh ([\w-]+)\n(.*?)^```$", page, re.S | re.M))
    kustomization("".join(blocks("yaml", "Five minutes, with kubeadm")))
    run(APPLY)  # with the configuration of before: a snapshot every ten seconds
    run("kubectl create configmap before")
    etcdrill("snapshot save")
    etcdrill("drill latest")
    run("kubectl create configmap after")
    newest = max(pathlib.Path("/var/lib/etcdrill/snapshots").glob("*.db"))
    pki = "/etc/kubernetes/pki/etcd"
    settings = f"""export CONFIG=/etc/etcdrill/etcdrill.yaml SNAPSHOT={newest}
export ETCD=$(command -v etcd) DATA=/var/lib/etcd OWNER=root:root NAME=control-plane
export PEER=https://{ADDRESS}:2380 CLUSTER=control-plane=https://{ADDRESS}:2380 TOKEN=restored-1
export BUMP="--bump-revision 1000000 --mark-compacted" MANIFESTS=/etc/kubernetes/manifests
export ETCDCTL_ENDPOINTS=https://{ADDRESS}:2379 ETCDCTL_CACERT={pki}/ca.crt
export ETCDCTL_CERT={pki}/healthcheck-client.crt ETCDCTL_KEY={pki}/healthcheck-client.key
"""
    for name in ("choose", "prove", "stop-kubeadm", "restore", "start-kubeadm", "check",
                 "first-snapshot", "start-control-plane"):
        run(settings + parts[name])
    wait_for("the API server", lambda: run("kubectl get --raw /readyz", check=False) == "ok")
    maps = run("kubectl get configmaps -o name")
    if "configmap/before" not in maps or "configmap/after" in maps:
        yield maps
    count = snapshots()
    wait_for("the sidecar goes on", lambda: snapshots() > count)
    if "proven, level 5 of 5" not in (said := etcdrill("drill latest")):
        yield said


CHECKS = [
    the_five_minutes_of_the_page,
    the_pod_is_ready_and_scraped_at_its_address,
    pod_security_has_nothing_but_the_host_path_against_it,
    a_pod_ends_at_once_and_the_next_gets_the_store,
    an_own_configuration_rolls_the_pods,
    snapshots_go_on_without_the_api_server,
    prometheus_operators_api_takes_the_components,
    the_host_network_overlay_works,
    the_static_pod_works,
    the_worst_day_of_operations,
    an_etcd_elsewhere_works_under_the_level_restricted,
    the_chart_works,
]


def main():
    global ETCD_TAG
    wait_for("the pod of etcd",
             lambda: run("kubectl -n kube-system get pods -l component=etcd -o name"))
    # The command of the page that prints it.
    ETCD_TAG = run(blocks("sh", "Five minutes, with kubeadm")[3]).split(":")[-1]
    failed = False
    for check in CHECKS:
        try:
            problems = list(check() or ())
        except Exception as error:
            problems = [f"{type(error).__name__}: {error}"]
        failure = f"FAIL {check.__name__}: {'; '.join(problems)}"
        print(failure if problems else f"ok {check.__name__}", flush=True)
        failed |= bool(problems)
    run(f"rm -rf {MINE}", REPO)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
