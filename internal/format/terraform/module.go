package terraform

import (
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// module is the configuration of one folder, parsed and not yet evaluated.
type module struct {
	dir       string
	decls     []*decl // in the order of files and blocks
	byAddr    map[string]*decl
	variables map[string]*decl
	outputs   map[string]*decl
	locals    map[string]*hclsyntax.Attribute
	assigned  map[string]*hclsyntax.Attribute // by tfvars files
	u         *unit
}

// decl is one top-level block.
type decl struct {
	kind string // resource, data, module, provider, terraform, variable, output
	typ  string // of a resource or data source
	name string
	addr string // as configurations refer to it
	file *file
	// block is as written; body has override files merged into it.
	block   *hclsyntax.Block
	body    *hclsyntax.Body
	count   *hclsyntax.Attribute
	forEach *hclsyntax.Attribute
}

// place is the range of a declaration's header.
func (m *module) place(d *decl) source.Range { return m.u.env0(m).head(d.block) }

func (u *unit) env0(m *module) *env { return &env{scope: &scope{u: u, mod: m}} }

// inOrder gives the attributes of a body in source order.
func inOrder(body *hclsyntax.Body) []*hclsyntax.Attribute {
	out := make([]*hclsyntax.Attribute, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i].NameRange, out[j].NameRange
		if a.Filename != b.Filename {
			return a.Filename < b.Filename
		}
		if a.Start.Byte != b.Start.Byte {
			return a.Start.Byte < b.Start.Byte
		}
		return out[i].Name < out[j].Name
	})
	return out
}

// fileClass says what a file of a module's folder is.
type fileClass uint8

const (
	otherFile fileClass = iota
	configFile
	overrideFile
	varsFile
	autoVarsFile
)

func classify(name string) (class fileClass, json bool) {
	name = path.Base(name)
	stem := strings.TrimSuffix(name, ".json")
	json = stem != name
	switch {
	case stem == "terraform.tfvars":
		return varsFile, json
	case strings.HasSuffix(stem, ".auto.tfvars"), strings.HasSuffix(stem, ".auto.pkrvars.hcl"), strings.HasSuffix(stem, ".auto.pkrvars"):
		return autoVarsFile, json
	case strings.HasSuffix(stem, ".pkr.hcl"), json && strings.HasSuffix(stem, ".pkr"):
		return configFile, json
	case strings.HasSuffix(stem, ".tf"), strings.HasSuffix(stem, ".tofu"):
		stem = strings.TrimSuffix(strings.TrimSuffix(stem, ".tf"), ".tofu")
		if stem == "override" || strings.HasSuffix(stem, "_override") {
			return overrideFile, json
		}
		return configFile, json
	}
	return otherFile, json
}

// preferTofu drops the files for which there is a variant for OpenTofu.
func preferTofu(names []string) []string {
	tofu := map[string]bool{}
	for _, n := range names {
		if strings.HasSuffix(n, ".tofu") || strings.HasSuffix(n, ".tofu.json") {
			tofu[n] = true
		}
	}
	return slices.DeleteFunc(slices.Clone(names), func(n string) bool {
		if s, ok := strings.CutSuffix(n, ".tf.json"); ok {
			return tofu[s+".tofu.json"]
		}
		s, ok := strings.CutSuffix(n, ".tf")
		return ok && tofu[s+".tofu"]
	})
}

// parseModule reads the files of a folder. vars says whether tfvars files
// count, which they do for root modules alone.
func (u *unit) parseModule(dir string, names []string, vars bool) *module {
	m := &module{
		dir: dir, u: u, byAddr: map[string]*decl{}, variables: map[string]*decl{}, outputs: map[string]*decl{},
		locals: map[string]*hclsyntax.Attribute{}, assigned: map[string]*hclsyntax.Attribute{},
	}
	names = preferTofu(names)
	sort.Strings(names)
	var overrides, assigned []*hclsyntax.Body
	for _, name := range names {
		if u.ctx.Err() != nil {
			u.fail(name, 0, name, "the reading was cancelled")
			break
		}
		class, json := classify(name)
		if class == otherFile || !vars && (class == varsFile || class == autoVarsFile) {
			continue
		}
		f := u.load(name)
		if f == nil {
			continue
		}
		var body *hclsyntax.Body
		switch {
		case json:
			body = u.parseJSONFile(f, class == varsFile || class == autoVarsFile)
		default:
			body = u.parseFile(f)
		}
		if body == nil {
			continue
		}
		switch class {
		case configFile:
			m.add(f, body)
		case overrideFile:
			overrides = append(overrides, body)
		case varsFile:
			assigned = append([]*hclsyntax.Body{body}, assigned...)
		case autoVarsFile:
			assigned = append(assigned, body)
		}
	}
	for _, body := range overrides {
		m.override(body)
	}
	if vars {
		for _, name := range u.Inputs {
			if body := u.parseVars(name); body != nil {
				assigned = append(assigned, body)
			}
		}
	}
	for _, body := range assigned {
		for name, a := range body.Attributes {
			m.assigned[name] = a
		}
	}
	for _, d := range m.decls {
		d.count, d.forEach = d.body.Attributes["count"], d.body.Attributes["for_each"]
		switch d.kind {
		case "resource", "data", "module":
		default:
			d.count, d.forEach = nil, nil
		}
	}
	return m
}

// parseVars reads a file of variables that is given by name.
func (u *unit) parseVars(name string) *hclsyntax.Body {
	f := u.load(name)
	switch {
	case f == nil:
		return nil
	case strings.HasSuffix(name, ".json"):
		return u.parseJSONFile(f, true)
	}
	return u.parseFile(f)
}

// topLevel finds the lines on which a block may begin anew after an error.
var topLevel = regexp.MustCompile(`(?m)^(resource|data|module|variable|locals|output|provider|terraform|moved|import|removed|check|ephemeral|packer|source|build|local)\b`)

const maxResync = 20

// parseFile reads a file in the native syntax. What lies before an error
// counts, and what begins at a later top-level block; the block with the error
// does not, since half of it would say something else than the whole.
func (u *unit) parseFile(f *file) *hclsyntax.Body {
	out := &hclsyntax.Body{Attributes: hclsyntax.Attributes{}}
	from := 0
	for try := 0; try < maxResync; try++ {
		body, diags, refused := f.parseHCL(from, true)
		if refused != nil {
			f.comments = nil
			u.fail(f.Path, f.pos(refused.offset).Line, f.Path, "%v", refused.err)
			if from == 0 {
				return nil
			}
			return out
		}
		bad := len(f.Data) + 1
		var first *hcl.Diagnostic
		for _, d := range diags {
			if d.Severity == hcl.DiagError && d.Subject != nil && d.Subject.Start.Byte < bad {
				bad, first = d.Subject.Start.Byte, d
			}
		}
		for name, a := range body.Attributes {
			if a.SrcRange.End.Byte <= bad {
				out.Attributes[name] = a
			}
		}
		// What follows is read anew from the next block on that begins behind the
		// start of the broken one: where a brace is missing, the parser takes the
		// blocks behind for a part of it.
		broken, line := f.Path, 0
		for _, b := range body.Blocks {
			switch {
			case first == nil || b.CloseBraceRange.End.Byte <= bad && closed(f, b):
				out.Blocks = append(out.Blocks, b)
			case b.TypeRange.Start.Byte <= bad:
				broken, line = blockName(b), b.TypeRange.Start.Line
			}
		}
		if first == nil {
			return out
		}
		at := f.lineOf(min(bad, len(f.Data)))
		next := len(f.Data)
		if line == 0 {
			line = at
		}
		if loc := topLevel.FindIndex(f.Data[f.LineEnd(line):]); loc != nil {
			next = f.LineEnd(line) + loc[0]
		}
		if next <= bad && line < at {
			u.fail(f.Path, line, broken, "the block is not closed before the next one begins")
		} else {
			u.fail(f.Path, at, broken, "%s: %s", first.Summary, first.Detail)
		}
		if next >= len(f.Data) {
			return out
		}
		// The comments behind are read again.
		f.comments = slices.DeleteFunc(f.comments, func(c resource.Comment) bool { return c.Range.Start.Byte >= next })
		from = next
	}
	u.fail(f.Path, f.lineOf(from), f.Path, "the file has too many errors; the rest is left out")
	return out
}

// closed reports whether the parser found the end of a block.
func closed(f *file, b *hclsyntax.Block) bool {
	at := b.CloseBraceRange.Start.Byte
	return b.Body != nil && b.CloseBraceRange.End.Byte == at+1 && f.Data[at] == '}'
}

func blockName(b *hclsyntax.Block) string {
	parts := b.Labels
	if b.Type != "resource" {
		parts = append([]string{b.Type}, b.Labels...)
	}
	return plain(strings.Join(parts, "."), 200)
}

// add takes the blocks of a configuration file.
func (m *module) add(f *file, body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		d := &decl{kind: b.Type, file: f, block: b, body: b.Body}
		if m.u.packer && m.addPacker(f, d) {
			continue
		}
		switch b.Type {
		case "locals":
			for name, a := range b.Body.Attributes {
				if _, ok := m.locals[name]; !ok {
					m.locals[name] = a
				}
			}
			continue
		case "variable":
			if len(b.Labels) == 1 && m.variables[b.Labels[0]] == nil {
				m.variables[b.Labels[0]] = d
			}
			continue
		case "output":
			if len(b.Labels) == 1 && m.outputs[b.Labels[0]] == nil {
				m.outputs[b.Labels[0]] = d
			}
			continue
		case "resource", "data":
			if len(b.Labels) != 2 || b.Labels[0] == "" || b.Labels[1] == "" {
				m.u.fail(f.Path, b.TypeRange.Start.Line, blockName(b), "a %s block takes a type and a name", b.Type)
				continue
			}
			d.typ, d.name = b.Labels[0], b.Labels[1]
			d.addr = d.typ + "." + d.name
			if b.Type == "data" {
				d.addr = "data." + d.addr
			}
		case "module", "provider":
			if len(b.Labels) != 1 || b.Labels[0] == "" {
				m.u.fail(f.Path, b.TypeRange.Start.Line, blockName(b), "a %s block takes one name", b.Type)
				continue
			}
			d.name = b.Labels[0]
			d.addr = b.Type + "." + d.name
		case "terraform":
			d.addr = "terraform"
		default:
			continue
		}
		m.decls = append(m.decls, d)
		switch d.kind {
		case "provider", "terraform":
		default:
			if other := m.byAddr[d.addr]; other != nil {
				m.u.fail(f.Path, b.TypeRange.Start.Line, "", "%s is declared already in %s", plain(d.addr, 200), other.file.Path)
			} else {
				m.byAddr[d.addr] = d
			}
		}
	}
}

// override merges an override file: arguments replace arguments, and nested
// blocks of a type replace all blocks of that type.
func (m *module) override(body *hclsyntax.Body) {
	for _, b := range body.Blocks {
		var d *decl
		switch {
		case b.Type == "locals":
			for name, a := range b.Body.Attributes {
				m.locals[name] = a
			}
			continue
		case b.Type == "variable" && len(b.Labels) == 1:
			d = m.variables[b.Labels[0]]
		case b.Type == "output" && len(b.Labels) == 1:
			d = m.outputs[b.Labels[0]]
		case b.Type == "resource" && len(b.Labels) == 2:
			d = m.byAddr[b.Labels[0]+"."+b.Labels[1]]
		case b.Type == "data" && len(b.Labels) == 2:
			d = m.byAddr["data."+b.Labels[0]+"."+b.Labels[1]]
		case b.Type == "module" && len(b.Labels) == 1:
			d = m.byAddr["module."+b.Labels[0]]
		case b.Type == "provider" || b.Type == "terraform":
			for _, other := range m.decls {
				if other.kind == b.Type && (b.Type == "terraform" || len(b.Labels) == 1 && other.name == b.Labels[0]) {
					d = other
					break
				}
			}
		}
		if d == nil {
			m.u.warn(b.TypeRange.Filename, b.TypeRange.Start.Line, blockName(b), "the override file names %s, which is declared nowhere else", blockName(b))
			continue
		}
		merged := *d.body
		merged.Attributes = hclsyntax.Attributes{}
		for name, a := range d.body.Attributes {
			merged.Attributes[name] = a
		}
		for name, a := range b.Body.Attributes {
			merged.Attributes[name] = a
		}
		replaced := map[string]bool{}
		for _, n := range b.Body.Blocks {
			replaced[blockKey(n)] = true
		}
		merged.Blocks = slices.DeleteFunc(slices.Clone(d.body.Blocks), func(n *hclsyntax.Block) bool { return replaced[blockKey(n)] })
		merged.Blocks = append(merged.Blocks, b.Body.Blocks...)
		d.body = &merged
	}
}

// blockKey is the type of a nested block, a dynamic block's being what it makes.
func blockKey(b *hclsyntax.Block) string {
	if b.Type == "dynamic" && len(b.Labels) == 1 {
		return b.Labels[0]
	}
	return b.Type
}

// localModule gives the folder that a module source names, if it is a path
// within the tree.
func (u *unit) localModule(from, src string) (string, bool) {
	if !strings.HasPrefix(src, "./") && !strings.HasPrefix(src, "../") && src != "." && src != ".." {
		return "", false
	}
	dir := path.Join(from, src)
	return dir, u.withoutLinks(dir)
}
