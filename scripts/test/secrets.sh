# Greps everything that ringcheck has written in this run (what tests printed, and every file
# that they left in Cargo's folder for tests: logs, mails, journals, answers of the API, metrics, process
# lists) for tokens and for the secrets that tests and examples use. Finds none.

# A signed token: three base64url parts, the first two beginning as JSON objects do.
TOKEN='eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{20,}'
# The secrets of tests, of the simulator and of the demo.
MARK="sesame|hunter2|api-key-secret-example|account-auth-token-example|the model's api key|the model's auth token"
MARK+="|a secret for tests|an-api-key-secret-of-32|an-auth-token-with-32"

secrets() {
  local places=("$LOGS" "$TMP") found=target/secrets-found
  local written
  written=$(find "${places[@]}" -type f ! -name secrets.log ! -path '*/helper-library/*' ! -path '*/aiortc/*' 2>/dev/null | wc -l)
  [ "$written" -gt 0 ] || { say "nothing was written: run the tests first"; return 1; }

  # The search must be able to find: a planted token and a planted secret.
  local planted
  planted=$(mktemp -d)
  printf 'x %s.%s.%s y\n' eyJhbGciOiJIUzI1NiJ9 eyJpc3MiOiJTSzEifQ dGhpcy1pcy1ub3QtYS1yZWFsLXNpZ25hdHVyZQ >"$planted/log"
  printf 'open %s\n' "${MARK%%|*}" >"$planted/journal"
  [ "$(search "$planted" | wc -l)" = 2 ] || { say "the search finds nothing even where something is"; return 1; }
  rm -r "$planted"

  search "${places[@]}" >"$found" || true
  if [ -s "$found" ]; then
    say "$(wc -l <"$found") files hold a token or a secret:"
    sed 's/^/> /' "$found"
    return 1
  fi
  say "$written files: no token, no secret"
}

# The names of the files that hold one; binary files (journals) are read as text.
search() {
  # Python's packages bring examples of their own; *.secret is what tests hand in.
  grep -rlaE --exclude=secrets.log --exclude='*.secret' --exclude-dir=helper-library --exclude-dir=aiortc -e "$TOKEN" -e "$MARK" "$@"
}
