package terraform

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// show writes a value without places: unknown ones as ?, partial ones with …
func show(n *resource.Node) string {
	switch {
	case n == nil:
		return "absent"
	case n.Unknown:
		return "?"
	case n.Kind == resource.List:
		var parts []string
		for _, it := range n.Items {
			parts = append(parts, show(it))
		}
		if n.Partial {
			parts = append(parts, "…")
		}
		return "[" + strings.Join(parts, " ") + "]"
	case n.Kind == resource.Map:
		var parts []string
		for _, f := range n.Fields {
			parts = append(parts, f.Name+"="+show(f.Node))
		}
		if n.Partial {
			parts = append(parts, "…")
		}
		return "{" + strings.Join(parts, " ") + "}"
	case n.Kind == resource.String:
		return fmt.Sprintf("%q", n.Value)
	case n.Kind == resource.Null:
		return "null"
	}
	return fmt.Sprint(n.Value)
}

func TestFunctions(t *testing.T) {
	for _, c := range []struct{ expr, want string }{
		{`abs(-3)`, `3`},
		{`alltrue([true, "true"])`, `true`},
		{`alltrue([true, var.u])`, `?`},
		{`alltrue([false, var.u])`, `false`},
		{`anytrue([])`, `false`},
		{`anytrue([var.u, true])`, `true`},
		{`base64decode(base64encode("é"))`, `"é"`},
		{`base64sha256("a")`, `"ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs="`},
		{`basename("a/b.c")`, `"b.c"`},
		{`ceil(1.2)`, `2`},
		{`chomp("a\n")`, `"a"`},
		{`chunklist([1, 2, 3], 2)`, `[[1 2] [3]]`},
		{`cidrhost("10.0.0.0/24", -1)`, `"10.0.0.255"`},
		{`cidrhost("10.0.0.0/24", 256)`, `?`},
		{`cidrnetmask("10.0.0.0/12")`, `"255.240.0.0"`},
		{`cidrsubnet("10.0.0.0/8", 8, 2)`, `"10.2.0.0/16"`},
		{`cidrsubnet("fd00::/48", 16, 5)`, `"fd00:0:0:5::/64"`},
		{`cidrsubnet("10.0.0.0/8", 8, 256)`, `?`},
		{`cidrsubnets("10.0.0.0/16", 4, 8, 4)`, `["10.0.0.0/20" "10.0.16.0/24" "10.0.32.0/20"]`},
		{`coalesce(null, "", "a")`, `"a"`},
		{`coalesce(var.u, "a")`, `?`},
		{`coalescelist([], [1])`, `[1]`},
		{`compact(["a", "", null, var.u])`, `["a" ?]`},
		{`concat([1], [2], [var.u])`, `[1 2 ?]`},
		{`concat([1], var.u)`, `[1 …]`},
		{`contains(["a"], "a")`, `true`},
		{`contains(["a"], "b")`, `false`},
		{`contains([var.u], "b")`, `?`},
		{`contains([var.u, "b"], "b")`, `true`},
		{`csvdecode("a,b\n1,2")`, `[{a="1" b="2"}]`},
		{`dirname("a/b")`, `"a"`},
		{`distinct(["b", "a", "b"])`, `["b" "a"]`},
		{`element(["a", "b"], 3)`, `"b"`},
		{`element([var.u, "b"], 1)`, `"b"`},
		{`endswith("abc", "bc")`, `true`},
		{`flatten([[1, [2]], [], [var.u]])`, `[1 2 …]`},
		{`floor(1.8)`, `1`},
		{`format("%s-%03d", "a", 7)`, `"a-007"`},
		{`format("%s", var.u)`, `?`},
		{`formatdate("YYYY", "2026-01-02T03:04:05Z")`, `"2026"`},
		{`formatlist("x%s", ["a", "b"])`, `["xa" "xb"]`},
		{`indent(2, "a\nb")`, `"a\n  b"`},
		{`index(["a", "b"], "b")`, `1`},
		{`join("-", ["a", 1])`, `"a-1"`},
		{`join("-", [var.u])`, `?`},
		{`jsondecode("{\"a\": [1, null]}")`, `{a=[1 null]}`},
		{`jsonencode({ b = "<", a = [1.5, true, null] })`, `"{\"a\":[1.5,true,null],\"b\":\"\\u003c\"}"`},
		{`keys({ b = var.u, a = 1 })`, `["a" "b"]`},
		{`length([1, var.u])`, `2`},
		{`length(var.u)`, `?`},
		{`length("éa")`, `2`},
		{`length({ a = 1 })`, `1`},
		{`log(8, 2)`, `3`},
		{`lookup({ a = 1 }, "a", 2)`, `1`},
		{`lookup({ a = 1 }, "b", 2)`, `2`},
		{`lookup({ (var.u) = 1 }, "b", 2)`, `?`},
		{`lower("AB")`, `"ab"`},
		{`matchkeys(["a", "b"], [1, 2], [2])`, `["b"]`},
		{`max(1, 3, 2)`, `3`},
		{`md5("a")`, `"0cc175b9c0f1b6a831c399e269772661"`},
		{`merge({ a = 1 }, { a = 2, b = 3 })`, `{a=2 b=3}`},
		{`merge([{ a = 1 }, { b = var.u }]...)`, `{a=1 b=?}`},
		{`merge({ a = 1 }, var.u, { b = 2 })`, `{a=? b=2 …}`},
		{`merge({ a = 1 }, null)`, `{a=1}`},
		{`min(3, 2)`, `2`},
		{`nonsensitive(sensitive("a"))`, `"a"`},
		{`one([])`, `absent`},
		{`one(["a"])`, `"a"`},
		{`one(["a", "b"])`, `?`},
		{`parseint("ff", 16)`, `255`},
		{`pow(2, 10)`, `1024`},
		{`range(1, 6, 2)`, `[1 3 5]`},
		{`regex("[a-z]+", "12ab")`, `"ab"`},
		{`regexall("[a-z]", "1a2b")`, `["a" "b"]`},
		{`replace("a-b", "-", "+")`, `"a+b"`},
		{`replace("a1b2", "/[0-9]/", "_")`, `"a_b_"`},
		{`reverse([1, 2])`, `[2 1]`},
		{`setintersection(["a", "b"], ["b"])`, `["b"]`},
		{`setproduct(["a"], [1, 2])`, `[["a" 1] ["a" 2]]`},
		{`setsubtract(["a", "b"], ["b"])`, `["a"]`},
		{`setunion(["b"], ["a", "b"])`, `["a" "b"]`},
		{`sha1("a")`, `"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"`},
		{`signum(-2)`, `-1`},
		{`slice([1, 2, 3], 1, 3)`, `[2 3]`},
		{`sort(["b", "a"])`, `["a" "b"]`},
		{`split(",", "a,b")`, `["a" "b"]`},
		{`startswith("abc", "ab")`, `true`},
		{`strcontains("abc", "d")`, `false`},
		{`strrev("ab")`, `"ba"`},
		{`substr("hello", 1, 3)`, `"ell"`},
		{`sum([1, 2.5])`, `3.5`},
		{`timeadd("2026-01-02T03:04:05Z", "1h")`, `"2026-01-02T04:04:05Z"`},
		{`timecmp("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+02:00")`, `1`},
		{`timestamp()`, `?`},
		{`title("ab cd")`, `"Ab Cd"`},
		{`tobool("true")`, `true`},
		{`tolist(toset(["b", "a", "b"]))`, `["a" "b"]`},
		{`toset([10, 9])`, `[9 10]`},
		{`tomap({ a = 1 })`, `{a=1}`},
		{`tonumber("1.5")`, `1.5`},
		{`tonumber("x")`, `?`},
		{`tostring(1)`, `"1"`},
		{`transpose({ a = ["x", "y"], b = ["y"] })`, `{x=["a"] y=["a" "b"]}`},
		{`trim("xax", "x")`, `"a"`},
		{`trimprefix("ab", "a")`, `"b"`},
		{`trimspace(" a ")`, `"a"`},
		{`trimsuffix("ab", "b")`, `"a"`},
		{`try(var.o.none, "d")`, `"d"`},
		{`try(var.u.none, "d")`, `?`},
		{`try([var.o.none], [])`, `[]`},
		{`try({a = "b", c = [upper(var.o.none)]}, {})`, `{}`},
		{`try([for x in ["a"] : {k = var.o.none}], "d")`, `"d"`},
		{`can([var.o.none])`, `false`},
		{`upper("a")`, `"A"`},
		{`urlencode("a b&")`, `"a+b%26"`},
		{`uuid()`, `?`},
		{`values({ b = 2, a = var.u })`, `[? 2]`},
		{`yamldecode("a: [1, x]")`, `{a=[1 "x"]}`},
		{`yamldecode(file("y.yaml"))`, `{a=[1 "x"] b=true c="no"}`},
		{`yamldecode("a: [")`, `?`},
		{`urldecode("a+b%26")`, `"a b&"`},
		{`uuidv5("dns", "www.example.com")`, `"2ed6657d-e927-568b-95e1-2665a8aea6a2"`},
		{`textencodebase64("é", "UTF-16LE")`, `"6QA="`},
		{`textdecodebase64("6QA=", "UTF-16LE")`, `"é"`},
		{`textencodebase64("a", "windows-1252")`, `?`},
		{`base64gunzip(base64gzip("a"))`, `"a"`},
		{`base64gunzip("H4sIAAAAAAAAA0sEAEO+t+gBAAAA")`, `"a"`},
		{`cidrcontains("10.0.0.0/8", "10.1.0.0/16")`, `true`},
		{`cidrcontains("10.0.0.0/8", "11.0.0.1")`, `false`},
		{`ephemeralasnull("a")`, `"a"`},
		{`templatestring("$${x}-1", { x = "a" })`, `"a-1"`},
		{`templatestring("$${y}-1", { x = "a" })`, `?`},
		{`fileset(".", "*.t*")`, `["main.tf" "t.tpl" "x.txt"]`},
		{`fileset("d", "**/*.json")`, `["a.json" "e/b.json"]`},
		{`fileset("d", "*/*.json")`, `["e/b.json"]`},
		{`fileset("..", "*")`, `?`},
		{`fileset(".", "{x,y}.{txt,yaml}")`, `["x.txt" "y.yaml"]`},
		{`fileset("d", "**/*.{json,txt}")`, `["a.json" "e/b.json" "e/c.txt"]`},
		{`fileset("d", "{a,{b}}.json")`, `?`},
		{`fileset("d", "a}.json")`, `?`},
		{`fileset("d", "{a,b,c,d}{a,b,c,d}{a,b,c}")`, `?`},
		{`tolist(["a", 1, true])`, `["a" "1" "true"]`},
		{`tolist([1, var.u])`, `[1 ?]`},
		{`tolist([{ a = 1 }, "b"])`, `[{a=1} "b"]`},
		{`toset([1, "1"])`, `["1"]`},
		{`tomap({ a = 1, b = "x" })`, `{a="1" b="x"}`},
		{`distinct([1, "1", 1])`, `["1"]`},
		{`fileset("d", "**/**/**/**/**/*.json")`, `?`},
		{`base64sha512("a")`, `"H0D8ktokFpR1CXnubPWC8tXX0o4YM13gWrxU0FYOD1MChgxlK/CNVgJSql50IQVG82n7u86MEs/HlXsmUv6adQ=="`},
		{`sha256("a")`, `"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"`},
		{`tomap({ a = var.u })`, `{a=?}`},
		{`provider::aws::arn_parse("a")`, `?`},
		{`yamlencode({ a = 1 })`, `"\"a\": 1\n"`},
		{`zipmap(["a", "b"], [1, var.u])`, `{a=1 b=?}`},
		{`core::upper("a")`, `"A"`},
		{`file("x.txt")`, `"text"`},
		{`filebase64("x.txt")`, `"dGV4dA=="`},
		{`filemd5("x.txt")`, `"1cb251ec0d568de6a929b520c4aed8d1"`},
		{`fileexists("y.txt")`, `false`},
		{`templatefile("t.tpl", { xs = [1, 2] })`, `"1,2,"`},
		{`templatefile("t.tpl", { ys = [1, 2] })`, `?`},
		{`templatefile("tpl/in", { xs = [1, 2], y = "z" })`, `"1zz2zz"`},
		{`templatefile("tpl/in", { xs = [1, 2] })`, `?`},
		{`[for x in var.u : x]`, `?`},
		{`[for x in [1, var.u] : x if x != 1]`, `[…]`},
		{`{ for k, v in { a = 1 } : k => v + 1 }`, `{a=2}`},
		{`var.u == null ? 1 : 1`, `1`},
		{`[1, 2][0]`, `1`},
		{`{ a = 1 }["a"]`, `1`},
		{`var.o.a`, `"b"`},
		{`"${var.u}" == "x"`, `?`},
		{`1 + 2 * 3 - 4 / 2 % 3`, `5`},
		{`-(1) < 2 && 3 >= 3`, `true`},
		{`"a" == "a" && "1" != 1`, `true`},
	} {
		t.Run(c.expr, func(t *testing.T) {
			u := unitOf(".", map[string]string{
				"main.tf": "variable \"u\" {}\nvariable \"o\" {\n  default = { a = \"b\" }\n}\nresource \"a_b\" \"c\" {\n  x = " + c.expr + "\n}\n",
				"x.txt":   "text", "y.yaml": "a: [1, x]\nb: true\nc: no\n", "d/a.json": "", "d/e/b.json": "", "d/e/c.txt": "", "t.tpl": "%{ for x in xs }${x},%{ endfor }",
				"tpl/in": "%{ for x in xs }${x}%{ if x > 0 }${y}%{ endif }${join(\"\", [for z in [1] : y])}%{ endfor }",
			})
			rs, _ := New().Read(t.Context(), u)
			if got := show(find(t, rs, "a_b.c").Root.Get("x")); got != c.want {
				t.Errorf("gives %s, want %s", got, c.want)
			}
		})
	}
}

// TestEveryFunctionIsKnown holds the language's functions against the table.
func TestEveryFunctionIsKnown(t *testing.T) {
	const language = `abs abspath alltrue anytrue base64decode base64encode base64gzip base64sha256 base64sha512 basename
bcrypt can ceil chomp chunklist cidrhost cidrnetmask cidrsubnet cidrsubnets coalesce coalescelist compact concat contains
csvdecode dirname distinct element endswith ephemeralasnull file filebase64 filebase64sha256 filebase64sha512 fileexists
filemd5 fileset filesha1 filesha256 filesha512 flatten floor format formatdate formatlist indent index issensitive join
jsondecode jsonencode keys length list log lookup lower matchkeys max md5 merge min nonsensitive one parseint pathexpand
plantimestamp pow range regex regexall replace reverse rsadecrypt sensitive setintersection setproduct setsubtract setunion
sha1 sha256 sha512 signum slice sort split startswith strcontains strrev substr sum templatefile templatestring
textdecodebase64 textencodebase64 timeadd timecmp timestamp title tobool tolist tomap tonumber toset tostring transpose
trim trimprefix trimspace trimsuffix try type upper urlencode uuid uuidv5 values yamldecode yamlencode zipmap`
	table := builtins()
	for _, name := range strings.Fields(language) {
		if _, ok := table[name]; !ok && name != "try" && name != "can" {
			t.Errorf("%s is not known", name)
		}
	}
}

// TestFunctionsTakeAnything calls every function with arguments of every kind.
func TestFunctionsTakeAnything(t *testing.T) {
	args := []string{"var.u", "null", "true", "1.5", "-1", `"a"`, `""`, "[]", `["a", var.u]`, "{}", "{ a = var.u }", "toset([1])", "a_b.other", "a_b.many"}
	var b strings.Builder
	b.WriteString("variable \"u\" {}\nresource \"a_b\" \"other\" {\n}\nresource \"a_b\" \"many\" {\n  count = 2\n}\n")
	i := 0
	for name := range builtins() {
		for _, a := range args {
			for _, list := range []string{a, a + ", " + a, a + ", 1", `"a", ` + a, a + ", " + a + ", " + a, a + "..."} {
				fmt.Fprintf(&b, "resource \"a_b\" \"c%d\" {\n  x = %s(%s)\n}\n", i, name, list)
				i++
			}
		}
	}
	u := unitOf(".", map[string]string{"main.tf": b.String()})
	u.FS.(fstest.MapFS)["a"] = &fstest.MapFile{Data: []byte("x")}
	rs, _ := New().Read(t.Context(), u)
	if len(rs) < 1000 {
		t.Errorf("%d resources", len(rs))
	}
}

// TestNullAndVariables holds what a variable is that is given null, and how
// collections of any and tuples are converted.
func TestNullAndVariables(t *testing.T) {
	u := unitOf(".", map[string]string{
		"main.tf": `
variable "n" { default = "d" }
variable "nn" {
  default  = "d"
  nullable = false
}
variable "any" {
  type    = list(any)
  default = [1, "a", true]
}
variable "anymap" {
  type    = map(any)
  default = { a = 1, b = "x" }
}
variable "tuple" {
  type    = tuple([string, bool])
  default = [1, "true"]
}
variable "short" {
  type    = tuple([string, bool])
  default = [1]
}
module "m" {
  source = "./m"
  a      = null
  b      = null
}
resource "a_b" "c" {
  x = [coalesce(var.n, "null"), var.nn, var.any, var.anymap, var.tuple, var.short, module.m.x]
}
`,
		"terraform.tfvars": "n = null\nnn = null\n",
		"m/main.tf": `
variable "a" { default = "d" }
variable "b" {
  default  = "d"
  nullable = false
}
output "x" { value = [coalesce(var.a, "null"), var.b] }
`,
	})
	rs, _ := New().Read(t.Context(), u)
	want := `["null" "d" ["1" "a" "true"] {a="1" b="x"} ["1" true] ? ["null" "d"]]`
	if got := show(find(t, rs, "a_b.c").Root.Get("x")); got != want {
		t.Errorf("gives %s, want %s", got, want)
	}
}
