package terraform

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden reads the root folder of each archive and compares all that comes
// of it, places included, with the file "want".
func TestGolden(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
			want := ""
			if i >= 0 {
				want = string(a.Files[i].Data)
				a.Files = slices.Delete(a.Files, i, i+1)
			}
			u := unitOfTxtar(a, ".")
			rs, ds := New().Read(t.Context(), u)
			formattest.Check(t, cases(), u, rs, ds)
			got := dump(rs, ds)
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

func TestReadersAreSharedSafely(t *testing.T) {
	a, err := txtar.ParseFile("testdata/values.txtar")
	if err != nil {
		t.Fatal(err)
	}
	u := unitOfTxtar(a, ".")
	r := New()
	rs, ds := r.Read(t.Context(), u)
	want := dump(rs, ds)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if rs, ds := r.Read(t.Context(), u); dump(rs, ds) != want {
				t.Error("a reading beside others gave something else")
			}
		})
	}
	wg.Wait()
}
