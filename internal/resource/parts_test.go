package resource

import "testing"

func TestParts(t *testing.T) {
	arn := []string{"arn:aws:s3:::", "/*"}
	ends := []string{"", ""}
	for _, c := range []struct {
		name  string
		ask   func([]string, string) Truth
		parts []string
		s     string
		want  Truth
	}{
		{"not the star", PartsEqual, arn, "*", No},
		{"could be", PartsEqual, arn, "arn:aws:s3:::logs/*", Undecided},
		{"the empty piece too", PartsEqual, arn, "arn:aws:s3:::/*", Undecided},
		{"parts do not overlap", PartsEqual, []string{"ab", "ba"}, "aba", No},
		{"another end", PartsEqual, arn, "arn:aws:s3:::logs", No},
		{"nothing known", PartsEqual, nil, "*", Undecided},
		{"anything", PartsEqual, ends, "*", Undecided},
		{"only a star known", PartsEqual, []string{"", "*"}, "*", Undecided},
		{"the middle is missing", PartsEqual, []string{"", ":role/", ""}, "arn:aws:iam::1:user/x", No},
		{"the middle in order", PartsEqual, []string{"", "b", "a", ""}, "ab", No},
		{"begins so", PartsHavePrefix, arn, "arn:aws:", Yes},
		{"does not begin so", PartsHavePrefix, arn, "http", No},
		{"may begin so", PartsHavePrefix, arn, "arn:aws:s3:::logs", Undecided},
		{"may begin with anything", PartsHavePrefix, ends, "a", Undecided},
		{"ends so", PartsHaveSuffix, arn, "*", Yes},
		{"does not end so", PartsHaveSuffix, arn, "?", No},
		{"may end so", PartsHaveSuffix, arn, "a/*", Undecided},
		{"contains", PartsContain, arn, "s3", Yes},
		{"may contain", PartsContain, arn, "logs", Undecided},
		{"of nothing", PartsContain, nil, "", Undecided},
	} {
		if got := c.ask(c.parts, c.s); got != c.want {
			t.Errorf("%s: %q of %q gives %d, want %d", c.name, c.s, c.parts, got, c.want)
		}
	}
}

func TestEqualOfPartlyKnown(t *testing.T) {
	node := func(parts, refs []string) *Node {
		return &Node{Kind: String, Unknown: true, Why: "x", Parts: parts, Refs: refs}
	}
	a := node([]string{"a", ""}, []string{"r"})
	if !Equal(a, node([]string{"a", ""}, []string{"r"})) {
		t.Error("equal values differ")
	}
	if Equal(a, node([]string{"b", ""}, []string{"r"})) || Equal(a, node([]string{"a", ""}, nil)) {
		t.Error("different values are equal")
	}
}
