package fix_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"golang.org/x/tools/txtar"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// seeds adds the texts before and after of the golden cases with an extension.
func seeds(f *testing.F, ext string) {
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, a := range archives {
		data, err := os.ReadFile(a)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range txtar.Parse(data).Files {
			if strings.HasSuffix(file.Name, ext) {
				f.Add(unescape(string(file.Data)))
			}
		}
	}
}

// says checks that a fix does what it says and no more: the tree that is read
// afterwards is the tree from before with the operation carried out on it, and
// every other resource is as it was.
func checkFix(t *testing.T, file, text string, sp *rule.FixSpec, want func(root any) any) {
	before, err := read(t.Context(), fstest.MapFS{file: {Data: []byte(text)}}, file)
	if err != nil {
		return
	}
	f := source.NewFile(file, []byte(text))
	for i, res := range before {
		if i == 8 {
			return
		}
		finding := engine.Finding{Rule: &rule.Rule{ID: "x/y", Checks: []rule.Check{{Fix: sp}}}, Resource: res}
		edits, err := fix.Propose(finding, func(string) *source.File { return f })
		if err != nil {
			continue
		}
		data, err := source.Apply(f.Data, edits)
		if err != nil {
			t.Fatalf("the edits do not apply: %v", err)
		}
		after, err := read(t.Context(), fstest.MapFS{file: {Data: data}}, file)
		if err != nil {
			t.Fatalf("it cannot be read any more: %v\n%q\n%q", err, text, data)
		}
		if len(after) != len(before) {
			t.Fatalf("%d resources became %d\n%q\n%q", len(before), len(after), text, data)
		}
		if fromElsewhere(res.Root, sp) {
			continue // other settings may hang on that place; the proof compares them
		}
		for k := range before {
			// Instances of one block change together.
			if before[k].Range.Start.Byte == res.Range.Start.Byte {
				expected := want(tree(before[k].Root))
				if got := tree(after[k].Root); !same(got, expected) {
					t.Fatalf("the tree became\n%v\nnot\n%v\n%q\n%q", got, expected, text, data)
				}
			} else if !resource.Equal(before[k].Root, after[k].Root) && !reads(before[k], res) {
				t.Fatalf("%s changed too\n%q\n%q", before[k].ID, text, data)
			}
		}
		if lines, err := source.WholeLines(f, edits); err != nil {
			t.Fatal(err)
		} else if whole, err := source.Apply(f.Data, source.ByteEdits(f, lines)); err != nil || string(whole) != string(data) {
			t.Fatalf("as whole lines it is\n%q\nnot\n%q (%v)", whole, data, err)
		}
	}
}

// fromElsewhere reports whether a setting that the fix sets has its value from
// another place.
func fromElsewhere(root *resource.Node, sp *rule.FixSpec) bool {
	return slices.ContainsFunc(sp.Set, func(s rule.Setting) bool {
		n := root.Path(strings.Split(s.Path, ".")...)
		return n != nil && len(n.Origins) > 0
	})
}

// reads reports whether a resource may take values from the changed one, by a
// reference or by being its copy.
func reads(r, changed *resource.Resource) bool {
	return r.Platform == resource.Terraform || r.ID == changed.ID
}

type unknown struct{ why string }

// tree is what a node says, without places.
func tree(n *resource.Node) any {
	switch {
	case n == nil:
		return nil
	case n.Unknown:
		return unknown{n.Why}
	case n.Kind == resource.List:
		out := make([]any, len(n.Items))
		for i, it := range n.Items {
			out[i] = tree(it)
		}
		return out
	case n.Kind == resource.Map:
		out := map[string]any{}
		for _, f := range n.Fields {
			out[f.Name] = tree(f.Node)
		}
		return out
	}
	return n.Value
}

func same(a, b any) bool {
	switch x := a.(type) {
	case map[string]any:
		y, ok := b.(map[string]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for k := range x {
			if v, ok := y[k]; !ok || !same(x[k], v) {
				return false
			}
		}
		return true
	case []any:
		y, ok := b.([]any)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !same(x[i], y[i]) {
				return false
			}
		}
		return true
	}
	return a == b
}

// put sets a value in a tree, making maps on the way.
func put(root any, v any, names ...string) any {
	if len(names) == 0 {
		return v
	}
	m, ok := root.(map[string]any)
	if !ok {
		m = map[string]any{}
	}
	m[names[0]] = put(m[names[0]], v, names[1:]...)
	return m
}

// drop takes a name out of a tree, with the maps above it that become empty.
func drop(root any, names ...string) any {
	m, ok := root.(map[string]any)
	if !ok {
		return root
	}
	child, ok := m[names[0]]
	if !ok {
		return root
	}
	if len(names) == 1 {
		delete(m, names[0])
		return m
	}
	if was, ok := child.(map[string]any); ok {
		if drop(child, names[1:]...); len(was) == 0 {
			delete(m, names[0])
		}
	}
	return m
}

func FuzzYAML(f *testing.F) {
	seeds(f, ".yaml")
	f.Add("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [\n {name: a, #x\n image: b}]}\n")
	f.Add("kind: Pod\napiVersion: v1\nmetadata:\n  name: a\nspec:\n- a\n")
	f.Add("\ufeffapiVersion: v1\nkind: Pod\nmetadata:\n name: a\nspec: \"x\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		set := spec(t, "set: {spec.securityContext.runAsNonRoot: true, spec.hostPID: false}")
		checkFix(t, "a.yaml", text, set, func(root any) any {
			return put(put(root, true, "spec", "securityContext", "runAsNonRoot"), false, "spec", "hostPID")
		})
		del := spec(t, "delete: [spec.hostPID, metadata.labels.a]")
		checkFix(t, "a.yaml", text, del, func(root any) any {
			return drop(drop(root, "spec", "hostPID"), "metadata", "labels", "a")
		})
	})
}

func FuzzJSON(f *testing.F) {
	seeds(f, ".json")
	f.Add(`{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{}}`)
	f.Add("{\n \"apiVersion\":\"v1\",\"kind\" : \"Pod\",\"metadata\":{\"name\":\"a\"},\n\"spec\"\n:\n{\"hostPID\":1}}")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		set := spec(t, "set: {spec.securityContext.runAsNonRoot: true, spec.hostPID: false}")
		checkFix(t, "a.json", text, set, func(root any) any {
			return put(put(root, true, "spec", "securityContext", "runAsNonRoot"), false, "spec", "hostPID")
		})
	})
}

func FuzzTemplate(f *testing.F) {
	seeds(f, ".cfn.yaml")
	seeds(f, ".cfn.json")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		if !strings.HasSuffix(text, "\n") {
			text += "\n" // a line that is added ends the last one, which a block of text notices
		}
		set := spec(t, "set: {Properties.StorageEncrypted: true, Properties.DeletionProtection: true}")
		checkFix(t, "a.cfn.yaml", text, set, func(root any) any {
			return put(put(root, true, "Properties", "StorageEncrypted"), true, "Properties", "DeletionProtection")
		})
	})
}

func FuzzHCL(f *testing.F) {
	seeds(f, ".tf")
	f.Add("resource \"a\" \"b\" {\n/* x */ c = 1 /* y */\n}\n")
	f.Add("resource a b { c = <<X\nx\nX\n}\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2<<10 {
			return
		}
		set := spec(t, "set: {encrypted: true, deletion_protection: true}")
		checkFix(t, "a.tf", text, set, func(root any) any {
			return put(put(root, true, "encrypted"), true, "deletion_protection")
		})
	})
}

func FuzzDockerfile(f *testing.F) {
	seeds(f, ".docker")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2<<10 {
			return
		}
		sp := spec(t, `set: {user: "10001"}`)
		fsys := fstest.MapFS{"Dockerfile": {Data: []byte(text)}}
		rs, err := read(t.Context(), fsys, "Dockerfile")
		if err != nil || len(rs) != 1 {
			return
		}
		stages := rs[0].Root.Get("stages")
		if stages == nil {
			return
		}
		file := source.NewFile("Dockerfile", []byte(text))
		for i := range stages.Items {
			item := resource.Path{{Name: "stages"}, {Index: i}}
			finding := engine.Finding{Rule: &rule.Rule{ID: "x/y", Checks: []rule.Check{{Fix: sp}}}, Resource: rs[0], Item: item}
			edits, err := fix.Propose(finding, func(string) *source.File { return file })
			if err != nil {
				continue
			}
			data, err := source.Apply(file.Data, edits)
			if err != nil {
				t.Fatal(err)
			}
			after, err := read(t.Context(), fstest.MapFS{"Dockerfile": {Data: data}}, "Dockerfile")
			if err != nil || len(after) != 1 {
				t.Fatalf("it cannot be read any more: %v\n%q\n%q", err, text, data)
			}
			n, _ := item.At(after[0].Root)
			if user := n.Get("user").Str(); user != "10001" {
				t.Fatalf("the user is %q\n%q\n%q", user, text, data)
			}
			if got, want := len(after[0].Root.Get("stages").Items), len(stages.Items); got != want {
				t.Fatalf("%d stages became %d\n%q\n%q", want, got, text, data)
			}
		}
	})
}

// checkBeside checks that a block which says something of the resource and adds
// another does just that, to whatever resource it is put beside.
func checkBeside(t *testing.T, file, text, language string, block func(r *resource.Resource) string) {
	before, err := read(t.Context(), fstest.MapFS{file: {Data: []byte(text)}}, file)
	if err != nil {
		return
	}
	f := source.NewFile(file, []byte(text))
	for i, res := range before {
		if i == 8 {
			return
		}
		if !plainName(res.Name) || !plainName(strings.ReplaceAll(res.Kind, "::", "")) {
			continue
		}
		sp := &rule.FixSpec{Beside: true}
		finding := engine.Finding{Rule: &rule.Rule{ID: "x/y", Checks: []rule.Check{{Fix: sp}}}, Resource: res, FixSpec: sp, Write: block(res), Language: language}
		edits, err := fix.Propose(finding, func(string) *source.File { return f })
		if err != nil {
			continue
		}
		data, err := source.Apply(f.Data, edits)
		if err != nil {
			t.Fatalf("the edits do not apply: %v\n%q", err, text)
		}
		after, err := read(t.Context(), fstest.MapFS{file: {Data: data}}, file)
		if err != nil {
			if strings.Contains(text, "Fuzz") || strings.Contains(text, "fuzz") {
				continue // the name may be taken
			}
			t.Fatalf("it cannot be read any more: %v\n%q\n%q", err, text, data)
		}
		found := map[string]*resource.Resource{}
		for _, a := range after {
			found[a.ID] = a
		}
		for _, b := range before {
			a := found[b.ID]
			switch {
			case a == nil:
				t.Fatalf("%s is gone\n%q\n%q", b.ID, text, data)
			case b.Range.Start.Byte == res.Range.Start.Byte:
			case !reads(b, res) && !resource.Equal(a.Root, b.Root):
				t.Fatalf("%s changed too\n%q\n%q", b.ID, text, data)
			}
		}
		if len(after) <= len(before) && !strings.Contains(strings.ToLower(text), "fuzz") {
			t.Fatalf("nothing was added\n%q\n%q", text, data)
		}
		if lines, err := source.WholeLines(f, edits); err != nil {
			t.Fatal(err)
		} else if whole, err := source.Apply(f.Data, source.ByteEdits(f, lines)); err != nil || string(whole) != string(data) {
			t.Fatalf("as whole lines it is\n%q\nnot\n%q (%v)", whole, data, err)
		}
	}
}

// plainName reports whether a name stands in a block as it is.
func plainName(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == "" && s[0] > '9'
}

func FuzzBesideTemplate(f *testing.F) {
	seeds(f, ".cfn.yaml")
	seeds(f, ".cfn.json")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4<<10 {
			return
		}
		file := "case.cfn.yaml"
		if strings.HasPrefix(strings.TrimSpace(text), "{") {
			file = "case.cfn.json"
		}
		checkBeside(t, file, text, rule.LanguageYAML, func(r *resource.Resource) string {
			return r.Name + ":\n  Type: " + r.Kind + "\n  Properties:\n    Fuzz: !GetAtt " + r.Name + "Fuzz.Arn\n" +
				r.Name + "Fuzz:\n  Type: AWS::Fuzz::Fuzz\n  Properties:\n    Of: !Sub \"${AWS::Region}-x\"\n"
		})
	})
}

func FuzzBesideTerraform(f *testing.F) {
	seeds(f, ".tf")
	seeds(f, ".tf.json")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 2<<10 {
			return
		}
		file := "case.tf"
		if strings.HasPrefix(strings.TrimSpace(text), "{") {
			file = "case.tf.json"
		}
		checkBeside(t, file, text, rule.LanguageHCL, func(r *resource.Resource) string {
			return "resource \"" + r.Kind + "\" \"" + r.Name + "\" {\n  fuzz = fuzz_fuzz." + r.Name + ".id\n}\n\n" +
				"resource \"fuzz_fuzz\" \"" + r.Name + "\" {\n  on = true\n}\n"
		})
	})
}
