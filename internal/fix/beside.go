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
// of Resources in CloudFormation.
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
	if _, ds := hclsyntax.ParseConfig([]byte(block), "block.tf", hcl.InitialPos); ds.HasErrors() {
		return nil, errors.New("the block is not whole")
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
	return insertion(f, f.LineEnd(line), "\n"+block), nil
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
