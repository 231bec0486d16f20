package projection

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"gopkg.in/yaml.v3"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// maxBlockDepth bounds the nesting of a block that is translated.
const maxBlockDepth = 30

// block says in Terraform's words what a block of YAML shows to write for a
// resource of Terraform: whole objects become resources, a part of the object
// becomes the nested blocks and attributes that spell it. It fails for what
// the table does not name.
func (s *schema) block(r *resource.Resource, text string) (string, error) {
	w := &blockWriter{schema: s, v1: strings.HasSuffix(r.Kind, "_v1"), label: r.Name}
	if meta := r.Root.Get("metadata"); meta != nil && len(meta.Items) == 1 {
		w.name = meta.Items[0].Get("name").Str()
	}
	var out []string
	for dec := yaml.NewDecoder(strings.NewReader(text)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(doc.Content) != 1 {
			return "", fmt.Errorf("the block does not read: %w", err)
		}
		w.out.Reset()
		head(&w.out, doc.HeadComment)
		if err := w.document(s.kinds[r.Kind], doc.Content[0]); err != nil {
			return "", err
		}
		out = append(out, w.out.String())
	}
	b := hclwrite.Format([]byte(strings.Join(out, "\n")))
	return strings.TrimRight(string(b), "\n"), nil
}

// inComments names a thing otherwise in the comments that start lines.
func inComments(text, name, as string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			lines[i] = strings.ReplaceAll(line, name, as)
		}
	}
	return strings.Join(lines, "")
}

type blockWriter struct {
	schema *schema
	v1     bool // the resource is of the types that end in _v1
	// label is the resource's own, and name that of its object.
	label, name string
	out         bytes.Buffer
}

func (w *blockWriter) document(own *kind, n *yaml.Node) error {
	if version, name := field(n, "apiVersion"), field(n, "kind"); version != nil && name != nil {
		return w.object(version.Value, name.Value, n)
	}
	// A part may be one of several objects; the outermost that spells all of it is meant.
	comments := w.out.Len()
	seen := map[*object]bool{own.of: true}
	for queue := []*object{own.of}; len(queue) > 0; queue = queue[1:] {
		o := queue[0]
		w.out.Truncate(comments)
		if n.Kind == yaml.MappingNode && w.body(o, n, nil, 0) == nil {
			return nil
		}
		for _, c := range o.settings {
			if c.form == plain {
				continue
			}
			w.out.Truncate(comments)
			if n.Kind == yaml.SequenceNode && c.form == many && w.blocks(c, n, 0) == nil {
				return nil
			}
			if !seen[c.of] {
				seen[c.of] = true
				queue = append(queue, c.of)
			}
		}
	}
	return errors.New("no object has what the block says")
}

// object writes an object of the API as a resource.
func (w *blockWriter) object(version, name string, n *yaml.Node) error {
	var types []string
	for from, k := range w.schema.kinds {
		if k.apiVersion == version && k.name == name && !strings.Contains(from, "default") {
			types = append(types, from)
		}
	}
	if len(types) == 0 {
		return fmt.Errorf("no resource makes a %s of %s", name, version)
	}
	slices.Sort(types)
	typ := types[0]
	if w.v1 {
		typ = types[len(types)-1]
	}
	head(&w.out, n.HeadComment)
	head(&w.out, n.Content[0].HeadComment)
	fmt.Fprintf(&w.out, "resource %q %q {\n", typ, w.labelOf(field(field(n, "metadata"), "name")))
	if err := w.body(w.schema.kinds[typ].of, n, []string{"apiVersion", "kind"}, 0); err != nil {
		return err
	}
	w.out.WriteString("}\n")
	return nil
}

// labelOf gives the label of an object with a name: the resource's own where the
// names are one, else one that no object of another resource has.
func (w *blockWriter) labelOf(name *yaml.Node) string {
	switch {
	case name == nil || name.Value == "":
		return "main"
	case w.label != "" && name.Value == w.name:
		return w.label
	}
	label := notLabel.ReplaceAllString(name.Value, "_")
	if w.label != "" {
		return w.label + "_" + label
	}
	if c := label[0]; c >= '0' && c <= '9' {
		label = "_" + label
	}
	return label
}

var notLabel = regexp.MustCompile(`[^A-Za-z0-9_]`)

// body writes the settings of an object but for those that are left out.
func (w *blockWriter) body(o *object, n *yaml.Node, without []string, depth int) error {
	if depth > maxBlockDepth {
		return errors.New("the block is nested too deeply")
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if slices.Contains(without, key.Value) {
			continue
		}
		way := o.target(key.Value, func(string) bool { return false })
		if way == nil {
			return fmt.Errorf("nothing spells %s", key.Value)
		}
		head(&w.out, key.HeadComment)
		for _, c := range way[:len(way)-1] {
			fmt.Fprintf(&w.out, "%s {\n", c.from)
		}
		if err := w.setting(way[len(way)-1], key, value, depth); err != nil {
			return err
		}
		for range way[:len(way)-1] {
			w.out.WriteString("}\n")
		}
	}
	return nil
}

func (w *blockWriter) setting(c *setting, key, value *yaml.Node, depth int) error {
	switch {
	case c.form == many && value.Kind == yaml.SequenceNode:
		head(&w.out, remark(key, value))
		return w.blocks(c, value, depth)
	case c.form == single && value.Kind == yaml.MappingNode:
		fmt.Fprintf(&w.out, "%s {%s\n", c.from, behind(key.LineComment))
		if err := w.body(c.of, value, nil, depth+1); err != nil {
			return err
		}
		w.out.WriteString("}\n")
		return nil
	case c.form == plain && c.conv != "mode":
		s, err := expression(value, c.conv, 0)
		if err != nil {
			return err
		}
		fmt.Fprintf(&w.out, "%s = %s%s\n", c.from, s, behind(remark(key, value)))
		return nil
	}
	return fmt.Errorf("%s is written otherwise", c.from)
}

// blocks writes each item of a list as a block of its own.
func (w *blockWriter) blocks(c *setting, list *yaml.Node, depth int) error {
	for _, it := range list.Content {
		if it.Kind != yaml.MappingNode {
			return fmt.Errorf("an item of %s is no object", c.from)
		}
		head(&w.out, it.HeadComment)
		fmt.Fprintf(&w.out, "%s {\n", c.from)
		if err := w.body(c.of, it, nil, depth+1); err != nil {
			return err
		}
		w.out.WriteString("}\n")
	}
	return nil
}

// expression writes a value as Terraform takes it.
func expression(n *yaml.Node, conv string, depth int) (string, error) {
	if depth > maxBlockDepth {
		return "", errors.New("the block is nested too deeply")
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if tag := n.ShortTag(); conv != "str" && conv != "strs" && (tag == "!!int" || tag == "!!float" || tag == "!!bool") {
			return n.Value, nil
		}
		return quoted(n.Value)
	case yaml.SequenceNode:
		items := make([]string, len(n.Content))
		for i, it := range n.Content {
			s, err := expression(it, conv, depth+1)
			if err != nil {
				return "", err
			}
			items[i] = s
		}
		return "[" + strings.Join(items, ", ") + "]", nil
	case yaml.MappingNode:
		if len(n.Content) == 0 {
			return "{}", nil
		}
		var fields []string
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if !hclsyntax.ValidIdentifier(key) {
				q, err := quoted(key)
				if err != nil {
					return "", err
				}
				key = q
			}
			s, err := expression(n.Content[i+1], conv, depth+1)
			if err != nil {
				return "", err
			}
			fields = append(fields, key+" = "+s)
		}
		return "{ " + strings.Join(fields, ", ") + " }", nil
	}
	return "", errors.New("the block has an alias")
}

// quoted writes a text in quotes, with templates of Terraform as text.
func quoted(s string) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return "", err
	}
	return strings.NewReplacer("${", "$${", "%{", "%%{").Replace(strings.TrimSpace(b.String())), nil
}

// field gives the value of a key, nil where there is none.
func field(n *yaml.Node, key string) *yaml.Node {
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

// remark gives the comment behind a setting, wherever the reader has put it.
func remark(key, value *yaml.Node) string {
	for _, s := range []string{key.LineComment, value.LineComment, key.FootComment, value.FootComment} {
		if s != "" {
			return s
		}
	}
	return ""
}

func behind(comment string) string {
	if comment == "" {
		return ""
	}
	return " " + strings.ReplaceAll(comment, "\n", " ")
}

func head(out *bytes.Buffer, comment string) {
	for line := range strings.Lines(comment) {
		if line = strings.TrimSpace(line); line != "" {
			out.WriteString(line + "\n")
		}
	}
}
