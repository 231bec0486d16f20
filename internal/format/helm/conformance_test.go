package helm_test

import (
	"context"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const (
	definition = "apiVersion: v2\nname: shop\nversion: 1.0.0\n"
	ownValues  = "name: api\nsecurityContext:\n  privileged: true\n  runAsNonRoot: true\nitems: [a, b]\n"
	pod        = `{{- if .Values.name }}
apiVersion: v1
kind: Pod
metadata:
  name: {{ .Values.name | quote }} # by the values
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  {{- /* a comment of the template */}}
  containers:
    {{- range .Values.items }}
    - name: {{ . }}
      image: "registry.example.com/{{ . }}:1.0.0"
      securityContext: {{- toYaml $.Values.securityContext | nindent 8 }}
    {{- end }}
{{- end }}
{{- define "labels" -}}
app: shop
by: {{ .Release.Service }}
{{- end }}
`
)

func cases() formattest.Cases {
	plain := func(text string) bool { return !strings.Contains(text, "{{") }
	return formattest.Cases{
		Format: helm.Name, Platforms: []string{resource.Kubernetes},
		File: "templates/a.yaml", With: map[string]string{"Chart.yaml": definition, "values.yaml": ownValues},
		Good: pod, Broken: "kind: {{ if }}\n", Beside: "templates/b.yaml",
		Key: func(text string) (string, bool) {
			if !plain(text) {
				return "", false
			}
			return formattest.YAMLKey(text)
		},
		Scalar: func(text string, n *resource.Node) (any, bool) {
			if !plain(text) {
				return nil, false
			}
			return formattest.YAMLScalar(text, n)
		},
		Units: []formattest.Unit{
			{
				Name: "hooks, tests and notes", Files: map[string]string{
					"Chart.yaml": definition, "templates/NOTES.txt": `{{ fail "notes are not rendered" }}`,
					"templates/hook.yaml":       "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: migrate\n  annotations:\n    helm.sh/hook: pre-install\n",
					"templates/tests/test.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: test\n",
					"crds/crd.yaml":             "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: \"{{ not a template }}\"\n",
				},
				IDs: []string{"apiextensions.k8s.io/v1/CustomResourceDefinition/{{ not a template }}", "batch/v1/Job/migrate", "v1/Pod/test"},
			},
			{
				Name: "what fails costs itself alone", Files: map[string]string{
					"Chart.yaml": definition, "templates/a.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: {{ required \"give a name\" .Values.name }}\n",
					"templates/b.yaml": "apiVersion: v1\nkind: Service\nmetadata:\n  name: b\n",
					"templates/c.yaml": "{{ fail (printf \"not for %s\" .Chart.Name) }}",
					"templates/d.yaml": "{{ unheardOf }}",
					"templates/e.yaml": "{{ include \"e\" . }}{{ define \"e\" }}{{ include \"e\" . }}{{ end }}",
					"templates/f.yaml": "a: b\n  c: d\n",
				},
				IDs: []string{"v1/Service/b"},
				Diagnostics: []string{
					"templates/a.yaml:4: warning: give a name", "templates/c.yaml:1: warning: not for shop",
					"templates/d.yaml:1: warning: unheardOf", "templates/e.yaml:1: warning: includes itself more than 1000 times",
					"templates/f.yaml:2: error: what the template renders to",
				},
			},
			{
				Name: "API version 1 with requirements", Files: map[string]string{
					"Chart.yaml": "name: old\nversion: 0.1.0\n", "requirements.yaml": "dependencies:\n- name: db\n  version: 1.0.0\n  tags: [back]\n- name: gone\n  version: 1.0.0\n",
					"charts/db/Chart.yaml": "name: db\nversion: 1.0.0\n", "charts/db/templates/a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Chart.Name }}}\n",
					"values.yaml": "tags: {back: true}\n",
				},
				IDs:         []string{"v1/Service/db"},
				Diagnostics: []string{"requirements.yaml:5: warning: the dependency gone 1.0.0 is not vendored in charts/"},
			},
			{
				Name: "no chart", Files: map[string]string{"templates/a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n"},
				IDs: []string{}, Diagnostics: []string{"Chart.yaml: error: Chart.yaml file is missing"},
			},
			{
				Name: "values that are no map", Files: map[string]string{"Chart.yaml": definition, "values.yaml": "[a", "templates/a.yaml": pod},
				IDs: []string{}, Diagnostics: []string{"Chart.yaml: error: cannot load values.yaml"},
			},
		},
	}
}

func TestConformance(t *testing.T) { formattest.Run(t, helm.New(), cases()) }

func FuzzRead(f *testing.F) {
	f.Add(pod, ownValues, definition)
	f.Add("{{ tpl .Values.t . }}{{ .Files.Get \"x\" }}{{ range $k, $v := .Values }}{{ $k }}: {{ $v | toJson }}\n{{ end }}", "t: \"{{ .Values }}\"\n", definition+"dependencies:\n- {name: x, version: 1, repository: 'file://../x', alias: y, condition: y.on, import-values: [a]}\n")
	f.Add("a: {{ `raw {{` }}{{/* c */}}{{- \"\U000F0000\" -}}\n", "", definition)
	c := cases()
	f.Fuzz(func(t *testing.T, template, values, chart string) {
		// Loops over numbers are the sandbox's to end.
		if strings.Contains(template+values, "until") || strings.Contains(template+values, "repeat") || strings.Contains(template+values, "indent") || strings.Contains(template+values, "seq") {
			return
		}
		u := unit("c", map[string]string{"Chart.yaml": chart, "values.yaml": values, "templates/a.yaml": template, "values-x.yaml": values})
		u.Variant, u.Inputs = "values-x.yaml", []string{"c/values-x.yaml"}
		rs, ds := helm.New().Read(context.Background(), u)
		formattest.Check(t, c, u, rs, ds)
	})
}

func unit(dir string, files map[string]string) format.Unit {
	fsys := fstest.MapFS{}
	u := format.Unit{ID: "helm:" + dir, Format: helm.Name, Dir: dir, FS: fsys, MaxFileSize: format.DefaultMaxFileSize}
	for name, text := range files {
		full := path.Join(dir, name)
		fsys[full] = &fstest.MapFile{Data: []byte(text)}
		u.Files = append(u.Files, full)
	}
	return u
}
