package bootstrap

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing/fstest"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/kubernetes"
	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// Bounds on the user data of one unit.
const (
	maxText  = 256 << 10 // bytes of one text
	maxDepth = 4         // of parts within parts
	maxLines = 5_000     // of the files that one text writes
	maxParts = 50
)

// form is what a text of user data is.
type form uint8

const (
	formOther form = iota
	formCloudConfig
	formScript
	formMultipart
	formManifest // a configuration of nodeadm
	formRancher  // a configuration of k3s or RKE2
)

// apiVersion is the line that tells a manifest, with quotes where a program wrote
// it; in JSON it may stand behind others.
var (
	apiVersion     = regexp.MustCompile(`(?m)^"?apiVersion"?:\s*\S`)
	jsonAPIVersion = regexp.MustCompile(`"apiVersion"\s*:\s*"`)
)

// formOf tells the form of a text by its beginning.
func formOf(s string) form {
	s = strings.TrimLeft(strings.TrimPrefix(s, "\ufeff"), " \t\r\n")
	switch {
	case strings.HasPrefix(s, "#cloud-config"):
		return formCloudConfig
	case strings.HasPrefix(s, "#!"), strings.HasPrefix(s, "#cloud-boothook"):
		return formScript
	case hasPrefixFold(s, "Content-Type:"), hasPrefixFold(s, "MIME-Version:"):
		return formMultipart
	case apiVersion.MatchString(s[:min(len(s), 2_000)]):
		return formManifest
	case rancherSetting.MatchString(s):
		return formRancher
	}
	return formOther
}

// rancherSetting is a setting by which k3s and RKE2 hand flags on, which nothing
// else has.
var rancherSetting = regexp.MustCompile(`(?m)^"?(?:kube-apiserver|kube-controller-manager|kube-scheduler|kubelet|kube-proxy|etcd)-arg\+?"?[ \t]*:`)

// Sniff reports whether a file is cloud-init, a script of user data or a
// configuration of k3s or RKE2, by its beginning. Manifests are not.
func Sniff(data []byte) bool {
	switch formOf(string(data[:min(len(data), 4_000)])) {
	case formCloudConfig, formScript, formMultipart, formRancher:
		return true
	}
	return false
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// place is what a resource to be made is called.
type place struct {
	id, name, file string
	whole, head    source.Range // zero: those of the text
	depth          int
}

// expansion finds the user data of one unit.
type expansion struct {
	ctx      context.Context
	unit     format.Unit
	opened   map[string]*source.File
	parent   *resource.Resource // that holds the user data; nil for files of their own
	why      string             // of parts that are not known
	required bool               // a text that is no user data is an error
	taken    map[string]int
	out      []*resource.Resource
	ds       source.Diagnostics
}

func newExpansion(ctx context.Context, u format.Unit) *expansion {
	if u.MaxFileSize <= 0 {
		u.MaxFileSize = format.DefaultMaxFileSize
	}
	return &expansion{ctx: ctx, unit: u, opened: map[string]*source.File{}, taken: map[string]int{}}
}

// maxDiagnostics bounds what one unit may say of its user data.
const maxDiagnostics = 50

func (x *expansion) fail(file string, line int, text string, args ...any) {
	level := source.LevelError
	if !x.required {
		level = source.LevelWarning
	}
	if len(x.ds) < maxDiagnostics {
		x.ds = append(x.ds, source.Diagnostic{File: file, Line: line, Level: level, Message: plain(fmt.Sprintf(text, args...)), NotEvaluated: plain(file)})
	}
}

// plain makes text from a repository fit for one line of a report.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}

// userData reads one text.
func (x *expansion) userData(t shell.Text, p place) { x.userDataOf(formOf(t.S), t, p) }

func (x *expansion) userDataOf(form form, t shell.Text, p place) {
	if x.ctx.Err() != nil {
		return
	}
	at := t.At(0, min(len(t.S), 1))
	if len(t.S) > maxText {
		x.fail(p.file, at.Start.Line, "the user data is longer than %d bytes", maxText)
		return
	}
	if !utf8.ValidString(t.S) {
		x.fail(p.file, at.Start.Line, "the user data is not UTF-8")
		return
	}
	switch form {
	case formCloudConfig:
		x.cloudConfigText(t, p)
	case formScript:
		x.script(t, p)
	case formMultipart:
		x.multipart(t, p)
	case formManifest:
		x.manifests(t, p.id)
	case formRancher:
		x.rancher(t, p)
	default:
		if x.required {
			x.fail(p.file, 0, "the file is neither a script, cloud-init nor a multipart message")
		}
	}
}

// add takes a resource up, under an id of its own.
func (x *expansion) add(r *resource.Resource) {
	r.Unit = x.unit.ID
	id := r.ID
	if x.taken[id]++; x.taken[id] > 1 {
		r.ID = id + "#" + strconv.Itoa(x.taken[id])
	}
	if p := x.parent; p != nil {
		r.Origins, r.Home, r.Variant = p.Origins, p.Home, p.Variant
		if p.Source != (resource.Identity{}) {
			r.Source = resource.Identity{Unit: p.Source.Unit, ID: p.Source.ID + strings.TrimPrefix(r.ID, p.ID)}
		}
	}
	x.out = append(x.out, r)
}

// made fills in the place of a resource that was made of a text.
func (x *expansion) made(kind string, root *resource.Node, p place, t shell.Text) *resource.Resource {
	whole := t.At(0, len(t.S))
	first := strings.IndexByte(t.S+"\n", '\n')
	head := t.At(0, max(first, min(1, len(t.S))))
	root.Range = whole
	return &resource.Resource{
		ID: p.id, Platform: resource.NodeBootstrap, Format: Name, Kind: kind, Name: p.name,
		Root: root, Range: whole, Head: head, Comments: comments(t.S, t.At),
	}
}

// multipart reads the parts of a MIME message.
func (x *expansion) multipart(t shell.Text, p place) {
	start := len(t.S) - len(strings.TrimLeft(t.S, " \t\r\n"))
	msg, err := mail.ReadMessage(strings.NewReader(t.S[start:]))
	if err != nil {
		x.fail(p.file, t.At(0, 1).Start.Line, "the headers of the user data cannot be read")
		return
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") || params["boundary"] == "" || p.depth >= maxDepth {
		x.fail(p.file, t.At(0, 1).Start.Line, "the user data is a message without parts")
		return
	}
	mr := multipart.NewReader(msg.Body, params["boundary"])
	from := start
	for i := range maxParts {
		part, err := mr.NextRawPart()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				x.fail(p.file, t.At(from, from+1).Start.Line, "a part of the user data cannot be read")
			}
			return
		}
		body, err := io.ReadAll(io.LimitReader(part, maxText))
		if err != nil {
			x.fail(p.file, t.At(from, from+1).Start.Line, "a part of the user data cannot be read")
			return
		}
		text := string(body)
		in := shell.Text{S: text, At: func(int, int) source.Range { return t.At(0, len(t.S)) }}
		if n := strings.Index(t.S[from:], text); n >= 0 && text != "" {
			in = t.Part(from+n, from+n+len(text))
			from += n + len(text)
		} else if n := strings.Index(strings.ReplaceAll(t.S[from:], "\r\n", "\n"), text); n < 0 {
			continue
		}
		if strings.EqualFold(part.Header.Get("Content-Transfer-Encoding"), "base64") {
			whole := in.At(0, len(in.S))
			in = shell.Text{S: decode(text), At: func(int, int) source.Range { return whole }}
		}
		q := p
		q.id, q.depth = p.id+"/part["+strconv.Itoa(i)+"]", p.depth+1
		required := x.required
		x.required = false
		x.userData(in, q)
		x.required = required
	}
}

// script reads a script that is run as it stands.
func (x *expansion) script(t shell.Text, p place) {
	b := &builder{x: x, id: p.id}
	root := &resource.Node{Kind: resource.Map, Range: t.At(0, len(t.S))}
	first, _, _ := strings.Cut(strings.TrimLeft(t.S, " \t\r\n"), "\n")
	interpreter := "/bin/sh"
	if s, ok := strings.CutPrefix(first, "#!"); ok {
		interpreter = strings.TrimSpace(s)
	}
	root.Fields = []resource.Field{{Name: "interpreter", Node: x.value(interpreter, t.At(0, max(len(first), 1)))}}
	if isShell(interpreter) {
		if err := b.script(t); err != nil {
			x.fail(p.file, t.At(0, 1).Start.Line, "the script cannot be read: %v", err)
			if x.required {
				return
			}
		}
	}
	b.finish(root)
	x.add(x.made(KindScript, root, p, t))
	b.manifests()
}

// isShell reports whether the line of an interpreter names a shell.
func isShell(line string) bool {
	for _, f := range strings.Fields(line) {
		switch path.Base(f) {
		case "sh", "bash", "dash", "ash", "ksh":
			return true
		}
	}
	return false
}

func (x *expansion) value(s string, at source.Range) *resource.Node {
	if strings.Contains(s, shell.Gap) {
		n := shell.Unknown(s, x.reason())
		n.Range = at
		return n
	}
	return &resource.Node{Kind: resource.String, Value: s, Range: at}
}

func (x *expansion) reason() string {
	if x.why == "" {
		return "a part of the user data that is not known"
	}
	return x.why
}

// document reads a text as YAML and puts its nodes where the text stands.
func (x *expansion) document(t shell.Text, p place) (*resource.Node, []resource.Comment) {
	const name = "document.yaml"
	u := format.Unit{FS: fstest.MapFS{name: {Data: []byte(t.S)}}, MaxFileSize: maxText}
	var root *resource.Node
	var comments []resource.Comment
	ds := yamltree.Read(x.ctx, &u, name, yamltree.Options{OldBooleans: true, Candidate: func(n *yaml.Node) bool { return n.Kind == yaml.MappingNode }},
		func(d yamltree.Document) source.Diagnostics {
			if root == nil {
				root, comments = d.Root, d.Comments
			}
			return nil
		})
	for _, d := range ds {
		line := t.At(lineStart(t.S, d.Line), lineStart(t.S, d.Line)+1).Start.Line
		x.fail(p.file, line, "%s", d.Message)
	}
	if root == nil {
		return nil, nil
	}
	move(root, t.At, x.reason())
	for i := range comments {
		comments[i].Range = t.At(comments[i].Range.Start.Byte, comments[i].Range.End.Byte)
	}
	return root, comments
}

// lineStart is the offset of a 1-based line.
func lineStart(s string, line int) int {
	at := 0
	for ; line > 1; line-- {
		i := strings.IndexByte(s[at:], '\n')
		if i < 0 {
			break
		}
		at += i + 1
	}
	return min(at, max(len(s)-1, 0))
}

// move puts the nodes of a document where its text stands, and makes unknown
// what is not known of it.
func move(n *resource.Node, at func(int, int) source.Range, why string) {
	seen := map[*resource.Node]bool{}
	var walk func(*resource.Node)
	walk = func(n *resource.Node) {
		if n == nil || seen[n] {
			return
		}
		seen[n] = true
		n.Range = at(n.Range.Start.Byte, n.Range.End.Byte)
		if !n.KeyRange.IsZero() {
			n.KeyRange = at(n.KeyRange.Start.Byte, n.KeyRange.End.Byte)
		}
		for i := range n.Origins {
			n.Origins[i] = at(n.Origins[i].Start.Byte, n.Origins[i].End.Byte)
		}
		if s, ok := n.Value.(string); ok && strings.Contains(s, shell.Gap) {
			n.Value, n.Unknown, n.Why, n.Parts = nil, true, why, strings.Split(s, shell.Gap)
		}
		for _, it := range n.Items {
			walk(it)
		}
		for _, f := range n.Fields {
			walk(f.Node)
		}
	}
	walk(n)
}

// manifests makes Kubernetes resources of the documents of a text that are some.
func (x *expansion) manifests(t shell.Text, id string) {
	const name = "manifest.yaml"
	if len(t.S) > maxText || !bytes.Contains([]byte(t.S), []byte("kind")) {
		return
	}
	u := format.Unit{ID: x.unit.ID, FS: fstest.MapFS{name: {Data: []byte(t.S)}}, Files: []string{name}, MaxFileSize: maxText, Dir: "."}
	rs, _ := kubernetes.New().Read(x.ctx, u) // what is no manifest is no loss
	for _, r := range rs {
		move(r.Root, t.At, x.reason())
		r.Range = t.At(r.Range.Start.Byte, r.Range.End.Byte)
		r.Head = t.At(r.Head.Start.Byte, r.Head.End.Byte)
		for i := range r.Comments {
			c := &r.Comments[i]
			c.Range = t.At(c.Range.Start.Byte, c.Range.End.Byte)
		}
		r.ID, r.Format = id+"/"+r.ID, Name
		x.add(r)
	}
}
