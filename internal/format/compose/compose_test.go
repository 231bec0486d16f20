package compose_test

import (
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/compose"
	"github.com/plimsoll-iac/plimsoll/internal/format/formattest"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

const good = `name: shop
x-defaults: &defaults
  restart: always
  cap_drop: [ALL]
services:
  # the front
  web:
    <<: *defaults
    image: "registry.example/web:${TAG:-1.2}" # pinned
    environment:
      LEVEL: info
    volumes:
      - ./conf:/etc/web:ro
  db:
    image: postgres:16.2
    privileged: "${DEBUG:-false}"
`

func cases() formattest.Cases {
	return formattest.Cases{
		Format:    compose.Name,
		Platforms: []string{resource.Compose},
		File:      "app/compose.yaml",
		Good:      good,
		Broken:    "services:\n  web:\n    image: [nginx\n",
		Key:       formattest.YAMLKey,
		Scalar: func(text string, n *resource.Node) (any, bool) {
			if strings.Contains(text, "$") {
				return nil, false
			}
			v, ok := formattest.YAMLScalar(text, n)
			if _, text := v.(string); text && n.Kind == resource.Bool {
				return nil, false // a switch that is written as text
			}
			return v, ok
		},
	}
}

func TestConformance(t *testing.T) {
	c := cases()
	one := func(name, text string, ids []string, diagnostics ...string) formattest.Unit {
		return formattest.Unit{Name: name, Files: map[string]string{"a/compose.yml": text}, IDs: ids, Diagnostics: diagnostics}
	}
	c.Units = []formattest.Unit{
		one("services", good, []string{"compose/shop/web", "compose/shop/db"}),
		one("folder", "services:\n  a: {image: x}\n", []string{"compose/a/a"}),
		one("empty service", "services:\n  a:\n  b: {image: x}\n", []string{"compose/a/b"}),
		one("no services", "volumes: {}\n", []string{}),
		one("no map", "services: [a]\n", []string{}, "a/compose.yml:1: error: not a map"),
		one("service that is no map", "services:\n  a: x\n  b: {image: x}\n", []string{"compose/a/b"}, "a/compose.yml:2: error: \"a\" is not a map"),
		one("extends itself", "services:\n  a:\n    extends: b\n  b:\n    extends: {service: a}\n", []string{"compose/a/a", "compose/a/b"}, "a/compose.yml:5: error: extends itself"),
		one("extends nothing", "services:\n  a:\n    extends: b\n", []string{"compose/a/a"}, "a/compose.yml:3: error: does not have"),
		one("two documents", "services:\n  a: {image: x}\n---\nservices:\n  a: {image: y}\n", []string{"compose/a/a", "compose/a/a#2"}, "a/compose.yml:5: warning: defined before"),
		one("broken document beside", "services:\n  a: {image: x}\n---\n[\n", []string{"compose/a/a"}, "a/compose.yml:4: error: "),
		{Name: "root", Files: map[string]string{"compose.yaml": "services: {a: {image: x}}\n"}, IDs: []string{"compose/a"}},
	}
	formattest.Run(t, compose.New(), c)
}

// read gives the services of a file by name.
func read(t *testing.T, path, text string) map[string]*resource.Resource {
	t.Helper()
	u := format.Unit{ID: "compose:" + path, Format: compose.Name, Dir: ".", Files: []string{path}, FS: fstest.MapFS{path: {Data: []byte(text)}}}
	rs, ds := compose.New().Read(t.Context(), u)
	if len(ds) > 0 {
		t.Fatal(ds)
	}
	formattest.Check(t, cases(), u, rs, ds)
	out := map[string]*resource.Resource{}
	for _, r := range rs {
		out[r.Name] = r
	}
	return out
}

func TestInterpolation(t *testing.T) {
	for text, want := range map[string]any{
		`nginx`:                     "nginx",
		`nginx:${TAG:-1.2}`:         "nginx:1.2",
		`nginx:${TAG-1.2}`:          "nginx:1.2",
		`${A:-${B:-deep}}`:          "deep",
		`${A:-}`:                    "",
		`$$HOME costs $`:            "$HOME costs $",
		`${A:-a}${B:-b}`:            "ab",
		`{a} ${B:-b}`:               "{a} b",
		`nginx:${TAG}`:              nil,
		`nginx:$TAG`:                nil,
		`${TAG:?say which}`:         nil,
		`${TAG:+x}`:                 nil,
		`${TAG`:                     nil,
		`${TAG:-a} ${OTHER}`:        nil,
		strings.Repeat("${a:-", 50): nil,
	} {
		n := read(t, "compose.yaml", "services:\n  a:\n    image: '"+text+"'\n")["a"].Root.Get("image")
		if want == nil {
			if !n.Unknown || n.Why == "" {
				t.Errorf("%q is %v, want unknown", text, n.Value)
			}
		} else if n.Unknown || n.Value != want {
			t.Errorf("%q is %v (unknown %v: %s), want %v", text, n.Value, n.Unknown, n.Why, want)
		}
	}
}

func TestSwitches(t *testing.T) {
	root := read(t, "compose.yaml", "services:\n  a:\n    image: x\n    privileged: ${P:-true}\n    read_only: 'no'\n    init: false\n    tty: ${T}\n    environment: {privileged: 'yes'}\n")["a"].Root
	if v := root.Get("privileged").Value; v != true {
		t.Errorf("privileged is %v", v)
	}
	if v := root.Get("read_only").Value; v != false {
		t.Errorf("read_only is %v", v)
	}
	if n := root.Get("tty"); !n.Unknown || !strings.Contains(n.Why, "T, which has no default") {
		t.Errorf("tty is %+v", n)
	}
	if v := root.Path("environment", "privileged").Value; v != "yes" {
		t.Errorf("the variable is %v", v)
	}
}

func TestExtends(t *testing.T) {
	rs := read(t, "compose.yaml", `services:
  base:
    image: x
    privileged: true
    cap_add: [NET_ADMIN]
    environment: {A: a, B: b}
    command: [one]
  web:
    extends: {service: base}
    cap_add: [SYS_TIME]
    environment: {B: own}
    command: [two]
  far:
    extends: {file: other.yml, service: base}
  list:
    extends: base
    environment: [B=own]
`)
	web := rs["web"].Root
	p := web.Get("privileged")
	if p == nil || p.Value != true || p.Range.Start.Line != 4 || len(p.Origins) != 1 || p.Origins[0].Start.Line != 9 {
		t.Errorf("privileged is %+v", p)
	}
	var caps []string
	for _, it := range web.Get("cap_add").Items {
		caps = append(caps, it.Str())
	}
	if got := strings.Join(caps, " "); got != "NET_ADMIN SYS_TIME" {
		t.Errorf("capabilities: %s", got)
	}
	if a, b := web.Path("environment", "A").Str(), web.Path("environment", "B").Str(); a != "a" || b != "own" {
		t.Errorf("environment: %s %s", a, b)
	}
	if c := web.Get("command").Items; len(c) != 1 || c[0].Str() != "two" {
		t.Errorf("command: %v", c)
	}
	if far := rs["far"].Root; !far.Partial || !strings.Contains(far.Why, "other.yml") {
		t.Errorf("a service that extends another file is %+v", far)
	}
	if n := rs["list"].Root.Get("environment"); !n.Partial {
		t.Error("a list over a map is taken for the whole")
	}
	if rs["base"].Root.Partial {
		t.Error("the base is partial")
	}
}

func TestOverrideIsPartial(t *testing.T) {
	if !read(t, "docker-compose.override.yml", "services:\n  a: {image: x}\n")["a"].Root.Partial {
		t.Error("an override is taken for the whole")
	}
	if !read(t, "compose.yml", "services:\n  a: {user: x}\n")["a"].Root.Partial {
		t.Error("a service without image and build is taken for the whole")
	}
}

func TestComments(t *testing.T) {
	web := read(t, "compose.yaml", good)["web"]
	if len(web.Comments) != 2 || web.Comments[0].Text != "the front" || web.Comments[1].Text != "pinned" {
		t.Errorf("comments: %+v", web.Comments)
	}
	if web.Head.Start.Line != 7 || web.Range.Start.Line != 7 {
		t.Errorf("head %v, range %v", web.Head, web.Range)
	}
}

func TestSniff(t *testing.T) {
	for text, want := range map[string]bool{
		good: true,
		"version: '3'\nservices:\n  a:\n    build: .\n":            true,
		"services:\n  - docker:dind\nimage: x\n":                   false,
		"stages: [a]\nservices:\n  a:\n    image: x\n":             false,
		"apiVersion: v1\nkind: X\nservices:\n  a:\n    image: x\n": false,
		"services:\n  App\\Mailer:\n    class: x\n":                false,
		"image: x\n": false,
		"":           false,
	} {
		if got := compose.Sniff([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("services:\n  a:\n    extends: b\n  b: &b\n    extends: a\n    image: ${A:-${B}}\n"))
	f.Add([]byte(`{"services": {"a": {"image": "x", "privileged": "$P"}}}`))
	for _, h := range formattest.Hostile() {
		if len(h.Data) < 4096 {
			f.Add(h.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		u := format.Unit{ID: "compose:compose.yaml", Format: compose.Name, Dir: ".", Files: []string{"compose.yaml"}, FS: fstest.MapFS{"compose.yaml": {Data: data}}}
		begin := time.Now()
		rs, ds := compose.New().Read(t.Context(), u)
		if d := time.Since(begin); d > 5*time.Second {
			t.Errorf("%d bytes took %v", len(data), d)
		}
		formattest.Check(t, cases(), u, rs, ds)
		compose.Sniff(data)
	})
}
