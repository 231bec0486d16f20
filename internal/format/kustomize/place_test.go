package kustomize_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// other gives another text for a value where its own stands at its place, and
// the value that it then has.
func other(n *resource.Node, text string) (string, any, bool) {
	quote := ""
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		quote, text = text[:1], text[1:len(text)-1]
	}
	switch v := n.Value.(type) {
	case bool:
		if quote == "" && text == strconv.FormatBool(v) {
			return strconv.FormatBool(!v), !v, true
		}
	case int64:
		if quote == "" && text == strconv.FormatInt(v, 10) {
			return strconv.FormatInt(v+1, 10), v + 1, true
		}
	case string:
		if text == v && v != "" {
			return quote + "z" + v + quote, "z" + v, true
		}
	}
	return "", nil, false
}

// TestPlacesDecide edits the text at the place of every value that is written
// there, one after the other, builds again and looks whether it was that which
// decides the value.
func TestPlacesDecide(t *testing.T) {
	confirmed, passed := 0, 0
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	all := shop(1, 3, true)
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, unit(txtar.Parse(data)))
	}
	for _, u := range all {
		name := u.ID
		rs, _ := kustomize.New().Read(t.Context(), u)
		for i, r := range rs {
			resource.Walk(r.Root, func(p resource.Path, n *resource.Node) bool {
				switch s := p.String(); {
				case n.Kind == resource.Map || n.Kind == resource.List:
					return true
				case s == "apiVersion", s == "kind", strings.HasSuffix(s, ".name"), strings.HasSuffix(s, ".id"):
					return true // what names a thing decides what is laid over what
				}
				f := source.NewFile(n.Range.File, u.FS.(fstest.MapFS)[n.Range.File].Data)
				text, value, ok := other(n, f.Text(n.Range))
				if !ok {
					passed++
					return true
				}
				after, err := source.Apply(f.Data, []source.Edit{{Range: n.Range, New: text}})
				if err != nil {
					t.Fatal(err)
				}
				edited := fstest.MapFS{}
				for k, v := range u.FS.(fstest.MapFS) {
					edited[k] = v
				}
				edited[n.Range.File] = &fstest.MapFile{Data: after}
				v := u
				v.FS = edited
				again, ds := kustomize.New().Read(t.Context(), v)
				if len(again) != len(rs) {
					t.Errorf("%s: %s of %s: with %s at %s the build gives %d resources: %v", name, p, r.ID, text, n.Range, len(again), ds)
					return true
				}
				if got, taken := p.At(again[i].Root); taken != len(p) || got.Value != value {
					t.Errorf("%s: %s of %s is %v whatever stands at %s", name, p, r.ID, n.Value, n.Range)
				} else {
					confirmed++
				}
				return true
			})
		}
	}
	if confirmed < 70 || passed > confirmed {
		t.Errorf("%d places were confirmed, %d passed over", confirmed, passed)
	}
}

// FuzzRead builds anything: it must not panic, must say where everything stands,
// and must be done in time.
func FuzzRead(f *testing.F) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		u := unit(txtar.Parse(data))
		for _, file := range u.Files {
			if kustomize.IsFile(file) {
				f.Add(u.FS.(fstest.MapFS)[file].Data, []byte(pod), []byte("metadata: {name: a}\nspec: {hostPID: true}\n"))
			}
		}
	}
	f.Add([]byte("resources: [pod.yaml]\npatches: [{path: patch.yaml, target: {kind: Pod}}]\n"), []byte(pod), []byte("- {op: add, path: /spec/x, value: 1}\n"))
	f.Fuzz(func(t *testing.T, kustomization, manifest, patch []byte) {
		if len(kustomization)+len(manifest)+len(patch) > 1<<14 {
			return
		}
		fsys := fstest.MapFS{"kustomization.yaml": {Data: kustomization}, "pod.yaml": {Data: manifest}, "patch.yaml": {Data: patch}}
		u := format.Unit{ID: "kustomize:.", Format: kustomize.Name, Dir: ".", Files: []string{"kustomization.yaml", "patch.yaml", "pod.yaml"}, FS: fsys}
		rs, ds := kustomize.New().Read(t.Context(), u)
		check(t, u, rs, ds)
	})
}

const pod = `apiVersion: v1
kind: Pod
metadata: {name: a}
spec:
  containers: [{name: a, image: a}]
`

// shop is a base of so many Deployments under so many overlays, each with
// patches, images, labels and a generator; with operations one of the patches is
// a JSON patch.
func shop(overlays, resources int, operations bool) []format.Unit {
	fsys := fstest.MapFS{}
	put := func(name, text string) { fsys[name] = &fstest.MapFile{Data: []byte(text)} }
	base := "resources:\n"
	for i := range resources {
		base += fmt.Sprintf("  - api%d.yaml\n", i)
		put(fmt.Sprintf("base/api%d.yaml", i), fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: api%[1]d
  labels: {app: api%[1]d}
spec:
  replicas: 2
  selector:
    matchLabels: {app: api%[1]d}
  template:
    metadata:
      labels: {app: api%[1]d}
    spec:
      serviceAccountName: api%[1]d
      securityContext:
        runAsNonRoot: true
        seccompProfile: {type: RuntimeDefault}
      containers:
        - name: api
          image: registry.example.com/shop/api%[1]d:1.0.0
          args: ["--port", "8080"]
          ports:
            - {name: http, containerPort: 8080}
          env:
            - {name: LEVEL, value: info}
            - name: PASSWORD
              valueFrom: {secretKeyRef: {name: db, key: password}}
          resources:
            requests: {cpu: 100m, memory: 128Mi}
            limits: {memory: 256Mi}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: {drop: [ALL]}
`, i))
	}
	put("base/kustomization.yaml", base)
	var out []format.Unit
	for o := range overlays {
		dir := fmt.Sprintf("overlays/o%d", o)
		put(dir+"/patch.yaml", `apiVersion: apps/v1
kind: Deployment
metadata: {name: api0}
spec:
  template:
    spec:
      containers:
        - name: api
          resources: {limits: {memory: 1Gi}}
`)
		second := "      - {op: replace, path: /spec/replicas, value: 3}"
		if !operations {
			second = "      {apiVersion: apps/v1, kind: Deployment, metadata: {name: api2}, spec: {replicas: 3}}"
		}
		put(dir+"/kustomization.yaml", fmt.Sprintf(`namespace: o%d
resources: [../../base]
images:
  - {name: registry.example.com/shop/api1, newTag: 1.0.%d}
labels:
  - pairs: {env: o%d}
patches:
  - path: patch.yaml
  - target: {kind: Deployment, name: api2}
    patch: |-
%s
configMapGenerator:
  - {name: settings, literals: [level=info]}
`, o, o, o, second))
		u := format.Unit{ID: "kustomize:" + dir, Format: kustomize.Name, Dir: dir, FS: fsys, Files: []string{dir + "/kustomization.yaml"}}
		out = append(out, u)
	}
	return out
}
