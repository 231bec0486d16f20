package helm

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What does not fit a schema is named by its key and file; a chart that Helm would
// not release is not evaluated.
func TestSchema(t *testing.T) {
	const schema = `{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "required": ["image"],
 "properties": {"image": {"type": "string"}, "replicas": {"type": "integer", "minimum": 1},
 "host": {"$ref": "https://schemas.example.com/host.json"}, "db": {"type": "object"}}}`
	for name, c := range map[string]struct {
		values, env, db string
		rendered        int
		want            []string
	}{
		"fits":         {"image: a\nreplicas: 2\nhost: 3\n", "", "", 1, nil},
		"wrong":        {"image: a\nreplicas: none\n", "", "", 0, []string{"c/values.yaml:2: warning: replicas does not fit c/values.schema.json, so Helm releases nothing of it: got string, want integer [c]"}},
		"wrong in env": {"image: a\nreplicas: 1\n", "# prod\nreplicas: 0\n", "", 0, []string{"c/values-prod.yaml:2: warning: replicas does not fit c/values.schema.json with values-prod.yaml, so Helm releases nothing of it: minimum: got 0, want 1 [c]"}},
		"missing":      {"replicas: 2\n", "", "", 1, []string{"c/values.yaml: warning: what they hold does not fit c/values.schema.json, so it is evaluated without: missing property 'image' [c]"}},
		"given":        {"replicas: 2\n", "image: a\n", "", 1, nil},
		"below":        {"image: a\ndb:\n  size: big\n", "", `{"properties": {"size": {"type": "number"}}}`, 0, []string{"c/values.yaml:3: warning: db.size does not fit c/charts/db/values.schema.json, so Helm releases nothing of it: got string, want number [c]"}},
		"no schema":    {"image: 1\n", "", "{", 0, []string{"c/charts/db/values.schema.json: warning: the values are not held against values.schema.json: it is no JSON [c/charts/db/values.schema.json]", "c/values.yaml:1: warning: image does not fit c/values.schema.json, so Helm releases nothing of it: got number, want string [c]"}},
		"no meaning":   {"image: a\n", "", `{"type": "strange"}`, 1, []string{"c/charts/db/values.schema.json: warning: the values are not held against values.schema.json: it is no schema [c/charts/db/values.schema.json]"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{
				"Chart.yaml": "apiVersion: v2\nname: c\nversion: 1.0.0\n", "values.yaml": c.values, "values.schema.json": schema,
				"templates/a.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n", "charts/db/Chart.yaml": "apiVersion: v2\nname: db\nversion: 1.0.0\n",
			}
			if c.db != "" {
				files["charts/db/values.schema.json"] = c.db
			}
			if c.env != "" {
				files["values-prod.yaml"] = c.env
			}
			u := chartUnit(t, "c", files)
			if c.env != "" {
				u.Variant, u.Inputs = "values-prod.yaml", []string{"c/values-prod.yaml"}
			}
			rs, ds := New().Read(t.Context(), u)
			var got []string
			for _, d := range ds {
				got = append(got, strings.Replace(d.String(), ": ", ": "+string(d.Level)+": ", 1)+" ["+d.NotEvaluated+"]")
			}
			if d := cmp.Diff(c.want, got); d != "" || len(rs) != c.rendered {
				t.Errorf("%d resources, diagnostics (-want +got):\n%s", len(rs), d)
			}
		})
	}
}
