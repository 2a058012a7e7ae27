#!/usr/bin/env bash
# All measurements of docs/benchmarks.md, one after the other, with one table of the figures at the end:
#
#   scripts/bench.sh              all parts, some 40 minutes on two cores
#   scripts/bench.sh engine idle  these parts only
#
# RINGCHECK_YEARS (pod-years of each background, default 10), RINGCHECK_MINUTES (most minutes for them, default 20) and
# RINGCHECK_TRIALS (of each fault, default 300) say how long the long ones may take.
# Logs are in target/bench-logs/.
set -euo pipefail
cd "$(dirname "$0")/.."

PARTS=(connections calls minting engine public_page delays quiet_years idle)
LOGS=$PWD/target/bench-logs
mkdir -p "$LOGS"
# What an earlier run has left is not a figure of this one.
rm -f "$LOGS"/*.log
children=()
cleanup() {
  for child in "${children[@]}"; do kill "$child" 2>/dev/null || true; done
}
trap cleanup EXIT

cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }

# A node that watches 30 pods of a simulated partner, at the default six attempts a minute each.
part_idle() {
  local folder=target/bench-idle ringcheck=target/release/ringcheck began
  cargo build --release --bin ringcheck
  rm -rf "$folder"
  mkdir -p "$folder/config" "$folder/probes"
  folder=$(cd "$folder" && pwd)
  "$ringcheck" partner serve --generate 30 --out "$folder/partner" --control 127.0.0.1:19899 >"$LOGS/partner.log" 2>&1 &
  children+=($!)
  until [ -f "$folder/partner/ca.pem" ] && [ -d "$folder/partner/pods" ]; do sleep 0.2; done
  cp -r "$folder/partner/pods" "$folder/config/"
  cp probes/connection.toml "$folder/probes/"
  sed -e 's#^control = .*#control = ["tcp://127.0.0.1:19899", "http://127.0.0.1:19899/"]#' \
    -e 's#127.0.0.1:9870#127.0.0.1:19870#' -e 's#127.0.0.1:9871#127.0.0.1:19871#' \
    -e "s#../var/ringcheck.db#$folder/ringcheck.db#" config/ringcheck.toml >"$folder/config/ringcheck.toml"
  SMTP_PASSWORD=none WEBHOOK_SECRET=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLjSw \
    "$ringcheck" run --config "$folder/config" --probes "$folder/probes" >"$LOGS/node.log" 2>&1 &
  local node=$!
  children+=("$node")
  sleep 30
  began=$(cpu_ticks "$node")
  sleep 120
  echo "resident memory of a node with 30 pods: $(($(resident_kb "$node") / 1024)) MiB"
  echo "its CPU: $((($(cpu_ticks "$node") - began) * 10 / 120)) ms a second, for three attempts a second"
}

for part in "${@:-${PARTS[@]}}"; do
  echo "== $part (target/bench-logs/$part.log)" >&2
  case $part in
    connections | calls | minting | engine | public_page) cargo bench --bench "$part" ;;
    delays) cargo bench --bench delays -- "${RINGCHECK_TRIALS:-300}" ;;
    quiet_years) cargo bench --bench quiet_years -- "${RINGCHECK_YEARS:-10}" "${RINGCHECK_MINUTES:-20}" ;;
    idle) part_idle ;;
    *) echo "no part is called \"$part\"; there are: ${PARTS[*]}" >&2; exit 2 ;;
  esac >"$LOGS/$part.log" 2>"$LOGS/$part.err" || { tail -n 50 "$LOGS/$part.err"; exit 1; }
done

# row WHAT BAR FIGURE: one line of the table; a part that was not run has no figure.
row() { [ -z "$3" ] || printf '%-42s %-22s %s\n' "$1" "$2" "$3"; }
# find PART PATTERN: what the group of the pattern matches in a part's log, first time.
find_in() { sed -nE "s/.*$2.*/\\1/p" "$LOGS/$1.log" 2>/dev/null | head -n 1; }

printf '\n'
row what bar figure
row 'CPU per attempt, times a bare client' '<= 1.5' "$(find_in connections 'ours .*: (.*) times')"
row 'bare handshake and frames, CPU' '-' "$(find_in connections 'bare client ([^,]*),')"
row 'memory per open connection' '<= 20 kB' "$(find_in connections 'TLS connection: ([^(]*) \(')"
row 'CPU per 5 s call, beside Chromium' '<= 1/90' "$(find_in calls 'CPU per 5 s call: (.*)')"
row 'memory per call' '-' "$(find_in calls 'memory per call: (.*)')"
row '100 calls at once, sent without a gap' '100' "$(find_in calls '100 calls at once: .* ([0-9]+) sent without')"
row 'call over a TURN server, CPU' '-' "$(find_in calls 'relay-udp: (.* times)')"
row 'call in Opus, CPU' '-' "$(find_in calls 'opus: (.* times)')"
row 'calls in a row, leak' 'flat' "$(find_in calls 'failed: (memory .*)')"
row 'idle memory with 30 pods' '<= 40 MiB' "$(find_in idle '30 pods: (.*)')"
row 'public page, requests a CPU second' '>= 5,000' "$(find_in public_page 'GET \/ .*: ([0-9]+) requests per CPU')"
row 'public page, p99' '<= 10 ms' "$(find_in public_page 'GET \/ .*p99 (.*)')"

for part in "${@:-${PARTS[@]}}"; do
  printf '\n%s\n' "-- $part"
  grep -vE '^$|Benchmarking|Found .* outliers|high (mild|severe)|low (mild|severe)|change:|^Gnuplot' "$LOGS/$part.log"
done
