package terraform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// deep is how deeply the hostile configurations nest: with -short, as under the
// race detector, less, but still far beyond the limit.
func deep() int {
	if testing.Short() {
		return 10_000
	}
	return 100_000
}

// nestings are expressions that HCL's parser, or any walk over what it parses,
// descends into once for each repetition.
func nestings(n int) map[string]string {
	r := strings.Repeat
	return map[string]string{
		"parentheses":          r("(", n) + "1" + r(")", n),
		"open parentheses":     r("(", n),
		"brackets":             r("[", n) + r("]", n),
		"open brackets":        r("[", n),
		"objects":              r("{a=", n) + "1" + r("}", n),
		"open objects":         r("{a=", n),
		"templates":            r(`"${`, n) + "1" + r(`}"`, n),
		"open templates":       r(`"${`, n),
		"directives":           `"` + r(`%{if true}`, n) + "x" + r(`%{endif}`, n) + `"`,
		"open directives":      `"` + r(`%{for x in y}`, n) + `"`,
		"directives in else":   `"` + r(`%{if a}%{else}`, n) + r(`%{endif}`, n) + `"`,
		"calls":                r("f(", n) + "1" + r(")", n),
		"open calls":           r("f(", n),
		"conditionals":         r("a ? ", n) + "1" + r(" : 2", n),
		"else conditionals":    r("a ? 1 : ", n) + "2",
		"negations":            r("!", n) + "true",
		"minuses":              r("-", n) + "1",
		"spaced minuses":       r("- ", n) + "1",
		"sums":                 "1" + r(" + 1", n),
		"ands":                 "true" + r(" && true", n),
		"comparisons":          "1" + r(" == 1", n),
		"modulos":              "1" + r(" % 1", n),
		"indices":              "a" + r("[b]", n),
		"nested indices":       r("a[", n) + "0" + r("]", n),
		"splats":               "a" + r("[*]", n),
		"attribute splats":     "a" + r(".*", n),
		"for expressions":      r("[for x in ", n) + "y" + r(": x]", n),
		"open for expressions": r("{for x in y : x => ", n),
		"heredocs":             r("<<A\n${", n),
		"namespaces":           r("a::", n) + "b()",
		"mixed brackets":       r("([{a=", n/3) + "1",
		"wrong brackets":       r("(]", n),
		"closing brackets":     r(")", n),
		"chain behind depth":   r("(", 400) + "1" + r(")", 400) + r(" + 1", 400),
		"chains within chains": r("(1"+r(" + 1", 100)+" + ", n/100) + "1",
	}
}

func errorIn(ds source.Diagnostics, file string) bool {
	for _, d := range ds {
		if d.File == file && d.Level == source.LevelError {
			return true
		}
	}
	return false
}

// within fails the test if f takes longer than it may.
func within(t *testing.T, limit time.Duration, f func()) {
	t.Helper()
	begin := time.Now()
	f()
	if d := time.Since(begin); d > limit {
		t.Errorf("took %v, more than %v", d, limit)
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	for name, x := range nestings(deep()) {
		t.Run(name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				rs, ds := New().Read(t.Context(), unitOf(".", map[string]string{
					"bad.tf":  "resource \"a_b\" \"c\" {\n  x = " + x + "\n}\n",
					"good.tf": "resource \"a_b\" \"good\" {\n  x = 1\n}\n",
				}))
				if !errorIn(ds, "bad.tf") {
					t.Errorf("no error among %v", ds)
				}
				find(t, rs, "a_b.good")
			})
		})
	}
}

func TestDeepNestingElsewhere(t *testing.T) {
	blocks := strings.Repeat("a {\n", deep()) + strings.Repeat("}\n", deep())
	json := strings.Repeat(`{"a":`, deep()) + "1" + strings.Repeat("}", deep())
	array := strings.Repeat("[", deep()) + strings.Repeat("]", deep())
	for name, files := range map[string]map[string]string{
		"blocks":        {"main.tf": blocks},
		"labels":        {"main.tf": "a " + strings.Repeat("\"b\" ", deep()) + "{ x = [ }\n"},
		"tfvars":        {"terraform.tfvars": "a = " + strings.Repeat("[", deep())},
		"JSON":          {"main.tf.json": json},
		"JSON arrays":   {"main.tf.json": array},
		"JSON template": {"main.tf.json": `{"locals":{"a":"` + strings.Repeat("${(", deep()) + `"}}`},
		"JSON tfvars":   {"terraform.tfvars.json": json},
		"number":        {"main.tf": "a = " + strings.Repeat("1", deep())},
		"JSON number":   {"main.tf.json": `{"a":` + strings.Repeat("1", deep()) + "}"},
		"open comments": {"main.tf": strings.Repeat("/*", 1_000_000)},
		"heredoc lines": {"main.tf": "a = <<A\n" + strings.Repeat("x\n", 500_000) + "A\n"},
		"dollar signs":  {"main.tf": "a = \"" + strings.Repeat("$a", 500_000) + "\"\n"},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				_, ds := New().Read(t.Context(), unitOf(".", files))
				for f := range files {
					if !errorIn(ds, f) {
						t.Errorf("no error among %v", ds)
					}
				}
			})
		})
	}
}

// TestNestingUpToTheLimitIsRead shows that real configurations are far from
// the limit and that what is let through can be evaluated.
func TestNestingUpToTheLimitIsRead(t *testing.T) {
	for name, x := range nestings(maxNesting - 20) {
		t.Run("most of it/"+name, func(t *testing.T) {
			readOne(t, "resource \"a_b\" \"c\" {\n  x = "+x+"\n}\n")
		})
	}
	for name, x := range nestings(60) {
		t.Run(name, func(t *testing.T) {
			_, ds := readOne(t, "resource \"a_b\" \"c\" {\n  x = "+x+"\n}\n")
			for _, d := range ds {
				if strings.Contains(d.Message, "nested more than") && name != "chain behind depth" && name != "chains within chains" {
					t.Error(d)
				}
			}
		})
	}
}

// hungry are configurations that are small and mean something huge.
func hungry() map[string]string {
	var doubling, nested, chain, wide strings.Builder
	doubling.WriteString("locals {\n  a0 = \"0123456789\"\n")
	nested.WriteString("locals {\n  a0 = [1, 2, 3, 4, 5, 6, 7, 8]\n")
	chain.WriteString("locals {\n  a0 = 1\n")
	wide.WriteString("locals {\n  a0 = { x = 1 }\n")
	for i := 1; i < 60; i++ {
		fmt.Fprintf(&doubling, "  a%d = \"${local.a%d}${local.a%d}\"\n", i, i-1, i-1)
		fmt.Fprintf(&nested, "  a%d = [%s]\n", i, strings.Repeat(fmt.Sprintf("local.a%d, ", i-1), 8))
		fmt.Fprintf(&wide, "  a%d = { l = local.a%d, r = local.a%d }\n", i, i-1, i-1)
	}
	for i := 1; i < 20_000; i++ {
		fmt.Fprintf(&chain, "  a%d = local.a%d\n", i, i-1)
	}
	use := func(b strings.Builder, n int) string {
		return b.String() + fmt.Sprintf("}\nresource \"a_b\" \"c\" {\n  x = local.a%d\n  y = jsonencode(local.a%d)\n  z = local.a%d == local.a%d\n  s = \"%%{for v in [local.a%d]}${v}%%{endfor}\"\n}\n", n, n, n, n, n)
	}
	res := func(x string) string { return "resource \"a_b\" \"c\" {\n  x = " + x + "\n}\n" }
	big := `join(",", [for i in range(1000) : "0123456789"])`
	return map[string]string{
		"doubled text":    use(doubling, 59),
		"nested lists":    use(nested, 59),
		"nested objects":  use(wide, 59),
		"long chain":      use(chain, 19_999),
		"deep values":     "locals {\n  a = " + strings.Repeat("[", 450) + strings.Repeat("]", 450) + "\n}\n" + res("[local.a]"),
		"range":           res("range(1000000000)"),
		"wide verb":       res(`format("%1000000000d", 1)`),
		"precise verb":    res(`format("%.1000000000f", 1)`),
		"repeated verb":   res(`format("` + strings.Repeat("%[1]s", 500) + `", ` + big + `)`),
		"replace":         res(`replace(` + big + `, "", ` + big + `)`),
		"replace regex":   res(`replace(` + big + `, "/./", ` + big + `)`),
		"replace groups":  res(`replace(` + big + `, "/(.*)/", "$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1$1")`),
		"join":            res(`join(` + big + `, range(1000))`),
		"indent":          res(`indent(1000000000, "a\nb")`),
		"product":         res(`setproduct(range(1000), range(1000), range(1000))`),
		"regex":           res(`regexall("((a{50}){50}){50}", ` + big + `)`),
		"for for for":     res("[for a in range(1000) : [for b in range(1000) : [for c in range(1000) : a + b + c]]]"),
		"grouped":         res("{for a in flatten([for b in range(1000) : [for c in range(1000) : c]]) : \"x\" => a...}"),
		"distinct":        res("distinct(flatten([for b in range(400) : [for c in range(400) : \"${b}-${c}\"]]))"),
		"big number":      res(`"${1e1000000000}"`),
		"bigger number":   res(strings.Repeat("(1e300 * ", 20) + "1" + strings.Repeat(")", 20)),
		"power":           res(`pow(10, 1000000000)`),
		"infinite":        res(`1 / 0`),
		"remainder":       res(`1e300 % 7e-300`),
		"parseint":        res(`parseint("` + strings.Repeat("9", 100_000) + `", 10)`),
		"tonumber":        res(`tonumber("` + strings.Repeat("9", 100_000) + `")`),
		"log of nothing":  res(`log(-1, 0)`),
		"jsondecode":      res(`jsondecode("` + strings.Repeat("[", 100_000) + `")`),
		"yamldecode":      res(`yamldecode("` + strings.Repeat("[", 60_000) + `")`),
		"yamldecode dash": res(`yamldecode("` + strings.Repeat("- ", 30_000) + `")`),
		"yaml bomb":       res(`yamldecode("a: &a [x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c]\n")`),
		"count":           "resource \"a_b\" \"c\" {\n  count = 1000000000\n  x = count.index\n}\n",
		"for_each":        "resource \"a_b\" \"c\" {\n  for_each = toset([for i in range(1000) : tostring(i)])\n  dynamic \"d\" {\n    for_each = range(1000)\n    content {\n      dynamic \"e\" {\n        for_each = range(1000)\n        content {\n          x = e.value\n        }\n      }\n    }\n  }\n}\n",
		"self":            "locals {\n  a = local.b\n  b = local.a\n}\n" + res("local.a"),
		"own count":       "resource \"a_b\" \"c\" {\n  count = length(a_b.c)\n  x = a_b.c[0].x\n}\n",
		"own default":     "variable \"v\" {\n  default = var.v\n}\n" + res("var.v"),
		"long name":       res("a." + strings.Repeat("b.", 100_000) + "c"),
		"many arguments":  res("merge(" + strings.Repeat("{}, ", 100_000) + "{})"),
		"mixed list":      res(`join(",", flatten([for a in range(300) : [for b in range(300) : b % 2 == 0 ? b : "x"]]))`),
		"mixed set":       res(`setsubtract(toset(flatten([for a in range(300) : [for b in range(300) : b % 2 == 0 ? a * 1000 + b : "x${a}-${b}"]])), ["x"])`),
		"long lists":      res(`formatlist("%s", [for a in range(100) : flatten([for b in range(50) : range(50)])])`),
		"cidrsubnets":     res(`cidrsubnets("::/0", ` + strings.Repeat("128, ", 50_000) + `1)`),
	}
}

func TestSmallSourceStaysSmall(t *testing.T) {
	for name, src := range hungry() {
		t.Run(name, func(t *testing.T) {
			within(t, 20*time.Second, func() {
				rs, ds := readOne(t, src)
				nodes := 0
				for _, r := range rs {
					resource.Walk(r.Root, func(_ resource.Path, n *resource.Node) bool {
						nodes++
						if len(n.Str()) > maxText {
							t.Errorf("a text of %d bytes", len(n.Str()))
						}
						return true
					})
				}
				if nodes > 2*maxNodes {
					t.Errorf("%d nodes", nodes)
				}
				if len(ds) > maxDiagnostics {
					t.Errorf("%d diagnostics", len(ds))
				}
			})
		})
	}
}

func TestFilesOutsideTheTree(t *testing.T) {
	u := unitOf("a/b", map[string]string{
		"a/b/main.tf":  "resource \"a_b\" \"c\" {\n  in = file(\"../x.txt\")\n  out = file(\"../../../etc/passwd\")\n  abs = file(\"/etc/passwd\")\n  back = file(\"..\\\\x\")\n  none = file(\"none\")\n  dir = file(\"..\")\n  t = templatefile(\"x.tftpl\", { a = 1 })\n  there = fileexists(\"../x.txt\")\n}\n",
		"a/x.txt":      "hello",
		"a/b/x.tftpl":  "a is ${a}",
		"etc/passwd":   "secret",
		"a/b/deep.tpl": strings.Repeat("${(", deep()),
	})
	rs, _ := New().Read(t.Context(), u)
	root := find(t, rs, "a_b.c").Root
	for name, want := range map[string]string{"in": "hello", "t": "a is 1"} {
		if got := root.Get(name).Str(); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if n := root.Get("there"); n.Value != true {
		t.Errorf("there is %v", n.Value)
	}
	for _, name := range []string{"out", "abs", "back", "none", "dir"} {
		if n := root.Get(name); !n.Unknown || n.Value != nil {
			t.Errorf("%s is %v", name, n.Value)
		}
	}
}

func TestLargeFiles(t *testing.T) {
	line := "a_b = \"0123456789\"\n"
	u := unitOf(".", map[string]string{"main.tf": "locals {\n" + strings.Repeat(line, format.DefaultMaxFileSize/len(line)) + "}\n"})
	within(t, 20*time.Second, func() { New().Read(t.Context(), u) })
	u = unitOf(".", map[string]string{"main.tf": strings.Repeat("(,", format.DefaultMaxFileSize/2)})
	within(t, 20*time.Second, func() { New().Read(t.Context(), u) })
}

func TestLinksAreNotFollowed(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	for name, data := range map[string]string{
		"outside/main.tf": "resource \"a_b\" \"outside\" {\n}\n", "outside/secret": "secret",
		"tree/main.tf": "resource \"a_b\" \"c\" {\n  x = file(\"link/secret\")\n  y = file(\"secret\")\n}\nmodule \"m\" {\n  source = \"./link\"\n}\n",
	} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"link": "../outside", "secret": "../outside/secret"} {
		if err := os.Symlink(to, filepath.Join(tree, link)); err != nil {
			t.Fatal(err)
		}
	}
	u := unitOf(".", map[string]string{"main.tf": ""})
	u.FS = os.DirFS(tree)
	rs, ds := New().Read(t.Context(), u)
	root := find(t, rs, "a_b.c").Root
	for _, name := range []string{"x", "y"} {
		if n := root.Get(name); !n.Unknown {
			t.Errorf("%s is %v", name, n.Value)
		}
	}
	if len(rs) != 2 || len(ds) != 1 || ds[0].NotEvaluated != "module.m" {
		t.Errorf("%d resources, %v", len(rs), ds)
	}
}
