package engine

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// benchRules are forty rules of the kinds that the catalogue has, most of them
// about containers.
func benchRules(b *testing.B) []rule.Active {
	var rs []rule.Rule
	add := func(each, fail, at string) {
		rs = append(rs, rule.Rule{ID: fmt.Sprintf("k8s/rule-%02d", len(rs)), Severity: rule.High, Checks: []rule.Check{{
			Each: each, Fail: fail, At: at, Message: "Container `{{ it.name }}` of {{ resource.kind }} {{ resource.name }}",
		}}})
	}
	for range 4 {
		add("containers", `it.?securityContext.?privileged.orValue(false) == true`, "securityContext.privileged")
		add("containers", `!("ALL" in lst(it.?securityContext.?capabilities.?drop))`, "securityContext.capabilities.drop")
		add("containers", `it.?securityContext.?allowPrivilegeEscalation.orValue(true) != false`, "securityContext.allowPrivilegeEscalation")
		add("containers", `it.?securityContext.?runAsUser.orValue(pod.?securityContext.?runAsUser.orValue(1)) == 0`, "securityContext.runAsUser")
		add("containers", `image(it.image).tag in ["", "latest"] && image(it.image).digest == ""`, "image")
		add("containers", `lst(it.?env).exists(e, secretish(e.name, e.?value))`, "env")
		add("containers", `!has(it.resources.limits.memory)`, "resources.limits.memory")
		add("pods", `it.?hostNetwork.orValue(false) || it.?hostPID.orValue(false) || it.?hostIPC.orValue(false)`, "hostNetwork")
		add("volumes", `has(it.hostPath)`, "hostPath")
		add("", `resource.namespace in ["", "default"]`, "metadata.namespace")
	}
	return active(b, resource.Kubernetes, rs...)
}

func benchManifest(i int) string {
	return fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: api-%d
  namespace: shop
  labels: {app: api, tier: backend}
spec:
  replicas: 3
  selector:
    matchLabels: {app: api}
  template:
    metadata:
      labels: {app: api}
    spec:
      serviceAccountName: api
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
      - name: api
        image: registry.example.com/shop/api:1.4.%d
        ports:
        - {name: http, containerPort: 8080}
        env:
        - {name: LOG_LEVEL, value: info}
        - name: DB_PASSWORD
          valueFrom:
            secretKeyRef: {name: db, key: password}
        resources:
          requests: {cpu: 100m, memory: 128Mi}
          limits: {memory: 256Mi}
        securityContext:
          allowPrivilegeEscalation: false
          readOnlyRootFilesystem: true
          capabilities: {drop: [ALL]}
      - name: proxy
        image: registry.example.com/shop/proxy:2.0.%d
        resources:
          limits: {memory: 64Mi}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
      volumes:
      - {name: tmp, emptyDir: {}}
`, i, i, i)
}

func benchChanges(b *testing.B, n int) []change.ResourceChange {
	out := make([]change.ResourceChange, n)
	for i := range out {
		out[i] = added(manifest(b, fmt.Sprintf("k8s/%d.yaml", i), 1, benchManifest(i)))
	}
	return out
}

// BenchmarkScan judges 2,000 manifests by forty rules on one worker.
func BenchmarkScan(b *testing.B) {
	opt := Options{Rules: benchRules(b), Today: today, InlineFromHead: true, Workers: 1}
	changes := benchChanges(b, 2000)
	if got := Evaluate(context.Background(), opt, changes); len(got.Findings)+len(got.Unknown) > 0 {
		b.Fatalf("the manifests are not clean: %v", lines(got.Findings)[:1])
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(context.Background(), opt, changes)
	}
	// 28 rules on 2 containers, 12 once each.
	b.ReportMetric(float64(68*len(changes))*float64(b.N)/b.Elapsed().Seconds(), "evaluations/s")
}

// BenchmarkParseSame reads the same manifests with yaml.v3, to compare.
func BenchmarkParseSame(b *testing.B) {
	srcs := make([][]byte, 2000)
	for i := range srcs {
		srcs[i] = []byte(benchManifest(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, src := range srcs {
			var n yaml.Node
			if err := yaml.Unmarshal(src, &n); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkFindings judges manifests that violate many of the rules, on both
// sides.
func BenchmarkFindings(b *testing.B) {
	opt := Options{Rules: benchRules(b), Today: today, Workers: 1}
	src := strings.ReplaceAll(benchManifest(1), "drop: [ALL]", "add: [SYS_ADMIN]")
	before, after := manifest(b, "k8s/a.yaml", 1, src), manifest(b, "k8s/a.yaml", 1, strings.Replace(src, "replicas: 3", "replicas: 4", 1))
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(context.Background(), opt, []change.ResourceChange{modified(before, after)})
	}
}
