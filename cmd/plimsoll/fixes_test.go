package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// TestRulesFixes holds that the numbers of the platforms add up to those of all
// checks.
func TestRulesFixes(t *testing.T) {
	code, out, errs := plimsoll(t, "rules", "fixes")
	if code != 0 {
		t.Fatal(code, errs)
	}
	row := regexp.MustCompile(`(?m)^ *(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +([a-z-]+) *$`)
	var sum, all answers
	platforms := 0
	for _, m := range row.FindAllStringSubmatch(out, -1) {
		var a answers
		neither := 0
		if _, err := fmt.Sscan(strings.Join(m[1:6], " "), &a.all, &a.fix, &a.block, &a.excepted, &neither); err != nil {
			t.Fatal(err)
		}
		if a.neither() != neither {
			t.Errorf("%s: %+v and %d", m[6], a, neither)
		}
		if m[6] == "all" {
			all = a
			continue
		}
		platforms++
		sum.all, sum.fix, sum.block, sum.excepted = sum.all+a.all, sum.fix+a.fix, sum.block+a.block, sum.excepted+a.excepted
	}
	if sum != all || platforms != len(rule.Platforms()) {
		t.Errorf("%d platforms have %+v together, all have %+v:\n%s", platforms, sum, all, out)
	}
}

func TestRulesFixesLeft(t *testing.T) {
	dir := t.TempDir()
	const head = "title: t\nseverity: low\ntheme: namespaces\nwhy: w.\nremediation: r.\nchecks:\n"
	check := func(more string) string {
		return "  - platform: kubernetes\n    kinds: [Pod]\n    fail: 'true'\n    message: m\n" + more
	}
	write(t, dir, "a.yaml", "id: test/a\n"+head+check("    fix: {set: {a: 1}}\n")+check("    write: 'a: 1'\n"))
	write(t, dir, "b.yaml", "id: test/b\n"+head+check("    write: 'a: 1'\n")+check(""))
	code, out, errs := plimsoll(t, "rules", "fixes", "--left", dir)
	if code != 0 || !strings.Contains(out, "b.yaml:13  kubernetes  test/b  Pod") || !strings.Contains(out, "1 of 4 checks") || strings.Contains(out, "test/a") {
		t.Errorf("%d %q %q", code, out, errs)
	}
}

func TestAnswersOfARow(t *testing.T) {
	r := &rule.Rule{ID: "test/a"}
	fix, block, none := rule.Check{Fix: &rule.FixSpec{}}, rule.Check{Write: "x"}, rule.Check{Platform: "compose"}
	except := map[[2]string]string{{"test/a", "compose"}: "the remedy is to take it away"}
	for _, tt := range []struct {
		checks []rule.Check
		except map[[2]string]string
		want   answers
	}{
		{[]rule.Check{fix, fix}, nil, answers{all: 1, fix: 1}},
		{[]rule.Check{fix, block}, nil, answers{all: 1, block: 1}},
		{[]rule.Check{fix, none}, nil, answers{all: 1}},
		{[]rule.Check{fix, none}, except, answers{all: 1, excepted: 1}},
	} {
		var a answers
		if a.add(checksOn(&rule.Rule{ID: r.ID, Checks: tt.checks}, "none"), tt.except); a != tt.want {
			t.Errorf("%+v, not %+v", a, tt.want)
		}
	}
}
