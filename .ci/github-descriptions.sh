#!/usr/bin/env bash
# Fetches GitHub's own descriptions of its API and webhooks (npm, pinned in
# .ci/npm) and keeps of them what the tests need, in .ci/npm/descriptions. Does
# nothing when that is there and newer than the lock file and the endpoints.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.ci/npm/descriptions

newest_source() { find .ci/npm/package-lock.json internal/githubsim internal/githubsim/simtest -maxdepth 1 -name '*' -type f -newer "$out/done" -print -quit; }
if [[ -e $out/done && -z $(newest_source) ]]; then
  exit 0
fi
if [[ ! -e .ci/npm/node_modules/.package-lock.json || .ci/npm/package-lock.json -nt .ci/npm/node_modules/.package-lock.json ]]; then
  (cd .ci/npm && npm ci --ignore-scripts --no-audit --no-fund)
  touch .ci/npm/node_modules/.package-lock.json
fi
go run ./internal/githubsim/simtest/trim .ci/npm/node_modules "$out"
touch "$out/done"
