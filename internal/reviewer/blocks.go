package reviewer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"gopkg.in/yaml.v3"
	"mvdan.cc/sh/v3/syntax"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// blocks checks the blocks that the rule's findings in the example show: each
// reads in its language, and one that is whole, an object or a resource of its
// own, makes its finding go away once it stands beside the example, or in the
// place of what has its name. shown takes in the checks whose block was there.
func (x example) blocks(ctx context.Context, text string, shown map[int]bool) error {
	x.text = text
	found, err := x.own(ctx)
	if err != nil {
		return err
	}
	before := map[string]bool{}
	for _, f := range found {
		before[f.Fingerprint] = true
	}
	for _, f := range found {
		if f.Write == "" {
			continue
		}
		shown[f.Check] = true
		if err := x.block(ctx, f, before); err != nil {
			return fmt.Errorf("the block for %s: %w:\n%s", f.Message, err, f.Write)
		}
	}
	return nil
}

// unfilled matches what a template leaves behind; ${{ is of a workflow, and what
// CloudFormation looks up when it makes the stack is taken out before.
var unfilled = regexp.MustCompile(`(^|[^$])\{\{|\(not set\)|\(not known yet\)`)

// block tries a whole block in the place of what has its name, then with what
// else stands there kept, since a block may show a part of a resource.
func (x example) block(ctx context.Context, f engine.Finding, before map[string]bool) error {
	if unfilled.MatchString(strings.ReplaceAll(f.Write, "{{resolve:", "")) {
		return errors.New("something in it is not filled in")
	}
	first := x.blockWith(ctx, f, before, false)
	if first == nil || x.blockWith(ctx, f, before, true) == nil {
		return nil
	}
	return first
}

func (x example) blockWith(ctx context.Context, f engine.Finding, before map[string]bool, keep bool) error {
	with, whole, err := x.beside(ctx, f, keep)
	if err != nil || !whole {
		return err
	}
	if strings.HasSuffix(x.file, ".json") {
		x.file = strings.TrimSuffix(x.file, ".json") + ".yaml"
	}
	x.text = with
	after, err := x.own(ctx)
	if err != nil {
		return fmt.Errorf("with it the example does not read: %w", err)
	}
	for _, a := range after {
		if a.Fingerprint == f.Fingerprint {
			return errors.New("the finding is still there with it")
		}
		if !before[a.Fingerprint] {
			return fmt.Errorf("with it there is a finding at %s, %s", a.Range, a.Message)
		}
	}
	return nil
}

// instead matches the resource of Terraform that a block says it stands in the
// place of.
var instead = regexp.MustCompile(`(?m)^# in the place of ([A-Za-z0-9_]+)\.([A-Za-z0-9_-]+)`)

// beside reads a block in its language and gives the example with it; whole
// says whether that can be done.
func (x example) beside(ctx context.Context, f engine.Finding, keep bool) (text string, whole bool, err error) {
	switch f.Language {
	case rule.LanguageHCL:
		return x.besideHCL(f.Write, keep)
	case rule.LanguageBash:
		_, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(f.Write), "")
		return "", false, err
	case rule.LanguageDockerfile:
		x.text = f.Write
		whole = regexp.MustCompile(`(?im)^from\s`).MatchString(f.Write)
		if !whole {
			x.text = "FROM scratch\n" + f.Write
		}
		_, err := x.Evaluate(ctx, "", nil)
		return f.Write, whole, err
	}
	docs, err := documents(f.Write)
	if err != nil || len(docs) == 0 {
		return "", false, err
	}
	depth := 2
	if keep {
		depth = 4 // a resource of CloudFormation keeps its other properties
	}
	switch {
	case x.format == resource.Kubernetes && !slices.ContainsFunc(docs, func(d *yaml.Node) bool { return identity(d) == "" }):
		return x.documentsWith(docs, f)
	case x.format == resource.CloudFormation && len(docs) == 1 && typed(docs[0]):
		return x.merged(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "Resources"}, docs[0]}}, depth, f.Write)
	case x.format == resource.CloudFormation && len(docs) == 1 && onlyKeys(docs[0], "Resources", "Parameters", "Conditions", "Outputs"):
		return x.merged(docs[0], 10, f.Write)
	case x.format == resource.Compose && len(docs) == 1 && onlyKeys(docs[0], "services", "networks", "volumes", "secrets", "configs"):
		return x.merged(docs[0], 10, f.Write)
	case x.format == resource.Actions && len(docs) == 1 && onlyKeys(docs[0], "on", "permissions", "jobs", "env", "concurrency", "defaults"):
		return x.merged(docs[0], 10, f.Write)
	}
	return "", false, nil
}

// besideHCL adds resources, in the place of those with the same name. With keep
// set, what these have and the block does not say stays.
func (x example) besideHCL(block string, keep bool) (string, bool, error) {
	body, err := bodyHCL(block)
	if err != nil {
		return "", false, err
	}
	at := map[string]*hclsyntax.Block{}
	whole := len(body.Attributes) == 0 && x.format == resource.Terraform && path.Ext(x.file) == ".tf"
	for _, b := range body.Blocks {
		whole = whole && b.Type != "dynamic" && len(b.Labels) == 2
		at[b.Type+" "+strings.Join(b.Labels, " ")] = b
	}
	if !whole || len(at) == 0 {
		return "", false, nil
	}
	if m := instead.FindStringSubmatch(block); m != nil && at["resource "+m[1]+" "+m[2]] == nil {
		at["resource "+m[1]+" "+m[2]] = nil
	}
	own, err := bodyHCL(x.text)
	if err != nil {
		return "", false, err
	}
	text, kept := []byte(x.text), map[*hclsyntax.Block]string{}
	for _, b := range slices.Backward(own.Blocks) {
		with, named := at[b.Type+" "+strings.Join(b.Labels, " ")]
		if !named {
			continue
		}
		if keep && with != nil {
			kept[with] = others(x.text, b.Body, with.Body)
		}
		text = slices.Delete(text, b.Range().Start.Byte, b.CloseBraceRange.End.Byte)
	}
	added := []byte(block)
	for _, b := range slices.Backward(body.Blocks) {
		added = slices.Insert(added, b.CloseBraceRange.Start.Byte, []byte(kept[b])...)
	}
	return string(text) + "\n" + string(added) + "\n", true, nil
}

// others gives the text of what a body has and another does not.
func others(text string, body, than *hclsyntax.Body) string {
	var b strings.Builder
	b.WriteString("\n")
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		if than.Attributes[name] == nil {
			r := body.Attributes[name].SrcRange
			b.WriteString(text[r.Start.Byte:r.End.Byte] + "\n")
		}
	}
	for _, n := range body.Blocks {
		if !slices.ContainsFunc(than.Blocks, func(t *hclsyntax.Block) bool { return t.Type == n.Type }) {
			b.WriteString(text[n.Range().Start.Byte:n.CloseBraceRange.End.Byte] + "\n")
		}
	}
	return b.String()
}

func bodyHCL(text string) (*hclsyntax.Body, error) {
	file, ds := hclsyntax.ParseConfig([]byte(text), "block.tf", hcl.InitialPos)
	if ds.HasErrors() {
		return nil, ds
	}
	return file.Body.(*hclsyntax.Body), nil
}

// documents reads the documents of a YAML text.
func documents(text string) ([]*yaml.Node, error) {
	var out []*yaml.Node
	for dec := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var plain any // finds what the nodes alone do not: a key that comes twice
		if err := doc.Decode(&plain); err != nil {
			return nil, err
		}
		if len(doc.Content) == 1 {
			out = append(out, doc.Content[0])
		}
	}
}

// member gives the value of a key of a map, nil where it is missing.
func member(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// identity names the object of a document; "" for what is none.
func identity(n *yaml.Node) string {
	text := func(n *yaml.Node) string {
		if n == nil {
			return ""
		}
		return n.Value
	}
	api, kind, meta := text(member(n, "apiVersion")), text(member(n, "kind")), member(n, "metadata")
	if api == "" || kind == "" {
		return ""
	}
	return kind + " " + text(member(meta, "namespace")) + " " + text(member(meta, "name"))
}

// inPlaceOf is what a block of another kind says that it replaces.
var inPlaceOf = regexp.MustCompile(`(?m)^# in the place of (\S+) ([^\s:;,]+)`)

// documentsWith adds objects to the example, in the place of those with the
// same kind and name, and of the one that a comment of the block names.
func (x example) documentsWith(docs []*yaml.Node, f engine.Finding) (string, bool, error) {
	own, err := documents(x.text)
	if err != nil {
		return "", false, err
	}
	replaced := map[string]bool{}
	for _, d := range docs {
		replaced[identity(d)] = true
	}
	for _, m := range inPlaceOf.FindAllStringSubmatch(f.Write, -1) {
		replaced[m[1]+" "+f.Resource.Namespace+" "+m[2]] = true
		replaced[m[1]+"  "+m[2]] = true // one of the whole cluster
	}
	own = slices.DeleteFunc(own, func(o *yaml.Node) bool { return replaced[identity(o)] })
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	for _, d := range append(own, docs...) {
		if err := enc.Encode(d); err != nil {
			return "", false, err
		}
	}
	return b.String(), true, enc.Close()
}

// typed reports whether a map is one of resources of CloudFormation.
func typed(n *yaml.Node) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 1; i < len(n.Content); i += 2 {
		if member(n.Content[i], "Type") == nil {
			return false
		}
	}
	return len(n.Content) > 0
}

func onlyKeys(n *yaml.Node, keys ...string) bool {
	if n.Kind != yaml.MappingNode {
		return false
	}
	for i := 0; i < len(n.Content); i += 2 {
		if !slices.Contains(keys, n.Content[i].Value) {
			return false
		}
	}
	return len(n.Content) > 0
}

// insteadOf matches the logical id of CloudFormation that a block says it stands
// in the place of.
var insteadOf = regexp.MustCompile(`(?m)^# in the place of ([A-Za-z0-9]+)$`)

// merged puts the maps of a block into those of the example, to a depth; what
// is deeper, and anything else, stands in the place of what has its key.
func (x example) merged(with *yaml.Node, depth int, block string) (string, bool, error) {
	own, err := documents(x.text)
	if err != nil || len(own) != 1 {
		return "", false, err
	}
	if all := member(own[0], "Resources"); all != nil {
		for _, m := range insteadOf.FindAllStringSubmatch(block, -1) {
			for i := len(all.Content) - 2; i >= 0; i -= 2 {
				if all.Content[i].Value == m[1] {
					all.Content = slices.Delete(all.Content, i, i+2)
				}
			}
		}
	}
	spread(own[0])
	merge(own[0], with, depth)
	b, err := yaml.Marshal(own[0])
	return string(b), true, err
}

// spread takes the braces and the quoted keys of JSON away, among which no
// tags can stand.
func spread(n *yaml.Node) {
	if n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode {
		n.Style &^= yaml.FlowStyle
	}
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 {
			c.Style = 0
		}
		spread(c)
	}
}

func merge(into, with *yaml.Node, depth int) {
	for i := 0; i+1 < len(with.Content); i += 2 {
		key, value := with.Content[i], with.Content[i+1]
		at := member(into, key.Value)
		switch {
		case at == nil:
			into.Content = append(into.Content, key, value)
		case depth > 1 && at.Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			merge(at, value, depth-1)
		default:
			*at = *value
		}
	}
}
