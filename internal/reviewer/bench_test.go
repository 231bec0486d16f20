package reviewer_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// manifests generates n manifests of ordinary workloads in folders of fifty;
// one in ten has a fault that can be mended.
func manifests(n int) fstest.MapFS {
	out := fstest.MapFS{}
	for i := range n {
		privileged := i%10 == 0
		out[fmt.Sprintf("team-%d/app-%d.yaml", i/50, i)] = &fstest.MapFile{Data: fmt.Appendf(nil, `apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-%d
  namespace: team-%d
  labels:
    app.kubernetes.io/name: app-%d
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: app-%d
  template:
    metadata:
      labels:
        app.kubernetes.io/name: app-%d
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: app
          image: registry.example.com/team/app:1.%d.0
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LOG_LEVEL
              value: info # as agreed
            - name: DATABASE_URL
              valueFrom:
                secretKeyRef:
                  name: database
                  key: url
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
          securityContext:
            allowPrivilegeEscalation: false
            privileged: %t
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
`, i, i/50, i, i, i, i, privileged)}
	}
	return out
}

// BenchmarkScan2000 beside BenchmarkParse2000 shows what Plimsoll adds to the
// parsing of the same bytes.
func BenchmarkScan2000(b *testing.B) {
	tree := manifests(2000)
	opt := options(b)
	b.ReportAllocs()
	for b.Loop() {
		s, err := reviewer.Scan(b.Context(), opt, tree, []string{"."})
		if err != nil || len(s.Report.Findings) != 200 {
			b.Fatalf("%v, %d findings", err, len(s.Report.Findings))
		}
	}
}

// BenchmarkParse2000 decodes the manifests of BenchmarkScan2000 with yaml.v3,
// one after the other.
func BenchmarkParse2000(b *testing.B) {
	tree := manifests(2000)
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range tree {
			d := yaml.NewDecoder(strings.NewReader(string(f.Data)))
			for {
				var n yaml.Node
				if err := d.Decode(&n); err != nil {
					if errors.Is(err, io.EOF) {
						break
					}
					b.Fatal(err)
				}
			}
		}
	}
}

// BenchmarkReviewOne reviews a pull request that changes one of 2,000
// manifests.
func BenchmarkReviewOne(b *testing.B) {
	base, head := manifests(2000), manifests(2000)
	name := "team-0/app-1.yaml"
	head[name] = &fstest.MapFile{Data: []byte(strings.Replace(string(head[name].Data), "privileged: false", "privileged: true", 1))}
	opt := options(b)
	tr := trees{base, head}
	b.ReportAllocs()
	for b.Loop() {
		rep, err := reviewer.Review(b.Context(), opt, tr)
		if err != nil || len(rep.Findings) != 1 {
			b.Fatalf("%v, %d findings", err, len(rep.Findings))
		}
	}
}
