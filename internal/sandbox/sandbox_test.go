package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/helm"
	"github.com/plimsoll-iac/plimsoll/internal/format/terraform"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func TestMain(m *testing.M) {
	if IsChild() {
		os.Exit(Serve(map[string]format.Reader{
			resource.Terraform: terraform.New(),
			helm.Name:          helm.New(),
			"hungry":           readerFunc(hungry),
			"deep":             readerFunc(deep),
			"loop":             readerFunc(loop),
			"wide":             readerFunc(wide),
			"panic":            readerFunc(panics),
			"loud":             readerFunc(loud),
			"probe":            readerFunc(probe),
			"files":            readerFunc(files),
			"state":            readerFunc(state),
			"greedy":           readerFunc(greedy),
		}))
	}
	os.Exit(m.Run())
}

type readerFunc func(u format.Unit) ([]*resource.Resource, source.Diagnostics)

func (f readerFunc) Read(_ context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	return f(u)
}

// says gives a reader's observations as diagnostics.
func says(format string, args ...any) source.Diagnostics {
	var ds source.Diagnostics
	ds.Warnf("", 0, format, args...)
	return ds
}

var sink []byte

func hungry(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	sink = []byte(strings.Repeat("x", 3<<30))
	return nil, says("%d", len(sink))
}

func deep(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	return nil, says("%d", fall(1<<40))
}

func fall(n int) int {
	if n == 0 {
		return 0
	}
	return 1 + fall(n-1)
}

func loop(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	for i := 0; ; i++ {
		if i < 0 {
			return nil, nil
		}
	}
}

func panics(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	panic("the secret of the repository")
}

func loud(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	for {
		fmt.Fprintln(os.Stderr, strings.Repeat("x", 1000))
	}
}

// wide gives more than an answer may hold.
func wide(u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	root := &resource.Node{Kind: resource.List}
	if u.Dir == "shared" { // a few nodes that say very much
		for range 8 {
			next := &resource.Node{Kind: resource.List}
			for range 10 {
				next.Items = append(next.Items, root)
			}
			root = next
		}
	} else {
		for range maxNodes {
			root.Items = append(root.Items, &resource.Node{Kind: resource.String, Value: "x"})
		}
	}
	return []*resource.Resource{{ID: "wide", Root: root}}, nil
}

// probe tries what a child may not.
func probe(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	var ds source.Diagnostics
	try := func(what string, err error) {
		if err == nil {
			ds.Warnf(what, 0, "was possible")
		} else {
			ds.Warnf(what, 0, "%v", errors.Is(err, syscall.EPERM))
		}
	}
	_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	try("tcp socket", err)
	_, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM, 0)
	try("udp socket", err)
	_, err = syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	try("unix socket", err)
	_, err = net.Dial("tcp", "127.0.0.1:1")
	try("dial", err)
	try("program", exec.Command("/bin/true").Run())
	try("exec", syscall.Exec("/bin/true", []string{"true"}, nil))
	_, err = os.ReadFile("/etc/passwd")
	try("file", err)
	_, err = os.ReadDir("/")
	try("folder", err)
	try("new file", os.WriteFile("/tmp/plimsoll-sandbox-probe", nil, 0o600))
	try("ptrace", syscall.PtraceAttach(os.Getppid()))
	try("kill", syscall.Kill(os.Getppid(), 0))
	limit := syscall.Rlimit{Cur: 1 << 40, Max: 1 << 40}
	try("limit", syscall.Setrlimit(syscall.RLIMIT_DATA, &limit))
	ds.Warnf("environment", 0, "%d", len(os.Environ()))
	return nil, ds
}

// files reads what it is told to.
func files(u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	var ds source.Diagnostics
	for _, name := range u.Files {
		info, err := fs.Stat(u.FS, name)
		if err != nil {
			ds.Warnf(name, 1, "%v %v", errors.Is(err, fs.ErrNotExist), err)
		} else {
			ds.Warnf(name, 1, "%s %v", info.Mode(), info.IsDir())
		}
		data, err := fs.ReadFile(u.FS, name)
		if err != nil {
			ds.Warnf(name, 2, "%d bytes, then %v", len(data), err)
		} else {
			ds.Warnf(name, 2, "%s", data)
		}
		entries, err := fs.ReadDir(u.FS, name)
		if err == nil {
			for _, e := range entries {
				ds.Warnf(name, 3, "%s %v", e.Name(), e.Type())
			}
		}
	}
	return nil, ds
}

// state gives how many units this child has read.
var counter int

func state(format.Unit) ([]*resource.Resource, source.Diagnostics) {
	counter++
	return nil, says("%d", counter)
}

func greedy(u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	for {
		if _, err := fs.ReadFile(u.FS, "a"); err != nil {
			return nil, says("%v", err)
		}
	}
}

func pool(t testing.TB, o Options) *Pool {
	p := New(o)
	t.Cleanup(p.Close)
	return p
}

func unit(files map[string]string) format.Unit {
	fsys := fstest.MapFS{}
	var names []string
	for name, data := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(data)}
		names = append(names, name)
	}
	slices.Sort(names)
	return format.Unit{ID: "terraform:.", Format: resource.Terraform, Dir: ".", Files: names, FS: fsys, MaxFileSize: format.DefaultMaxFileSize}
}

const tf = `
resource "aws_s3_bucket" "logs" {
  count  = 2
  bucket = "logs-${var.name}" # here
  tags = { a = 1, b = 2.5, c = true, d = null, e = data.x.y.z }
}
variable "name" { default = "shop" }
resource "aws_iam_policy" "p" {
  policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "*", Resource = aws_s3_bucket.logs[0].arn }] })
}
`

// What a child reads is what the reader reads in this process.
func TestSameAsInProcess(t *testing.T) {
	u := unit(map[string]string{"main.tf": tf, "broken.tf": `resource "a" {`, "terraform.tfvars": `name = "store"`})
	want, wantDiags := terraform.New().Read(t.Context(), u)
	got, diags := pool(t, Options{}).Reader(resource.Terraform).Read(t.Context(), u)
	if len(want) < 3 || len(wantDiags) == 0 {
		t.Fatalf("the unit gives %d resources and %d diagnostics, too few to compare", len(want), len(wantDiags))
	}
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("resources (-in process +child):\n%s", d)
	}
	if d := cmp.Diff(wantDiags, diags); d != "" {
		t.Errorf("diagnostics (-in process +child):\n%s", d)
	}
}

// Nesting that overflows the stack of the parser is stopped before or in the
// child; the program survives and says so.
func TestNestedTerraform(t *testing.T) {
	p := pool(t, Options{})
	for _, nest := range []string{"(", "[", `"${`, "f(", "!", "a ? b : "} {
		u := unit(map[string]string{"main.tf": "locals {\n  a = " + strings.Repeat(nest, 200_000) + "\n}\n"})
		rs, ds := p.Reader(resource.Terraform).Read(t.Context(), u)
		if len(rs) > 0 || len(ds) == 0 || ds[0].Level != source.LevelError {
			t.Errorf("%q nested 200,000 times gave %d resources and %v", nest, len(rs), ds)
		}
	}
}

// A link out of the tree is not followed, and a file of the machine is not read.
func TestChartReadsItsTreeAlone(t *testing.T) {
	p := pool(t, Options{})
	u := unit(map[string]string{
		"Chart.yaml":       "apiVersion: v2\nname: a\nversion: 1.0.0\n",
		"templates/a.yaml": `{{ range list "link" "/etc/passwd" "../../../etc/passwd" }}{{ $.Files.Get . }}{{ end }}` + "\napiVersion: v1\nkind: Service\nmetadata: {name: '{{ .Files.Get \"link\" | len }}{{ env \"HOME\" }}'}\n",
	})
	u.ID, u.Format, u.Files = "helm:.", helm.Name, append(u.Files, "link")
	u.FS.(fstest.MapFS)["link"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("/etc/passwd")}
	rs, ds := p.Reader(helm.Name).Read(t.Context(), u)
	if len(rs) != 0 || len(ds) != 1 || !strings.Contains(ds[0].Message, "env") {
		t.Errorf("with env: %d resources, %v", len(rs), ds)
	}
	tree := u.FS.(fstest.MapFS)
	tree["templates/a.yaml"].Data = bytes.ReplaceAll(tree["templates/a.yaml"].Data, []byte(`{{ env "HOME" }}`), nil)
	rs, ds = p.Reader(helm.Name).Read(t.Context(), u)
	if len(rs) != 1 || rs[0].Name != "0" || len(ds) > 0 {
		t.Errorf("without env: %v, %v", rs, ds)
	}
}

func TestConfinement(t *testing.T) {
	p := pool(t, Options{})
	held, err := p.Confinement()
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		if held != "memory watch" {
			t.Errorf("held by %q", held)
		}
		return
	}
	if !strings.Contains(held, "seccomp") {
		t.Errorf("held by %q", held)
	}
	_, ds := p.Reader("probe").Read(t.Context(), unit(map[string]string{"a": ""}))
	if len(ds) != 13 {
		t.Fatalf("the probe said %v", ds)
	}
	for _, d := range ds[:12] {
		if d.Message != "true" {
			t.Errorf("%s: %s, want it to be denied", d.File, d.Message)
		}
	}
	if d := ds[12]; d.Message != "0" {
		t.Errorf("the child has an environment of %s variables", d.Message)
	}
}

// linkFS has a symbolic link to a file outside, as a tree of git shows it.
type linkFS struct{ fstest.MapFS }

func TestFilesOverThePipe(t *testing.T) {
	p := pool(t, Options{})
	u := unit(map[string]string{"dir/a.txt": "hello", "large": strings.Repeat("x", 5000)})
	tree := linkFS{u.FS.(fstest.MapFS)}
	tree.MapFS["passwd"] = &fstest.MapFile{Mode: fs.ModeSymlink, Data: []byte("/etc/passwd")}
	u.FS = tree
	u.MaxFileSize = 4000
	u.Files = []string{"dir", "dir/a.txt", "large", "missing", "../outside", "/etc/passwd", "passwd"}
	_, ds := p.Reader("files").Read(t.Context(), u)
	var got []string
	for _, d := range ds {
		got = append(got, d.String())
	}
	want := []string{
		`dir:1: dr-xr-xr-x true`,
		`dir:2: 0 bytes, then read dir: is a folder`,
		`dir:3: a.txt ----------`,
		`dir/a.txt:1: ---------- false`,
		`dir/a.txt:2: hello`,
		`large:1: ---------- false`,
		`large:2: 4001 bytes, then read large: its 5000 bytes are too many`,
		`missing:1: true stat missing: file does not exist`,
		`missing:2: 0 bytes, then open missing: file does not exist`,
		`../outside:1: false stat ../outside: invalid argument`,
		`../outside:2: 0 bytes, then open ../outside: invalid argument`,
		`/etc/passwd:1: false stat /etc/passwd: invalid argument`,
		`/etc/passwd:2: 0 bytes, then open /etc/passwd: invalid argument`,
		`passwd:1: true stat passwd: file does not exist`,
		`passwd:2: 0 bytes, then open passwd: file does not exist`,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A child that has read for one tenant reads for no other.
func TestTenants(t *testing.T) {
	p := pool(t, Options{Children: 4, Warm: 1})
	read := func(tenant string) string {
		_, ds := p.Reader("state").Read(format.WithTenant(t.Context(), tenant), unit(map[string]string{"a": ""}))
		if len(ds) != 1 {
			t.Fatalf("got %v", ds)
		}
		return ds[0].Message
	}
	for _, step := range []struct{ tenant, want string }{
		{"one", "1"}, {"one", "2"}, {"two", "1"}, {"one", "3"}, {"two", "2"}, {"three", "1"},
	} {
		if got := read(step.tenant); got != step.want {
			t.Errorf("for %s: unit %s of its child, want %s", step.tenant, got, step.want)
		}
	}
}

func TestCancelled(t *testing.T) {
	p := pool(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	var once sync.Once
	u := unit(map[string]string{"a": ""})
	u.FS = cancelFS{u.FS, func() { once.Do(cancel) }}
	_, ds := p.Reader("greedy").Read(ctx, u)
	if len(ds) != 1 || ds[0].Message != "was not evaluated: the reading was stopped" {
		t.Errorf("got %v", ds)
	}
}

type cancelFS struct {
	fs.FS
	cancel func()
}

func (c cancelFS) Open(name string) (fs.File, error) {
	c.cancel()
	return c.FS.Open(name)
}

// An idle child that was ended from outside costs nothing but a new one.
func TestIdleDeath(t *testing.T) {
	p := pool(t, Options{Children: 1})
	u := unit(map[string]string{"a": ""})
	for range 2 {
		if _, ds := p.Reader("state").Read(t.Context(), u); len(ds) != 1 || ds[0].Message != "1" {
			t.Fatalf("got %v", ds)
		}
		c := p.idle[0]
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

// Every field of a unit reaches the child, but for the tree.
func TestUnitWhole(t *testing.T) {
	var u format.Unit
	v := reflect.ValueOf(&u).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case string:
			f.SetString(v.Type().Field(i).Name)
		case bool:
			f.SetBool(true)
		case int64:
			f.SetInt(1 << 40)
		case []string:
			f.Set(reflect.ValueOf([]string{v.Type().Field(i).Name, ""}))
		case map[string]string:
			f.Set(reflect.ValueOf(map[string]string{"a": "b", "c": ""}))
		default:
			if v.Type().Field(i).Name != "FS" {
				t.Errorf("%s is of a type that is not sent", v.Type().Field(i).Name)
			}
		}
	}
	got, err := decodeUnit(encodeUnit(u))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(u, got); d != "" {
		t.Errorf("(-sent +received):\n%s", d)
	}
}

// Every field of a node and of a resource comes back from the child.
func TestAnswerWhole(t *testing.T) {
	n := &resource.Node{Kind: resource.String, Value: "v"}
	res := &resource.Resource{Root: n}
	at := source.Range{File: "f", Start: source.Pos{Line: 1, Column: 2, Byte: 3}, End: source.Pos{Line: 4, Column: 5, Byte: 6}}
	for _, x := range []any{n, res} {
		v := reflect.ValueOf(x).Elem()
		for i := range v.NumField() {
			f, name := v.Field(i), v.Type().Field(i).Name
			if !f.IsZero() || name == "Written" { // projections are made of what comes back
				continue
			}
			switch f.Interface().(type) {
			case string:
				f.SetString(name)
			case bool:
				f.SetBool(true)
			case []string:
				f.Set(reflect.ValueOf([]string{name}))
			case resource.Identity:
				f.Set(reflect.ValueOf(resource.Identity{Unit: "u", ID: "i"}))
			case source.Range:
				f.Set(reflect.ValueOf(at))
			case []source.Range:
				f.Set(reflect.ValueOf([]source.Range{at, at}))
			case []resource.Comment:
				f.Set(reflect.ValueOf([]resource.Comment{{Text: "c", Range: at, Trailing: true}}))
			case []*resource.Node:
				f.Set(reflect.ValueOf([]*resource.Node{{Kind: resource.Int, Value: int64(1)}, nil}))
			case []resource.Field:
				f.Set(reflect.ValueOf([]resource.Field{{Name: "k", Node: &resource.Node{Kind: resource.Bool, Value: true}}}))
			case *resource.Node:
				f.Set(reflect.ValueOf(&resource.Node{Kind: resource.Float, Value: 1.5}))
			default:
				t.Errorf("%s is of a type that is not sent", name)
			}
		}
	}
	b, err := encodeResult([]*resource.Resource{res}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := decodeResult(b)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]*resource.Resource{res}, got); d != "" {
		t.Errorf("(-sent +received):\n%s", d)
	}
}

func FuzzDecode(f *testing.F) {
	rs, ds := terraform.New().Read(f.Context(), unit(map[string]string{"main.tf": tf, "broken.tf": `resource "a" {`}))
	b, err := encodeResult(rs, ds)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		rs, ds, err := decodeResult(b)
		if err != nil {
			return
		}
		again, err := encodeResult(rs, ds)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		rs, ds, err = decodeResult(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, err := encodeResult(rs, ds); err != nil || !bytes.Equal(third, again) {
			t.Errorf("another round gives something else (%v)", err)
		}
	})
}

func BenchmarkChild(b *testing.B) {
	var s strings.Builder
	for i := range 300 {
		fmt.Fprintf(&s, "resource \"aws_s3_bucket\" \"b%d\" {\n  bucket = \"b%d\"\n  tags = { a = \"x\", b = var.name }\n  versioning {\n    enabled = true\n  }\n}\n", i, i)
	}
	s.WriteString("variable \"name\" { default = \"shop\" }\n")
	u := unit(map[string]string{"main.tf": s.String()})
	for _, where := range []struct {
		name   string
		reader format.Reader
	}{{"in process", terraform.New()}, {"warm child", pool(b, Options{}).Reader(resource.Terraform)}} {
		b.Run(where.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if rs, _ := where.reader.Read(b.Context(), u); len(rs) < 300 {
					b.Fatal("resources are missing")
				}
			}
		})
	}
	b.Run("fresh child", func(b *testing.B) {
		small := unit(map[string]string{"main.tf": tf})
		for b.Loop() {
			p := New(Options{})
			if rs, _ := p.Reader(resource.Terraform).Read(b.Context(), small); len(rs) != 3 {
				b.Fatal("resources are missing")
			}
			p.Close()
		}
	})
}
