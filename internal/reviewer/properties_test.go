//go:build !race

// Thousands of reviews: with the race detector they take ten times as long, and what
// runs side by side in them runs so in the pull requests of testdata as well.

package reviewer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kustomize"
	"github.com/plimsoll-iac/plimsoll/internal/project"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/reviewer"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// A finding is known by its fingerprint, and by the units that have it where
// several do: what is new through one overlay is new, although it was there
// through another.

// units names what has a finding.
func units(f review.Finding) []string {
	if len(f.Through) > 0 {
		return f.Through
	}
	return []string{engine.UnitName(f.Resource)}
}

// state gives the fingerprints of a report's findings in a state, sorted.
func state(r *review.Report, states ...engine.State) []string {
	var out []string
	for _, f := range r.Findings {
		if slices.Contains(states, f.State) {
			out = append(out, f.Fingerprint+" "+f.Rule.ID+" "+f.Resource.ID)
		}
	}
	sort.Strings(out)
	return out
}

func prints(list []string) []string {
	var out []string
	for _, s := range list {
		fp, _, _ := strings.Cut(s, " ")
		out = append(out, fp)
	}
	sort.Strings(out)
	return slices.Compact(out)
}

// scan is what a scan of one side found.
type scan struct {
	// prints are the units that have a finding, by fingerprint.
	prints map[string]map[string]bool
	// places are the same without regard to the folder that decides, which is
	// part of the fingerprint of what overlays decide.
	places map[string]bool
	keys   map[string]map[string]string // by fingerprint and unit
	units  map[string]bool
}

func scanned(t *testing.T, opt reviewer.Options, tree fs.FS) scan {
	t.Helper()
	s, err := reviewer.Scan(t.Context(), opt, tree, []string{"."})
	if err != nil {
		t.Fatal(err)
	}
	out := scan{map[string]map[string]bool{}, map[string]bool{}, map[string]map[string]string{}, map[string]bool{}}
	for _, c := range s.Report.Changes {
		out.units[engine.UnitName(c.Resource())] = true
	}
	for _, f := range s.Report.Findings {
		if out.prints[f.Fingerprint] == nil {
			out.prints[f.Fingerprint], out.keys[f.Fingerprint] = map[string]bool{}, map[string]string{}
		}
		for _, u := range units(f) {
			known := f.Resource.Known()
			key := strings.Join([]string{f.Rule.ID, known.Unit, known.ID, f.Path.Stable(f.Resource.Root), u}, " ")
			out.prints[f.Fingerprint][u] = true
			out.keys[f.Fingerprint][u] = key
			out.places[key] = true
		}
	}
	return out
}

func reviewed(t *testing.T, opt reviewer.Options, tr trees) *review.Report {
	t.Helper()
	r, err := reviewer.Review(t.Context(), opt, tr)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// beyond gives the fingerprints of findings that a has, through some unit, and
// b has not: those that must be new, and those that may be, because the unit
// that has them took the place of another one.
func (a scan) beyond(b scan) (must, may []string) {
	replaced := false // a unit that a does not have may be what one of a became
	for u := range b.units {
		replaced = replaced || !a.units[u]
	}
	for fp, us := range a.prints {
		sure, perhaps := false, false
		for u := range us {
			switch {
			case b.prints[fp][u], b.places[a.keys[fp][u]]:
			case b.units[u] || len(b.prints[fp]) == 0 && !replaced:
				sure = true
			default:
				perhaps = true
			}
		}
		if sure {
			must = append(must, fp)
		} else if perhaps {
			may = append(may, fp)
		}
	}
	sort.Strings(must)
	return must, may
}

// hold says what of a review's findings the scans do not say.
func hold(t *testing.T, what string, must, may, got []string, all []string) {
	t.Helper()
	got = slices.DeleteFunc(slices.Clone(got), func(fp string) bool { return slices.Contains(may, fp) })
	if d := cmp.Diff(append([]string{}, must...), append([]string{}, got...)); d != "" {
		t.Errorf("%s findings (-scans +review):\n%s\n%s", what, d, strings.Join(all, "\n"))
	}
}

// difference holds that the new findings of a review are those of a scan of the
// head without those of a scan of the base, and the fixed ones the other way
// round; and that the way back swaps them.
func difference(t *testing.T, opt reviewer.Options, tr trees) {
	t.Helper()
	there, back := reviewed(t, opt, tr), reviewed(t, opt, tr.swapped())
	base, head := scanned(t, opt, tr.base), scanned(t, opt, tr.head)
	must, may := head.beyond(base)
	hold(t, "new", must, may, prints(state(there, engine.New, engine.Suppressed)), state(there, engine.New, engine.Suppressed))
	must, may = base.beyond(head)
	hold(t, "fixed", must, may, prints(state(there, engine.Fixed)), state(there, engine.Fixed))
	// What is suppressed where it is new is fixed all the same where it goes.
	hold(t, "fixed on the way back", prints(state(there, engine.New)), prints(state(there, engine.Suppressed)),
		prints(state(back, engine.Fixed)), state(back, engine.Fixed))
	hold(t, "fixed, beside the way back", prints(state(back, engine.New)), prints(state(back, engine.Suppressed)),
		prints(state(there, engine.Fixed)), state(there, engine.Fixed))
}

const generated = 25

func TestGeneratedPulls(t *testing.T) {
	opt := lean(t)
	found := map[string]int{} // by format
	for seed := range uint64(generated) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			m := generate(rnd)
			st := style{seed: seed, split: seed%2 == 0, inline: seed%3 == 0}
			tr := trees{m.write(st), m.changed(rnd).write(st)}
			difference(t, opt, tr)
			for _, f := range reviewed(t, opt, tr).Findings {
				found[f.Resource.Format]++
			}
		})
	}
	for _, name := range [...]string{resource.Kubernetes, kustomize.Name, resource.Helm, resource.Terraform, resource.CloudFormation, resource.Compose, resource.Dockerfile} {
		if found[name] < 3 {
			t.Errorf("%d findings of %s in %d pull requests prove nothing", found[name], name, generated)
		}
	}
}

// TestWritingDoesNotMatter: another order, indentation, name or place in the
// folder brings nothing and mends nothing.
func TestWritingDoesNotMatter(t *testing.T) {
	opt := lean(t)
	for seed := range uint64(generated) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 2))
			m := generate(rnd)
			flip := func() bool { return rnd.IntN(2) == 0 }
			a := style{split: flip(), inline: flip()}
			b := style{split: flip(), inline: flip(), indent: flip(), reverse: flip(), suffix: "-new", comments: flip()}
			r := reviewed(t, opt, trees{m.write(a), m.write(b)})
			if got := state(r, engine.New, engine.Fixed, engine.Suppressed); len(got) > 0 {
				t.Errorf("%+v to %+v:\n%s", a, b, strings.Join(got, "\n"))
			}
		})
	}
}

// TestCommentsReachNothing: every resource is unchanged where comments changed
// alone.
func TestCommentsReachNothing(t *testing.T) {
	opt := lean(t)
	for seed := range uint64(8) {
		m := generate(rand.New(rand.NewPCG(seed, 3)))
		tr := trees{m.write(style{seed: 1, comments: true}), m.write(style{seed: 2, comments: true})}
		if len(tr.diff()) == 0 {
			t.Fatal("nothing changed")
		}
		r := reviewed(t, opt, tr)
		for _, c := range r.Changes {
			if c.Kind != change.Unchanged {
				t.Errorf("seed %d: %s is %s", seed, c.Resource().ID, c.Kind)
			}
		}
		if len(r.Findings) > 0 {
			t.Errorf("seed %d: %v", seed, state(r, engine.New, engine.Existing, engine.Fixed))
		}
	}
}

// shuffled gives the units of a finder in another order.
type shuffled struct {
	project.Finder
	rnd *rand.Rand
}

func (s shuffled) With(set project.Settings) project.Finder {
	return shuffled{s.Finder.With(set), s.rnd}
}

func (s shuffled) Reached(ctx context.Context, base, head fs.FS, changes []project.PathChange, keep project.Filter) (b, h []format.Unit, ds source.Diagnostics) {
	b, h, ds = s.Finder.Reached(ctx, base, head, changes, keep)
	for _, us := range [][]format.Unit{b, h} {
		s.rnd.Shuffle(len(us), func(i, j int) { us[i], us[j] = us[j], us[i] })
	}
	return b, h, ds
}

// TestOrderOfUnits: the report is the same whichever unit is read first.
func TestOrderOfUnits(t *testing.T) {
	opt := options(t)
	for seed := range uint64(6) {
		rnd := rand.New(rand.NewPCG(seed, 4))
		m := generate(rnd)
		tr := trees{m.write(style{}), m.changed(rnd).write(style{})}
		one := reviewed(t, opt, tr)
		other := opt
		other.Finder = shuffled{opt.Finder, rnd}
		two := reviewed(t, other, tr)
		if d := cmp.Diff(outline(one, review.Make(one, tr.hunks())), outline(two, review.Make(two, tr.hunks()))); d != "" {
			t.Errorf("seed %d:\n%s", seed, d)
		}
	}
	opt.NoFixes = true
	rnd := rand.New(rand.NewPCG(1, 5))
	other := opt
	other.Finder = shuffled{opt.Finder, rnd}
	for name, tr := range bundled(t) {
		one, two := reviewed(t, opt, tr), reviewed(t, other, tr)
		if d := cmp.Diff(outline(one, review.Make(one, tr.hunks())), outline(two, review.Make(two, tr.hunks()))); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

// bundled gives the pull requests in testdata by name.
func bundled(t *testing.T) map[string]trees {
	t.Helper()
	files, err := filepath.Glob("../../testdata/pulls/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pull requests in testdata/pulls (%v)", err)
	}
	out := map[string]trees{}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tr := trees{fstest.MapFS{}, fstest.MapFS{}}
		content := map[string]string{}
		for _, f := range txtar.Parse(data).Files {
			content[f.Name] = string(f.Data)
		}
		newTrees(content, "base", tr.base)
		newTrees(content, "head", tr.head)
		out[strings.TrimSuffix(filepath.Base(name), ".txtar")] = tr
	}
	return out
}

// commented adds a comment to the end of every file that may have one.
func commented(tree fstest.MapFS) fstest.MapFS {
	out := fstest.MapFS{}
	for name, f := range tree {
		data := f.Data
		switch path.Ext(name) {
		case ".yaml", ".yml", ".tf", ".tfvars":
			if !strings.HasPrefix(name, ".plimsoll") && bytes.HasSuffix(data, []byte("\n")) {
				data = append(bytes.Clone(data), "# a note\n"...)
			}
		}
		out[name] = &fstest.MapFile{Data: data, Mode: f.Mode}
	}
	return out
}

// turned puts the documents of every file the other way round.
func turned(tree fstest.MapFS) fstest.MapFS {
	out := fstest.MapFS{}
	for name, f := range tree {
		data := f.Data
		if docs := strings.Split(strings.TrimPrefix(string(data), "---\n"), "\n---\n"); path.Ext(name) == ".yaml" && len(docs) > 1 {
			for i := range docs {
				docs[i] = strings.TrimSuffix(docs[i], "\n")
			}
			slices.Reverse(docs)
			data = []byte(strings.Join(docs, "\n---\n") + "\n")
		}
		out[name] = &fstest.MapFile{Data: data, Mode: f.Mode}
	}
	return out
}

// rewritten writes the YAML of a tree anew: the keys of every map the other way
// round, four columns of indentation. It leaves alone what YAML alone does not
// tell: templates, and comments that mean something.
func rewritten(tree fstest.MapFS) fstest.MapFS {
	out := fstest.MapFS{}
	for name, f := range tree {
		out[name] = f
		if ext := path.Ext(name); ext != ".yaml" && ext != ".yml" || strings.HasPrefix(name, ".plimsoll") {
			continue
		}
		if slices.ContainsFunc([]string{"{{", "ignore", "skip", "#cloud-config", "&", "\r"}, func(s string) bool { return bytes.Contains(f.Data, []byte(s)) }) {
			continue
		}
		var b bytes.Buffer
		d, e := yaml.NewDecoder(bytes.NewReader(f.Data)), yaml.NewEncoder(&b)
		e.SetIndent(4)
		err := error(nil)
		for err == nil {
			var n yaml.Node
			if err = d.Decode(&n); err == nil {
				turnKeys(&n)
				err = e.Encode(&n)
			}
		}
		if errors.Is(err, io.EOF) && e.Close() == nil {
			out[name] = &fstest.MapFile{Data: b.Bytes()}
		}
	}
	return out
}

func turnKeys(n *yaml.Node) {
	if n.Kind == yaml.MappingNode {
		slices.Reverse(n.Content)
		for i := 0; i+1 < len(n.Content); i += 2 {
			n.Content[i], n.Content[i+1] = n.Content[i+1], n.Content[i]
		}
	}
	for _, c := range n.Content {
		turnKeys(c)
	}
}

// TestBundledWriting: a comment reaches nothing, and another order of documents
// brings nothing and mends nothing, in the repositories of testdata too.
func TestBundledWriting(t *testing.T) {
	opt := lean(t)
	turns, writings := 0, 0
	repositories := bundled(t)
	for _, name := range cases(t, "formats") {
		data, err := os.ReadFile("../../testdata/formats/" + name + ".txtar")
		if err != nil {
			t.Fatal(err)
		}
		tree := fstest.MapFS{}
		for _, f := range txtar.Parse(data).Files {
			if f.Name != "want" && f.Name != "ask" && f.Name != "paths" {
				tree[f.Name] = &fstest.MapFile{Data: f.Data}
			}
		}
		repositories["formats/"+name] = trees{head: tree}
	}
	for name, tr := range repositories {
		t.Run(name, func(t *testing.T) {
			r := reviewed(t, opt, trees{tr.head, commented(tr.head)})
			for _, c := range r.Changes {
				if c.Kind != change.Unchanged {
					t.Errorf("with comments %s is %s", c.Resource().ID, c.Kind)
				}
			}
			if got := state(r, engine.New, engine.Fixed, engine.Suppressed); len(got) > 0 {
				t.Errorf("with comments:\n%s", strings.Join(got, "\n"))
			}
			anew := trees{tr.head, rewritten(tr.head)}
			writings += len(anew.diff())
			if got := state(reviewed(t, opt, anew), engine.New, engine.Fixed, engine.Suppressed); len(got) > 0 {
				t.Errorf("with keys the other way round:\n%s", strings.Join(got, "\n"))
			}
			back := trees{tr.head, turned(tr.head)}
			turns += len(back.diff())
			if got := state(reviewed(t, opt, back), engine.New, engine.Fixed, engine.Suppressed); len(got) > 0 {
				t.Errorf("with documents the other way round:\n%s", strings.Join(got, "\n"))
			}
		})
	}
	if turns < 10 || writings < 100 {
		t.Errorf("%d files of several documents and %d written anew prove nothing", turns, writings)
	}
}

// apart are bundled pull requests of which the properties do not speak, each
// with the reason.
var apart = map[string]string{
	"config-unreadable":          "nothing is judged",
	"head-cannot-judge-itself":   "base and head have other rules",
	"unknown-rule-in-config":     "base and head have other rules",
	"broken-beside-good":         "one side cannot be read",
	"broken-document-beside-fix": "one side cannot be read",
	"overlay-broken":             "one side cannot be built",
	"moved-between-folders":      "a fingerprint is of its folder",

	"suppression-behind-a-setting": "what was suppressed and still is stands among the suppressed",

	"complaint-gate-rewrites-itself":          "base and head have other rules",
	"aws-database-behind-an-open-group":       "the database came last; a scan speaks of the group alone",
	"complaint-policy-deleted-workload-stays": "the last policy of a folder is missed by whoever saw it: a scan of the head cannot",
}

// TestBundledPulls holds the difference for the pull requests in testdata.
func TestBundledPulls(t *testing.T) {
	opt := lean(t)
	for name, tr := range bundled(t) {
		t.Run(name, func(t *testing.T) {
			if apart[name] == "" {
				difference(t, opt, tr)
			}
		})
	}
}

// counted counts the files that a reader is given.
type counted struct {
	format.Reader
	files *atomic.Int32
}

func (c counted) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	c.files.Add(int32(len(u.Files)))
	return c.Reader.Read(ctx, u)
}

// TestUnchangedFilesAreReadOnce: what both sides have is read once, unless a name
// repeats, and the report is what it would be otherwise.
func TestUnchangedFilesAreReadOnce(t *testing.T) {
	pod := func(name, more string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: " + name + "}\nspec: {" + more + "containers: [{name: a, image: a}]}\n")}
	}
	for _, tt := range []struct {
		name  string
		more  fstest.MapFS
		files int32
		diags int
	}{
		{"all good", fstest.MapFS{"k8s/c.yaml": pod("c", "")}, 2 + 2, 0},
		{"an unchanged file is broken", fstest.MapFS{"k8s/c.yaml": {Data: []byte("apiVersion: v1\nkind: Pod\nmetadata: {name: [\n")}}, 2 + 2, 1},
		{"a name repeats", fstest.MapFS{"k8s/c.yaml": pod("a", "hostPID: true, ")}, 2 + 2 + 3 + 3, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr := trees{fstest.MapFS{"k8s/a.yaml": pod("a", ""), "k8s/b.yaml": pod("b", "")}, fstest.MapFS{"k8s/a.yaml": pod("a", "hostPID: true, "), "k8s/b.yaml": pod("b", "")}}
			for name, f := range tt.more {
				tr.base[name], tr.head[name] = f, f
			}
			opt := lean(t)
			opt.Readers = maps.Clone(opt.Readers)
			var files atomic.Int32
			opt.Readers[resource.Kubernetes] = counted{opt.Readers[resource.Kubernetes], &files}
			r := reviewed(t, opt, tr)
			if files.Load() != tt.files || len(r.Diagnostics) != tt.diags {
				t.Errorf("%d files were read, %v", files.Load(), r.Diagnostics)
			}
			var got []string
			for _, f := range r.Findings {
				if f.Rule.ID == "k8s/host-namespaces" {
					got = append(got, string(f.State)+" "+f.Resource.Range.File)
				}
			}
			if want := "new k8s/a.yaml"; len(got) == 0 || got[0] != want {
				t.Errorf("%v, not %s", got, want)
			}
		})
	}
}
