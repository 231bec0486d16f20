package bootstrap

import (
	"encoding/base64"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// cloudConfigText reads a document of cloud-init.
func (x *expansion) cloudConfigText(t shell.Text, p place) {
	root, comments := x.document(t, p)
	if root == nil {
		return
	}
	p.whole, p.head = t.At(0, len(t.S)), source.Range{}
	if i := strings.Index(t.S, "#cloud-config"); i >= 0 {
		p.head = t.At(i, i+len("#cloud-config"))
	}
	x.cloudConfig(root, p, comments)
}

// rancher makes the resource of a configuration of k3s or RKE2 that stands by
// itself. With which rights a node has it is not known.
func (x *expansion) rancher(t shell.Text, p place) {
	b := &builder{x: x, id: p.id}
	name := x.value("/etc/rancher/"+rancherProduct(p.file)+"/config.yaml", t.At(0, 0))
	b.content(name, t)
	root := &resource.Node{Kind: resource.Map}
	r := x.made(KindRancherConfig, root, p, t)
	b.finish(root)
	x.add(r)
}

// rancherProduct tells whose configuration a file is by its path: they are of
// one form.
func rancherProduct(file string) string {
	if strings.Contains(strings.ToLower(file), "rke2") {
		return "rke2"
	}
	return "k3s"
}

// cloudConfig makes the resource of a document of cloud-init.
func (x *expansion) cloudConfig(doc *resource.Node, p place, comments []resource.Comment) {
	b := &builder{x: x, id: p.id}
	root := *doc
	if p.whole.Contains(root.Range) {
		root.Range = p.whole
	}
	root.KeyRange = source.Range{}
	root.Fields = append([]resource.Field(nil), doc.Fields...)
	for _, f := range doc.Fields {
		switch f.Name {
		case "bootcmd", "runcmd", "preKubeadmCommands", "postKubeadmCommands", "bootCommands",
			"preRKE2Commands", "postRKE2Commands", "preK3sCommands", "postK3sCommands", "preBootstrapCommands", "postBootstrapCommands":
			b.runs(f.Node)
		case "write_files":
			b.writes(f.Node)
		}
	}
	b.finish(&root)
	r := &resource.Resource{
		ID: p.id, Platform: resource.NodeBootstrap, Format: Name, Kind: KindCloudConfig, Name: p.name,
		Root: &root, Range: p.whole, Head: p.head, Comments: comments,
	}
	if r.Head.IsZero() {
		r.Head = r.Range
	}
	x.add(r)
	b.manifests()
}

// builder gathers what a text of user data does.
type builder struct {
	x        *expansion
	id       string
	commands []*resource.Node
	files    []*resource.Node
	lines    []*resource.Node
	configs  []*resource.Node // of k3s and RKE2: path, document
	// embedded are the contents of files that may be manifests.
	embedded []embedded
	depth    int
}

type embedded struct {
	path string
	text shell.Text
}

// finish puts what was gathered into a root.
func (b *builder) finish(root *resource.Node) {
	for _, f := range []struct {
		name  string
		items []*resource.Node
	}{{"commands", b.commands}, {"files", b.files}, {"lines", b.lines}, {"configs", b.configs}} {
		if f.items == nil || root.Get(f.name) != nil {
			continue
		}
		list := &resource.Node{Kind: resource.List, Items: f.items, Range: root.Range}
		root.Fields = append(root.Fields, resource.Field{Name: f.name, Node: list})
	}
}

// manifests makes resources of the files that are manifests.
func (b *builder) manifests() {
	for _, e := range b.embedded {
		b.x.manifests(e.text, b.id+strings.TrimSuffix("/"+strings.TrimPrefix(path.Clean("/"+e.path), "/"), "/"))
	}
}

// runs reads a list of commands: lines of shell, or words.
func (b *builder) runs(list *resource.Node) {
	if list == nil || list.Kind != resource.List {
		return
	}
	for _, it := range list.Items {
		switch {
		case it == nil:
		case it.Kind == resource.List:
			b.wordsOf(it)
		default:
			if s := shell.Known(it); s != "" {
				_ = b.script(b.x.textAt(it, s)) // what is no shell is left alone
			}
		}
	}
}

// wordsOf takes a list of words for one command.
func (b *builder) wordsOf(list *resource.Node) {
	if len(list.Items) == 0 || len(b.commands) >= maxLines {
		return
	}
	words := list.Items
	via := &resource.Node{Kind: resource.List, Range: list.Range}
	for len(words) > 1 && (words[0].Str() == "sudo" || words[0].Str() == "env") {
		via.Items = append(via.Items, words[0])
		words = words[1:]
	}
	var texts []string
	for _, w := range list.Items {
		texts = append(texts, w.Str())
	}
	name := *words[0]
	if s := name.Str(); s != "" {
		name.Value = path.Base(s)
	}
	n := &resource.Node{Kind: resource.Map, Range: list.Range, Fields: []resource.Field{
		{Name: "name", Node: &name},
		{Name: "args", Node: &resource.Node{Kind: resource.List, Items: words[1:], Range: list.Range}},
		{Name: "to", Node: &resource.Node{Kind: resource.List, Range: list.Range}},
		{Name: "via", Node: via},
		{Name: "text", Node: b.x.value(strings.Join(texts, " "), list.Range)},
	}}
	b.commands = append(b.commands, n)
	for i, w := range words {
		if i > 0 && words[i-1].Str() == "-c" && w.Str() != "" {
			_ = b.script(b.x.textAt(w, w.Str())) // what is no shell is left alone
		}
	}
}

// writes reads write_files.
func (b *builder) writes(list *resource.Node) {
	if list == nil || list.Kind != resource.List {
		return
	}
	for _, f := range list.Items {
		content := f.Get("content")
		if content == nil {
			continue
		}
		s := shell.Known(content)
		switch f.Get("encoding").Str() {
		case "b64", "base64":
			data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
			if err != nil {
				continue
			}
			at := content.Range
			b.content(f.Get("path"), shell.Text{S: string(data), At: func(int, int) source.Range { return at }})
		case "", "text/plain":
			if s != "" {
				b.content(f.Get("path"), b.x.textAt(content, s))
			}
		}
	}
}

// script reads a script and what it writes.
func (b *builder) script(t shell.Text) error {
	if b.depth >= maxDepth {
		return nil
	}
	s, err := shell.Read(t, b.x.reason())
	if err != nil {
		return err
	}
	b.commands = append(b.commands, s.Commands.Items...)
	for i, f := range s.Files {
		b.files = append(b.files, f)
		b.content(f.Get("path"), s.Bodies[i])
	}
	return nil
}

// content looks into a file that is written: a script, a unit of systemd, a
// manifest; and keeps its lines.
func (b *builder) content(name *resource.Node, t shell.Text) {
	if name == nil || len(t.S) > maxText {
		return
	}
	file := name.Str()
	rancher := strings.HasPrefix(file, "/etc/rancher/") && strings.HasSuffix(file, ".yaml")
	offset := 0
	for text := range strings.Lines(t.S) {
		if len(b.lines) >= maxLines {
			break
		}
		line := strings.TrimRight(text, "\r\n")
		// A comment of a configuration changes nothing of it.
		if bare := strings.TrimSpace(line); bare != "" && (!rancher || bare[0] != '#') {
			at := t.At(offset, offset+len(line))
			of := *name
			of.Range, of.KeyRange = at, source.Range{}
			b.lines = append(b.lines, &resource.Node{Kind: resource.Map, Range: at, Fields: []resource.Field{
				{Name: "path", Node: &of}, {Name: "text", Node: b.x.value(line, at)},
			}})
		}
		offset += len(text)
	}
	b.depth++
	defer func() { b.depth-- }()
	switch {
	case strings.HasPrefix(t.S, "#!"):
		if first, _, _ := strings.Cut(t.S, "\n"); isShell(first) {
			_ = b.script(t) // a script that another one writes may be for another shell
		}
	case strings.HasSuffix(file, ".service"), strings.Contains(file, ".service.d/"), strings.Contains(file, "kubelet"), strings.HasPrefix(file, "/etc/default/"), strings.HasPrefix(file, "/etc/sysconfig/"):
		b.unitFile(t)
	}
	if rancher && len(b.configs) < 20 {
		if doc, _ := b.x.document(t, place{file: t.At(0, len(t.S)).File}); doc != nil {
			at := t.At(0, len(t.S))
			of := *name
			of.Range, of.KeyRange = at, source.Range{}
			b.configs = append(b.configs, &resource.Node{Kind: resource.Map, Range: at, Fields: []resource.Field{
				{Name: "path", Node: &of}, {Name: "document", Node: doc},
			}})
		}
	}
	if len(b.embedded) < 100 && (apiVersion.MatchString(t.S) || strings.HasPrefix(strings.TrimSpace(t.S), "{") && jsonAPIVersion.MatchString(t.S)) {
		b.embedded = append(b.embedded, embedded{path: file, text: t})
	}
}

// unitFile reads the commands and variables of a unit of systemd or a file of
// its environment.
func (b *builder) unitFile(t shell.Text) {
	offset := 0
	for text := range strings.Lines(t.S) {
		line := strings.TrimRight(text, "\r\n")
		at := offset
		offset += len(text)
		key, rest, ok := strings.Cut(line, "=")
		if !ok {
			continue
		}
		from := at + len(key) + 1
		switch strings.TrimSpace(key) {
		case "ExecStart", "ExecStartPre", "ExecStartPost":
			for rest != "" && strings.ContainsRune("-@:+!", rune(rest[0])) {
				rest, from = rest[1:], from+1
			}
		case "Environment":
			if n := len(rest); n > 1 && rest[0] == '"' && rest[n-1] == '"' {
				rest, from = rest[1:n-1], from+1
			}
			name, value, ok := strings.Cut(rest, "=")
			if !ok {
				continue
			}
			b.variable(t, from, name, value)
			continue
		default:
			if k := strings.TrimSpace(key); k != "" && k == strings.ToUpper(k) && !strings.ContainsAny(k, " #[") {
				n := len(rest)
				if n > 1 && (rest[0] == '"' || rest[0] == '\'') && rest[n-1] == rest[0] {
					rest, from = rest[1:n-1], from+1
				}
				b.variable(t, from-len(key)-1, k, rest)
			}
			continue
		}
		if strings.TrimSpace(rest) != "" {
			_ = b.script(t.Part(from, from+len(rest))) // specifiers of systemd may be no shell
		}
	}
}

// variable takes a variable of a unit for a command that assigns it.
func (b *builder) variable(t shell.Text, from int, name, value string) {
	start := strings.LastIndex(t.S[:min(len(t.S), from+len(name)+2+len(value)+1)], value)
	at := t.At(max(from, 0), min(len(t.S), from+len(name)+1+len(value)))
	if start >= 0 && value != "" {
		at = t.At(start, start+len(value))
	}
	item := &resource.Node{Kind: resource.Map, Range: at, Fields: []resource.Field{
		{Name: "name", Node: b.x.value(strings.TrimSpace(name), at)}, {Name: "value", Node: b.x.value(value, at)},
	}}
	empty := func() *resource.Node { return &resource.Node{Kind: resource.List, Range: at} }
	assigns := empty()
	assigns.Items = []*resource.Node{item}
	b.commands = append(b.commands, &resource.Node{Kind: resource.Map, Range: at, Fields: []resource.Field{
		{Name: "name", Node: b.x.value("", at)}, {Name: "args", Node: empty()}, {Name: "assigns", Node: assigns},
		{Name: "to", Node: empty()}, {Name: "via", Node: empty()}, {Name: "text", Node: b.x.value(name+"="+value, at)},
	}})
}
