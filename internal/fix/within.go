package fix

import (
	"bytes"
	"errors"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// proposeWithin carries out p on an object that stands within a file of
// Terraform: as an object of HCL, or as YAML in a text.
func proposeWithin(f *source.File, res *resource.Resource, p *patch) ([]source.Edit, error) {
	file, diags := hclsyntax.ParseConfig(f.Data, f.Path, hcl.InitialPos)
	if diags.HasErrors() {
		return nil, errors.New("the file has errors")
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, errors.New("the file has no native syntax")
	}
	start, end := res.Range.Start.Byte, res.Range.End.Byte
	var object *hclsyntax.ObjectConsExpr
	text := false
	diags = hclsyntax.VisitAll(body, func(n hclsyntax.Node) hcl.Diagnostics {
		switch n := n.(type) {
		case *hclsyntax.ObjectConsExpr:
			if n.SrcRange.Start.Byte == start && n.SrcRange.End.Byte == end {
				object = n
			}
		case *hclsyntax.TemplateExpr:
			text = text || n.SrcRange.Start.Byte < start && end <= n.SrcRange.End.Byte
		}
		return nil
	})
	switch {
	case diags.HasErrors():
		return nil, errors.New("the file has errors")
	case object != nil:
		w := &hclWriter{f: f, eol: f.EOL()}
		err := w.object("the manifest", object, nil, p)
		return w.edits, err
	case text:
		return proposeYAML(f, res, p)
	}
	return nil, errors.New("the object is decided by an expression")
}

// filledIn reports whether an edit replaces what a template fills in.
func filledIn(f *source.File, edits []source.Edit) bool {
	for _, e := range edits {
		if e.Range.Len() == 0 {
			continue
		}
		before := bytes.TrimRight(f.Data[:e.Range.Start.Byte], " ~")
		if bytes.HasSuffix(before, []byte("${")) || bytes.Contains(f.Data[e.Range.Start.Byte:e.Range.End.Byte], []byte("${")) {
			return true
		}
	}
	return false
}
