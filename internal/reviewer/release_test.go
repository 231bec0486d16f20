package reviewer_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// TestReleases holds what a scan makes of a release, by what it says of its
// chart: a container that is privileged by the setting, or why not.
func TestReleases(t *testing.T) {
	const chart = `apiVersion: v1
kind: Pod
metadata:
  name: {{ .Chart.Name }}
  namespace: {{ .Release.Namespace }}
spec:
  containers:
    - name: app
      image: registry.example.com/app:1.0.0
      securityContext:
        privileged: {{ .Values.app.privileged }}
`
	for name, c := range map[string]struct {
		release    string
		privileged bool   // with the setting as an origin, in main.tf
		why        string // part of the diagnostic
	}{
		"block":        {"chart = \"./app\"\nset {\n name = \"app.privileged\"\n value = \"true\"\n}", true, ""},
		"list":         {"chart = \"${path.module}/app\"\nset = [{ name = \"app.privileged\", value = true }]", true, ""},
		"values":       {"chart = \"./app\"\nvalues = [yamlencode({ app = { privileged = true } })]", true, ""},
		"set over":     {"chart = \"./app\"\nvalues = [yamlencode({ app = { privileged = true } })]\nset {\n name = \"app.privileged\"\n value = \"false\"\n}", false, ""},
		"nothing":      {"chart = \"./app\"", false, ""},
		"unknown":      {"chart = \"./app\"\nset {\n name = \"app.privileged\"\n value = var.x\n}", false, `the value of "app.privileged" is not known: it depends on var.x`},
		"item":         {"chart = \"./app\"\nset {\n name = \"app.list[0]\"\n value = 1\n}", false, "it sets an item of a list"},
		"outside":      {"chart = \"../../app\"", false, "outside of the repository"},
		"no chart":     {"chart = \"./other\"", false, "there is no chart in infra/other"},
		"fetched":      {"chart = \"app\"\nrepository = \"https://charts.example.com\"", false, ""},
		"values wrong": {"chart = \"./app\"\nvalues = [\"a: [\"]", false, "the values cannot be read"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := fstest.MapFS{
				"infra/main.tf":                {Data: []byte("variable \"x\" {}\n\nresource \"helm_release\" \"a\" {\nname = \"a\"\n" + c.release + "\n}\n")},
				"infra/app/Chart.yaml":         {Data: []byte("apiVersion: v2\nname: app\nversion: 1.0.0\n")},
				"infra/app/values.yaml":        {Data: []byte("app:\n  privileged: false\n")},
				"infra/app/templates/pod.yaml": {Data: []byte(chart)},
			}
			s, err := reviewer.Scan(t.Context(), options(t), tree, []string{"."})
			if err != nil {
				t.Fatal(err)
			}
			privileged := false
			for _, f := range s.Report.Findings {
				for _, o := range f.Origins {
					if strings.Contains(o.File, ":release") {
						t.Errorf("%s names %s", f.Rule.ID, o.File)
					}
				}
				if f.Rule.ID != "k8s/privileged-container" {
					continue
				}
				privileged = true
				if f.Range.File != "infra/app/templates/pod.yaml" || len(f.Origins) == 0 || f.Origins[0].File != "infra/main.tf" || f.Origins[0].Start.Line < 5 {
					t.Errorf("it stands at %v, from %v", f.Range, f.Origins)
				}
			}
			if privileged != c.privileged {
				t.Errorf("privileged: %v", privileged)
			}
			said := false
			for _, d := range s.Report.Diagnostics {
				if strings.Contains(d.String(), ":release") {
					t.Errorf("%s", d)
				}
				said = said || c.why != "" && strings.Contains(d.Message, c.why) && d.File == "infra/main.tf" && d.NotEvaluated != ""
			}
			if said != (c.why != "") || c.why == "" && len(s.Report.Diagnostics) > 0 {
				t.Errorf("diagnostics %v", s.Report.Diagnostics)
			}
		})
	}
}

// TestReleaseWithFileOfValues holds that a finding names the line of a file of
// values that a release reads, and that it is mended there.
func TestReleaseWithFileOfValues(t *testing.T) {
	const values = "# of the release\nsecurity:\n  privileged: true\n"
	s, err := reviewer.Scan(t.Context(), options(t), tree(map[string]string{
		"app/Chart.yaml":         "apiVersion: v2\nname: app\nversion: 1.0.0\n",
		"app/values.yaml":        "security:\n  privileged: false\n",
		"app/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n    - name: app\n      securityContext:\n        privileged: {{ .Values.security.privileged }}\n",
		"infra/main.tf":          "resource \"helm_release\" \"a\" {\n  name   = \"a\"\n  chart  = \"../app\"\n  values = [file(\"${path.module}/app.yaml\")]\n}\n",
		"infra/app.yaml":         values,
	}), []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for _, f := range s.Report.Findings {
		if f.Rule.ID != "k8s/privileged-container" {
			continue
		}
		found = true
		if len(f.Origins) == 0 || f.Origins[0].File != "infra/app.yaml" || f.Origins[0].Start.Line != 3 {
			t.Errorf("from %v", f.Origins)
		}
	}
	fixed, _, err := s.FixAll(t.Context())
	if err != nil || !found {
		t.Fatal(found, err)
	}
	if got := string(fixed["infra/app.yaml"]); got != strings.Replace(values, "true", "false", 1) {
		t.Errorf("fixed to %q", got)
	}
}

// TestReleaseOnBothSides holds what a pull request is told of a release that it
// sets up, leaves, mends or makes unknown, and that what a configuration hides of
// one is counted.
func TestReleaseOnBothSides(t *testing.T) {
	files := func(value, config string) map[string]string {
		return map[string]string{
			".plimsoll.yml":          config,
			"app/Chart.yaml":         "apiVersion: v2\nname: app\nversion: 1.0.0\n",
			"app/values.yaml":        "privileged: false\n",
			"app/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  containers:\n    - name: app\n      securityContext:\n        privileged: {{ .Values.privileged }}\n",
			"infra/main.tf":          "variable \"x\" {}\nlocals { chart = \"../app\" }\nresource \"helm_release\" \"a\" {\n  name  = \"a\"\n  chart = local.chart\n  set {\n    name  = \"privileged\"\n    value = " + value + "\n  }\n}\n",
		}
	}
	const off = "rules:\n  k8s/privileged-container: {enabled: false}\n"
	for name, c := range map[string]struct {
		base, head, config string
		state              string // of the finding that the container is privileged
		diagnostics        int
		hidden             int
	}{
		"set":          {`"false"`, `"true"`, "", "new", 0, 0},
		"mended":       {`"true"`, `"false"`, "", "fixed", 0, 0},
		"made unknown": {`"true"`, `var.x`, "", "", 1, 0},
		"still so":     {`"true"`, `true`, "", "", 0, 0}, // as it was: nothing to say
		"hidden":       {`"true"`, `"true"`, off, "", 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := reviewer.Review(t.Context(), options(t), trees{base: tree(files(c.base, "")), head: tree(files(c.head, c.config))})
			if err != nil {
				t.Fatal(err)
			}
			state := ""
			for _, f := range r.Findings {
				if f.Rule.ID == "k8s/privileged-container" {
					state += string(f.State)
				}
			}
			if state != c.state || len(r.Diagnostics) != c.diagnostics {
				t.Errorf("state %q, diagnostics %v", state, r.Diagnostics)
			}
			hidden := 0
			if r.IfMerged != nil {
				hidden = r.IfMerged.Hidden
			}
			if hidden != c.hidden {
				t.Errorf("%d hidden", hidden)
			}
		})
	}
}
