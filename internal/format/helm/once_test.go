package helm

import "testing"

// Templates that may look at a text with marks are rendered without them too.
func TestOnce(t *testing.T) {
	const helpers = `{{- define "name" }}{{ .Chart.Name }}{{ end }}
{{- define "labels" }}
app: {{ include "name" . }}
{{ end }}
{{- define "both" }}{{ include "labels" . | indent 2 }}{{ end }}
{{- define "parsed" }}{{ $l := include "labels" . | fromYaml }}{{ $l.app }}{{ end }}
{{- define "self" }}{{ include "self" . }}{{ end }}
`
	for name, c := range map[string]struct {
		text  string
		looks bool
		want  string // what comes out
	}{
		"no include":    {"a: {{ .Chart.Name }}\n", false, "a: shop\n"},
		"name":          {`a: {{ include "name" . | trunc 2 | quote }}`, false, `a: "sh"`},
		"block":         {`{{ include "labels" . | nindent 2 }}`, false, "\n  \n  app: shop\n  "},
		"block of both": {`{{ include "both" . }}`, false, "  \n  app: shop\n  "},
		"template":      {`{{ template "both" . }}`, false, "  \n  app: shop\n  "},
		"length":        {`a: {{ include "labels" . | len }}`, true, "a: 11"},
		"condition":     {`{{ if eq (include "labels" .) "\napp: shop\n" }}yes{{ end }}`, true, "yes"},
		"nested":        {`a: {{ len (include "both" .) }}`, true, "a: 17"},
		"variable":      {`{{ $x := include "labels" . }}a: {{ len $x }}`, true, "a: 11"},
		"parsed":        {`a: {{ include "parsed" . }}`, true, "a: shop"},
		"unknown name":  {`a: {{ include (print "lab" "els") . | len }}`, true, "a: 11"},
		"tpl":           {`a: {{ tpl .Values.text . | len }}`, false, "a: 4"},
		"tpl includes":  {`a: {{ tpl .Values.include . | len }}`, false, "a: 11"},
	} {
		t.Run(name, func(t *testing.T) {
			u := chartUnit(t, "c", map[string]string{
				"Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n", "templates/_h.tpl": helpers, "templates/a.yaml": c.text,
				"values.yaml": "text: '{{ .Chart.Name }}'\ninclude: '{{ include \"labels\" . }}'\n",
			})
			l := load(t.Context(), &u)
			r, err := prepare(l, nil, DefaultKubeVersion, "")
			if err != nil {
				t.Fatal(err)
			}
			x, own := r.renderer(), r.byName["shop/templates/a.yaml"]
			if looks := x.once.tree(own.name).looks; looks != c.looks {
				t.Errorf("looks: %v", looks)
			}
			if text, _, err := x.render(own); err != nil || text != c.want {
				t.Errorf("rendered %q, %v", text, err)
			}
		})
	}
	r := &release{trees: nil}
	if k := (&once{r: r, known: map[string]knownTree{}}).tree("nowhere"); !k.marks {
		t.Error("what is not known may hold marks")
	}
}
