#!/usr/bin/env bash
# Installs what the tests need (as root on Debian; elsewhere it says what is missing) and runs them all.
# Ends with a line "N passed, N failed, N skipped"; exits 0 only if none failed.
set -u
cd "$(dirname "$0")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

passed=0 failed=0 skipped=0

finish() {
  echo "$passed passed, $failed failed, $skipped skipped"
  [ "$failed" -eq 0 ]
  exit
}

# step NAME COMMAND...: one check that passes or fails as a whole, or says why it cannot be made and exits with 77.
step() {
  local name=$1
  shift
  echo "== $name"
  "$@"
  case $? in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *) failed=$((failed + 1)); echo "FAILED: $name" ;;
  esac
}

install_programs() {
  local missing=() wanted=(gcc strace python3)
  # For an engine of the tests' own, where none answers and there is the material to make one.
  if [ -d ../shared/tools/docker ] && ! docker info > /dev/null 2>&1; then wanted+=(docker.io mmdebstrap iptables); fi
  for program in "${wanted[@]}"; do command -v "${program/docker.io/dockerd}" > /dev/null || missing+=("$program"); done
  # A server of the tests' own is started from its files, wherever they are.
  compgen -G '/usr/lib/postgresql/*/bin/initdb' > /dev/null || command -v initdb > /dev/null || missing+=(postgresql)
  command -v chromium > /dev/null || command -v chromium-browser > /dev/null || command -v google-chrome > /dev/null || missing+=(chromium)
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -eq 0 ] && command -v apt-get > /dev/null; then
    # libc6-dev: gcc alone lacks the C library's headers.
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}" libc6-dev > /dev/null
  else
    echo "Not installed: ${missing[*]}. The tests that need them are skipped."
  fi
}

format_is_right() {
  local status=0
  wait "$format" || status=$?
  cat "$format_log"
  rm -f "$format_log"
  return $status
}

run_tests() {
  local log
  log=$(mktemp)
  dotnet test Vivim.Tests --no-build --nologo 2>&1 | tee "$log"
  local status=${PIPESTATUS[0]}
  # "Passed!  - Failed: 0, Passed: 60, Skipped: 2, Total: 62, ..."
  read -r f p s < <(sed -nE 's/.*Failed: *([0-9]+), Passed: *([0-9]+), Skipped: *([0-9]+).*/\1 \2 \3/p' "$log" | tail -1)
  rm -f "$log"
  if [ -z "${p:-}" ] || { [ "$status" -ne 0 ] && [ "${f:-0}" -eq 0 ]; }; then
    echo "FAILED: the test run broke off"
    failed=$((failed + 1))
  fi
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0})) skipped=$((skipped + ${s:-0}))
}

if ! dotnet --version > /dev/null 2>&1; then
  echo "The .NET 10 SDK is missing."
  failed=1
  finish
fi
install_programs
step "build without warnings" dotnet build Vivim.sln --nologo -v quiet
[ "$failed" -eq 0 ] || finish
# Beside the tests, which mostly wait.
format_log=$(mktemp)
dotnet format Vivim.sln --verify-no-changes --no-restore --severity warn > "$format_log" 2>&1 &
format=$!
if command -v gcc > /dev/null && command -v strace > /dev/null && command -v python3 > /dev/null; then
  step "durability tools" tests/tools/selftest.sh
else
  skipped=$((skipped + 1))
fi
echo "== tests"
run_tests
step "format" format_is_right
step "docker compose" tests/compose.sh
finish
