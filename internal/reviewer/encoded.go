package reviewer

import (
	"bytes"
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// encoded gives a file of Terraform with all but an object that is encoded as
// YAML or JSON made blank, and that written as YAML, every key and value where
// the file has it; nil where that cannot be. What is worked out stands as what it
// comes to, where there is room.
func encoded(data []byte, at source.Range, values map[string]any) []byte {
	expr, diags := hclsyntax.ParseExpression(data[at.Start.Byte:at.End.Byte], at.File, hcl.Pos{Line: at.Start.Line, Column: 1, Byte: at.Start.Byte})
	if diags.HasErrors() {
		return nil
	}
	call, ok := expr.(*hclsyntax.FunctionCallExpr)
	if !ok || call.Name != "yamlencode" && call.Name != "jsonencode" || len(call.Args) != 1 {
		return nil
	}
	w := encodedWriter{data: data, out: bytes.Repeat([]byte{' '}, len(data))}
	for i, c := range data {
		if c == '\n' {
			w.out[i] = c
		}
	}
	if !w.write(call.Args[0], values) {
		return nil
	}
	return w.out
}

type encodedWriter struct{ data, out []byte }

// write writes a value where its expression stands.
func (w encodedWriter) write(e hclsyntax.Expression, v any) bool {
	r := e.Range()
	switch e := e.(type) {
	case *hclsyntax.ObjectConsExpr:
		m, ok := v.(map[string]any)
		if !ok || len(m) != len(e.Items) {
			break
		}
		w.out[r.Start.Byte], w.out[r.End.Byte-1] = '{', '}'
		for _, it := range e.Items {
			key, value := it.KeyExpr.Range(), it.ValueExpr.Range()
			name, diags := it.KeyExpr.Value(nil)
			between := bytes.IndexAny(w.data[key.End.Byte:value.Start.Byte], "=:")
			if diags.HasErrors() || between < 0 || key.End.Byte+between+1 >= value.Start.Byte || name.Type() != cty.String || name.IsNull() {
				return false
			}
			copy(w.out[key.Start.Byte:], w.data[key.Start.Byte:key.End.Byte])
			w.out[key.End.Byte+between] = ':'
			if !w.write(it.ValueExpr, m[name.AsString()]) {
				return false
			}
			w.comma(value.End.Byte, r.End.Byte-1)
		}
		return true
	case *hclsyntax.TupleConsExpr:
		l, ok := v.([]any)
		if !ok || len(l) != len(e.Exprs) {
			break
		}
		w.out[r.Start.Byte], w.out[r.End.Byte-1] = '[', ']'
		for i, it := range e.Exprs {
			if !w.write(it, l[i]) {
				return false
			}
			w.comma(it.Range().End.Byte, r.End.Byte-1)
		}
		return true
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > r.End.Byte-r.Start.Byte {
		return false
	}
	copy(w.out[r.Start.Byte:], bytes.Repeat([]byte{' '}, r.End.Byte-r.Start.Byte))
	copy(w.out[r.Start.Byte:], text)
	return true
}

// comma parts what ends at an offset from what follows, if something does before
// the closing bracket.
func (w encodedWriter) comma(at, closing int) {
	if at < closing {
		w.out[at] = ','
	}
}
