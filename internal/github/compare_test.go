package github

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gh "github.com/google/go-github/v60/github"

	"github.com/plimsoll-iac/plimsoll/internal/change"
)

func TestParseHunks(t *testing.T) {
	for name, c := range map[string]struct {
		patch string
		want  []change.Hunk
	}{
		"empty":            {"", nil},
		"one":              {"@@ -1,3 +1,4 @@\n a\n+b\n c", []change.Hunk{{Start: 1, End: 4}}},
		"two with heading": {"@@ -1,3 +1,4 @@ func x\n a\n@@ -20,2 +21,3 @@ y: @@ z\n b", []change.Hunk{{Start: 1, End: 4}, {Start: 21, End: 23}}},
		"single line":      {"@@ -0,0 +1 @@\n+a", []change.Hunk{{Start: 1, End: 1}}},
		"deletion":         {"@@ -3,2 +2,0 @@\n-a\n-b", nil},
		"deleted file":     {"@@ -1,2 +0,0 @@\n-a", nil},
		"header as text":   {"@@ -1 +1 @@\n+@@ -9,9 +9,9 @@", []change.Hunk{{Start: 1, End: 1}}},
		"broken":           {"@@ -1 +x,y @@\n@@ +1 @@\n@@ -1,1 +1,-4 @@\n@@ -1,1 +99999999999999999999,1 @@\n@@ -1 +2", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, parseHunks(c.patch, false)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestBaseHunks holds that a deleted file has lines to comment on, and that a
// renamed one, whose base has another name, has none.
func TestBaseHunks(t *testing.T) {
	got := baseHunksOf([]*gh.CommitFile{
		{Filename: gh.String("gone.yaml"), Status: gh.String("removed"), Patch: gh.String("@@ -1,2 +0,0 @@\n-a\n-b")},
		{Filename: gh.String("kept.yaml"), Status: gh.String("modified"), Patch: gh.String("@@ -3,4 +3,2 @@ x\n a\n-b\n-c\n d\n@@ -20 +18,2 @@\n e\n+f")},
		{Filename: gh.String("new.yaml"), Status: gh.String("added"), Patch: gh.String("@@ -0,0 +1,2 @@\n+a\n+b")},
		{Filename: gh.String("moved.yaml"), Status: gh.String("renamed"), Patch: gh.String("@@ -1,2 +1 @@\n a\n-b")},
		nil,
	})
	want := map[string][]change.Hunk{"gone.yaml": {{Start: 1, End: 2}}, "kept.yaml": {{Start: 3, End: 6}, {Start: 20, End: 20}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func FuzzParseHunks(f *testing.F) {
	f.Add("@@ -1,3 +1,4 @@ x\n a\n+b")
	f.Add("@@ -1 +1,2147483648 @@")
	f.Add(strings.Repeat("@@ -", 100))
	f.Fuzz(func(t *testing.T, patch string) {
		for _, h := range parseHunks(patch, false) {
			if h.Start < 1 || h.End < h.Start {
				t.Fatalf("hunk %+v", h)
			}
		}
	})
}

func TestWithin(t *testing.T) {
	hunks := []change.Hunk{{Start: 5, End: 9}, {Start: 10, End: 12}}
	for _, c := range []struct {
		first, last int
		want        bool
	}{{5, 9, true}, {4, 5, false}, {9, 10, false}, {10, 10, true}, {8, 7, false}, {0, 0, false}} {
		if got := within(hunks, c.first, c.last); got != c.want {
			t.Errorf("within(%d, %d) = %v", c.first, c.last, got)
		}
	}
}
