package reviewer_test

import (
	"cmp"
	"slices"
	"testing"
	"testing/fstest"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
)

// TestOneObjectManyForms holds that one Deployment gives the same findings from
// every rule, written as a manifest, as blocks of the Kubernetes provider of
// Terraform, and as a manifest within Terraform; and that the fixes of all
// forms leave the same.
func TestOneObjectManyForms(t *testing.T) {
	a, err := txtar.ParseFile("testdata/forms.txtar")
	if err != nil {
		t.Fatal(err)
	}
	type finding struct{ Rule, Path, Message string }
	forms := map[string][2][]finding{}
	for _, f := range a.Files {
		scan := func(data []byte) ([]finding, *reviewer.Session) {
			opt := options(t)
			opt.Over.Profile = []string{"strict", "reliability", "style"}
			s, err := reviewer.Scan(t.Context(), opt, fstest.MapFS{f.Name: {Data: data}}, []string{"."})
			if err != nil {
				t.Fatal(err)
			}
			var out []finding
			for _, x := range s.Report.Findings {
				out = append(out, finding{x.Rule.ID, x.Path.String(), x.Message})
				if got := x.Range.File; got != f.Name || x.Range.Start.Line == 0 {
					t.Errorf("%s: %s stands at %v", f.Name, x.Rule.ID, x.Range)
				}
			}
			for _, d := range s.Report.Diagnostics {
				t.Errorf("%s: %s", f.Name, d)
			}
			for _, u := range s.Report.Unknown {
				t.Errorf("%s: %s is not evaluated: %s", f.Name, u.Rule.ID, u.Why)
			}
			slices.SortFunc(out, func(a, b finding) int { return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path)) })
			return out, s
		}
		before, s := scan(f.Data)
		fixed, _, err := s.FixAll(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		after, _ := scan(fixed[f.Name])
		// The Kubernetes provider of Terraform has no argument for the profile or the
		// users, and nothing is written beside an object that a value of Terraform holds.
		after = slices.DeleteFunc(after, func(x finding) bool {
			return slices.Contains([]string{"k8s/apparmor-profile", "k8s/host-users", "k8s/no-disruption-budget"}, x.Rule)
		})
		forms[f.Name] = [2][]finding{before, after}
	}
	want := forms["k8s/api.yaml"]
	if len(want[0]) < 12 || len(want[1]) >= len(want[0])-8 {
		t.Fatalf("the manifest gives %d findings, and %d once it is fixed", len(want[0]), len(want[1]))
	}
	for name, got := range forms {
		for i, when := range []string{"as it is", "fixed"} {
			if d := gocmp.Diff(want[i], got[i]); d != "" {
				t.Errorf("%s, %s (-manifest +this form):\n%s", name, when, d)
			}
		}
	}
	if len(forms) < 5 {
		t.Errorf("there are %d forms", len(forms))
	}
}
