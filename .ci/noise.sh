#!/usr/bin/env bash
# Counts findings for each 100 resources, by rule and profile, over the
# manifests that some Go modules ship. Needs Go, git and Node.
set -euo pipefail
cd "$(dirname "$0")/.."
modules=(
  sigs.k8s.io/metrics-server@v0.8.0
  knative.dev/serving@v0.46.0
  github.com/tektoncd/pipeline@v1.5.0
  github.com/argoproj/argo-rollouts@v1.8.3
  github.com/fluxcd/flux2/v2@v2.6.4
  github.com/cert-manager/cert-manager@v1.18.2
)
make -s build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && go mod init noise >/dev/null 2>&1)
for module in "${modules[@]}"; do
  dir=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  for profile in default strict; do
    ./bin/plimsoll scan "$dir" --format json --fail-on none --profile "$profile" --output "$work/$profile.$(echo "$module" | tr '/@' '__').json"
  done
done
node .ci/noise.mjs "$work"/*.json
