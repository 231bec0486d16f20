package fix_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// TestPropose carries out the operations of each testdata/*.txtar: a case is
// `-- NAME/fix --` (operations, item, resource) or `-- NAME/write --` (a block to
// put beside the resource), `-- NAME/before.EXT --` and
// `-- NAME/after.EXT --`, or `-- NAME/refused --` with a part of the reason. In
// them \r stands for a carriage return at the end of a line, \t for a tab at its
// beginning, and a last line `\c` takes the final line break away.
func TestPropose(t *testing.T) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatal(err, "no cases")
	}
	for _, a := range archives {
		data, err := os.ReadFile(a)
		if err != nil {
			t.Fatal(err)
		}
		cases := map[string]map[string]string{}
		var names []string
		for _, f := range txtar.Parse(data).Files {
			name, part, ok := strings.Cut(f.Name, "/")
			if !ok {
				t.Fatalf("%s: %s has no case", a, f.Name)
			}
			if cases[name] == nil {
				cases[name] = map[string]string{}
				names = append(names, name)
			}
			cases[name][part] = unescape(string(f.Data))
		}
		for _, name := range names {
			t.Run(strings.TrimSuffix(filepath.Base(a), ".txtar")+"/"+name, func(t *testing.T) { proposeCase(t, cases[name]) })
		}
	}
}

func unescape(s string) string {
	s = strings.TrimSuffix(s, "\\c\n")
	if strings.HasSuffix(s, "\n") && strings.HasSuffix(s, "\\c\n\n") {
		s = strings.TrimSuffix(s, "\\c\n\n")
	}
	s = strings.ReplaceAll(s, "\\r\n", "\r\n")
	return strings.ReplaceAll(s, "\\t", "\t")
}

func proposeCase(t *testing.T, c map[string]string) {
	var before, after, file string
	found := false
	for part, text := range c {
		if rest, ok := strings.CutPrefix(part, "before."); ok {
			before, file = text, "case."+rest
			if rest == "docker" {
				file = "Dockerfile"
			}
		}
		if strings.HasPrefix(part, "after.") {
			after, found = text, true
		}
	}
	var ops []string
	item, which := "", 0
	for line := range strings.Lines(c["fix"]) {
		if v, ok := strings.CutPrefix(line, "item: "); ok {
			item = strings.TrimSpace(v)
		} else if v, ok := strings.CutPrefix(line, "resource: "); ok {
			var err error
			if which, err = strconv.Atoi(strings.TrimSpace(v)); err != nil {
				t.Fatal(err)
			}
		} else {
			ops = append(ops, line)
		}
	}
	sp := spec(t, strings.Join(ops, ""))
	write, beside := c["write"]
	sp.Beside = beside
	edits, f, err := propose(t, file, before, item, which, sp, write)
	if want, refused := c["refused"]; refused {
		if err == nil {
			got, _ := source.Apply(f.Data, edits)
			t.Fatalf("it is not refused, but gives\n%s", got)
		}
		if want = strings.TrimSpace(want); want == "" || !strings.Contains(err.Error(), want) {
			t.Fatalf("refused for another reason: %v", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if !found {
		t.Fatal("the case has no after")
	}
	got, err := source.Apply(f.Data, edits)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != after {
		t.Fatalf("got\n%q\nwant\n%q\n\n%s", got, after, got)
	}
	// The form in which edits leave the program says the same.
	lines, err := source.WholeLines(f, edits)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := source.Apply(f.Data, source.ByteEdits(f, lines))
	if err != nil || string(whole) != after {
		t.Errorf("as whole lines it becomes\n%q (%v)", whole, err)
	}
	// What is done is not done again.
	if again, _, err := propose(t, file, string(got), item, which, sp, write); err == nil && !beside {
		t.Errorf("the same fix is proposed again: %+v", again)
	}
}
