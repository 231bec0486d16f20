package rule

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
	"google.golang.org/protobuf/types/known/structpb"
)

// Bounds of the block that a check shows, in bytes.
const (
	maxBlock      = 4_000
	maxBlockValue = 500
)

// filler compiles what a check has of the resource's own values in its fix and
// in the block that it shows.
type filler struct {
	spec          *FixSpec
	set, add, del []cel.Program // one for each setting of spec; nil for a value that stands as it is
	block         *Template
}

// newFiller compiles the templates of a check.
func newFiller(c *Check, limited bool) (*filler, error) {
	f := &filler{spec: c.Fix}
	if c.Fix != nil {
		var err error
		if f.set, err = settingPrograms(c.Fix.Set, limited); err != nil {
			return nil, err
		}
		if f.add, err = settingPrograms(c.Fix.Append, limited); err != nil {
			return nil, err
		}
		if f.del, err = settingPrograms(deletions(c.Fix.Delete), limited); err != nil {
			return nil, err
		}
	}
	if c.Write != "" {
		if len(c.Write) > maxBlock {
			return nil, fmt.Errorf("write: a block has at most %d bytes", maxBlock)
		}
		t, err := ParseTemplate(c.Write, limited)
		if err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
		f.block = t
	}
	return f, nil
}

// settingPrograms gives nil where no value has an expression.
func settingPrograms(settings []Setting, limited bool) ([]cel.Program, error) {
	var out []cel.Program
	for i, s := range settings {
		v, ok := s.Value.(string)
		if !ok || !strings.Contains(v, "{{") {
			continue
		}
		expr, rest, closed := cutExpression(strings.TrimPrefix(v, "{{"))
		if !strings.HasPrefix(v, "{{") || !closed || rest != "" {
			return nil, fmt.Errorf("fix: the value of %s should be one {{ CEL }} and nothing beside it", s.Path)
		}
		p, iss, err := compile(expr, limited)
		if err != nil {
			return nil, err
		}
		if iss != nil {
			return nil, fmt.Errorf("fix: %s: %s", s.Path, firstLine(iss.Errors()[0].Message))
		}
		if out == nil {
			out = make([]cel.Program, len(settings))
		}
		out[i] = p
	}
	return out, nil
}

// Open reports whether a value of the operations has to be filled in for each
// item, which the engine does.
func (s *FixSpec) Open() bool {
	for _, list := range [...][]Setting{s.Set, s.Append, deletions(s.Delete)} {
		for _, x := range list {
			if v, ok := x.Value.(string); ok && strings.Contains(v, "{{") {
				return true
			}
		}
	}
	return false
}

// fix gives the operations with the item's values in them. It is nil where
// there are none, and where a value is missing, unknown or no scalar.
func (f *filler) fix(in *Input) *FixSpec {
	if f.spec == nil || f.set == nil && f.add == nil && f.del == nil {
		return f.spec
	}
	out := *f.spec
	var ok bool
	if out.Set, ok = fillSettings(out.Set, f.set, in); !ok {
		return nil
	}
	if out.Append, ok = fillSettings(out.Append, f.add, in); !ok {
		return nil
	}
	if f.del == nil {
		return &out
	}
	del, ok := fillSettings(deletions(out.Delete), f.del, in)
	if !ok {
		return nil
	}
	out.Delete = make([]string, len(del))
	for i, d := range del {
		path, isText := d.Value.(string)
		if p, err := ParsePath(path); !isText || err != nil || len(p) == 0 {
			return nil
		}
		out.Delete[i] = path
	}
	return &out
}

// deletions are the paths of what a fix takes away, as values to fill in.
func deletions(paths []string) []Setting {
	out := make([]Setting, len(paths))
	for i, p := range paths {
		out[i] = Setting{Path: "delete", Value: p}
	}
	return out
}

func fillSettings(settings []Setting, programs []cel.Program, in *Input) ([]Setting, bool) {
	if programs == nil {
		return settings, true
	}
	out := make([]Setting, len(settings))
	copy(out, settings)
	for i, p := range programs {
		if p == nil {
			continue
		}
		v, _, err := p.Eval(in)
		if err != nil {
			return nil, false
		}
		switch x := v.(type) {
		case types.String:
			out[i].Value = string(x)
		case types.Bool:
			out[i].Value = bool(x)
		case types.Int:
			out[i].Value = int64(x)
		case types.Double:
			out[i].Value = float64(x)
		default:
			return nil, false
		}
	}
	return out, true
}

// write gives the block with the item's values in it, each as YAML on one line.
// It is "" where there is none, and where a value is missing or unknown.
func (f *filler) write(in *Input) string {
	if f.block == nil {
		return ""
	}
	var b strings.Builder
	for _, p := range f.block.parts {
		if p.expr == nil {
			b.WriteString(p.literal)
			continue
		}
		v, _, err := p.expr.Eval(in)
		if err != nil {
			return ""
		}
		s, ok := scalarYAML(v)
		if !ok || len(s) > maxBlockValue {
			return ""
		}
		b.WriteString(s)
	}
	return strings.TrimRight(b.String(), "\n")
}

// plainYAML is text that YAML takes for itself without quotes.
var plainYAML = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`)

// scalarYAML writes a value in one line: plain words as they are, anything else
// as JSON, which YAML reads too. What could end a block of code is no value.
func scalarYAML(v ref.Val) (string, bool) {
	switch x := v.(type) {
	case types.String:
		if s := string(x); plainYAML.MatchString(s) && !yamlWord(s) {
			return s, true
		}
	case *types.Optional:
		if !x.HasValue() {
			return "", false
		}
		return scalarYAML(x.GetValue())
	case *types.Unknown, *types.Err, types.Null:
		return "", false
	case traits.Mapper, traits.Lister, types.Bool, types.Int, types.Double:
	default:
		return "", false
	}
	native, err := v.ConvertToNative(reflect.TypeFor[*structpb.Value]())
	if err != nil {
		return "", false
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if pv, ok := native.(*structpb.Value); !ok || enc.Encode(pv.AsInterface()) != nil {
		return "", false
	}
	s := strings.TrimSpace(b.String())
	return s, !strings.Contains(s, "`")
}

// yamlWord reports whether YAML takes a plain word for something else than text.
func yamlWord(s string) bool {
	switch strings.ToLower(s) {
	case "true", "false", "yes", "no", "on", "off", "y", "n", "null":
		return true
	}
	return false
}

// Fill gives what a check says to write for an item: the operations of its fix,
// and the block of text that shows what is missing. Either may be none.
func (p *Program) Fill(in *Input) (*FixSpec, string, error) {
	f, err := p.fill()
	if err != nil {
		return nil, "", err
	}
	return f.fix(in), f.write(in), nil
}
