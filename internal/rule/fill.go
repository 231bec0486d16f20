package rule

import (
	"fmt"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/traits"
)

// filler compiles what a check has of the resource's own values in its fix and
// in the block that it shows.
type filler struct {
	spec          *FixSpec
	set, add, del []cel.Program // one for each setting of spec; nil for a value that stands as it is
	block         *block
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
		b, err := parseBlock(c.Write, c.Language(), limited)
		if err != nil {
			return nil, fmt.Errorf("write: %w", err)
		}
		f.block = b
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
	if s.Beside {
		return true
	}
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
// there are none, and where a value is missing or unknown.
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
		if p, err := ParsePath(path); !isText || path != "." && (err != nil || len(p) == 0) {
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
		case traits.Lister, traits.Mapper:
			native, ok := nativeOf(v)
			if !ok {
				return nil, false
			}
			out[i].Value = integers(native)
		default:
			return nil, false
		}
	}
	return out, true
}

// integers makes integers of the numbers that are whole: JSON has one kind alone.
func integers(v any) any {
	switch x := v.(type) {
	case float64:
		if n := int64(x); float64(n) == x {
			return n
		}
	case []any:
		for i := range x {
			x[i] = integers(x[i])
		}
	case map[string]any:
		for k := range x {
			x[k] = integers(x[k])
		}
	}
	return v
}

// Fill gives what a check says to write for an item: the operations of its fix,
// and the block of text that shows what is missing. Either may be none.
func (p *Program) Fill(in *Input) (*FixSpec, string, error) {
	f, err := p.fill()
	if err != nil {
		return nil, "", err
	}
	mend, write := f.fix(in), f.block.fill(in)
	if mend != nil && mend.Beside && write == "" {
		mend = nil
	}
	return mend, write, nil
}
