#!/usr/bin/env bash
# Runs every fuzz target for the time given as $1.
set -euo pipefail
cd "$(dirname "$0")/.."
for pkg in $(grep -rl --include='*_test.go' '^func Fuzz' internal cmd rules 2>/dev/null | xargs -n1 dirname | sort -u); do
  for target in $(grep -rhoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' "$pkg" | sed 's/^func //' | sort -u); do
    printf '%s %s\n' "$pkg" "$target"
    go test "./$pkg" -run '^$' -fuzz "^${target}\$" -fuzztime "$1"
  done
done
