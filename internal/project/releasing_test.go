package project_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/project"
)

// What may release a changed chart is found, and nothing is read for it where
// neither a chart nor a file of values changed.
func TestReleasing(t *testing.T) {
	const app = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec: {source: {path: "
	tree := fstest.MapFS{}
	for name, text := range map[string]string{
		"charts/shop/Chart.yaml": "name: shop\nversion: 1.0.0\n", "charts/shop/values.yaml": "a: 1\n", "charts/shop/templates/a.yaml": "a: 1\n",
		"env/prod.yaml": "a: 2\n", "argo/shop.yaml": app + "charts/shop, helm: {valueFiles: [/env/prod.yaml]}}}\n", "argo/other.yaml": app + "charts/other}}\n",
		"flux/shop.yaml": "kind: HelmRelease\nspec: {chart: {spec: {chart: ./charts/shop}}}\n", "docs/a.yaml": "shop: argoproj.io/ Deployment\n",
		"infra/main.tf": "module \"m\" {\n  source = \"./m\"\n}\n", "infra/m/main.tf": "resource \"helm_release\" \"a\" {}\n", "else/main.tf": "locals {}\n",
		".github/app.yaml": app + "charts/shop}}\n", "left/app.yaml": app + "charts/shop}}\n",
	} {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	keep := func(p string) bool { return p != "left/app.yaml" }
	f := project.New(project.Options{})
	for name, c := range map[string]struct {
		change string
		want   []string
	}{
		"a template":       {"charts/shop/templates/a.yaml", []string{"kubernetes:argo argo/shop.yaml", "kubernetes:flux flux/shop.yaml", "terraform:infra infra/m/main.tf infra/main.tf"}},
		"a file of values": {"env/prod.yaml", []string{"kubernetes:argo argo/shop.yaml"}},
		"something else":   {"else/main.tf", nil},
		"another manifest": {"docs/a.yaml", nil},
	} {
		t.Run(name, func(t *testing.T) {
			changes := []project.PathChange{{Path: c.change, Kind: project.Modified}}
			b, h, _ := f.Reached(t.Context(), tree, tree, changes, keep)
			for _, u := range h {
				if u.Format == "kubernetes" {
					t.Errorf("%s is reached", u.ID)
				}
			}
			_, got := f.Releasing(t.Context(), tree, tree, changes, append(b, h...), keep)
			var names []string
			for _, u := range got {
				name := u.ID
				for _, f := range u.Files {
					name += " " + f
				}
				names = append(names, name)
			}
			if d := cmp.Diff(c.want, names); d != "" {
				t.Error(d)
			}
		})
	}
	bare := fstest.MapFS{"argo/a.yaml": tree["argo/shop.yaml"], "env/prod.yaml": tree["env/prod.yaml"]}
	changes := []project.PathChange{{Path: "env/prod.yaml", Kind: project.Modified}}
	if b, h := f.Releasing(t.Context(), bare, bare, changes, []format.Unit{}, nil); len(b)+len(h) > 0 {
		t.Errorf("there is no chart, and yet %v", h)
	}
}
