package fix

import (
	"bytes"
	"errors"
	"fmt"
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
// into it, in Terraform.
func proposeBeside(f engine.Finding, files Files) ([]source.Edit, error) {
	if f.Write == "" {
		return nil, errors.New("there is nothing to write beside the resource")
	}
	// What the block says of the resource has to be what its source says.
	shown := f.Resource
	if shown.Source != (resource.Identity{}) && shown.Source.ID != shown.ID {
		return nil, fmt.Errorf("the resource is %s where it is used and %s where it is written", shown.ID, shown.Source.ID)
	}
	res := shown
	for res.Written != nil {
		res = res.Written.Resource
	}
	file := files(res.Range.File)
	if file == nil {
		return nil, fmt.Errorf("%s cannot be read", res.Range.File)
	}
	switch {
	case strings.Contains("/"+res.Range.File, "/.terraform/"):
		return nil, fmt.Errorf("%s was installed; the next terraform init writes it anew", res.Range.File)
	case f.Language == rule.LanguageHCL && res.Format == resource.Terraform && isHCL(file.Path):
		return besideHCL(file, res, f.Write)
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
	edits, rest, err := intoResource(f, body.Blocks[i], block, says)
	if err != nil || rest == "" {
		return edits, err
	}
	return append(edits, insertion(f, f.LineEnd(line), "\n"+rest)...), nil
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
	return insertion(f, end, "---\n"+block), nil
}

func besideCloudFormation(f *source.File, res *resource.Resource, block string) ([]source.Edit, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(block), &doc); err != nil || len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, errors.New("the block is not whole")
	}
	start := res.Range.Start.Byte
	if !isJSON(f.Path) && f.Data[start] != '"' {
		indent := f.Data[f.LineStart(res.Range.Start.Line):start]
		if len(indent) == 0 || len(bytes.Trim(indent, " ")) > 0 {
			return nil, errors.New("the resources are not written one below the other")
		}
		var b strings.Builder
		for line := range strings.Lines(block) {
			if strings.TrimSpace(line) != "" {
				b.WriteString(string(indent))
			}
			b.WriteString(line)
		}
		return insertion(f, f.LineEnd(res.Range.LastLine()), b.String()), nil
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
	v, err := fromYAML(withoutTags(doc.Content[0]), 0)
	if err != nil {
		return nil, err
	}
	w := &yamlWriter{f: f, eol: f.EOL(), json: true}
	w.learn(root)
	if err := w.insertFlow(all, all.Fields, v.fields); err != nil {
		return nil, err
	}
	return w.edits, nil
}

// withoutTags writes CloudFormation's short functions as the maps that JSON has
// for them. The node is changed.
func withoutTags(n *yaml.Node) *yaml.Node {
	for i, c := range n.Content {
		n.Content[i] = withoutTags(c)
	}
	if !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return n
	}
	name := strings.TrimPrefix(n.Tag, "!")
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	inner := *n
	switch inner.Tag = ""; {
	case inner.Kind == yaml.ScalarNode && name == "Fn::GetAtt":
		list := &yaml.Node{Kind: yaml.SequenceNode}
		for part := range strings.SplitSeq(n.Value, ".") {
			list.Content = append(list.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part})
		}
		inner = *list
	case inner.Kind == yaml.ScalarNode:
		inner.Tag = "!!str"
	}
	return &yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Tag: "!!str", Value: name}, &inner}}
}

// intoResource puts what a block says of the resource itself into it, and gives the
// edits and what is left of the block. Settings that the resource has are
// replaced where they are literals or name a resource; nested blocks are added
// where it has none of their kind.
func intoResource(f *source.File, target *hclsyntax.Block, block string, parsed *hclsyntax.Body) ([]source.Edit, string, error) {
	i := slices.IndexFunc(parsed.Blocks, func(b *hclsyntax.Block) bool {
		return b.Type == target.Type && slices.Equal(b.Labels, target.Labels)
	})
	if i < 0 {
		return nil, block, nil
	}
	own := parsed.Blocks[i]
	written := source.NewFile("block.tf", []byte(block))
	brace := target.CloseBraceRange.Start
	indent := f.Line(brace.Line)[:brace.Byte-f.LineStart(brace.Line)]
	if strings.TrimSpace(indent) != "" {
		return nil, "", errors.New("the resource is written on one line")
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
			if err := literal(a.Name, old.Expr); err != nil && !refersToResource(old.Expr) {
				return nil, "", err
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
		if len(blocksOf(target.Body, inner.Type)) > 0 || target.Body.Attributes[inner.Type] != nil {
			return nil, "", fmt.Errorf("the resource has %s already", inner.Type)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		for line := inner.TypeRange.Start.Line; line <= inner.CloseBraceRange.End.Line; line++ {
			b.WriteString(indent + written.Line(line) + "\n")
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
	start, end := written.LineStart(own.TypeRange.Start.Line), written.LineEnd(own.CloseBraceRange.End.Line)
	return edits, strings.Trim(block[:start]+strings.TrimLeft(block[end:], "\n"), "\n"), nil
}
