package kustomize

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/krusty"
	kresource "sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// schemas guards the schema that kyaml keeps for the whole process: a build that
// sets one runs alone.
var schemas sync.RWMutex

// build builds the unit and gives its resources with their places.
func (s *scan) build(root *spec) []*resource.Resource {
	full, err := s.run(root, false)
	if err != nil {
		file, line, message := s.cause(root, err)
		s.fail(source.Range{File: file, Start: source.Pos{Line: line}}, "kustomize does not build %s: %s", yamltree.Clean(s.title()), message)
		return nil
	}
	p := placer{scan: s, chain: chain(root)}
	var bare []*kresource.Resource
	for _, k := range s.order {
		if len(k.operations) > 0 {
			// Without JSON patches, for the lines that these lose. Where that cannot
			// be built, what they touched stands where its document does.
			bare, _ = s.run(root, true)
			break
		}
	}
	if len(bare) != len(full) {
		bare = nil
	}
	out := make([]*resource.Resource, 0, len(full))
	for i, r := range full {
		if s.ctx.Err() != nil {
			s.fail(source.Range{File: root.path}, "reading %s stopped: %v", yamltree.Clean(s.title()), s.ctx.Err())
			return nil
		}
		var plain *kresource.Resource
		if bare != nil && bare[i].GetKind() == r.GetKind() {
			plain = bare[i]
		}
		if res := p.resource(r, plain); res != nil {
			out = append(out, res)
		}
	}
	p.toSources()
	return out
}

// run builds what was laid out; bare leaves the JSON patches out.
func (s *scan) run(root *spec, bare bool) (out []*kresource.Resource, err error) {
	// What the library did not foresee is an error of this unit.
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("it stopped: %v", p)
		}
	}()
	fsys := filesys.MakeFsInMemory()
	for name, data := range s.contents {
		if err := fsys.WriteFile(name, data); err != nil {
			return nil, err
		}
	}
	for _, k := range s.order {
		data := k.data
		if bare && k.bare != nil {
			data = k.bare
		}
		text, err := json.Marshal(data)
		if err != nil {
			return nil, err
		}
		if err := fsys.WriteFile(specDir(k)+"/kustomization.yaml", text); err != nil {
			return nil, err
		}
	}
	opt := krusty.MakeDefaultOptions()
	opt.Reorder = krusty.ReorderOptionNone
	opt.LoadRestrictions = types.LoadRestrictionsNone // there is nothing there but what was laid out
	opt.PluginConfig = types.DisabledPluginConfig()
	if s.openAPI {
		schemas.Lock()
		defer schemas.Unlock()
		defer openapi.ResetOpenAPI()
	} else {
		schemas.RLock()
		defer schemas.RUnlock()
	}
	m, err := krusty.MakeKustomizer(opt).Run(fsys, specDir(root))
	if err != nil {
		return nil, err
	}
	return m.Resources(), nil
}

func specDir(k *spec) string { return "/k/" + itoa(k.number) }

// laid finds the numbers that stand for files and folders in a message.
var laid = regexp.MustCompile(`(?:\.\./)*/?\b([kfo])/(\d+)(?:/kustomization\.yaml)?|\.\./(\d+)\b`)

// cause puts a message of the library in the names of the repository, and finds
// the line that it is about.
func (s *scan) cause(root *spec, err error) (file string, line int, message string) {
	text := err.Error()
	file = root.path
	for _, m := range laid.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[2] + m[3])
		switch m[1] {
		case "k", "":
			for _, k := range s.order {
				if k.number == n {
					file, line = k.path, 0
				}
			}
		case "f":
			for _, d := range s.docs {
				by := d.broughtBy
				if d.rendered != nil {
					by = d.renderedBy
				}
				if !by.IsZero() && s.numberOf(d) == n {
					file, line = by.File, by.Start.Line
				}
			}
		}
	}
	message = laid.ReplaceAllStringFunc(text, func(m string) string {
		g := laid.FindStringSubmatch(m)
		n, _ := strconv.Atoi(g[2] + g[3])
		return s.nameOf(n, m)
	})
	// The innermost cause stands last; what wraps it says how it was come by.
	if i := strings.LastIndex(message, "accumulation err="); i > 0 {
		message = message[i:]
		if j := strings.Index(message, "': "); j > 0 {
			message = message[j+3:]
		}
	}
	if line == 0 {
		line = s.lineOf(file, message)
	}
	message = strings.Join(strings.Fields(message), " ")
	return file, line, readable(message)
}

// contents are parts of a message that quote what a file holds.
var quoted = regexp.MustCompile(`[\[{][^\]}]{40,}[\]}]?`)

// readable makes a message fit to be shown: one line of printable text that
// quotes no file.
func readable(s string) string {
	const most = 300
	s = quoted.ReplaceAllString(s, "[…]")
	out := []rune(strings.TrimSuffix(s, "."))
	for i, c := range out {
		if !unicode.IsPrint(c) {
			out[i] = utf8.RuneError
		}
	}
	if len(out) > most {
		out = append(out[:most-1], '…')
	}
	return string(out)
}

func (s *scan) numberOf(d *document) int {
	for _, f := range s.files {
		for _, x := range f.docs {
			if x == d {
				return f.number
			}
		}
	}
	return 0
}

// nameOf gives the name of what was laid out under a number.
func (s *scan) nameOf(n int, otherwise string) string {
	for _, k := range s.order {
		if k.number == n {
			return k.dir
		}
	}
	for _, f := range s.files {
		if f.number == n {
			return f.path
		}
	}
	for name, x := range s.plain {
		if x == n {
			return name
		}
	}
	return otherwise
}

// lineOf gives the line of the kustomization that a message is about: that of a
// patch whose target it names, or of a field that it quotes; 0 for none.
func (s *scan) lineOf(file, message string) int {
	for _, k := range s.order {
		if k.path != file {
			continue
		}
		for _, d := range s.docs {
			if d.broughtBy.File != file {
				continue
			}
			if name := d.root.Path("metadata", "name").Str(); name != "" && strings.Contains(message, name) {
				return d.broughtBy.Start.Line
			}
		}
		for _, o := range k.operations {
			for _, op := range itemsOf(o.list) {
				if at := op.Get("path").Str(); at != "" && strings.Contains(message, at) {
					return o.origin.Start.Line
				}
			}
		}
		for _, f := range k.root.Fields {
			if strings.Contains(message, f.Name) {
				return f.Node.KeyRange.Start.Line
			}
		}
	}
	return 0
}
