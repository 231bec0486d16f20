package engine

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// commented is a Deployment with one privileged container; the arguments stand
// above the document, behind its first line, above the setting and behind it.
func commented(above, first, aboveLine, onLine string) string {
	s := ""
	if above != "" {
		s += "# " + above + "\n"
	}
	s += "apiVersion: apps/v1"
	if first != "" {
		s += " # " + first
	}
	s += "\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        securityContext:\n"
	if aboveLine != "" {
		s += "          # " + aboveLine + "\n"
	}
	s += "          privileged: true"
	if onLine != "" {
		s += " # " + onLine
	}
	return s + "\n"
}

func TestInlineSuppressions(t *testing.T) {
	const (
		good    = "plimsoll:ignore k8s/privileged-container -- reads the node's devices"
		late    = "plimsoll:ignore k8s/privileged-container until=2026-11-23 -- until today"
		past    = "plimsoll:ignore k8s/privileged-container until=2026-11-22 -- until yesterday"
		mute    = "plimsoll:ignore k8s/privileged-container"
		other   = "plimsoll:ignore k8s/memory-limits -- another rule"
		several = "plimsoll:ignore k8s/memory-limits, k8s/privileged-container -- both"
		unkn    = "plimsoll:ignore k8s/privileged-containr,k8s/privileged-container -- one is misspelt"
	)
	on := func(c string) string { return commented("", "", "", c) }
	tests := []struct {
		name       string
		base, head string // base "" is an added resource
		fromHead   bool
		state      State
		reason     string
		note       string // part of the one diagnostic; "" for none
	}{
		{"scan: on the line", "", on(good), true, Suppressed, "reads the node's devices", ""},
		{"scan: above the line", "", commented("", "", good, ""), true, Suppressed, "reads the node's devices", ""},
		{"scan: first line", "", commented("", good, "", ""), true, Suppressed, "reads the node's devices", ""},
		{"scan: above the resource", "", commented(good, "", "", ""), true, Suppressed, "reads the node's devices", ""},
		{"scan: last day", "", on(late), true, Suppressed, "until today", ""},
		{"scan: past", "", on(past), true, New, "", "ran out on 2026-11-22"},
		{"scan: no reason", "", on(mute), true, New, "", "has no reason"},
		{"scan: other rule", "", on(other), true, New, "", ""},
		{"scan: several rules", "", on(several), true, Suppressed, "both", ""},
		{"scan: misspelt", "", on(unkn), true, Suppressed, "one is misspelt", `unknown rule "k8s/privileged-containr"; did you mean "k8s/privileged-container"?`},
		{"scan: other line", "", strings.Replace(commented("", "", "", ""), "- name: a", "- name: a # "+good, 1), true, New, "", ""},
		{"review: added resource", "", on(good), false, New, "", "takes effect once it is merged"},
		{"review: added comment and setting", strings.Replace(on(""), "true", "false", 1), on(good), false, New, "", "takes effect once it is merged"},
		{"review: added comment", on(""), on(good), false, Existing, "", "takes effect once it is merged"},
		{"review: base has it", on(good), on(good), false, Suppressed, "reads the node's devices", ""},
		{"review: base has it for the setting", strings.Replace(on(good), "true", "false", 1), on(good), false, Suppressed, "reads the node's devices", ""},
		{"review: base has it for the resource", commented(good, "", "", ""), on(good), false, Suppressed, "reads the node's devices", ""},
		{"review: moved", on(good), commented("", "", good, ""), false, Suppressed, "reads the node's devices", ""},
		{"review: base's reason counts", on(late), on(good), false, Suppressed, "until today", ""},
		{"review: base's has run out", on(past), on(good), false, Existing, "", "takes effect once it is merged"},
		{"review: base's has no reason", on(mute), on(good), false, Existing, "", "takes effect once it is merged"},
		{"review: taken away", on(good), on(""), false, Existing, "", ""},
		{"review: head decides where it may", on(""), on(good), true, Suppressed, "reads the node's devices", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := added(manifest(t, "k8s/api.yaml", 3, tt.head))
			if tt.base != "" {
				c = modified(manifest(t, "k8s/api.yaml", 1, tt.base), c.After)
			}
			got := evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged()), InlineFromHead: tt.fromHead, Known: func(id string) bool {
				return id == "k8s/privileged-container" || id == "k8s/memory-limits"
			}}, c)
			if len(got.Findings) != 1 || got.Findings[0].State != tt.state {
				t.Fatalf("got %v, want %s", lines(got.Findings), tt.state)
			}
			s := got.Findings[0].Suppression
			if (s != nil) != (tt.state == Suppressed) || s != nil && (s.By != "inline" || s.Reason != tt.reason || s.Range.IsZero()) {
				t.Errorf("suppression %+v", s)
			}
			if n := strings.Join(notes(got.Diagnostics), "\n"); !strings.Contains(n, tt.note) || (n == "") != (tt.note == "") {
				t.Errorf("got diagnostics %q", n)
			}
			for _, d := range got.Diagnostics {
				if d.File != "k8s/api.yaml" || d.Line < 3 || d.Level != source.LevelWarning {
					t.Errorf("got %+v", d)
				}
			}
		})
	}
}

func TestConfigSuppressions(t *testing.T) {
	under := func(dir string) func(string) bool {
		return func(p string) bool { return strings.HasPrefix(p, dir+"/") }
	}
	tests := []struct {
		name string
		s    ConfigSuppression
		want State
	}{
		{"covers", ConfigSuppression{Rule: "k8s/privileged-container", Covers: under("k8s"), Reason: "r", Expires: "2026-11-23"}, Suppressed},
		{"everywhere", ConfigSuppression{Rule: "k8s/privileged-container", Reason: "r"}, Suppressed},
		{"elsewhere", ConfigSuppression{Rule: "k8s/privileged-container", Covers: under("infra"), Reason: "r"}, New},
		{"another rule", ConfigSuppression{Rule: "k8s/host-path", Reason: "r"}, New},
		{"no reason", ConfigSuppression{Rule: "k8s/privileged-container", Reason: " "}, New},
		{"past", ConfigSuppression{Rule: "k8s/privileged-container", Reason: "r", Expires: "2026-11-22"}, New},
		{"no date", ConfigSuppression{Rule: "k8s/privileged-container", Reason: "r", Expires: "soon"}, New},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := added(manifest(t, "k8s/api.yaml", 1, deployment("a!")))
			got := evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged()), Suppress: []ConfigSuppression{tt.s}}, c).Findings
			if len(got) != 1 || got[0].State != tt.want || (got[0].Suppression != nil) != (tt.want == Suppressed) {
				t.Fatalf("got %v", lines(got))
			}
			if s := got[0].Suppression; s != nil && (s.By != "config" || s.Reason != "r" || s.Expires != tt.s.Expires) {
				t.Errorf("got %+v", s)
			}
		})
	}
	// A fixed finding needs nobody to answer for it.
	c := change.ResourceChange{Kind: change.Removed, Before: manifest(t, "k8s/api.yaml", 1, deployment("a!"))}
	got := evaluate(t, Options{Rules: active(t, resource.Kubernetes, privileged()), Suppress: []ConfigSuppression{tests[1].s}}, c).Findings
	if len(got) != 1 || got[0].State != Fixed {
		t.Errorf("got %v", lines(got))
	}
}

func TestParseDirective(t *testing.T) {
	tests := []struct {
		in                   string
		rules, until, reason string
		wrong                string
		none                 bool
	}{
		{in: " plimsoll:ignore a/b -- why", rules: "a/b", reason: "why"},
		{in: "plimsoll:ignore a/b,c/d-e until=2027-01-31 -- why -- and how", rules: "a/b c/d-e", until: "2027-01-31", reason: "why -- and how"},
		{in: "plimsoll:ignore a/b , c/d -- why", rules: "a/b c/d", reason: "why"},
		{in: "plimsoll:ignore until=2027-01-31 a/b --- why */", rules: "a/b", until: "2027-01-31", reason: "why"},
		{in: "needed # plimsoll:ignore a/b -- why", rules: "a/b", reason: "why"},
		{in: "* plimsoll:ignore a/b -- why", rules: "a/b", reason: "why"},
		{in: "plimsoll:ignore a/b--c -- why", rules: "a/b--c", reason: "why"},
		{in: "plimsoll:ignore a/b", rules: "a/b", wrong: "has no reason"},
		{in: "plimsoll:ignore a/b --  ", rules: "a/b", wrong: "has no reason"},
		{in: "plimsoll:ignore -- why", reason: "why", wrong: "names no rule"},
		{in: "plimsoll:ignore", wrong: "names no rule"},
		{in: "plimsoll:ignore a/b until=2027-02-30 -- why", rules: "a/b", until: "2027-02-30", reason: "why", wrong: "date that is none"},
		{in: "plimsoll:ignore a/b until=2027-02-03 until=2028-01-01 -- why", rules: "a/b", until: "2027-02-03", reason: "why", wrong: "two dates"},
		{in: "plimsoll:ignore k8s/* -- why", rules: "k8s/*", reason: "why", wrong: "by a pattern"},
		{in: "plimsoll:ignored a/b -- why", none: true},
		{in: "write plimsoll:ignore a/b -- why", none: true},
		{in: "nothing of the kind", none: true},
	}
	for _, tt := range tests {
		d, ok := parseDirective(tt.in)
		if ok == tt.none {
			t.Errorf("%q: recognised %t", tt.in, ok)
			continue
		}
		if got := strings.Join(d.rules, " "); got != tt.rules || d.until != tt.until || d.reason != tt.reason {
			t.Errorf("%q: got %+v", tt.in, d)
		}
		if (d.wrong == "") != (tt.wrong == "") || !strings.Contains(d.wrong, tt.wrong) {
			t.Errorf("%q: got wrong %q, want %q", tt.in, d.wrong, tt.wrong)
		}
	}
}

func TestDirectivesOfLongComments(t *testing.T) {
	res := &resource.Resource{Comments: []resource.Comment{{
		Text:  " first\n * plimsoll:ignore a/b -- why\n",
		Range: source.Range{File: "main.tf", Start: source.Pos{Line: 4, Column: 3}, End: source.Pos{Line: 6}},
	}}}
	got := directives(res)
	if len(got) != 1 || got[0].place.Start.Line != 5 || got[0].reason != "why" {
		t.Errorf("got %+v", got)
	}
}

func FuzzParseDirective(f *testing.F) {
	for _, s := range []string{"plimsoll:ignore a/b,c/d until=2027-01-31 -- why", "plimsoll:ignore -- \xff", "# plimsoll:ignore\tk8s/* --", "plimsoll:ignore a--b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDirective(s)
		if !ok {
			return
		}
		if d.wrong == "" && (d.reason == "" || len(d.rules) == 0 || slices.Contains(d.rules, "")) {
			t.Errorf("%q counts without a reason or a rule: %+v", s, d)
		}
		if len(d.reason) > maxReason || len(d.rules) > maxDirectiveRules {
			t.Errorf("%q exceeds its bounds", s)
		}
		if utf8.ValidString(s) && !utf8.ValidString(d.reason) {
			t.Errorf("%q: the reason is cut within a character", s)
		}
	})
}

func TestReaches(t *testing.T) {
	at := func(line int) source.Range { return source.Range{File: "a", Start: source.Pos{Line: line}} }
	on := func(file string, lines ...int) map[commentLine]bool {
		out := map[commentLine]bool{}
		for _, l := range lines {
			out[commentLine{file, l}] = true
		}
		return out
	}
	comments := on("a", 4, 5)
	got := []bool{
		reaches(at(6), 6, nil), reaches(at(5), 6, comments), reaches(at(3), 6, comments), reaches(at(2), 6, comments), reaches(at(7), 6, comments),
		reaches(at(4), 6, on("a", 4)), reaches(at(3), 6, on("b", 4, 5)),
	}
	if diff := cmp.Diff([]bool{true, true, true, false, false, false, false}, got); diff != "" {
		t.Error(diff)
	}
}

// TestSuppressionBehindASetting holds that one which answers for its own line does
// not go on to the next, and that one which has nothing there does.
func TestSuppressionBehindASetting(t *testing.T) {
	r := privileged()
	r.Checks[0].Each, r.Checks[0].Fail, r.Checks[0].At, r.Checks[0].Message = "pods", "has(it.hostPID)", "hostPID", "a"
	network := r.Checks[0]
	network.Fail, network.At = "has(it.hostNetwork)", "hostNetwork"
	r.Checks = append(r.Checks, network)
	const note = " # plimsoll:ignore k8s/privileged-container -- debugging\n"
	pod := func(first, second string) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostname: a" + first + "  hostPID: true" + second + "  hostNetwork: true\n  containers: []\n"
	}
	for _, tt := range []struct{ name, text, want string }{
		{"behind the first", pod("\n", note), "suppressed new"},
		{"on the line above both", pod(note, "\n"), "suppressed new"},
		{"behind each", strings.Replace(pod("\n", note), "hostNetwork: true\n", "hostNetwork: true"+note, 1), "suppressed suppressed"},
		{"between them", pod("\n", "\n  # plimsoll:ignore k8s/privileged-container -- debugging\n"), "new suppressed"},
	} {
		res := manifest(t, "k8s/a.yaml", 1, tt.text)
		before := manifest(t, "k8s/a.yaml", 1, tt.text+"  # more\n  restartPolicy: Never\n")
		for _, fromHead := range []bool{true, false} {
			opt := Options{Rules: active(t, resource.Kubernetes, r), InlineFromHead: fromHead, Today: today}
			c := []change.ResourceChange{modified(before, res)}
			if fromHead {
				c = []change.ResourceChange{added(res)}
			}
			got := map[string]State{}
			for _, f := range Evaluate(t.Context(), opt, c).Findings {
				got[f.Path.String()] = f.State
			}
			said := string(got["spec.hostPID"]) + " " + string(got["spec.hostNetwork"])
			if want := tt.want; said != want && said != strings.ReplaceAll(want, "new", "existing") {
				t.Errorf("%s, from the head %v: %s, want %s", tt.name, fromHead, said, want)
			}
		}
	}
}
