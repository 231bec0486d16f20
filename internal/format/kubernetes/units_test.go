package kubernetes_test

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
)

func one(name, content string, ids []string, diagnostics ...string) formattest.Unit {
	return formattest.Unit{Name: name, Files: map[string]string{"a.yaml": content}, IDs: ids, Diagnostics: diagnostics}
}

// x is the beginning of a manifest that a case goes on with.
const x = "apiVersion: v1\nkind: X\nmetadata: {name: x}\n"

var ids = []string{"v1/X/x"}

func units() []formattest.Unit {
	return append(documents(), append(syntax(), mistakes()...)...)
}

// documents are about what is a document, a manifest and a resource.
func documents() []formattest.Unit {
	return []formattest.Unit{
		one("empty", "", []string{}),
		one("comments alone", "# a\n\n  # b\n", []string{}),
		one("separators alone", "---\n---\n# a\n---\n...\n", []string{}),
		one("byte order mark", "\ufeff"+x, ids),
		one("CRLF", strings.ReplaceAll("# c\r\n"+x+"a: |\n  b\n\n  c\nd: >-\n  e\n  f\n\ng: 'x\n\n  y' # h\n", "\n", "\r\n"), ids),
		one("no line break at the end", "apiVersion: v1\nkind: X\nmetadata:\n  name: x", ids),
		one("many documents", x+"---\n"+strings.ReplaceAll(x, "x", "y")+"...\n---\n# nothing\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\n  namespace: shop\n",
			[]string{"v1/X/x", "v1/X/y", "apps/v1/Deployment/shop/api"}),
		one("comment behind a separator", "--- # c\n"+x, ids),
		one("content behind a separator", "--- {apiVersion: v1, kind: X, metadata: {name: x}}\n--- {apiVersion: v1, kind: X, metadata: {name: y}} # c\n", []string{"v1/X/x", "v1/X/y"}),
		one("directives", "# a\n%YAML 1.1\n%TAG !k! tag:k,s: # t\n--- # b\n"+x+"a: b # d\n...\n%YAML 1.1\n---\n"+strings.ReplaceAll(x, "x", "y"), []string{"v1/X/x", "v1/X/y"}),
		one("document without a separator after an end", x+"...\n"+strings.ReplaceAll(x, "x", "y"), []string{"v1/X/x", "v1/X/y"}),
		one("indented document", "  apiVersion: v1\n  kind: X\n  metadata: {name: x}\n", ids),
		one("separators within a block scalar's indentation", x+"a: |\n  ---\n  b\n  ...\n  c\n", ids),
		one("no manifest", "services:\n  web:\n    image: x\n", []string{}),
		one("values file", "image: {tag: x}\nkind: y\n", []string{}),
		one("chart", "apiVersion: v2\nname: x\n", []string{}),
		one("kustomization", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [a.yaml]\n", []string{}),
		one("manifest beside something else", "a: b\n---\n"+x+"---\n- c\n---\nd\n", ids),
		one("unnamed", "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\nauthentication: {}\n",
			[]string{"kubelet.config.k8s.io/v1beta1/KubeletConfiguration"}),
		one("generated names", "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: run-}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {generateName: run-}\n",
			[]string{"batch/v1/Job/run-*", "batch/v1/Job/run-*#2"}),
		one("name that is a number", "apiVersion: v1\nkind: X\nmetadata:\n  name: 012\n  namespace: on\n", []string{"v1/X/on/012"}),
		one("metadata without a map", "apiVersion: v1\nkind: X\nmetadata: [a]\n---\napiVersion: v1\nkind: Z\nmetadata:\n", []string{"v1/X", "v1/Z"}),
		one("kind that is no string", "apiVersion: v1\nkind: {a: b}\nmetadata: {name: x}\n", []string{}, "a.yaml:1: warning: looks like a manifest without kind"),
		one("no apiVersion", "kind: X\nmetadata:\n  name: x\n", []string{}, "a.yaml:1: warning: looks like a manifest without apiVersion"),
		one("no kind", "---\n\napiVersion: v1\nmetadata:\n  name: x\n", []string{}, "a.yaml:3: warning: looks like a manifest without kind"),
		one("list", "apiVersion: v1\nkind: List\nitems:\n# a\n- apiVersion: v1\n  kind: X\n  metadata: {name: x}\n# b\n-\n  # c\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: y, namespace: z}\n- d\n-\n",
			[]string{"v1/X/x", "apps/v1/Deployment/z/y"}),
		one("typed list", "apiVersion: apps/v1\nkind: DeploymentList\nmetadata: {resourceVersion: \"1\"}\nitems:\n- metadata: {name: x}\n- kind: StatefulSet\n  metadata: {name: x}\n",
			[]string{"apps/v1/Deployment/x", "apps/v1/StatefulSet/x"}),
		one("lists within lists", "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: List\n  items:\n  - apiVersion: v1\n    kind: X\n    metadata: {name: x}\n- apiVersion: v1\n  kind: PodList\n  items: [{metadata: {name: y}}]\n",
			[]string{"v1/X/x", "v1/Pod/y"}),
		one("empty list", "apiVersion: v1\nkind: List\nitems: []\n---\napiVersion: v1\nkind: PodList\nitems:\n", []string{"v1/PodList"}),
		one("resource whose kind ends in List", "apiVersion: example.com/v1\nkind: AllowList\nmetadata: {name: x}\nitems: [a]\n", []string{"example.com/v1/AllowList/x"}),
		one("repeated", x+"---\n"+x+"---\n"+x, []string{"v1/X/x", "v1/X/x#2", "v1/X/x#3"},
			"a.yaml:6: warning: v1/X/x is defined before, at a.yaml:2", "a.yaml:10: warning: v1/X/x is defined before, at a.yaml:2"),
		one("repeated beside a name with the suffix", x+"---\n"+strings.ReplaceAll(x, "{name: x}", "{name: 'x#2'}")+"---\n"+x, []string{"v1/X/x", "v1/X/x#2", "v1/X/x#3"},
			"a.yaml:10: warning: v1/X/x is defined before, at a.yaml:2"),
		{Name: "repeated in another file", Files: map[string]string{"a.yaml": x, "b.yml": "# c\n" + x}, IDs: []string{"v1/X/x", "v1/X/x#2"},
			Diagnostics: []string{"b.yml:3: warning: v1/X/x is defined before, at a.yaml:2"}},
		{Name: "order of files", Files: map[string]string{"a.yaml": x, "b.yaml": strings.ReplaceAll(x, "x", "y"), "c.yaml": strings.ReplaceAll(x, "x", "z")},
			Read: []string{"c.yaml", "a.yaml", "b.yaml"}, IDs: []string{"v1/X/z", "v1/X/x", "v1/X/y"}},
		{Name: "strange paths", Files: map[string]string{"a b/'ü\".yaml": x}, IDs: ids},
		{Name: "JSON", Files: map[string]string{"a.json": "\ufeff{\n\t\"apiVersion\": \"v1\",\"kind\":\"X\" ,\"metadata\" : {\"name\":\"x\"},\n\"a\\u00e9\\ud83d\\ude00\": [1, -2.5e3, 1e400000000000000000000000000000000000000000000, true]}"},
			IDs: []string{}, Diagnostics: []string{"a.json:3: error: out of range"}},
		{Name: "JSON values", Files: map[string]string{"a.json": "{\n\t\"apiVersion\": \"v1\",\"kind\":\"X\" ,\"metadata\" : {\"name\":\"x\"},\n\"a\": [1, -2.5e3, 123456789012345678901, true, false, null, \"\\\"\\/\\b\\f\\n\\r\\t\\u00e9\\\\\", [], {}, [ ], { }, -0, 0.0]}\n"},
			IDs: ids},
		{Name: "JSON stream", Files: map[string]string{"a.json": `{"apiVersion":"v1","kind":"X","metadata":{"name":"x"}} {"a":1}` + "\n" + `{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"X","metadata":{"name":"y"}}]}` + "\n---\n" + `{"apiVersion":"v1","kind":"X","metadata":{"name":"z"}}`},
			IDs: []string{"v1/X/x", "v1/X/y", "v1/X/z"}},
		{Name: "JSON stream that breaks", Files: map[string]string{"a.json": `{"apiVersion":"v1","kind":"X","metadata":{"name":"x"}}` + "\n{\n\"a\":}\n"},
			IDs: ids, Diagnostics: []string{"a.json:3: error: expected a value"}},
		one("JSON in a YAML file", "{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"x\"}}\n---\n{\"apiVersion\": v1, kind: X, metadata: {name: 'y'}}\n", []string{"v1/X/x", "v1/X/y"}),
	}
}

// syntax is YAML as far as people and generators take it. That each place is
// right is what the suite checks of it.
func syntax() []formattest.Unit {
	return []formattest.Unit{
		one("scalars", x+`a: b c
b: "d \" \\ # \u00e9 e"
c: 'it''s # not'
d: 12
e: [0x1F, 0o17, 017, 0b101, 1_000, -3, +4, 09, 1., .5, 1e3, -1.5E-3, 18446744073709551615, 99999999999999999999, 1:30]
f: [true, False, yes, No, on, OFF, y, N, yEs, "yes", 'on', ~, null, Null, .inf, -.INF, .NaN]
g: 2001-12-14
h: 2001-12-14T21:59:43.10-05:00
i: a#b
j: http://x:80/?q=[1]{2}
k: -a
l: "multi
  line

  \
  text"
m: 'multi
  line

  text'
n: multi
  line

  text # comment
o: <<
`, ids),
		one("tags and anchors", x+`a: !!str 12
b: &b !!str true
c: !!str &c no
d: ! 12
e: !custom f
f: !!float 3
g: !!int "7"
h: !!binary aGVsbG8=
i: &i
j: !!null
k: !!str
l: &l !!str
m: &m # comment
  n: o
p: !!map # comment

  # another

  q: r
s: &s
- t
u: !custom [v, w]
x: ! {y: z}
&k1 k2: v
!!str k3: v
"k4" : v
'k''5' : v
? k6
: v
? &k7 k8 # c
: &v7 v
? k9
k10:
? k11
`, ids),
		one("empty values", x+"a:\nb: # c\n\nc:   \nd:\n  - \n  - # e\n  -\n  - x\ne: {f: , g, \"h\": ,i}\nj: [a: , b: c, ? d, ? e : f, g]\nk:", ids),
		one("block scalars", x+`a: |
  b

   c
  # no comment
d: |-
  e
# comment
f: |+
  g


h: >
  i
  j

   k
  l

m: >-
  n

  o
p: >+

  q

r: |2
    s
   t
u: |1-
  v
w: |
x: |+

y: | # comment
  # not a comment
  z
aa:
- |
  bb
- >-
  cc
- |2
    dd
- - |1
   ee
ff: |


  after blank lines
gg: "last"
hh: |+
  ii

`, ids),
		one("block scalar at the end without a line break", x+"a: |\n  b\n  c", ids),
		one("block scalar of blanks", x+"a: |2\n    \n   \n  \nb: |+\n   \n \n\nc: >2-\n   \n    \n", ids),
		one("folded text with tabs and trailing blanks", x+"a: >\n  b  \n  c\t\n  \td\n\n\n  e \n\nf: |-\n  g  \n   \n", ids),
		one("folded text with blanks at its end", x+"a: >2\n  b\n   \n    \nc: d\n", ids),
		one("collections", x+`a:
- b
-   - c
    - d
  # comment
- - - e
-
  - f
- g: h
  i: j
-
  k: l
- {m: n}
- []
- {}
- [
    o, # comment
    "p", 'q' ,
    {r: s
    , t: [u]},
    # comment ]
  ]
v: { # comment }
  w: x y, z:
    aa,
  "bb":cc, 'dd' : ee
}
ff:
    gg:
      - hh
ii: [jj kk
  ll, mm]
`, ids),
		one("comments", `# file

# above
apiVersion: v1 # trailing
kind: X
metadata: # trailing
  # own line
  name: x # plimsoll:ignore k8s/x -- y
a: "# not" # yes
b: 'it''s # not' # yes
c: d#e # yes
f: [g, # yes
  h] # yes
i: >- # yes
  # no
j: |
  k
  # no
 # yes
# yes
l: m
  n # yes
# behind
`, ids),
		one("beyond ASCII", x+"ä: ö # ü\n\"日本\": [語, '語', \"語\", 😀]\nb: |\n  ä\n  日本\n😀: {é: ü, a: b}\nc: ä\n  日本\n  c\n", ids),
		one("unusual line breaks", "apiVersion: v1\rkind: X\rmetadata:\r  name: x # c\ra: b\rc: |\r  d\r  e\rf: \"g\r  h\"\r", ids),
		one("more unusual line breaks", x+"a: \"b\u0085c\u2028d\u2029e\"\nf: |\n  g\u0085  h\u2028  i\nj: k\u0085  l\nm: n # o\u0085p: q\u2028r: s\n", ids),
		one("aliases", x+`a: &a {b: c, d: [e, {f: g}]}
h: *a
i: [*a , *a]
j: &j
- k
- &l l
m: *j
n: {o: *l, p: *l }
q: &q 12
r: *q
s: &s
  t: *a
u: *s # comment
&v w: x
y: *v
*l : z
`, ids),
		one("merge keys", x+`a: &a {b: 1, c: 2}
d: &d
  <<: *a
  c: 3
e:
  c: 4
  <<: [*d, *a]
  f: 5
g: {<<: *a, h: 6}
i:
  <<: {j: 7}
  k: 8
l:
  <<: &m
    n: 9
  "<<": o
p: {<<: *m}
q: {<<: []}
`, ids),
		one("anchor named again", x+"a: &a 1\nb: *a\nc: &a 2\nd: *a\n", ids),
		one("list items behind an alias", "apiVersion: v1\nkind: List\nmetadata: {annotations: &x {apiVersion: v1, kind: X, metadata: {name: x}}}\nitems:\n- *x\n", ids),
		one("kind behind a merge key", "x: &x {kind: X, apiVersion: v1}\n<<: *x\nmetadata: {name: x}\n", ids),
		one("many fields", x+many(400), ids),
	}
}

func many(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("f" + strings.Repeat("a", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ": x\n")
	}
	return b.String()
}

// mistakes are about what cannot be read, and what is read beside it.
func mistakes() []formattest.Unit {
	return []formattest.Unit{
		one("broken document between others", x+"---\napiVersion: v1\nkind: X\na: [\n---\n"+strings.ReplaceAll(x, "x", "y"), []string{"v1/X/x", "v1/X/y"},
			"a.yaml:7: error: did not find expected node content"),
		one("quote that is not closed", "apiVersion: v1\nkind: X\na: \"b\nc: d\n---\n"+x, ids, "a.yaml:3: error: "),
		one("wrong indentation", "apiVersion: v1\nkind: X\nspec:\n  a: b\n  c: d\n e: f\ng: h\n", []string{}, "a.yaml:6: error: did not find expected key"),
		one("tab", "apiVersion: v1\nkind: X\nspec:\n\ta: b\n", []string{}, "a.yaml:4: error: cannot start any token"),
		one("value within a value", "apiVersion: v1\nkind: X\na: b: c\n", []string{}, "a.yaml:3: error: mapping values are not allowed"),
		one("unknown alias", "apiVersion: v1\nkind: X\na: b\nc: *d\ne: f\n", []string{}, "a.yaml:4: error: unknown anchor 'd' referenced"),
		one("more after the end", "{apiVersion: v1, kind: X}\na: b\n", []string{}, "a.yaml:2: error: more after the end"),
		one("control characters", "apiVersion: v1\nkind: X\na: \x01\n", []string{}, "a.yaml:3: error: control characters are not allowed"),
		one("invalid UTF-8 in one document", x+"---\napiVersion: v1\nkind: X\na: \xff\n---\n"+strings.ReplaceAll(x, "x", "y"), []string{"v1/X/x", "v1/X/y"}, "a.yaml:7: error: not valid UTF-8"),
		one("binary", x+"\x00", []string{}, "a.yaml:4: error: is a binary file"),
		one("UTF-16", "\xff\xfea\x00", []string{}, "a.yaml: error: is UTF-16"),
		one("key twice", x+"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\na: 2\n", ids, "a.yaml:8: error: the key \"c\" is there twice", "a.yaml:9: error: the key \"a\" is there twice"),
		one("key twice in a large map", x+many(40)+"faba: y\n", ids, "a.yaml:44: error: is there twice"),
		one("key twice in something else", "a: 1\na: 2\n", []string{}),
		one("key that is a map", x+"? {a: b}\n: c\n", []string{}, "a.yaml:4: error: a key is not a plain name"),
		one("key that is empty", x+"? \n: b\n\"\": c\n", ids, "a.yaml:4: error: a key is empty", "a.yaml:6: error: a key is empty"),
		one("merge of a scalar", x+"<<: a\n", []string{}, "a.yaml:4: error: takes a map"),
		one("merge of scalars", x+"<<: [a]\n", []string{}, "a.yaml:4: error: takes a map"),
		one("self-alias", x+"a: &a\n  b: *a\n", []string{}, "a.yaml:5: error: the alias *a lies within the value"),
		one("self-merge", x+"a: &a\n  <<: *a\n", []string{}, "a.yaml:5: error: the alias *a lies within the value"),
		one("wrong tag", x+"a: !!int b\n", []string{}, "a.yaml:4: error: tagged !!int"),
		one("tagged boolean that is none", x+"a: !!bool b\n", []string{}, "a.yaml:4: error: tagged !!bool"),
		one("tagged null that is none", x+"a: !!null b\n", []string{}, "a.yaml:4: error: tagged !!null"),
		one("binary value that is none", x+"a: !!binary '%'\n", []string{}, "a.yaml:4: error: not base64"),
		one("too deep", x+"a: "+strings.Repeat("[", 200)+strings.Repeat("]", 200)+"\n", []string{}, "a.yaml:4: error: nested more than 128 levels deep"),
		one("too deep behind aliases", x+"a: &a "+strings.Repeat("[", 100)+strings.Repeat("]", 100)+"\nb: "+strings.Repeat("[", 100)+"*a "+strings.Repeat("]", 100)+"\n", []string{},
			"a.yaml:5: error: nested more than 128 levels deep where an alias is followed"),
		one("alias bomb", x+bomb(), []string{}, "a.yaml:8: error: stand for more than 100000 values"),
		one("template", "apiVersion: v1\nkind: X\nmetadata:\n  name: {{ .Values.name }}\n---\n{{ if .x }}\nkind: Y\n{{ end }}\n---\n"+x, ids, "a.yaml:4: warning: looks like a template; not evaluated"),
		one("template in strings", x+"a: \"{{ $labels.pod }}\"\n", ids),
		{Name: "JSON that breaks", Files: map[string]string{"a.json": "{\"apiVersion\":\"v1\",\n\"kind\":\"X\",\n}\n"}, IDs: []string{}, Diagnostics: []string{"a.json:3: error: expected a name"}},
		{Name: "JSON key twice", Files: map[string]string{"a.json": "{\"apiVersion\":\"v1\",\n\"kind\":\"X\",\"metadata\":{\"name\":\"x\",\n\"name\":\"y\"}}\n"}, IDs: []string{"v1/X/y"}, Diagnostics: []string{"a.json:3: error: the key \"name\" is there twice"}},
		{Name: "JSON key that is empty", Files: map[string]string{"a.json": "{\"apiVersion\":\"v1\",\"kind\":\"X\",\"metadata\":{\"name\":\"x\"},\n\"\":1}"}, IDs: ids, Diagnostics: []string{"a.json:2: error: a key is empty"}},
		{Name: "JSON too deep", Files: map[string]string{"a.json": "{\"apiVersion\":\"v1\",\"kind\":\"X\",\"a\":" + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}"}, IDs: []string{}, Diagnostics: []string{"a.json:1: error: nested more than"}},
		{Name: "directory", Files: map[string]string{"a.yaml/b": "c"}, Read: []string{"a.yaml"}, IDs: []string{}, Diagnostics: []string{"a.yaml: error: it is a directory"}},
		{Name: "path out of the tree", Files: map[string]string{"a.yaml": x}, Read: []string{"../a.yaml"}, IDs: []string{}, Diagnostics: []string{"../a.yaml: error: cannot be read"}},
	}
}

func bomb() string {
	s := "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
	for i := 1; i < 9; i++ {
		p, n := string(rune('0'+i-1)), string(rune('0'+i))
		s += "a" + n + ": &a" + n + " [*a" + p + strings.Repeat(", *a"+p, 9) + "]\n"
	}
	return s
}
