#!/usr/bin/env bash
# Holds the papers against the tree: every room has its line in
# docs/architecture.md, every direct dependency its row in docs/dependencies.md,
# and every relative link in the documents leads somewhere.
set -euo pipefail
cd "$(dirname "$0")/.."
bad=0
say() { echo "$1"; bad=1; }
for room in $(find internal -mindepth 1 -maxdepth 1 -type d -printf '%f\n'); do
  grep -qE "^\| \`(internal/)?$room" docs/architecture.md || say "docs/architecture.md has no line for internal/$room"
done
for mod in $(go mod edit -json | awk '/"Require"/{on=1} on&&/"Path"/{p=$2} on&&/"Indirect"/{p=""} on&&/}/{if(p!=""){gsub(/[",]/,"",p);print p};p=""} /"Replace"/{on=0}'); do
  grep -qF "\`$mod\`" docs/dependencies.md || say "docs/dependencies.md has no row for $mod"
done
for doc in *.md docs/*.md; do
  while read -r target; do
    case "$target" in http*|\#*|"") continue ;; esac
    [ -e "$(dirname "$doc")/${target%%#*}" ] || say "$doc links to $target, which is not there"
  done < <(grep -oE '\]\([^)]+\)' "$doc" | sed -E 's/^\]\(//; s/\)$//')
done
exit $bad
