package helm

import (
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chartutil"
)

// randomValues makes a table of few names, so that tables meet.
func randomValues(r *rand.Rand, depth int) table {
	out := table{}
	for range r.IntN(4) {
		name := []string{"a", "b", "c", "global", "enabled", "tags", "x", "y", "exports"}[r.IntN(9)]
		switch n := r.IntN(8); {
		case n < 3 && depth > 0:
			out[name] = randomValues(r, depth-1)
		case n == 3:
			out[name] = nil
		case n == 4:
			out[name] = r.IntN(2) == 0
		case n == 5:
			out[name] = []any{"l", float64(r.IntN(3))}
		default:
			out[name] = float64(r.IntN(9))
		}
	}
	return out
}

func randomChart(r *rand.Rand, name string, depth int) *chart.Chart {
	c := &chart.Chart{
		Metadata: &chart.Metadata{Name: name, APIVersion: "v2", Version: fmt.Sprintf("1.%d.0", r.IntN(3))},
		Values:   randomValues(r, 3),
	}
	if depth == 0 {
		return c
	}
	for _, below := range []string{"x", "y"} {
		if r.IntN(3) == 0 {
			continue
		}
		c.AddDependency(randomChart(r, below, depth-1))
		if r.IntN(4) == 0 {
			continue // in charts/ without being asked for
		}
		for range 1 + r.IntN(2) {
			d := &chart.Dependency{Name: below, Version: []string{"1.x", ">=1.1.0", "1.0.0", "no version"}[r.IntN(4)]}
			if r.IntN(2) == 0 {
				d.Alias = []string{"a", "b", "c"}[r.IntN(3)]
			}
			if r.IntN(2) == 0 {
				d.Condition = []string{"enabled", "x.enabled", "a.enabled,enabled", "global.enabled", "c"}[r.IntN(5)]
			}
			if r.IntN(3) == 0 {
				d.Tags = []string{"a", "b"}
			}
			for range r.IntN(4) {
				if r.IntN(3) == 0 {
					d.ImportValues = append(d.ImportValues, []string{"a", "b", "global"}[r.IntN(3)])
					continue
				}
				d.ImportValues = append(d.ImportValues, table{
					"child":  []string{"a", "a.b", "global", "global.a", "x", "exports", "exports.a", "tags"}[r.IntN(8)],
					"parent": []string{".", "b", "c.a", "global", "a", "x", "y.global"}[r.IntN(7)],
				})
			}
			c.Metadata.Dependencies = append(c.Metadata.Dependencies, d)
		}
	}
	return c
}

// names gives the charts that take part, by the way to each.
func names(c *chart.Chart, way string) []string {
	out := []string{way + c.Name()}
	for _, d := range c.Dependencies() {
		out = append(out, names(d, way+c.Name()+"/")...)
	}
	return out
}

// Which dependencies take part and what their values are is what Helm makes of
// them, on charts and values that chance puts together.
func TestValuesAsHelm(t *testing.T) {
	quiet(t)
	compared, endless, unsure := 0, 0, 0
	for seed := range uint64(3000) {
		make := func() (*chart.Chart, table) {
			r := rand.New(rand.NewPCG(seed, 1))
			return randomChart(r, "root", 2), randomValues(r, 3)
		}
		ours := func() (outcome, error) {
			c, given := make()
			if err := resolve(c, given); err != nil {
				return outcome{}, err
			}
			v, err := coalesce(c, given, false)
			return outcome{names(c, ""), v}, err
		}
		helms := func() (outcome, error) {
			c, given := make()
			if err := chartutil.ProcessDependenciesWithMerge(c, given); err != nil {
				return outcome{}, err
			}
			v, err := chartutil.CoalesceValues(c, given)
			return outcome{names(c, ""), v}, err
		}
		got, err := ours()
		if errors.Is(err, errEndless) {
			endless++
			continue
		}
		want, wantErr := helms()
		if (err != nil) != (wantErr != nil) {
			t.Fatalf("seed %d: helm says %v, we say %v", seed, wantErr, err)
		}
		if err != nil {
			continue
		}
		compared++
		d := cmp.Diff(want, got)
		if d == "" {
			continue
		}
		// What Helm makes of a null within what is imported may hang on the order in
		// which it goes through a map.
		unsure++
		others, same := 0, 0
		for range 64 {
			again, _ := helms()
			if !cmp.Equal(again, want) {
				others++
			}
			if cmp.Equal(again, got) {
				same++
			}
		}
		if others == 0 || same == 0 {
			t.Fatalf("seed %d: of 64 times %d as we do, %d in another way (-helm +ours):\n%s", seed, same, others, d)
		}
	}
	if compared < 1000 || endless == 0 || unsure > 30 {
		t.Errorf("%d charts were compared, %d import values into themselves, %d may come out in several ways", compared, endless, unsure)
	}
}

// outcome is what is made of a chart: which charts take part, and the values.
type outcome struct {
	Charts []string
	Values table
}

// quiet keeps Helm's warnings out of the test's output.
func quiet(t *testing.T) {
	w := log.Writer()
	log.SetOutput(io.Discard)
	t.Cleanup(func() { log.SetOutput(w) })
}
