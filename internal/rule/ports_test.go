package rule

import (
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestPortsInclude(t *testing.T) {
	for _, tt := range []struct {
		ports             any
		violated, unknown bool
	}{
		{"22", true, false},
		{22, true, false},
		{"20-25", true, false},
		{"*", true, false},
		{" 22 ", true, false},
		{"23-80", false, false},
		{"3389", true, false},
		{"", false, false},
		{"ssh", false, false},
		{[]any{"80", "20 - 22"}, true, false},
		{[]any{"80", 443}, false, false},
		{[]any{unknown("var.port")}, false, true},
		{[]any{unknown("var.port"), "22"}, true, false},
		{unknown("var.ports"), false, true},
		{nil, false, false},
	} {
		it := tree(fields{"ports", tt.ports})
		r := &Rule{ID: "x/x", Checks: []Check{{Platform: resource.Terraform, Fail: `ports_include(it.?ports, [22, 3389])`, Message: "m"}}}
		p, err := r.Program(0)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Fail(&Input{It: it}); got.Violated != tt.violated || got.Unknown != tt.unknown {
			t.Errorf("%v: %+v", tt.ports, got)
		}
	}
}
