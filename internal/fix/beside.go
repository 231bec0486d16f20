package fix

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// proposeBeside puts the block that a finding shows behind its resource, in the
// same file: a document of its own in manifests, a block in Terraform, an entry
// of Resources in CloudFormation. What the block says of the resource itself goes
// into it, in the last two.
func proposeBeside(f engine.Finding, files Files) ([]source.Edit, error) {
	if f.Write == "" {
		return nil, errors.New("there is nothing to write beside the resource")
	}
	// What the block says of the resource has to be what its source says.
	shown := f.Resource
	if shown.Source != (resource.Identity{}) && shown.Source.ID != shown.ID {
		return nil, fmt.Errorf("the resource is %s where it is used and %s where it is written", shown.ID, shown.Source.ID)
	}
	res := shown.AsWritten()
	file := files(res.Range.File)
	if file == nil {
		return nil, fmt.Errorf("%s cannot be read", res.Range.File)
	}
	switch {
	case strings.Contains("/"+res.Range.File, "/.terraform/"):
		return nil, fmt.Errorf("%s was installed; the next terraform init writes it anew", res.Range.File)
	case f.Language == rule.LanguageHCL && res.Format == resource.Terraform && isHCL(file.Path):
		return besideHCL(file, res, f.Write)
	case f.Language == rule.LanguageHCL && res.Format == resource.Terraform && isJSON(file.Path):
		return besideTFJSON(file, res, f.Write)
	case f.Language == rule.LanguageYAML && res.Format == resource.CloudFormation:
		return besideCloudFormation(file, res, f.Write)
	case f.Language == rule.LanguageYAML && res.Platform == resource.Kubernetes && isYAML(file.Path):
		if res.Format == resource.Helm || strings.HasPrefix(res.Source.Unit, resource.Helm+":") {
			return nil, errors.New("the resource is made by a template")
		}
		return besideYAML(file, res, f.Write)
	}
	return nil, fmt.Errorf("nothing can be written beside a resource in %s", file.Path)
}

// insertion is one that adds whole lines in front of the line that starts at an
// offset, or at the end of the file.
func insertion(f *source.File, at int, lines string) []source.Edit {
	text := strings.TrimRight(lines, "\n") + "\n"
	if at == len(f.Data) && at > 0 && f.Data[at-1] != '\n' {
		text = "\n" + strings.TrimSuffix(text, "\n")
	}
	if eol := f.EOL(); eol != "\n" {
		text = strings.ReplaceAll(text, "\n", eol)
	}
	return []source.Edit{{Range: f.Range(at, at), New: text}}
}

func besideHCL(f *source.File, res *resource.Resource, block string) ([]source.Edit, error) {
	whole := errors.New("the block is not whole")
	written, ds := hclsyntax.ParseConfig([]byte(block), "block.tf", hcl.InitialPos)
	if ds.HasErrors() {
		return nil, whole
	}
	says, ok := written.Body.(*hclsyntax.Body)
	if !ok {
		return nil, whole
	}
	parsed, ds := hclsyntax.ParseConfig(f.Data, f.Path, hcl.InitialPos)
	if ds.HasErrors() {
		return nil, errBroken
	}
	body, ok := parsed.Body.(*hclsyntax.Body)
	if !ok {
		return nil, errBroken
	}
	i := slices.IndexFunc(body.Blocks, func(b *hclsyntax.Block) bool {
		return b.TypeRange.Start.Byte <= res.Range.Start.Byte && res.Range.Start.Byte < b.CloseBraceRange.End.Byte
	})
	if i < 0 {
		return nil, errors.New("the place of the block is not known")
	}
	line := f.Pos(body.Blocks[i].CloseBraceRange.Start.Byte).Line
	if i+1 < len(body.Blocks) && f.Pos(body.Blocks[i+1].TypeRange.Start.Byte).Line == line {
		return nil, errors.New("another block stands on the line")
	}
	if own := slices.IndexFunc(says.Blocks, func(b *hclsyntax.Block) bool { return ofSame(b, body.Blocks[i]) }); own >= 0 {
		if count := switched(f, body.Blocks[i]); count != "" {
			block, says = alsoSwitched(block, says, own, count)
		}
	}
	edits, rest, err := intoResource(f, body.Blocks[i], block, says)
	if err != nil || rest == "" {
		return edits, err
	}
	if rest, err = sameProvider(f, body.Blocks[i], rest); err != nil {
		return nil, err
	}
	return append(edits, insertion(f, f.LineEnd(line), "\n"+rest)...), nil
}

// ofSame reports whether two blocks are of one resource.
func ofSame(a, b *hclsyntax.Block) bool {
	return a.Type == b.Type && slices.Equal(a.Labels, b.Labels)
}

// switched gives the count of a resource that is there or not: var.on ? 1 : 0.
func switched(f *source.File, target *hclsyntax.Block) string {
	count := target.Body.Attributes["count"]
	if count == nil {
		return ""
	}
	c, ok := count.Expr.(*hclsyntax.ConditionalExpr)
	if !ok {
		return ""
	}
	var says []string
	for _, e := range []hclsyntax.Expression{c.TrueResult, c.FalseResult, c} {
		says = append(says, string(f.Data[e.Range().Start.Byte:e.Range().End.Byte]))
	}
	if says[0] == "1" && says[1] == "0" || says[0] == "0" && says[1] == "1" {
		return says[2]
	}
	return ""
}

// alsoSwitched makes what a block adds for a resource by the same count, since the
// resource alone needs it.
func alsoSwitched(block string, says *hclsyntax.Body, own int, count string) (string, *hclsyntax.Body) {
	out := block
	var names []string
	for i, b := range slices.Backward(says.Blocks) {
		if i == own || len(b.Labels) != 2 || b.Body.Attributes["count"] != nil || b.Body.Attributes["for_each"] != nil {
			continue
		}
		name := strings.Join(b.Labels, ".")
		if b.Type == "data" {
			name = "data." + name
		}
		names = append(names, name)
		at := b.OpenBraceRange.End.Byte
		lines := "\n  count = " + count + "\n"
		out = out[:at] + lines + out[at:]
	}
	for _, name := range names {
		out = regexp.MustCompile(`(^|[^\w.-])`+regexp.QuoteMeta(name)+`\.`).ReplaceAllString(out, "${1}"+strings.ReplaceAll(name, "$", "$$")+"[0].")
	}
	written, ds := hclsyntax.ParseConfig([]byte(out), "block.tf", hcl.InitialPos)
	if body, ok := written.Body.(*hclsyntax.Body); ok && !ds.HasErrors() {
		return out, body
	}
	return block, says
}

// sameProvider makes the resources of a block where target is made: by the same
// configuration of its provider, and in the project of Google Cloud.
func sameProvider(f *source.File, target *hclsyntax.Block, block string) (string, error) {
	written, ds := hclsyntax.ParseConfig([]byte(block), "block.tf", hcl.InitialPos)
	if ds.HasErrors() || len(target.Labels) == 0 {
		return block, nil
	}
	body, ok := written.Body.(*hclsyntax.Body)
	if !ok {
		return block, nil
	}
	for _, b := range slices.Backward(body.Blocks) {
		if len(b.Labels) == 0 || family(b.Labels[0]) != family(target.Labels[0]) {
			continue
		}
		var names, values []string
		width := 0
		for _, name := range placed(target.Labels[0]) {
			there, as := target.Body.Attributes[name], placedAs(b.Labels[0], name)
			switch {
			case there == nil || as == "" || b.Body.Attributes[as] != nil:
				continue
			case name == "region" && family(b.Labels[0]) == "aws":
				return "", errRegion
			}
			for _, v := range there.Expr.Variables() {
				if root := v.RootName(); root == "each" || root == "count" {
					return "", fmt.Errorf("the %s of the resource is another for each of it", name)
				}
			}
			r := there.Expr.Range()
			names, values, width = append(names, as), append(values, f.Text(f.Range(r.Start.Byte, r.End.Byte))), max(width, len(as))
		}
		if len(names) == 0 {
			continue
		}
		lines := ""
		for i, name := range names {
			lines += fmt.Sprintf("  %-*s = %s\n", width, name, values[i])
		}
		at := b.OpenBraceRange.End.Byte + 1
		if block[at-1] != '\n' {
			at--
			lines = "\n" + lines // of an empty block
		} else if len(b.Body.Attributes)+len(b.Body.Blocks) > 0 {
			lines += "\n"
		}
		block = block[:at] + lines + block[at:]
	}
	return block, nil
}

// family is the provider of a type of resources of Terraform.
func family(label string) string {
	name, _, _ := strings.Cut(label, "_")
	return name
}

// placed are the arguments that say where a resource is made.
func placed(label string) []string {
	switch family(label) {
	case "aws":
		return []string{"provider", "region"}
	case "google":
		return []string{"provider", "project", "region"}
	}
	return []string{"provider"}
}

// regional is how the types of Google Cloud begin that are made in a region.
const regional = "google_compute_region_"

// placedAs is what an argument of placed is for a type of resource, "" where it has
// none.
func placedAs(label, name string) string {
	switch {
	case label == "google_project" && name == "project":
		return "project_id"
	case name == "region" && family(label) == "google" && !strings.HasPrefix(label, regional):
		return ""
	}
	return name
}

// errRegion is for resources of AWS that name their region: those of another
// service may have none.
var errRegion = errors.New("the resource names its region")

// addsNothing reports whether a block speaks of the resource alone.
func addsNothing(f engine.Finding) bool {
	switch f.Language {
	case rule.LanguageHCL:
		written, ds := hclsyntax.ParseConfig([]byte(f.Write), "block.tf", hcl.InitialPos)
		if ds.HasErrors() {
			return false
		}
		body, ok := written.Body.(*hclsyntax.Body)
		return ok && len(body.Blocks) == 1 && slices.Equal(body.Blocks[0].Labels, []string{f.Resource.Kind, f.Resource.Name})
	case rule.LanguageYAML:
		var doc yaml.Node
		if f.Resource.Format != resource.CloudFormation || yaml.Unmarshal([]byte(f.Write), &doc) != nil || len(doc.Content) != 1 {
			return false
		}
		entries := doc.Content[0].Content
		return len(entries) == 2 && entries[0].Value == f.Resource.Name
	}
	return false
}

// besideYAML adds a document behind the one that is the resource.
func besideYAML(f *source.File, res *resource.Resource, block string) ([]source.Edit, error) {
	start := res.Range.Start.Byte
	if f.LineStart(res.Range.Start.Line) != start && !bytes.HasPrefix(f.Data, []byte("\ufeff")) {
		return nil, errors.New("the resource is one of a list")
	}
	end := documentEnd(f.Data, res.Range.End.Byte)
	doc := f.Data[documentStart(f.Data, start):end]
	if n, err := documents(doc); err != nil || n != 1 {
		return nil, errors.New("the document cannot be read by itself")
	}
	if bytes.Contains(doc, []byte("\n...")) {
		return nil, errors.New("the document ends with a marker")
	}
	if end == len(f.Data) && (&yamlWriter{f: f}).grows(f.Lines(), res.Root) {
		return nil, errGrows
	}
	return insertion(f, end, "---\n"+block), nil
}

// besideCloudFormation adds the entries of a block to Resources, and puts what the
// block says of the resource itself into it.
func besideCloudFormation(f *source.File, res *resource.Resource, block string) ([]source.Edit, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(block), &doc); err != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the block is not whole")
	}
	start := res.Range.Start.Byte
	if !bytes.HasPrefix(bytes.TrimLeft(f.Data[start:], `"'`), []byte(res.Name)) {
		return nil, errors.New("the resource is made by a loop")
	}
	blockStyle := !isJSON(f.Path) && f.Data[start] != '"'
	own, rest := cutEntry(block, doc.Content[0], res.Name)
	var edits []source.Edit
	if own != nil {
		v, err := fromYAML(own, 0)
		if err != nil {
			return nil, err
		}
		w := &yamlWriter{f: f, eol: f.EOL(), json: !blockStyle}
		if w.learn(res.Root); w.json {
			v = v.long()
		}
		p, err := takingIn(res.Root, v)
		if err != nil {
			return nil, err
		}
		if _, err := w.apply(slot{n: res.Root}, p); err != nil {
			return nil, err
		}
		edits = w.edits
	}
	entries := doc.Content[0]
	if len(entries.Content) == 0 {
		return edits, nil
	}
	condition := res.Root.Get("Condition").Str()
	if blockStyle {
		indent := f.Data[f.LineStart(res.Range.Start.Line):start]
		if len(indent) == 0 || len(bytes.Trim(indent, " ")) > 0 {
			return nil, errors.New("the resources are not written one below the other")
		}
		if (&yamlWriter{f: f}).grows(res.Range.LastLine(), res.Root) {
			return nil, errGrows
		}
		var b strings.Builder
		for line := range strings.Lines(rest) {
			if strings.TrimSpace(line) != "" {
				b.WriteString(string(indent))
			}
			b.WriteString(line)
			// Without its condition the resource is not there to be referred to.
			if condition != "" && strings.HasPrefix(line, "  Type: ") {
				b.WriteString(string(indent) + "  Condition: " + condition + "\n")
			}
		}
		return together(edits, insertion(f, f.LineEnd(res.Range.LastLine()), b.String())), nil
	}
	j := &jsonText{f: f}
	root, err := j.value(0)
	if err != nil {
		return nil, err
	}
	all := root.Get("Resources")
	if all == nil || all.Kind != resource.Map || len(all.Fields) == 0 {
		return nil, errJSON
	}
	v, err := fromYAML(entries, 0)
	if err != nil {
		return nil, err
	}
	v = v.long()
	for i, e := range v.fields {
		at := slices.IndexFunc(e.val.fields, func(e entry) bool { return e.name == "Type" })
		if condition != "" && at >= 0 {
			v.fields[i].val.fields = slices.Insert(e.val.fields, at+1, entry{"Condition", value{kind: resource.String, scalar: condition}})
		}
	}
	w := &yamlWriter{f: f, eol: f.EOL(), json: true}
	w.learn(root)
	if err := w.insertFlow(all, all.Fields, v.fields); err != nil {
		return nil, err
	}
	return append(edits, w.edits...), nil
}

// together puts edits behind others that add at the same place.
func together(edits, more []source.Edit) []source.Edit {
	for _, e := range more {
		i := slices.IndexFunc(edits, func(x source.Edit) bool {
			return x.Range.Len() == 0 && e.Range.Len() == 0 && x.Range.Start.Byte == e.Range.Start.Byte
		})
		if i < 0 {
			edits = append(edits, e)
			continue
		}
		edits[i].New += e.New
	}
	return edits
}

// cutEntry takes the entry of a name out of a map and its text, with the comment
// above it. It gives the entry, nil where there is none, and the text that is left.
func cutEntry(text string, m *yaml.Node, name string) (*yaml.Node, string) {
	for i := 0; i+1 < len(m.Content); i += 2 {
		key := m.Content[i]
		if key.Value != name {
			continue
		}
		lines := slices.Collect(strings.Lines(text))
		above := func(key *yaml.Node) int {
			if key.HeadComment == "" {
				return key.Line - 1
			}
			return key.Line - 2 - strings.Count(key.HeadComment, "\n")
		}
		first, end := above(key), len(lines)
		if i+2 < len(m.Content) {
			end = above(m.Content[i+2])
		}
		own := m.Content[i+1]
		m.Content = slices.Delete(m.Content, i, i+2)
		return own, strings.Join(slices.Delete(lines, max(first, 0), end), "")
	}
	return nil, text
}

// takingIn says how a map comes to say what v says: what it lacks is added, literals
// are replaced.
func takingIn(n *resource.Node, v value) (*patch, error) {
	p := &patch{}
	for _, e := range v.fields {
		child := n.Get(e.name)
		switch {
		case child == nil:
			p.child(resource.Step{Name: e.name}).set = &e.val
		case says(child, e.val):
		case child.Kind == resource.Map && e.val.kind == resource.Map && e.val.tag == "":
			inner, err := takingIn(child, e.val)
			if err != nil {
				return nil, err
			}
			if !inner.trivial() {
				p.kids = append(p.kids, kid{resource.Step{Name: e.name}, inner})
			}
		case child.Kind == resource.List || child.Kind == resource.Map || e.val.composite():
			return nil, fmt.Errorf("the resource has %s already", e.name)
		default:
			p.child(resource.Step{Name: e.name}).set = &e.val
		}
	}
	return p, nil
}

// intoResource puts what a block says of the resource itself into it, and gives the
// edits and what is left of the block. Settings that the resource has are
// replaced where they are literals or name a resource; nested blocks are added
// where it has none of their kind, and go into the one that there is where they say
// so (besideWhatIsThere).
func intoResource(f *source.File, target *hclsyntax.Block, block string, parsed *hclsyntax.Body) ([]source.Edit, string, error) {
	i := slices.IndexFunc(parsed.Blocks, func(b *hclsyntax.Block) bool { return ofSame(b, target) })
	if i < 0 {
		return nil, block, nil
	}
	own := parsed.Blocks[i]
	written := source.NewFile("block.tf", []byte(block))
	edits, err := intoBody(f, target, written, own)
	if err != nil {
		return nil, "", err
	}
	start, end := written.LineStart(own.TypeRange.Start.Line), written.LineEnd(own.CloseBraceRange.End.Line)
	return edits, strings.Trim(block[:start]+strings.TrimLeft(block[end:], "\n"), "\n"), nil
}

// besideWhatIsThere marks a nested block of a block as one that goes into the one
// of its kind.
const besideWhatIsThere = "# beside what is there"

// alsoDependsOn adds to a list of what is made before a resource.
func alsoDependsOn(f *source.File, old *hclsyntax.Attribute, written *source.File, own *hclsyntax.Attribute) ([]source.Edit, error) {
	there, ok := old.Expr.(*hclsyntax.TupleConsExpr)
	more, also := own.Expr.(*hclsyntax.TupleConsExpr)
	if !ok || !also {
		return nil, fmt.Errorf("%s is not a list", old.Name)
	}
	textOf := func(f *source.File, e hclsyntax.Expression) string {
		return string(f.Data[e.Range().Start.Byte:e.Range().End.Byte])
	}
	w := &hclWriter{f: f, eol: f.EOL()}
	var parts []span
	had := map[string]bool{}
	for _, e := range there.Exprs {
		had[textOf(f, e)] = true
		parts = append(parts, span{start: e.Range().Start.Byte, end: e.Range().End.Byte})
	}
	var add []string
	for _, e := range more.Exprs {
		if text := textOf(written, e); !had[text] {
			add = append(add, text)
		}
	}
	if len(add) == 0 {
		return nil, nil
	}
	err := w.parts(there.SrcRange, parts, add, w.innerIndent(there.SrcRange, parts), ", ")
	return w.edits, err
}

// intoBody is intoResource for one block, that of a resource or one within it.
func intoBody(f *source.File, target *hclsyntax.Block, written *source.File, own *hclsyntax.Block) ([]source.Edit, error) {
	block := string(written.Data)
	brace := target.CloseBraceRange.Start
	indent := f.Line(brace.Line)[:brace.Byte-f.LineStart(brace.Line)]
	within := strings.TrimRight(written.Line(own.CloseBraceRange.Start.Line), "}")
	if strings.TrimSpace(indent) != "" {
		return nil, errors.New("the resource is written on one line")
	}
	var edits []source.Edit
	var names, values []string
	width := 0
	attrs := make([]*hclsyntax.Attribute, 0, len(own.Body.Attributes))
	for _, a := range own.Body.Attributes {
		attrs = append(attrs, a)
	}
	slices.SortFunc(attrs, func(a, b *hclsyntax.Attribute) int { return a.SrcRange.Start.Byte - b.SrcRange.Start.Byte })
	for _, a := range attrs {
		value := string(a.Expr.Range().SliceBytes([]byte(block)))
		if old := target.Body.Attributes[a.Name]; old != nil {
			if a.Name == "depends_on" {
				more, err := alsoDependsOn(f, old, written, a)
				if err != nil {
					return nil, err
				}
				edits = append(edits, more...)
				continue
			}
			if err := literal(a.Name, old.Expr); err != nil && !refersToResource(old.Expr) {
				return nil, err
			}
			r := old.Expr.Range()
			if string(r.SliceBytes(f.Data)) != value {
				edits = append(edits, source.Edit{Range: f.Range(r.Start.Byte, r.End.Byte), New: value})
			}
			continue
		}
		if line := written.Line(a.SrcRange.End.Line); a.SrcRange.End.Byte < written.LineStart(a.SrcRange.End.Line)+len(line) {
			value += line[a.SrcRange.End.Byte-written.LineStart(a.SrcRange.End.Line):] // a comment
		}
		names, values, width = append(names, a.Name), append(values, value), max(width, len(a.Name))
	}
	var b strings.Builder
	for i, name := range names {
		fmt.Fprintf(&b, "%s  %-*s = %s\n", indent, width, name, values[i])
	}
	for _, inner := range own.Body.Blocks {
		there := blocksOf(target.Body, inner.Type)
		if len(there) == 1 && strings.Contains(written.Line(inner.OpenBraceRange.Start.Line+1), besideWhatIsThere) {
			more, err := intoBody(f, there[0], written, inner)
			if err != nil {
				return nil, err
			}
			edits = append(edits, more...)
			continue
		}
		if len(there) > 0 || target.Body.Attributes[inner.Type] != nil || hasDynamic(target.Body, inner.Type) {
			return nil, fmt.Errorf("the resource has %s already", inner.Type)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		for line := inner.TypeRange.Start.Line; line <= inner.CloseBraceRange.End.Line; line++ {
			b.WriteString(indent + strings.TrimPrefix(written.Line(line), within) + "\n")
		}
	}
	if b.Len() > 0 {
		lines := b.String()
		if len(target.Body.Attributes)+len(target.Body.Blocks) > 0 && strings.TrimSpace(f.Line(brace.Line-1)) != "" {
			lines = "\n" + lines
		}
		if eol := f.EOL(); eol != "\n" {
			lines = strings.ReplaceAll(lines, "\n", eol)
		}
		at := f.LineStart(brace.Line)
		edits = append(edits, source.Edit{Range: f.Range(at, at), New: lines})
	}
	return edits, nil
}
