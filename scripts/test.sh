#!/usr/bin/env bash
# Everything that must hold, with one command, on a bare Debian 12 machine with a Rust toolchain:
#
#   scripts/test.sh              all parts, in order
#   scripts/test.sh tests sdk    these parts only
#
# Missing Debian packages are installed (as root or through sudo), npm and Python packages go
# below tests/sdk and target/. Logs of the parts are in target/test-logs/. The first part that
# fails ends the run; the times are printed in any case.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/test/parts.sh

PARTS=(install format lint documents build scenarios tests sdk fuzz image secrets)
LOGS=$PWD/target/test-logs
mkdir -p "$LOGS"
rm -f "$LOGS"/*.log

# The release profile, as in `cargo run --release`, with the C library linked in: what is tested
# is the binary that the image ships, and no crate is compiled twice on the way.
HOST=$(rustc -vV | sed -n 's/^host: //p')
export CARGO_BUILD_TARGET=$HOST
case $HOST in
  *-linux-gnu) export RUSTFLAGS="-C target-feature=+crt-static" ;;
esac
export CI=1 CARGO_TERM_COLOR=never INSTA_UPDATE=no DEBIAN_FRONTEND=noninteractive
RINGCHECK=target/$HOST/release/ringcheck
# Cargo's folder for what integration tests write.
TMP=$PWD/target/$HOST/tmp

times=()
failed=

summary() {
  [ "${#times[@]}" -gt 0 ] || return 0
  printf '\n%-10s %8s\n' part seconds
  printf '%s\n' "${times[@]}"
  printf '%-10s %7ss\n\n' "in all" "$SECONDS"
  local counts
  counts=$(cat "$LOGS"/tests.log "$LOGS"/sdk.log /dev/null 2>/dev/null |
    awk '/^test result:/ { passed += $4; failed += $6 } END { printf "%d passed, %d failed", passed, failed }') || true
  if [ -n "$failed" ]; then
    echo "$counts; the part \"$failed\" failed, its log is target/test-logs/$failed.log"
  else
    echo "$counts"
  fi
}
trap summary EXIT

run_part() {
  local name=$1 began=$SECONDS log=$LOGS/$1.log status=0
  printf "== %-10s (target/test-logs/%s.log)\n" "$name" "$name"
  # A shell of its own, because `set -e` does not hold in a command that is tested.
  ( set -e; "part_$name" ) >"$log" 2>&1 &
  wait $! || status=$?
  times+=("$(printf '%-10s %7ss' "$name" "$((SECONDS - began))")")
  grep '^> ' "$log" | sed 's/^> /   /' || true
  if [ "$status" != 0 ]; then
    failed=$name
    tail -n 150 "$log"
    exit 1
  fi
}

for part in "${@:-${PARTS[@]}}"; do
  declare -F "part_$part" >/dev/null || { echo "no part is called \"$part\"; there are: ${PARTS[*]}" >&2; exit 2; }
  run_part "$part"
done
