package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
)

func TestSniff(t *testing.T) {
	for _, c := range []struct {
		name, path, data string
		want             bool
	}{
		{"manifest", "a/b.yaml", "apiVersion: v1\nkind: Pod\n", true},
		{"other names of files", "a/b.YML", "kind: Pod\napiVersion: v1\n", true},
		{"not by its name", "a/b.txt", "kind: Pod\napiVersion: v1\n", false},
		{"no name", "apiVersion", "kind: Pod\napiVersion: v1\n", false},
		{"empty", "a.yaml", "", false},
		{"byte order mark, CRLF", "a.yaml", "\ufeffapiVersion: v1\r\nkind: Pod\r\n", true},
		{"quoted names", "a.yaml", "\"apiVersion\": v1\n'kind' : Pod\n", true},
		{"comment first", "a.yaml", "# c\n\n  # d\napiVersion: v1\nkind: Pod\n", true},
		{"indented", "a.yaml", "---\n  apiVersion: v1\n  kind: Pod\n", true},
		{"second document", "a.yaml", "a: b\n---\napiVersion: v1\nkind: Pod\n", true},
		{"last of many", "a.yaml", strings.Repeat("a: b\n---\n", 100) + "apiVersion: v1\nkind: Pod", true},
		{"behind a separator", "a.yaml", "--- # c\napiVersion: v1\nkind: Pod\n", true},
		{"map behind a separator", "a.yaml", "--- {apiVersion: v1, kind: Pod}\n", true},
		{"after an end", "a.yaml", "a: b\n...\napiVersion: v1\nkind: Pod\n", true},
		{"directive", "a.yaml", "%YAML 1.1\n---\napiVersion: v1\nkind: Pod\n", true},
		{"halves in two documents", "a.yaml", "apiVersion: v1\n---\nkind: Pod\n", false},
		{"kind far below", "a.yaml", "apiVersion: v1\ndata:\n" + strings.Repeat("  a: b\n", 50_000) + "kind: ConfigMap\n", true},
		{"below the top", "a.yaml", "a:\n  apiVersion: v1\n  kind: Pod\n", false},
		{"in a list", "a.yaml", "- apiVersion: v1\n  kind: Pod\n", false},
		{"in a block scalar", "a.yaml", "a: |\n  apiVersion: v1\n  kind: Pod\n", false},
		{"longer names", "a.yaml", "apiVersions: v1\nkindly: Pod\n", false},
		{"chart", "Chart.yaml", "apiVersion: v2\nname: x\n", false},
		{"compose", "compose.yaml", "services:\n  kind: a\n", false},
		{"kustomization", "kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", false},
		{"broken", "a.yaml", "apiVersion: v1\nkind: Pod\na: [\n", true},
		{"template", "a.yaml", "{{- if .x }}\napiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .y }}\n{{- end }}\n", true},
		{"template on many lines", "a.yaml", "{{/*\nabout\n*/}}\napiVersion: v1\nkind: Pod\n", true},
		{"binary", "a.yaml", "apiVersion: v1\nkind: Pod\n\x00", false},
		{"JSON", "a.json", "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"Pod\"\n}\n", true},
		{"JSON on one line", "a.json", `{"metadata":{"name":"a"},"a":["}",{"b":"\"}"}],"kind":"Pod","apiVersion":"v1"}`, true},
		{"JSON that is none", "package.json", `{"name":"a","x":{"apiVersion":"v1","kind":"Pod"}}`, false},
		{"JSON values", "a.json", `{"a":"apiVersion","b":"kind"}`, false},
		{"JSON stream", "a.json", "{\"a\":1}\n{\"apiVersion\":\"v1\",\"kind\":\"Pod\"}\n", true},
		{"JSON list", "a.json", `[{"apiVersion":"v1","kind":"Pod"}]`, false},
		{"JSON for kustomize", "a.json", `{"kind":"Kustomization","apiVersion":"kustomize.config.k8s.io/v1beta1"}`, false},
		{"JSON before a separator", "a.yaml", "{\"a\":\n---\napiVersion: v1\nkind: Pod\n", true},
		{"flow map", "a.yaml", "{apiVersion: v1, kind: Pod}\n", true},
		{"open string", "a.json", `{"apiVersion`, false},
		{"beyond the bound", "a.yaml", strings.Repeat("#", format.DefaultMaxFileSize) + "\napiVersion: v1\nkind: Pod\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := kubernetes.Sniff(c.path, []byte(c.data)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}
