package review

import "testing"

// A name cannot end its code span, break its line, or turn its text around.
func TestCodeHoldsNames(t *testing.T) {
	for in, want := range map[string]string{
		"a.yaml":            "`a.yaml`",
		"a\nb.yaml":         "`a b.yaml`",
		"a`b.yaml":          "`` a`b.yaml ``",
		"a|b":               "`a\\|b`",
		"a\u202eb.yaml":     "`a\ufffdb.yaml`",
		"a\u2067b\u2069.tf": "`a\ufffdb\ufffd.tf`",
		" ":                 "` `",
	} {
		if got := code(in); got != want {
			t.Errorf("code(%q) = %q, want %q", in, got, want)
		}
	}
}
