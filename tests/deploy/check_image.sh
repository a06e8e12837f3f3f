#!/usr/bin/env bash
# Builds the image's root file system without Docker, from the install tree, and runs etcdrill in it
# by chroot, as the image's user: the version, the self-test, and a sidecar beside a real etcd.
# Needs root for chroot; 77 (skipped) without. Usage: check_image.sh BUILD_DIR ETCD_DIR
source "$(dirname "$0")/common.sh"
build=$1 etcd=$2
if [[ $EUID -ne 0 ]]; then skip "only root may chroot"; fi
# No function: $! must be the program.
inside=(chroot --userspec=65532:65532 "$work/root" /usr/local/bin/etcdrill)

# What this test builds is the image: the last stage of the Dockerfile takes the root that
# make-rootfs made, and no more.
expected='FROM scratch
COPY --from=build /rootfs/ /
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

cmake --install "$build" --prefix "$work/install/usr" --strip > "$work/install.log"
"$repo/deploy/docker/make-rootfs" "$work/install" "$work/root"

status=0
said=$("${inside[@]}" version 2>&1) || status=$?
result starts "$status" "$said"

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
needed=$(ldd "$work/install/usr/bin/etcdrill")
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
