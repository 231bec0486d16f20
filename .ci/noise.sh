#!/usr/bin/env bash
# Counts findings for each 100 resources, by rule and profile, over the
# manifests and over the Terraform that some Go modules ship. Needs Go, git and
# Node.
set -euo pipefail
cd "$(dirname "$0")/.."
manifests=(
  sigs.k8s.io/metrics-server@v0.8.0
  knative.dev/serving@v0.46.0
  github.com/tektoncd/pipeline@v1.5.0
  github.com/argoproj/argo-rollouts@v1.8.3
  github.com/fluxcd/flux2/v2@v2.6.4
  github.com/cert-manager/cert-manager@v1.18.2
)
terraform=(
  github.com/gruntwork-io/terratest@v0.48.2
)
make -s build
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && go mod init noise >/dev/null 2>&1)
count() {
  local of=$1 module dir
  shift
  mkdir "$work/$of"
  for module in "$@"; do
    dir=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$module" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    for profile in default strict; do
      ./bin/plimsoll scan "$dir" --format json --fail-on none --profile "$profile" --output "$work/$of/$profile.$(echo "$module" | tr '/@' '__').json"
    done
  done
  echo "$of"
  node .ci/noise.mjs "$work/$of"/*.json
}
count manifests "${manifests[@]}"
count terraform "${terraform[@]}"
