package kubernetes_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
)

// manifests generates n Deployments with their Services, one pair a file, of
// about the size and style of those that people write.
func manifests(n int) (format.Unit, int64) {
	const text = `# The %[1]d. service of the shop.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-%[1]d
  namespace: shop
  labels: {app: service-%[1]d, tier: backend}
  annotations:
    description: "Keeps the orders of region %[1]d"
spec:
  replicas: 3 # one in each zone
  selector:
    matchLabels:
      app: service-%[1]d
  template:
    metadata:
      labels:
        app: service-%[1]d
        tier: backend
    spec:
      serviceAccountName: service-%[1]d
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: app
          image: registry.example.com/shop/service-%[1]d:1.4.%[1]d
          args: ["--port", "8080", "--log", 'json']
          command:
            - /bin/sh
            - -c
            - |
              set -eu
              # wait for the database
              until nc -z db 5432; do sleep 1; done
              exec /app
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: DB_HOST
              value: db.shop.svc
            - name: DB_PASSWORD
              valueFrom:
                secretKeyRef:
                  name: db
                  key: password
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits:
              memory: 256Mi
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop: [ALL]
          livenessProbe:
            httpGet:
              path: /healthz
              port: http
            initialDelaySeconds: 5
      volumes:
        - name: tmp
          emptyDir: {}
---
apiVersion: v1
kind: Service
metadata:
  name: service-%[1]d
  namespace: shop
spec:
  selector:
    app: service-%[1]d
  ports:
    - name: http
      port: 80
      targetPort: http
`
	u := format.Unit{ID: "kubernetes:.", Format: kubernetes.Name, Dir: "."}
	fsys := fstest.MapFS{}
	size := int64(0)
	for i := range n / 2 {
		path := fmt.Sprintf("%05d.yaml", i)
		data := fmt.Appendf(nil, text, i)
		size += int64(len(data))
		fsys[path] = &fstest.MapFile{Data: data}
		u.Files = append(u.Files, path)
	}
	u.FS = fsys
	return u, size
}

// BenchmarkRead reads 2,000 manifests on one processor, so that it compares
// with BenchmarkYAML.
func BenchmarkRead(b *testing.B) {
	u, size := manifests(2000)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		if rs, ds := kubernetes.New().Read(b.Context(), u); len(rs) != 2000 || len(ds) != 0 {
			b.Fatalf("%d resources, %v", len(rs), ds)
		}
	}
}

// BenchmarkYAML decodes the same bytes into yaml.v3's nodes and does nothing
// with them.
func BenchmarkYAML(b *testing.B) {
	u, size := manifests(2000)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	fsys := u.FS.(fstest.MapFS)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		docs := 0
		for _, path := range u.Files {
			d := yaml.NewDecoder(bytes.NewReader(fsys[path].Data))
			for {
				var n yaml.Node
				if err := d.Decode(&n); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
				docs++
			}
		}
		if docs != 2000 {
			b.Fatal(docs)
		}
	}
}
