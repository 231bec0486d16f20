package reviewer_test

import (
	"strconv"
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

// TestReleasedByOthers holds what Argo CD and Flux make of a chart of the tree: the
// name and namespace of the release, and where a privileged container's setting
// stands, or why it is not evaluated.
func TestReleasedByOthers(t *testing.T) {
	const (
		argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: one, namespace: argocd}\nspec:\n  destination: {namespace: apps}\n"
		flux = "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: one, namespace: apps}\nspec:\n  chart:\n    spec:\n      chart: ./charts/app\n      sourceRef: {kind: GitRepository, name: x}\n"
		src  = "  source:\n    repoURL: https://git.example.com/acme/ops.git\n    path: charts/app\n    helm:\n"
	)
	for name, c := range map[string]struct {
		manifest string
		repo     string
		id       string // of the Pod that is rendered; "" for none
		at       string // file:line of the first origin; "" where nothing is privileged
		why      string
	}{
		"plain":                  {argo + strings.TrimSuffix(src, "    helm:\n"), "", "v1/Pod/apps/one", "", ""},
		"its own repository":     {argo + src + "      values: |\n        privileged: true\n", "acme/ops", "v1/Pod/apps/one", "argo/app.yaml:11", ""},
		"another repository":     {argo + src + "      values: |\n        privileged: true\n", "acme/app", "", "", ""},
		"named":                  {argo + src + "      releaseName: two\n      namespace: there\n", "", "v1/Pod/there/two", "", ""},
		"text":                   {argo + src + "      values: |\n        # as it is\n        privileged: true\n", "", "v1/Pod/apps/one", "argo/app.yaml:12", ""},
		"object":                 {argo + src + "      values: 'privileged: false'\n      valuesObject:\n        privileged: true\n", "", "v1/Pod/apps/one", "argo/app.yaml:12", ""},
		"parameter":              {argo + src + "      valuesObject: {privileged: false}\n      parameters:\n        - name: privileged\n          value: \"true\"\n", "", "v1/Pod/apps/one", "argo/app.yaml:13", ""},
		"file from the chart":    {argo + src + "      valueFiles: [../../env/prod.yaml]\n", "", "v1/Pod/apps/one", "env/prod.yaml:2", ""},
		"file from the root":     {argo + src + "      valueFiles:\n        - /env/prod.yaml\n", "", "v1/Pod/apps/one", "env/prod.yaml:2", ""},
		"file of a source":       {argo + "  sources:\n    - repoURL: https://git.example.com/acme/ops\n      ref: v\n    - repoURL: https://git.example.com/acme/ops\n      path: charts/app\n      helm: {valueFiles: [$v/env/prod.yaml]}\n", "", "v1/Pod/apps/one", "env/prod.yaml:2", ""},
		"file of another source": {argo + "  sources:\n    - repoURL: https://git.example.com/acme/other\n      ref: v\n    - repoURL: https://git.example.com/acme/ops\n      path: charts/app\n      helm: {valueFiles: [$v/env/prod.yaml]}\n", "acme/ops", "", "", "it reads values from"},
		"no file":                {argo + src + "      valueFiles: [no.yaml]\n", "", "", "", "there is no file of values charts/app/no.yaml"},
		"no file, and no matter": {argo + src + "      ignoreMissingValueFiles: true\n      valueFiles: [no.yaml]\n", "", "v1/Pod/apps/one", "", ""},
		"outside":                {argo + src + "      valueFiles: [../../../x.yaml]\n", "", "", "", "outside of the repository"},
		"fileParameters":         {argo + src + "      fileParameters: [{name: a, path: b}]\n", "", "", "", "its fileParameters are not evaluated"},
		"fetched":                {argo + "  source: {repoURL: https://charts.example.com, chart: app, path: charts/app}\n", "", "", "", ""},
		"Flux":                   {flux + "  values:\n    privileged: true\n", "", "v1/Pod/apps/one", "argo/app.yaml:10", ""},
		"Flux elsewhere":         {flux + "  targetNamespace: there\n", "", "v1/Pod/there/there-one", "", ""},
		"Flux with files":        {flux + "      valuesFiles: [charts/app/values.yaml, env/prod.yaml]\n", "", "v1/Pod/apps/one", "env/prod.yaml:2", ""},
		"Flux, other files":      {flux + "      valuesFiles: [env/other.yaml]\n", "", "v1/Pod/apps/one", "", ""},
		"Flux from the cluster":  {flux + "  valuesFrom: [{kind: Secret, name: a}]\n", "", "", "", "its values come from an object of the cluster"},
		"Flux, patched":          {flux + "  postRenderers: [{kustomize: {}}]\n", "", "", "", "patched by postRenderers"},
		"Flux, another source":   {strings.Replace(flux, "GitRepository", "HelmRepository", 1), "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			opt := options(t)
			opt.Repository = c.repo
			s, err := reviewer.Scan(t.Context(), opt, tree(map[string]string{
				"charts/app/Chart.yaml":         "apiVersion: v2\nname: app\nversion: 1.0.0\n",
				"charts/app/values.yaml":        "privileged: false\n",
				"charts/app/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: {{ .Release.Name }}, namespace: {{ .Release.Namespace }}}\nspec:\n  containers:\n    - name: app\n      securityContext:\n        privileged: {{ .Values.privileged }}\n",
				"argo/app.yaml":                 c.manifest,
				"env/prod.yaml":                 "# prod\nprivileged: true\n",
				"env/other.yaml":                "other: true\n",
			}), []string{"."})
			if err != nil {
				t.Fatal(err)
			}
			id, at := "", ""
			for _, x := range s.Report.Changes {
				if r := x.Resource(); r.Kind == "Pod" && r.Variant != "" {
					id = r.ID
				}
			}
			for _, f := range s.Report.Findings {
				if f.Rule.ID == "k8s/privileged-container" && len(f.Origins) > 0 {
					at = f.Origins[0].File + ":" + strconv.Itoa(f.Origins[0].Start.Line)
				}
			}
			if id != c.id || at != c.at {
				t.Errorf("rendered %q, privileged by %q", id, at)
			}
			said := ""
			for _, d := range s.Report.Diagnostics {
				said += d.String() + "\n"
			}
			if (said != "") != (c.why != "") || !strings.Contains(said, c.why) {
				t.Errorf("diagnostics %s", said)
			}
		})
	}
}

// TestReleasesAreMended holds that a value of a release is mended where it is
// written, and nothing else.
func TestReleasesAreMended(t *testing.T) {
	const (
		release = "resource \"helm_release\" \"a\" {\n  name  = \"a\"\n  chart = \"../app\"\n"
		argo    = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: one, namespace: argocd}\nspec:\n  source:\n    path: app\n    helm:\n"
	)
	for name, c := range map[string]struct{ file, text, was, becomes string }{
		"set block":  {"infra/main.tf", release + "  set {\n    name  = \"security.privileged\"\n    value = \"true\" # why\n  }\n}\n", `"true"`, `"false"`},
		"set list":   {"infra/main.tf", release + "  set = [{ name = \"security.privileged\", value = true }]\n}\n", "true", "false"},
		"heredoc":    {"infra/main.tf", release + "  values = [<<-YAML\n    # of the release\n    security:\n      privileged: true\n  YAML\n  ]\n}\n", "true", "false"},
		"yamlencode": {"infra/main.tf", release + "  values = [yamlencode({\n    security = {\n      privileged = true\n    }\n  })]\n}\n", "true", "false"},
		"text":       {"argo/app.yaml", "kind: List\napiVersion: v1\nitems: []\n---\n" + argo + "      values: |\n        security:\n          privileged: true # why\n", "true", "false"},
		"object":     {"argo/app.yaml", argo + "      valuesObject:\n        security: {privileged: true}\n", "true", "false"},
		"parameter":  {"argo/app.yaml", argo + "      parameters:\n        - name: security.privileged\n          value: \"true\"\n", `"true"`, `"false"`},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := reviewer.Scan(t.Context(), options(t), tree(map[string]string{
				"app/Chart.yaml": "apiVersion: v2\nname: app\nversion: 1.0.0\n", "app/values.yaml": "security:\n  privileged: false\n",
				"app/templates/pod.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: app}\nspec:\n  automountServiceAccountToken: false\n  containers:\n    - name: app\n      image: registry.example.com/app:1.0.0\n      securityContext:\n        allowPrivilegeEscalation: false\n        runAsNonRoot: true\n        privileged: {{ .Values.security.privileged }}\n",
				c.file:                   c.text,
			}), []string{"."})
			if err != nil {
				t.Fatal(err)
			}
			changed, _, err := s.FixAll(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(changed[c.file]), strings.Replace(c.text, c.was, c.becomes, 1); got != want || len(changed) != 1 {
				t.Errorf("%d files change; got\n%s", len(changed), got)
			}
		})
	}
}
