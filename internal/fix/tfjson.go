package fix

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxJSONDepth bounds the nesting of a JSON file that is edited.
const maxJSONDepth = 200

var errJSON = errors.New("the file is not the JSON that was read")

// proposeTFJSON carries out p on a block of a .tf.json file. Terraform's tree of
// it has lists of blocks where the text may have single objects, so the
// text is read again as what it is.
func proposeTFJSON(f *source.File, res *resource.Resource, p *patch) ([]source.Edit, error) {
	root, err := tfJSONBlock(f, res)
	if err != nil {
		return nil, err
	}
	w := &yamlWriter{f: f, eol: f.EOL(), json: true}
	w.learn(root)
	if made := p.build(); len(root.Fields) == 0 && made != nil && made.kind == resource.Map {
		return w.edits, w.fillEmpty(root, made.fields)
	}
	emptied, err := w.apply(slot{n: root}, p)
	if err != nil {
		return nil, err
	}
	if emptied {
		return nil, errors.New("nothing would be left of the block")
	}
	return w.edits, nil
}

// tfJSONBlock reads the object of a block from the text, with lists around what
// Terraform takes for nested blocks.
func tfJSONBlock(f *source.File, res *resource.Resource) (*resource.Node, error) {
	j := &jsonText{f: f, at: res.Range.Start.Byte}
	if !j.eat('"') {
		return nil, errors.New("the place of the block is not known")
	}
	j.at--
	if _, err := j.str(); err != nil {
		return nil, err
	}
	if !j.eat(':') {
		return nil, errors.New("the place of the block is not known")
	}
	root, err := j.value(0)
	if err != nil {
		return nil, err
	}
	if root.Kind == resource.List && len(root.Items) == 1 {
		root = root.Items[0]
	}
	if root.Kind != resource.Map {
		return nil, errors.New("the block is not written as one object")
	}
	asBlocks(root, res.Root)
	return root, nil
}

// asBlocks puts a list around each single object that Terraform takes for one
// nested block.
func asBlocks(text, tree *resource.Node) {
	for i, f := range text.Fields {
		t := tree.Get(f.Name)
		if t == nil || t.Kind != resource.List || len(t.Items) == 0 || !t.Items[0].Block {
			continue
		}
		if f.Node.Kind == resource.Map {
			item := *f.Node
			item.KeyRange = source.Range{}
			text.Fields[i].Node = &resource.Node{
				Kind: resource.List, Items: []*resource.Node{&item}, Range: f.Node.Range, KeyRange: f.Node.KeyRange,
			}
		}
		for k, it := range text.Fields[i].Node.Items {
			if k < len(t.Items) {
				asBlocks(it, t.Items[k])
			}
		}
	}
}

// jsonText reads JSON into nodes with exact ranges.
type jsonText struct {
	f  *source.File
	at int
}

func (j *jsonText) space() {
	for j.at < len(j.f.Data) && strings.IndexByte(" \t\r\n", j.f.Data[j.at]) >= 0 {
		j.at++
	}
}

func (j *jsonText) eat(c byte) bool {
	j.space()
	if j.at < len(j.f.Data) && j.f.Data[j.at] == c {
		j.at++
		return true
	}
	return false
}

// str reads a string, whose text stands between the offsets before and after.
func (j *jsonText) str() (string, error) {
	start := j.at
	for i := start + 1; i < len(j.f.Data); i++ {
		switch j.f.Data[i] {
		case '\\':
			i++
		case '"':
			j.at = i + 1
			var s string
			if err := json.Unmarshal(j.f.Data[start:j.at], &s); err != nil {
				return "", errJSON
			}
			return s, nil
		}
	}
	return "", errJSON
}

func (j *jsonText) value(depth int) (*resource.Node, error) {
	j.space()
	if j.at >= len(j.f.Data) || depth > maxJSONDepth {
		return nil, errJSON
	}
	start := j.at
	n := &resource.Node{}
	var err error
	switch c := j.f.Data[j.at]; c {
	case '{':
		err = j.object(n, depth)
	case '[':
		err = j.array(n, depth)
	case '"':
		var s string
		s, err = j.str()
		n.Kind, n.Value = resource.String, s
		if strings.Contains(s, "${") || strings.Contains(s, "%{") {
			n.Unknown, n.Why = true, "it is decided elsewhere"
		}
	default:
		err = j.literal(n)
	}
	if err != nil {
		return nil, err
	}
	n.Range = j.f.Range(start, j.at)
	return n, nil
}

func (j *jsonText) literal(n *resource.Node) error {
	start := j.at
	for j.at < len(j.f.Data) && strings.IndexByte(" \t\r\n,]}", j.f.Data[j.at]) < 0 {
		j.at++
	}
	var v any
	if err := json.Unmarshal(j.f.Data[start:j.at], &v); err != nil {
		return errJSON
	}
	switch t := v.(type) {
	case bool:
		n.Kind, n.Value = resource.Bool, t
	case float64:
		n.Kind, n.Value = resource.Float, t
		if i := int64(t); float64(i) == t {
			n.Kind, n.Value = resource.Int, i
		}
	}
	return nil
}

func (j *jsonText) object(n *resource.Node, depth int) error {
	n.Kind = resource.Map
	j.at++
	for first := true; !j.eat('}'); first = false {
		if !first && !j.eat(',') {
			return errJSON
		}
		j.space()
		start := j.at
		if start >= len(j.f.Data) || j.f.Data[start] != '"' {
			return errJSON
		}
		name, err := j.str()
		if err != nil {
			return err
		}
		key := j.f.Range(start, j.at)
		if !j.eat(':') {
			return errJSON
		}
		v, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		v.KeyRange = key
		n.Fields = append(n.Fields, resource.Field{Name: name, Node: v})
	}
	return nil
}

func (j *jsonText) array(n *resource.Node, depth int) error {
	n.Kind = resource.List
	j.at++
	for first := true; !j.eat(']'); first = false {
		if !first && !j.eat(',') {
			return errJSON
		}
		v, err := j.value(depth + 1)
		if err != nil {
			return err
		}
		n.Items = append(n.Items, v)
	}
	return nil
}
