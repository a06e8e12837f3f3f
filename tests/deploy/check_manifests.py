#!/usr/bin/env python3
"""Checks deploy/kustomize, deploy/helm and deploy/static-pod: they render, the API types take every
object, the pods are as locked up as they claim, what is copied from elsewhere in the repository is
equal to it, and the configuration in them is valid.

Each check is a function that yields one line per problem; it prints `ok NAME` or `FAIL NAME: why`.
Without the tools of scripts/fetch-tools the exit status is 77: skipped.

Usage: check_manifests.py [BUILD_DIR]
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

REPO = pathlib.Path(__file__).resolve().parents[2]
TOOLS = REPO / "build" / "tools"
BUILD = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else REPO / "build" / "dev").resolve()
ETCDRILL = BUILD / "etcdrill"
OVERLAYS = ("kubeadm", "hostnetwork", "external-etcd")
COMPONENTS = ("podmonitor", "rules", "dashboards")
CHART = REPO / "deploy" / "helm" / "etcdrill"
OPERATOR = ("--api-versions", "monitoring.coreos.com/v1")
CHARTS = {  # name: what is set
    "defaults": (),
    "operator": OPERATOR,
    "sites": ("--set", "sites.secret=etcdrill-sites"),
    "hostnetwork": ("--set", "hostNetwork=true"),
    "deployment": ("--set", ("nodeSelector=null,kind=deployment,"
                             "store.persistentVolumeClaim.create=true"),
                   "--set", "endpoints={https://10.0.0.1:2379}"),
    "digest": ("--set", f"image.digest=sha256:{'0' * 64},etcdImage.digest=sha256:{'1' * 64}"),
}
REFUSED = {  # what is set: what Helm must say
    "kinds=deployment": "kinds is not allowed",
    "kind=deployment": "needs endpoints",
    "store.persistentVolumeClaim.create=true": "would share one store",
    "image.tag=latest": "image.tag",
    "prometheusRule.disabled={Watchdog}": "pattern",
}


def run(*command, text=None):
    done = subprocess.run([str(part) for part in command], input=text, capture_output=True,
                          text=True)
    return done.returncode, done.stdout, done.stderr


def helm(*arguments):
    return run(TOOLS / "helm", "template", "etcdrill", CHART, "--namespace", "etcdrill",
               "--kube-version", "1.32.0", *arguments)


def must(result, what):
    code, out, err = result
    if code:
        raise RuntimeError(f"{what}: {err.strip()}")
    return out


def kustomize(overlay, components=()):
    """An overlay as users compose it: with components, from a kustomization of their own."""
    with tempfile.TemporaryDirectory(dir=REPO / "build") as work:
        base = os.path.relpath(REPO / "deploy/kustomize", work)
        content = {
            "resources": [f"{base}/overlays/{overlay}"],
            "components": [f"{base}/components/{name}" for name in components]
        }
        (pathlib.Path(work) / "kustomization.yaml").write_text(yaml.safe_dump(content))
        return must(run(TOOLS / "kustomize", "build", work), overlay)


def rendered():
    """{where: YAML} of everything that we ship for Kubernetes."""
    found = {f"kustomize {overlay}": kustomize(overlay) for overlay in OVERLAYS}
    found |= {f"kustomize {overlay} with all": kustomize(overlay, COMPONENTS)
              for overlay in OVERLAYS}
    found |= {f"helm {name}": must(helm(*arguments), f"helm {name}")
              for name, arguments in CHARTS.items()}
    return found | {"static pod": (REPO / "deploy/static-pod/etcdrill.yaml").read_text()}


def configurations():
    """{where: etcdrill.yaml}."""
    found = {where: item["data"]["etcdrill.yaml"]
             for where, text in RENDERED.items()
             for item in objects(text, "ConfigMap") if "etcdrill.yaml" in item["data"]}
    return found | {"static pod": (REPO / "deploy/static-pod/config.yaml").read_text()}


def objects(text, kind=None):
    return [item for item in yaml.safe_load_all(text) if item and kind in (None, item["kind"])]


def pods():
    """(where, pod spec)."""
    for where, text in RENDERED.items():
        found = [item["spec"] if item["kind"] == "Pod" else item["spec"]["template"]["spec"]
                 for item in objects(text) if item["kind"] in ("Pod", "DaemonSet", "Deployment")]
        if len(found) != 1:
            raise RuntimeError(f"{where}: {len(found)} pods")
        yield where, found[0]


# --- Checks ---------------------------------------------------------------------------------------


def the_api_types_take_every_object():
    for where, text in RENDERED.items():
        code, _, err = run(TOOLS / "manifest-check", text=text)
        if code:
            yield f"{where}: {err.strip()}"


def pods_are_locked_up():
    for where, pod in pods():
        wanted = {
            "runAsNonRoot": True, "runAsUser": 65532, "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"}
        }
        if not wanted.items() <= pod["securityContext"].items():
            yield f"{where}: the pod's security context is {pod['securityContext']}"
        if (pod["automountServiceAccountToken"] is not False
                or pod["enableServiceLinks"] is not False):
            yield f"{where}: a token or service links are mounted"
        if (not pod["priorityClassName"].startswith("system-")
                or pod["terminationGracePeriodSeconds"] < 15):
            yield f"{where}: priority or grace period"
        if any(pod.get(key) for key in ("hostPID", "hostIPC", "shareProcessNamespace")):
            yield f"{where}: shares processes with the host"
        for container in pod["initContainers"] + pod["containers"]:
            name = f"{where}, {container['name']}"
            locked = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                      "capabilities": {"drop": ["ALL"]}}
            if container["securityContext"] != locked:
                yield f"{name}: the security context is {container['securityContext']}"
            if not all({"cpu", "memory"} <= container["resources"][kind].keys()
                       for kind in ("requests", "limits")):
                yield f"{name}: without requests and limits"
            if (not re.search(r"(:[\w.-]+|@sha256:[0-9a-f]{64})$", container["image"])
                    or container["image"].endswith(":latest")):
                yield f"{name}: the image {container['image']} is not pinned"


def probes_never_speak_of_backups():
    for where, pod in pods():
        container, = pod["containers"]
        paths = [container[probe]["httpGet"]["path"]
                 for probe in ("startupProbe", "livenessProbe", "readinessProbe")]
        if paths != ["/-/ready", "/-/healthy", "/-/ready"]:
            yield f"{where}: probes ask {paths}"
        liveness = container["livenessProbe"]
        if (liveness["periodSeconds"] < 10 or liveness["timeoutSeconds"] < 3
                or liveness["failureThreshold"] < 3):
            yield f"{where}: liveness {liveness}"
        if [port["name"] for port in container["ports"]] != ["metrics"]:
            yield f"{where}: ports {container['ports']}"
        if container.get("terminationMessagePolicy") != "FallbackToLogsOnError":
            yield f"{where}: `kubectl describe` would not show why it ended"


def volumes_are_bounded_and_whole():
    for where, pod in pods():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for name, volume in volumes.items():
            if "emptyDir" in volume and not (volume["emptyDir"] or {}).get("sizeLimit"):
                yield f"{where}: {name} has no limit, or is a store that does not last"
            if len(volume) != 2:
                yield f"{where}: {name} is {volume}"
        if not {"hostPath", "persistentVolumeClaim"} & volumes["store"].keys():
            yield f"{where}: the store does not last"
        for container in pod["initContainers"] + pod["containers"]:
            mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
            if not mounts.keys() <= volumes.keys():
                yield f"{where}: {mounts.keys() - volumes.keys()} are mounted and not there"
            for name in mounts.keys() - {"store", "scratch"}:
                if container["name"] == "etcdrill" and not mounts[name].get("readOnly"):
                    yield f"{where}: {name} may be written to"


def control_planes_are_where_it_runs():
    for where, pod in pods():
        if where.startswith("static") or "external" in where or "deployment" in where:
            continue
        if (pod["nodeSelector"] != {"node-role.kubernetes.io/control-plane": ""}
                or pod["tolerations"][0]["effect"] != "NoSchedule"):
            yield f"{where}: nodeSelector or tolerations"
    for where, text in RENDERED.items():
        for item in objects(text, "DaemonSet"):
            if item["spec"]["updateStrategy"]["rollingUpdate"] != {"maxUnavailable": 1}:
                yield f"{where}: the update strategy is {item['spec']['updateStrategy']}"
        for item in objects(text, "Deployment"):
            if item["spec"]["strategy"] != {"type": "Recreate"} or item["spec"]["replicas"] != 1:
                yield f"{where}: two pods could share one store"


def each_pod_reaches_its_member():
    wanted = {
        "hostnetwork": "https://127.0.0.1:2379", "external": "https://10.0.0.1:2379",
        "deployment": "https://10.0.0.1:2379"
    }
    for where, pod in pods():
        if where == "static pod":
            continue
        environment = {item["name"]: item for item in pod["containers"][0]["env"]}
        value = environment["ETCDCTL_ENDPOINTS"]["value"]
        expected = next((url for name, url in wanted.items() if name in where),
                        "https://$(HOST_IP):2379")
        on_host = "hostnetwork" in where
        if not value.startswith(expected) or bool(pod.get("hostNetwork")) != on_host:
            yield f"{where}: reaches {value}"
        names = list(environment)
        if "$(HOST_IP)" in value and names.index("HOST_IP") > names.index("ETCDCTL_ENDPOINTS"):
            yield f"{where}: HOST_IP must stand before what uses it"


def network_policies_let_in_prometheus_alone():
    for where, text in RENDERED.items():
        policies = objects(text, "NetworkPolicy")
        if ("hostnetwork" in where or where == "static pod") != (not policies):
            yield f"{where}: {len(policies)} policies"
        for policy in policies:
            ingress, = policy["spec"]["ingress"]
            if (policy["spec"]["policyTypes"] != ["Ingress", "Egress"] or not ingress["from"]
                    or len(ingress["ports"]) != 1):
                yield f"{where}: {policy['spec']}"


def etcd_comes_out_of_its_bare_image():
    """An image of etcd has etcd, and nothing to copy it with: that must come out of our image,
    before."""
    for where, pod in pods():
        tool, etcd = pod["initContainers"]
        container, = pod["containers"]
        brought = "/opt/etcd/copy"
        if (tool["image"] != container["image"]
                or tool["command"] != ["/usr/local/bin/copy", "/usr/local/bin/copy", brought]):
            yield f"{where}: {tool['image']} runs {tool['command']}"
        binary = yaml.safe_load(CONFIGURATIONS[where])["drill"]["etcd"]["binary"]
        if etcd["command"] != [brought, "/usr/local/bin/etcd", binary]:
            yield f"{where}: {etcd['image']} runs {etcd['command']}"
        volume = [{"name": "etcd-binary", "mountPath": "/opt/etcd"}]
        if not tool["volumeMounts"] == etcd["volumeMounts"] == volume:
            yield f"{where}: the two do not share a volume"


def the_static_pod_needs_no_api_server():
    text = (REPO / "deploy/static-pod/etcdrill.yaml").read_text()
    for word in ("configMap", "secret:", "secretName", "serviceAccountName",
                 "persistentVolumeClaim", "fieldRef"):
        if re.search(rf"\b{word}", re.sub(r"#.*", "", text)):
            yield f"it refers to a {word}"


def configurations_are_valid():
    if len(CONFIGURATIONS) != len(RENDERED):
        yield "not every rendering has a configuration"
    for where, text in CONFIGURATIONS.items():
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            code, _, err = run(ETCDRILL, "check", "config", "--syntax-only", file.name)
            if code:
                yield f"{where}: {err.strip()}"


def rules_and_dashboards_are_those_of_the_repository():
    groups = [group for file in sorted((REPO / "alerts").glob("*.yml"))
              for group in yaml.safe_load(file.read_text())["groups"]]
    boards = {file.name: json.loads(file.read_text())
              for file in (REPO / "dashboards").glob("*.json")}
    for where in ("kustomize kubeadm with all", "helm operator"):
        rule, = objects(RENDERED[where], "PrometheusRule")
        if rule["spec"]["groups"] != groups:
            yield f"{where}: other rules than alerts/*.yml"
        monitor, = objects(RENDERED[where], "PodMonitor")
        workload, = objects(RENDERED[where], "DaemonSet")
        labels = workload["spec"]["template"]["metadata"]["labels"]
        if not monitor["spec"]["selector"]["matchLabels"].items() <= labels.items():
            yield f"{where}: the PodMonitor selects other pods"
        if labels[monitor["spec"]["jobLabel"]] != "etcdrill":
            yield f"{where}: the job would not be called etcdrill, which the rules expect"
        maps = [item for item in objects(RENDERED[where], "ConfigMap")
                if "grafana_dashboard" in item["metadata"].get("labels", {})]
        if [{name: json.loads(text) for name, text in item["data"].items()}
                for item in maps] != [boards]:
            yield f"{where}: other dashboards than dashboards/*.json"
    for where in ("kustomize kubeadm", "helm defaults"):
        if any(item["apiVersion"].startswith("monitoring.coreos.com")
               for item in objects(RENDERED[where])):
            yield f"{where}: needs prometheus-operator"


def helm_knows_its_values():
    code, out, err = run(TOOLS / "helm", "lint", "--strict", CHART)
    if code:
        yield f"lint: {out}{err}"
    for setting, says in REFUSED.items():
        code, _, err = helm("--set", setting)
        if code == 0 or not re.search(says, err):
            yield f"--set {setting} is not refused: {err.strip()[-200:]}"
    for key in re.findall(r"(?<!#)\n\n(\w+):", "\n\n" + (CHART / "values.yaml").read_text()):
        yield f"values.yaml: {key} has no comment"
    changed = helm(*OPERATOR, "--set", "prometheusRule.disabled={EtcdBackupStateLost}",
                   "--set", "prometheusRule.extraLabels.EtcdBackupSnapshotStale.team=storage")
    rule, = objects(must(changed, "helm"), "PrometheusRule")
    rules = {item["alert"]: item
             for group in rule["spec"]["groups"]
             for item in group["rules"] if "alert" in item}
    wanted = {"severity": "warning", "team": "storage"}
    if "EtcdBackupStateLost" in rules or rules["EtcdBackupSnapshotStale"]["labels"] != wanted:
        yield "prometheusRule.disabled or extraLabels has no effect"


def the_kustomizations_of_the_page_render():
    """What the README tells a user to write, with an own configuration, and for an etcd
    elsewhere."""
    page = (REPO / "deploy/kustomize/README.md").read_text()
    first, own, elsewhere = re.findall(r"^```yaml\n(.*?)^```$", page, re.S | re.M)
    for where, text, expected in (
        ("an own configuration", first + own, "mine: true"),
        ("an etcd elsewhere", elsewhere, "https://10.0.0.1:2379,https://10.0.0.2:2379\n"),
    ):
        with tempfile.TemporaryDirectory(dir=REPO / "build") as work:
            text = text.replace("PATH/TO/CLONE", "../..")
            text = text.replace("3.5.21-0", "9.9.9-0")
            (pathlib.Path(work) / "kustomization.yaml").write_text(text)
            (pathlib.Path(work) / "etcdrill.yaml").write_text("mine: true\n")
            made = must(run(TOOLS / "kustomize", "build", work), where)
        if expected not in made or made.count("registry.k8s.io/etcd:9.9.9-0") != 1:
            yield f"{where}: {made}"


def the_certificate_commands_work():
    """The openssl commands of the README, with an authority made as kubeadm makes its own."""
    page = (REPO / "deploy/kustomize/README.md").read_text()
    block = re.search(r"```sh\n(cd .*?)```", page, re.S)[1]
    with tempfile.TemporaryDirectory() as work:
        authority = pathlib.Path(work) / "authority"
        authority.mkdir()
        made = run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                   "-subj", "/CN=etcd-ca", "-days", "10",
                   "-keyout", authority / "ca.key", "-out", authority / "ca.crt")
        must(made, "an authority")
        script = block.replace("/etc/kubernetes/pki/etcd", str(authority))
        must(run("bash", "-euc", script.replace('"$(mktemp -d)"', work)), "the commands")
        said = must(run("openssl", "verify", "-purpose", "sslclient",
                        "-CAfile", f"{work}/ca.crt", f"{work}/tls.crt"), "verify")
        text = must(run("openssl", "x509", "-in", f"{work}/tls.crt", "-noout", "-subject",
                        "-ext", "extendedKeyUsage"), "the certificate")
        if "OK" not in said or "etcdrill" not in text or "Client" not in text or "Server" in text:
            yield f"the certificate is {text}"


CHECKS = [
    the_api_types_take_every_object,
    pods_are_locked_up,
    probes_never_speak_of_backups,
    volumes_are_bounded_and_whole,
    control_planes_are_where_it_runs,
    each_pod_reaches_its_member,
    network_policies_let_in_prometheus_alone,
    etcd_comes_out_of_its_bare_image,
    the_static_pod_needs_no_api_server,
    configurations_are_valid,
    rules_and_dashboards_are_those_of_the_repository,
    helm_knows_its_values,
    the_kustomizations_of_the_page_render,
    the_certificate_commands_work,
]


def main():
    global RENDERED, CONFIGURATIONS
    missing = [name for name in ("kustomize", "helm", "manifest-check")
               if not (TOOLS / name).exists()]
    if missing:
        print(f"skipped: {', '.join(missing)} not in build/tools; run scripts/fetch-tools")
        return 77
    RENDERED = rendered()
    CONFIGURATIONS = configurations()
    failed = False
    for check in CHECKS:
        try:
            problems = list(check())
        except Exception as error:
            problems = [f"{type(error).__name__}: {error}"]
        failure = f"FAIL {check.__name__}: {'; '.join(problems)}"
        print(failure if problems else f"ok {check.__name__}", flush=True)
        failed |= bool(problems)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
