# Builds the Dockerfile with buildah and runs what comes out.
#
# No image registry is asked. The place of `rust:1-bookworm` is taken by a Debian 12 made with
# debootstrap, in which `cargo` is a stand-in: it accepts exactly the Dockerfile's own command and
# hands out the binary that the part "build" has made with the same flags. So every line of the
# Dockerfile is carried out, and the crates are not compiled a second time. What this cannot try
# is the public base image itself.

image() {
  local place=$PWD/target/image
  mkdir -p "$place"
  # In a storage of its own below target/, layers as plain copies: works in a container too.
  boat() { as_root buildah --root "$place/storage" --runroot "$place/run" --storage-driver vfs "$@"; }
  [ -x "$RINGCHECK" ] || cargo build --release --locked --bin ringcheck

  base_image "$place"
  boat bud --pull-never --isolation chroot --layers=false -t ringcheck-test . 
  local container
  container=$(boat from --pull-never localhost/ringcheck-test)
  check_image "$container" && status=0 || status=$?
  boat rm "$container"
  # The base and the image stay for a look; what the build left in between goes.
  boat rmi --prune || true
  return "$status"
}

base_image() {
  local place=$1 container
  if [ ! -f "$place/base.tar" ]; then
    # The mirror that this machine's apt uses.
    local mirror
    mirror=$(apt-get indextargets --format '$(SITE) $(CODENAME)' 'Created-By: Packages' |
      awk '$2 == "bookworm" { print $1; exit }')
    as_root rm -rf "$place/base"
    as_root debootstrap --variant=minbase --include=ca-certificates bookworm "$place/base" "$mirror"
    as_root rm -rf "$place/base/var/cache/apt/archives" "$place/base/var/lib/apt/lists"
    as_root tar -C "$place/base" -cf "$place/base.tar" .
    as_root rm -rf "$place/base"
  fi
  rm -rf "$place/stand-in"
  mkdir -p "$place/stand-in/usr/local/bin" "$place/stand-in/opt"
  cp "$RINGCHECK" "$place/stand-in/opt/ringcheck"
  cat >"$place/stand-in/usr/local/bin/cargo" <<'CARGO'
#!/bin/sh -eu
triple=$(uname -m)-unknown-linux-gnu
if [ "$*" != "build --release --locked --bin ringcheck --target $triple" ] ||
   [ "$RUSTFLAGS" != "-C target-feature=+crt-static" ]; then
  echo "the stand-in for cargo does not know: RUSTFLAGS=$RUSTFLAGS cargo $*" >&2
  exit 1
fi
# What a build needs must be in the context.
for needed in Cargo.toml Cargo.lock src/main.rs src/lib.rs config probes; do
  [ -e "$needed" ] || { echo "$needed is not in the build's context" >&2; exit 1; }
done
mkdir -p "target/$triple/release"
cp /opt/ringcheck "target/$triple/release/ringcheck"
CARGO
  chmod +x "$place/stand-in/usr/local/bin/cargo"
  container=$(boat from scratch)
  boat add --quiet "$container" "$place/base.tar" /
  boat add --quiet "$container" "$place/stand-in" /
  boat commit --quiet --rm "$container" localhost/rust:1-bookworm
}

# The image's own binary, as its own user, in its own file system.
check_image() {
  local container=$1 user size
  user=$(boat inspect --format '{{.OCIv1.Config.User}}' "$container")
  [ "$user" = 65532:65532 ] || { say "the image runs as \"$user\""; return 1; }
  local mount
  mount=$(boat mount "$container")
  size=$(as_root du -sh --apparent-size "$mount" | cut -f1)
  [ -z "$(as_root find "$mount" -path "$mount/proc" -prune -o -name '*sh' -type f -print)" ] || { say "a shell is in the image"; return 1; }
  boat umount "$container" >/dev/null
  run_in() { boat run --isolation chroot --user 65532:65532 "$container" -- "$@"; }
  say "$(run_in /ringcheck --version), $size, as $user"
  # The example set that the image carries is right; its secrets are elsewhere.
  run_in /ringcheck check-config --config /etc/ringcheck/config --probes /etc/ringcheck/probes --without-secrets
}
