package terraform

import (
	"testing"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
)

// What alike makes converts to the same as what it was made of.
func TestAlike(t *testing.T) {
	s, n := cty.StringVal("a"), cty.NumberIntVal(1)
	for name, v := range map[string]cty.Value{
		"strings":       cty.TupleVal([]cty.Value{s, s}),
		"numbers":       cty.TupleVal([]cty.Value{n, n}),
		"mixed":         cty.TupleVal([]cty.Value{s, n}),
		"lists":         cty.TupleVal([]cty.Value{cty.ListVal([]cty.Value{s}), cty.ListVal([]cty.Value{s})}),
		"empty":         cty.EmptyTupleVal,
		"unknown items": cty.TupleVal([]cty.Value{cty.UnknownVal(cty.String), s}),
		"null items":    cty.TupleVal([]cty.Value{cty.NullVal(cty.String), s}),
		"unknown":       cty.UnknownVal(cty.List(cty.String)),
		"null":          cty.NullVal(cty.List(cty.String)),
		"no list":       s,
	} {
		for _, want := range []cty.Type{cty.List(cty.String), cty.List(cty.DynamicPseudoType), cty.Set(cty.String), cty.DynamicPseudoType} {
			direct, errDirect := convert.Convert(v, want)
			through, errThrough := convert.Convert(alike(v, want), want)
			if (errDirect == nil) != (errThrough == nil) {
				t.Errorf("%s to %#v: %v, through alike %v", name, want, errDirect, errThrough)
			} else if errDirect == nil && !direct.RawEquals(through) {
				t.Errorf("%s to %#v: %#v, through alike %#v", name, want, direct, through)
			}
		}
	}
}
