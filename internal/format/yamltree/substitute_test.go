package yamltree_test

import (
	"fmt"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

func TestSubstitute(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"plain", "string plain"},
		{"${privileged}", "unknown ${privileged} [ ]"},
		{"registry.example.com/web:${tag}", "unknown ${tag} [registry.example.com/web: ]"},
		{"${host}/web:${tag:=1.2}", "unknown ${host} [ /web:1.2]"},
		{"web:${tag:=latest}", "string web:latest"},
		{"${privileged:=true}", "bool true"},
		{"${privileged:-false}", "bool false"},
		{"${uid=1000}", "int 1000"},
		{"${name:=}", "null <nil>"},
		{"${name:?must be set}", "string ${name:?must be set}"},
		{"${name:?}", "unknown ${name:?} [ ]"},
		{"${name^^}", "unknown ${name^^} [ ]"},
		{"$${name}", "string $${name}"},
		{"${{ github.sha }}", "string ${{ github.sha }}"},
		{"$(NAME)", "string $(NAME)"},
		{"echo ${HOME}", "string echo ${HOME}"},
	} {
		n := &resource.Node{Kind: resource.String, Value: tt.text, Range: source.Range{File: "a"}}
		kept := &resource.Node{Kind: resource.String, Value: tt.text}
		root := &resource.Node{Kind: resource.Map, Fields: []resource.Field{
			{Name: "spec", Node: &resource.Node{Kind: resource.List, Items: []*resource.Node{n, n}}},
			{Name: "data", Node: &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "a", Node: kept}}}},
		}}
		yamltree.Substitute(root)
		got := fmt.Sprintf("%v %v", n.Kind, n.Value)
		if n.Unknown {
			got = fmt.Sprintf("unknown %s %v", n.Why, n.Parts)
		}
		if got != tt.want {
			t.Errorf("%s: %s, not %s", tt.text, got, tt.want)
		}
		if kept.Value != tt.text || kept.Unknown {
			t.Errorf("%s: the text of data became %v", tt.text, kept.Value)
		}
	}
}
