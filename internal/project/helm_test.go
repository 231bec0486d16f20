package project_test

import (
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/project"
)

const chart = "apiVersion: v2\nname: x\nversion: 1.0.0\n"

// Every file of a chart reaches it, and no file beside it does.
func TestChartReached(t *testing.T) {
	files := func(changed string) fstest.MapFS {
		fsys := fstest.MapFS{}
		for name, text := range map[string]string{
			"charts/shop/Chart.yaml": chart, "charts/shop/values.yaml": "a: 1\n", "charts/shop/values-prod.yaml": "a: 2\n",
			"charts/shop/ci/test-values.yaml": "a: 3\n", "charts/shop/environments/dev.yaml": "a: 4\n", "charts/shop/environments/qa/values.yaml": "a: 5\n",
			"charts/shop/templates/a.yaml": "a: b\n", "charts/shop/templates/_helpers.tpl": "\n", "charts/shop/crds/c.yaml": "a: b\n",
			"charts/shop/files/dashboard.txt": "x\n", "charts/shop/README.md": "x\n", "charts/shop/Chart.lock": "x\n",
			"charts/shop/charts/db/Chart.yaml": chart, "charts/shop/charts/db/templates/a.yaml": "a: b\n", "charts/shop/charts/cache-1.0.0.tgz": "x",
			"charts/other/Chart.yaml": chart, "charts/other/templates/a.yaml": "a: b\n",
			"charts/user/Chart.yaml":        chart + "dependencies:\n- {name: shop, version: 1.0.0, repository: 'file://../shop'}\n",
			"charts/user/templates/a.yaml":  "a: b\n",
			"charts/second/Chart.yaml":      chart + "dependencies:\n- {name: user, version: 1.0.0, repository: 'file://../user'}\n",
			"config/prod/shop.yaml":         "a: 6\n",
			"config/nobody.yaml":            "a: 7\n",
			"charts/shop/deploy/plain.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n",
		} {
			if name == changed {
				text += "# changed\n"
			}
			fsys[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return fsys
	}
	base := files("")
	reached := func(changed string) map[string]bool {
		_, h, _ := project.New(project.Options{}).With(project.Settings{HelmValues: []string{"config/**/*.yaml"}}).
			Reached(t.Context(), base, files(changed), []project.PathChange{{Path: changed, Kind: project.Modified}}, nil)
		out := map[string]bool{}
		for _, u := range h {
			out[u.ID] = true
		}
		return out
	}
	for _, changed := range []string{
		"charts/shop/Chart.yaml", "charts/shop/Chart.lock", "charts/shop/values.yaml", "charts/shop/values-prod.yaml", "charts/shop/ci/test-values.yaml",
		"charts/shop/environments/dev.yaml", "charts/shop/environments/qa/values.yaml", "charts/shop/templates/a.yaml", "charts/shop/templates/_helpers.tpl",
		"charts/shop/crds/c.yaml", "charts/shop/files/dashboard.txt", "charts/shop/charts/db/templates/a.yaml", "charts/shop/charts/cache-1.0.0.tgz",
		"config/prod/shop.yaml",
	} {
		got := reached(changed)
		for _, want := range []string{
			"helm:charts/shop", "helm:charts/shop@values-prod.yaml", "helm:charts/shop@ci/test-values.yaml", "helm:charts/shop@environments/dev.yaml",
			"helm:charts/shop@environments/qa/values.yaml", "helm:charts/shop@config/prod/shop.yaml", "helm:charts/user", "helm:charts/second",
		} {
			if !got[want] {
				t.Errorf("%s does not reach %s, only %v", changed, want, got)
			}
		}
		if got["helm:charts/other"] || got["helm:charts/shop/charts/db"] || got["helm:charts/shop@config/nobody.yaml"] {
			t.Errorf("%s reaches too much: %v", changed, got)
		}
	}
	for _, changed := range []string{"charts/shop/README.md", "charts/shop/deploy/plain.yaml", "config/nobody.yaml"} {
		for id := range reached(changed) {
			if id != "kubernetes:charts/shop/deploy" {
				t.Errorf("%s reaches %s", changed, id)
			}
		}
	}
}
