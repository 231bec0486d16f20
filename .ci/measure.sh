#!/usr/bin/env bash
# Takes the figures of docs/performance.md. Needs Go and git;
# generates its repositories below a temporary folder. Some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
export GOFLAGS="${GOFLAGS:--buildvcs=false}"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
step() { printf '\n== %s\n' "$*"; }

make -s build
bin=$PWD/bin/plimsoll

step "the binary and its start"
stat -c '%s bytes' "$bin"
timed() { local t; TIMEFORMAT='%R s wall, %U s user, %S s system'; time "$@" >/dev/null || true; }
timed "$bin" version

step "scan of one small manifest, whole process"
mkdir -p "$work/one"
cp deploy/base/statefulset.yaml "$work/one/"
for _ in 1 2 3; do timed "$bin" scan "$work/one"; done

step "a working tree of 50,000 files with 9 changed, beside git status"
repo=$work/tree
git init -q -b main "$repo"
awk 'BEGIN {
  print "commit refs/heads/main\ncommitter a <a@example.com> 1700000000 +0000\ndata 1\nx"
  for (i = 0; i < 50000; i++) {
    if (i % 5 == 0) { ext = "yaml"; body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c" i "\n  namespace: team\ndata:\n  v: \"1\"\n" }
    else { ext = "go"; body = "// file " i "\n"; for (k = 0; k < 40; k++) body = body "line " k " " i "\n" }
    printf "M 100644 inline d%d/s%d/f%d.%s\ndata %d\n%s\n", i / 2500, (i / 50) % 50, i, ext, length(body), body
  }
}' | git -C "$repo" fast-import --quiet
git -C "$repo" checkout -q -f main
for i in 0 5 50 500 5000 12345 25000 40000 49995; do
  sed -i 's/v: "1"/v: "2"/' "$repo/d$((i / 2500))/s$(((i / 50) % 50))/f$i.yaml"
done
git -C "$repo" status --short | wc -l
for _ in 1 2 3; do
  printf 'plimsoll review: '; timed "$bin" review "$repo" --base HEAD
  printf 'git status:      '; timed git -C "$repo" status --short
done

step "2,000 manifests: scan beside the parsing of the same bytes; a review of one"
go test ./internal/reviewer -run '^$' -bench 'Scan2000|Parse2000|ReviewOne' -benchtime 2s -benchmem | grep -E '^Benchmark'

step "from webhook to completed check run, 50 pull requests"
go test ./cmd/plimsoll -run '^$' -bench WebhookToCheckRun -benchtime 50x | grep -E '^Benchmark'

step "API calls of a pull request"
go test ./cmd/plimsoll -run TestCallsOfAPullRequest -v | grep -E 'findings:'

step "a pull request of 9 files in repositories of 50,000 and 500,000 files"
go test ./internal/gitrepo -run '^$' -bench 'PullRequest50k|PullRequestBeside50k|PullRequest500k' -benchtime 3x | grep -E '^Benchmark'
