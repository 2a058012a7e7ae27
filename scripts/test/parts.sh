# The parts of scripts/test.sh; one function each. What they print goes to the part's log; lines
# that begin with "> " are shown on the terminal too.

say() { printf '> %s\n' "$*"; }

# ---- install ---------------------------------------------------------------------------------

part_install() {
  cargo fmt --version && cargo clippy --version ||
    { say "the Rust toolchain lacks rustfmt or clippy: rustup component add rustfmt clippy"; return 1; }
  need cc build-essential
  need git git
  need curl curl
  need node nodejs
  need npm npm
  need /usr/bin/chromium chromium
  need certutil libnss3-tools
  need turnserver coturn
  need ip iproute2
  need iptables iptables
  need buildah buildah
  need debootstrap debootstrap
  python3 -c 'import ensurepip, venv' 2>/dev/null || package python3-venv
  python_packages
  node_packages
}

# need COMMAND PACKAGE: installs the package if the command is not there.
need() {
  PATH=$PATH:/usr/sbin command -v "$1" >/dev/null || package "$2"
}

updated=
package() {
  say "installing the Debian package $1"
  if [ -z "$updated" ]; then
    as_root apt-get -o DPkg::Lock::Timeout=300 update
    updated=yes
  fi
  # One package a call: two calls at once wait for each other's lock instead of failing.
  as_root apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$1"
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n --preserve-env=DEBIAN_FRONTEND "$@"; fi
}

retry() {
  local try
  for try in 1 2 3 4; do
    "$@" && return 0
    echo "try $try of: $*"
    sleep $((try * 5))
  done
  return 1
}

# Where tests/python/environment.rs looks for them, and would make them without a second try.
python_packages() {
  python_environment helper-library tests/python/requirements.txt
  python_environment aiortc tests/python/aiortc_requirements.txt
}

# python_environment NAME REQUIREMENTS
python_environment() {
  local home=$TMP/$1 wanted=$2
  if ! cmp -s "$wanted" "$home/installed.txt"; then
    python3 -m venv --clear "$home"
    retry "$home/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted"
    cp "$wanted" "$home/installed.txt"
  fi
}

node_packages() {
  if ! cmp -s tests/sdk/package-lock.json tests/sdk/node_modules/.installed; then
    (cd tests/sdk && retry npm ci --ignore-scripts --no-audit --no-fund)
    cp tests/sdk/package-lock.json tests/sdk/node_modules/.installed
  fi
}

# ---- what needs no test to run ---------------------------------------------------------------

part_format() { cargo fmt --all --check; }

part_lint() { cargo clippy --release --locked --all-targets -- -D warnings; }

part_documents() { RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --lib; }

part_build() {
  cargo test --release --locked --no-run
  say "$(du -h "$RINGCHECK" | cut -f1) $RINGCHECK"
}

# ---- scenarios -------------------------------------------------------------------------------

# Every story that is shipped, with the binary that is shipped: all of its expectations hold.
part_scenarios() {
  local file result told status=0
  [ -x "$RINGCHECK" ] || cargo build --release --locked --bin ringcheck
  for file in scenarios/*.toml; do
    if result=$("$RINGCHECK" sim "$file" --format json); then
      told=$(sed -nE 's/^  "(paged|pages|facts)": "?([^",]*)"?,?$/\1 \2/p' <<<"$result" | paste -sd ' ')
      say "$file: all held, $told"
    else
      say "$file: BROKEN"
      printf '%s\n' "$result"
      status=1
    fi
  done
  return "$status"
}

# ---- tests -----------------------------------------------------------------------------------

# All of it but the SDKs' proof, which has a part (and a time) of its own.
# The library's tests compute, and those of the product wait: they run beside each other, and who
# computes makes way.
part_tests() {
  local computing status=0
  nice -n 19 cargo test --release --locked --no-fail-fast --lib --bins -- --show-output >"$LOGS/tests-lib.log" 2>&1 &
  computing=$!
  cargo test --release --locked --no-fail-fast --test '*' -- --show-output --skip the_real_sdks || status=$?
  wait "$computing" || status=$?
  cat "$LOGS/tests-lib.log"
  cargo test --release --locked --doc || status=$?
  grep -E '^test .* FAILED$|^SKIPPED |^test result: .* finished in [0-9]{2,}' "$LOGS/tests.log" | sed 's/^/> /' || true
  # What a failed test said, for whoever sees no more than the terminal.
  grep -E -A 2 ' panicked at ' "$LOGS/tests.log" | cut -c 1-600 | head -n 40 | sed 's/^/> /' || true
  return "$status"
}

part_sdk() {
  cargo test --release --locked --test sdk -- --nocapture && status=0 || status=$?
  grep -E '^ *(fault|[a-z0-9-]+) .*(agree|DIFFER)' "$LOGS/sdk.log" | sed 's/^/> /' || true
  return "$status"
}

# ---- fuzz ------------------------------------------------------------------------------------

# Seconds for all targets together.
FUZZ_SECONDS=${FUZZ_SECONDS:-60}

part_fuzz() {
  # The fuzzer brings flags and a runtime of its own.
  unset RUSTFLAGS CARGO_BUILD_TARGET
  if [ ! -x target/tools/bin/cargo-fuzz ]; then
    retry cargo install cargo-fuzz --version 0.13.2 --locked --root target/tools
  fi
  export PATH=$PWD/target/tools/bin:$PATH RUSTC_BOOTSTRAP=1
  local targets target each
  targets=$(cargo fuzz list)
  each=$((FUZZ_SECONDS / $(wc -w <<<"$targets")))
  # By itself it compiles our crate in one piece, on one core.
  local how=(-s none --codegen-units 16)
  cargo fuzz build "${how[@]}"
  for target in $targets; do
    # What is found new goes to the first folder and is not kept; the tracked corpus is only read.
    mkdir -p "target/fuzz/$target"
    cargo fuzz run "$target" "target/fuzz/$target" "fuzz/corpus/$target" "${how[@]}" -- \
      -max_total_time="$each" -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 >"$LOGS/fuzz-$target.log" 2>&1 ||
      { tail -n 40 "$LOGS/fuzz-$target.log"; return 1; }
    say "$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$LOGS/fuzz-$target.log") inputs in ${each} s"
  done
}

# ---- image -----------------------------------------------------------------------------------

part_image() { source scripts/test/image.sh && image; }

# ---- secrets ---------------------------------------------------------------------------------

part_secrets() { source scripts/test/secrets.sh && secrets; }
