#!/usr/bin/env bash
# Makes the image by scripts/image, reads it with skopeo and containerd, unpacks it, and runs
# etcdrill in it by chroot, as the image's user: the version, the self-test, and a sidecar next to a
# real etcd. Needs root and skopeo; 77 (skipped) without. Usage: check_image.sh BUILD_DIR ETCD_DIR
source "$(dirname "$0")/common.sh"
build=$1 etcd=$2
if [[ $EUID -ne 0 ]]; then skip "only root can chroot"; fi
if ! command -v skopeo > /dev/null; then skip "no skopeo here; scripts/bootstrap installs it"; fi
archive=$work/image.tar name=registry.example/etcdrill:1
# No function: $! must be the program.
inside=(chroot --userspec=65532:65532 "$work/root" /usr/local/bin/etcdrill)

# scripts/image makes what the Dockerfile makes: its last stage takes the root that make-rootfs
# made, and nothing else. pack-image reads the rest of that stage.
expected='FROM scratch
COPY --from=build /rootfs/ /
LABEL org.opencontainers.image.title="etcdrill"
LABEL org.opencontainers.image.description="Proves that etcd backups restore"
LABEL org.opencontainers.image.licenses="Apache-2.0"
LABEL org.opencontainers.image.source="https://github.com/etcdrill/etcdrill"
USER 65532:65532
WORKDIR /var/lib/etcdrill
EXPOSE 9379
ENTRYPOINT ["/usr/local/bin/etcdrill"]
CMD ["run", "--config", "/etc/etcdrill/etcdrill.yaml"]'
dockerfile=$repo/deploy/docker/Dockerfile
said=$(diff <(echo "$expected") <(sed -n '/^FROM scratch/,$p' "$dockerfile")) &&
  status=0 || status=1
grep -q 'deploy/docker/make-rootfs /install /rootfs' "$dockerfile" || status=1
result the-dockerfile-makes-the-same "$status" "$said"

image() { "$repo/scripts/image" --build "$build" --name "$name" "$1" > "$work/image.log" 2>&1; }
if ! image "$archive"; then
  result an-image-without-docker 1 "$(cat "$work/image.log")"
  exit 1
fi
image "$work/again.tar" && cmp "$archive" "$work/again.tar" && status=0 || status=1
result the-same-bytes-each-time "$status" "$(cat "$work/image.log")"

status=0
said=$(skopeo inspect "oci-archive:$archive" 2>&1) || status=$?
result skopeo-reads-it "$status" "$said"
said=$(skopeo inspect --config "oci-archive:$archive" | python3 -c '
import json, sys
config = json.load(sys.stdin)["config"]
print(config["User"], config["WorkingDir"], *config["Entrypoint"], *config["Cmd"],
      *config["ExposedPorts"], config["Labels"]["org.opencontainers.image.title"])') || status=$?
expected='65532:65532 /var/lib/etcdrill /usr/local/bin/etcdrill run --config
/etc/etcdrill/etcdrill.yaml 9379/tcp etcdrill'
[[ $said == "${expected//$'\n'/ }" ]] || status=1
result as-the-dockerfile-says "$status" "$said"

# As a node of Kubernetes takes it, with a containerd of the test's own. scripts/bootstrap does not
# install one: Debian's would replace that of an installed Docker.
if command -v containerd > /dev/null; then
  containerd --root "$work/containerd" --state "$work/state" --address "$work/containerd.sock" \
    > "$work/containerd.log" 2>&1 &
  pids+=($!)
  ctr=(ctr --address "$work/containerd.sock" --namespace k8s.io)
  status=0
  said=$(wait_for 20 "${ctr[@]}" version || tail -n 3 "$work/containerd.log"
    "${ctr[@]}" images import --no-unpack "$archive" 2>&1) || status=$?
  "${ctr[@]}" images ls -q | grep -qxF "$name" || status=1
  result containerd-imports-it "$status" "$said"
else
  echo "skipped containerd-imports-it: no containerd here"
fi

skopeo copy --quiet "oci-archive:$archive" "dir:$work/copy"
layer=$(python3 -c 'import json, sys
print(json.load(sys.stdin)["layers"][0]["digest"].removeprefix("sha256:"))' \
  < "$work/copy/manifest.json")
mkdir "$work/root"
tar -xpzf "$work/copy/$layer" -C "$work/root"

status=0
said=$("${inside[@]}" version 2>&1 && "${inside[@]}" selftest 2>&1) || status=$?
result starts-and-tests-itself "$status" "$said"

found=$(stat -c '%u:%g %a' "$work/root/var/lib/etcdrill" "$work/root/usr/local/bin/etcdrill" |
  xargs)
[[ $found == "65532:65532 700 0:0 755" ]] && status=0 || status=1
result the-store-is-the-users-alone "$status" "$found"

programs=$(find "$work/root" -type f -perm -u+x ! -name '*.so*' ! -name 'ld-*' -printf '%P ')
found=$(tr ' ' '\n' <<< "$programs" | sort | xargs)
[[ $found == "usr/local/bin/copy usr/local/bin/etcdrill" ]] && status=0 || status=1
result nothing-else-to-run "$status" "$programs"

# The init containers of the pods: it copies itself to a volume, and from there etcd, in an image
# where nothing else is.
mkdir -p "$work/bare"/{usr/local/bin,opt/etcd}
install -m 0755 "$etcd/etcd" "$work/bare/usr/local/bin/etcd"
"$work/root/usr/local/bin/copy" "$work/root/usr/local/bin/copy" "$work/bare/opt/etcd/copy"
status=0
for _ in once again; do
  said=$(chroot "$work/bare" /opt/etcd/copy /usr/local/bin/etcd /opt/etcd/etcd 2>&1) || status=$?
done
cmp -s "$etcd/etcd" "$work/bare/opt/etcd/etcd" && [[ -x $work/bare/opt/etcd/etcd ]] || status=1
said+=$(chroot "$work/bare" /opt/etcd/copy /nowhere /opt/etcd/etcd 2>&1) && status=1
grep -q '^copy: /nowhere to /opt/etcd/etcd: No such file' <<< "$said" || status=1
result brings-etcd-out-of-a-bare-image "$status" "$said"

# Without any one of its libraries it would not start: none is there in vain.
unused=
needed=$(ldd "$work/root/usr/local/bin/etcdrill")
libraries=$(cd "$work/root" && find usr lib64/ -name '*.so*' -type f -printf '%f\n' | sort -u)
for library in $libraries; do
  grep -q "$library" <<< "$needed" || unused+="$library "
done
[[ -z $unused ]] && status=0 || status=1
result no-library-in-vain "$status" "$unused"

found=$(find "$work/root" -path "$work/root/tmp" -prune -o -perm -o+w ! -type l -printf '%P ')
[[ -z $found ]] && status=0 || status=1
result nobody-else-may-write "$status" "$found"

size=$(du -sm "$work/root" | cut -f1)
[[ $size -le 100 ]] && status=0 || status=1
result at-most-100-MiB "$status" "$size MiB"

# What the runtime of containers brings: /dev/null and /proc; and the init container: etcd.
mkdir "$work/root/dev" "$work/root/proc"
mknod -m 0666 "$work/root/dev/null" c 1 3
mount -t proc proc "$work/root/proc"
install -m 0755 "$etcd/etcd" "$work/root/usr/local/bin/etcd"
start_etcd "$etcd"
cat > "$work/root/etc/etcdrill/etcdrill.yaml" <<YAML
cluster: {endpoints: [$endpoint]}
store: {path: /var/lib/etcdrill/snapshots}
drill: {scratch_dir: /var/lib/etcdrill/scratch, etcd: {binary: /usr/local/bin/etcd}}
web: {listen: "127.0.0.1:$free_port"}
YAML
"${inside[@]}" run --config /etc/etcdrill/etcdrill.yaml > "$work/etcdrill.log" 2>&1 &
pids+=($!)
drilled a-drill-to-level-5 "$work/etcdrill.log"
exit $failed
