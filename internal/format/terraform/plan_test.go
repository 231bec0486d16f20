package terraform

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const smallPlan = `{"format_version":"1.0","terraform_version":"1.5.0","planned_values":{"root_module":{"resources":[` +
	`{"address":"aws_ebs_volume.a","mode":"managed","type":"aws_ebs_volume","name":"a","values":{"encrypted":false,"size":10}}]}}}`

func planCases() formattest.Cases {
	c := cases()
	c.Format, c.File, c.Beside = resource.TerraformPlan, "plan.json", ""
	c.Good = smallPlan
	c.Broken = `{"format_version":"1.0","planned_values":{"root_module":`
	c.Units = []formattest.Unit{
		{Name: "plan", Files: map[string]string{"plan.json": smallPlan}, IDs: []string{"aws_ebs_volume.a"}},
		{Name: "no plan", Files: map[string]string{"plan.json": `{"a": 1}`}, IDs: []string{}, Diagnostics: []string{"plan.json: error: no plan"}},
		{Name: "another version", Files: map[string]string{"plan.json": strings.Replace(smallPlan, "1.0", "7.0", 1)}, IDs: []string{}, Diagnostics: []string{"plan.json: error: version 7"}},
		{Name: "state", Files: map[string]string{"plan.json": strings.Replace(smallPlan, "planned_values", "values", 1)}, IDs: []string{"aws_ebs_volume.a"}},
	}
	return c
}

func TestPlanConformance(t *testing.T) { formattest.Run(t, NewPlan(), planCases()) }

func TestPlanGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/plans/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := ""
			if i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" }); i >= 0 {
				want = string(a.Files[i].Data)
				a.Files = slices.Delete(a.Files, i, i+1)
			}
			u := format.Unit{
				ID: "terraform-plan:plan.json", Format: resource.TerraformPlan, Dir: ".", Files: []string{"plan.json"},
				FS: fstest.MapFS{"plan.json": {Data: a.Files[0].Data}},
			}
			rs, ds := NewPlan().Read(t.Context(), u)
			formattest.Check(t, planCases(), u, rs, ds)
			got := dump(rs, ds)
			if strings.Contains(got, "hunter2") {
				t.Error("a sensitive value leaves the reader")
			}
			if *update {
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func FuzzPlan(f *testing.F) {
	f.Add([]byte(smallPlan))
	if a, err := txtar.ParseFile("testdata/plans/plan.txtar"); err == nil {
		f.Add(a.Files[0].Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		u := format.Unit{
			ID: "terraform-plan:plan.json", Format: resource.TerraformPlan, Dir: ".", Files: []string{"plan.json"},
			FS: fstest.MapFS{"plan.json": {Data: data}},
		}
		rs, ds := NewPlan().Read(t.Context(), u)
		formattest.Check(t, planCases(), u, rs, ds)
	})
}
