package review_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/change"
	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/fix"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/review"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

const manifest = "kind: Pod\nspec:\n  containers:\n    - name: app\n      securityContext:\n        privileged: true\n"

func fingerprint(n int) string { return fmt.Sprintf("%032x", n) }

// report makes n new findings on line 6 of one manifest each, with a fix.
func report(n int) *review.Report {
	r := &review.Report{
		Base: strings.Repeat("b", 40), Head: strings.Repeat("a", 40), Elapsed: 200 * time.Millisecond,
		Files:    map[string]*source.File{},
		RulesURL: "https://plimsoll.example/rules",
		Policy:   review.Policy{FailOn: rule.High, CommentOn: rule.Medium, MaxComments: 20},
	}
	for i := range n {
		name := fmt.Sprintf("k8s/pod-%d.yaml", i)
		f := source.NewFile(name, []byte(manifest))
		r.Files[name] = f
		res := &resource.Resource{ID: fmt.Sprintf("v1/Pod/shop/p%d", i), Platform: resource.Kubernetes, Kind: "Pod", Name: fmt.Sprintf("p%d", i), Unit: "kubernetes:k8s", Range: f.LineRange(1, 6)}
		at := strings.Index(manifest, "true")
		r.Changes = append(r.Changes, change.ResourceChange{Kind: change.Added, After: res})
		r.Findings = append(r.Findings, review.Finding{
			Finding: engine.Finding{
				Rule:     &rule.Rule{ID: "k8s/privileged-container", Title: "Container runs privileged", Severity: rule.Critical, Theme: "privileged-containers", Why: "It owns the node.", Remediation: "Set `privileged` to false."},
				Severity: rule.Critical, State: engine.New, Resource: res, Fingerprint: fingerprint(i + 1),
				Item:    resource.Path{{Name: "spec"}, {Name: "containers"}, {Index: 0}},
				Message: fmt.Sprintf("container `app` of Pod `p%d` runs privileged", i), Range: f.Range(at, at+4),
			},
			Fix: &fix.Fix{Title: "Set privileged to false", Verified: true, Edits: []source.Edit{{Range: f.Range(at, at+4), New: "false"}}},
		})
	}
	regroup(r)
	return r
}

func regroup(r *review.Report) {
	r.Groups = review.GroupNew(r.Findings, r.Policy)
	for i, g := range r.Groups {
		f := r.Findings[g.Findings[0]]
		r.Groups[i].Fix = f.Fix
		r.Groups[i].Mends = map[string]bool{f.Fingerprint: true}
	}
}

func hunks(r *review.Report) map[string][]change.Hunk {
	out := map[string][]change.Hunk{}
	for name := range r.Files {
		out[name] = []change.Hunk{{Start: 1, End: 6}}
	}
	return out
}

func TestEachFindingIsSaidOnce(t *testing.T) {
	r := report(100)
	rv := review.Make(r, hunks(r))
	if len(rv.Comments) != 20 || len(rv.Annotations) != 80 {
		t.Fatalf("100 findings and 20 comments gave %d comments and %d annotations; want 20 and 80", len(rv.Comments), len(rv.Annotations))
	}
	said := map[string]int{}
	for _, c := range rv.Comments {
		for _, fp := range c.Fingerprints {
			said[fp]++
			if _, ok := rv.Fallback[fp]; !ok {
				t.Errorf("no fallback annotation for the commented finding %s", fp)
			}
		}
	}
	for _, a := range rv.Annotations {
		said[a.Fingerprint]++
	}
	for i := range 100 {
		if n := said[fingerprint(i+1)]; n != 1 {
			t.Errorf("finding %d is said %d times", i, n)
		}
	}
}

func TestOutsideTheDiffIsAnAnnotation(t *testing.T) {
	r := report(1)
	rv := review.Make(r, map[string][]change.Hunk{"k8s/pod-0.yaml": {{Start: 1, End: 3}}})
	if len(rv.Comments) != 0 || len(rv.Annotations) != 1 || rv.Annotations[0].Start != 6 || rv.Annotations[0].Level != "failure" {
		t.Fatalf("got comments %+v, annotations %+v", rv.Comments, rv.Annotations)
	}
}

func TestCommentGoesToTheOriginThatTheDiffShows(t *testing.T) {
	r := report(1)
	origin := source.NewFile("k8s/values.yaml", []byte("a: 1\nprivileged: true\n"))
	r.Findings[0].Origins = []source.Range{origin.LineRange(2, 2)}
	rv := review.Make(r, map[string][]change.Hunk{"k8s/values.yaml": {{Start: 1, End: 2}}})
	if len(rv.Comments) != 1 || rv.Comments[0].Path != "k8s/values.yaml" || rv.Comments[0].Line != 2 || len(rv.Annotations) != 0 {
		t.Fatalf("got comments %+v, annotations %+v", rv.Comments, rv.Annotations)
	}
	if body := rv.Comments[0].Body; strings.Contains(body, "```suggestion") || !strings.Contains(body, "`k8s/pod-0.yaml:6`") {
		t.Errorf("the comment must name the place of the setting and suggest nothing here:\n%s", body)
	}
}

func TestDraftHasNoComments(t *testing.T) {
	r := report(2)
	r.Policy.Draft = true
	rv := review.Make(r, hunks(r))
	if len(rv.Comments) != 0 || len(rv.Annotations) != 2 || rv.Conclusion != review.Failure {
		t.Fatalf("got %d comments, %d annotations, %s", len(rv.Comments), len(rv.Annotations), rv.Conclusion)
	}
}

func TestCommentCarriesSuggestionAndMarker(t *testing.T) {
	r := report(1)
	c := review.Make(r, hunks(r)).Comments[0]
	for _, want := range []string{
		"**Container `app` of Pod `p0` runs privileged** · critical · [`k8s/privileged-container`](https://plimsoll.example/rules/k8s/privileged-container)",
		"`v1/Pod/shop/p0`", "```suggestion\n        privileged: false\n```\n",
	} {
		if !strings.Contains(c.Body, want) {
			t.Errorf("the comment lacks %q:\n%s", want, c.Body)
		}
	}
	if c.Start != 6 || c.Line != 6 {
		t.Errorf("stands on %d to %d, want 6", c.Start, c.Line)
	}
	if got := review.ParseMarkers(c.Body); len(got) != 1 || got[0] != fingerprint(1) {
		t.Errorf("the marker reads back as %v", got)
	}
}

// TestBlockIsShownWhereNoFixIs holds that every report shows the block to write,
// in its language, where no fix is offered, and the fix's review where one is.
func TestBlockIsShownWhereNoFixIs(t *testing.T) {
	all := func(r *review.Report) map[string]string {
		out := map[string]string{}
		var b bytes.Buffer
		if err := review.Text(&b, r, review.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		out["text"] = b.String()
		b.Reset()
		if err := review.Markdown(&b, r); err != nil {
			t.Fatal(err)
		}
		out["Markdown"] = b.String()
		out["comment"] = review.Make(r, hunks(r)).Comments[0].Body
		r.Policy.Draft = true
		out["annotation"] = review.Make(r, hunks(r)).Annotations[0].Message
		return out
	}
	r := report(1)
	f := &r.Findings[0]
	f.Language = rule.LanguageHCL
	f.Write = "a = 1\nb = 2"
	f.Fix.Review = "it must be so"
	for where, text := range all(r) {
		if strings.Contains(text, "b = 2") {
			t.Errorf("%s shows the block beside the fix:\n%s", where, text)
		}
		if where != "annotation" && !strings.Contains(text, "efore you apply it: It must be so.\n") {
			t.Errorf("%s does not say what to check:\n%s", where, text)
		}
	}
	r.Policy.Draft = false
	f.Fix = nil
	regroup(r)
	for where, want := range map[string]string{
		"text":       "write │ a = 1\n      │ b = 2\n",
		"Markdown":   "```hcl\na = 1\nb = 2\n```\n",
		"comment":    "```hcl\na = 1\nb = 2\n```\n",
		"annotation": "\n\na = 1\nb = 2",
	} {
		if text := all(r)[where]; !strings.Contains(text, want) {
			t.Errorf("%s does not show the block:\n%s", where, text)
		}
		r.Policy.Draft = false
	}
}

func TestMarkerInAQuoteDoesNotCount(t *testing.T) {
	m := review.Marker([]string{fingerprint(1), fingerprint(2)})
	if got := review.ParseMarkers("> " + m + "\n\nI disagree " + m); len(got) != 0 {
		t.Errorf("a quoted marker counted: %v", got)
	}
	if got := review.ParseMarkers("text\r\n" + m + "\r\n"); len(got) != 2 {
		t.Errorf("a marker on a line of its own did not: %v", got)
	}
}

func TestNamesOfTheRepositoryAreText(t *testing.T) {
	r := report(1)
	f := &r.Findings[0]
	f.Message = "container `x` of <img src=x> @octo/team #1 [a](http://evil.example) **b** runs privileged"
	f.Resource.ID = "v1/Pod/shop/`@octo` | x"
	rv := review.Make(r, hunks(r))
	for what, text := range map[string]string{"comment": rv.Comments[0].Body, "summary": rv.Summary} {
		for _, bad := range []string{"<img", "@octo/team", " #1", "[a](", "**b**", "http://evil"} {
			if strings.Contains(text, bad) {
				t.Errorf("the %s has %q as Markdown:\n%s", what, bad, text)
			}
		}
		if !strings.Contains(text, "`` v1/Pod/shop/`@octo` \\| x ``") {
			t.Errorf("the %s does not show the id as code:\n%s", what, text)
		}
	}
}

func TestSuggestionFenceIsLongerThanItsContent(t *testing.T) {
	r := report(1)
	r.Findings[0].Fix.Edits[0].New = "false # ````` "
	regroup(r)
	body := review.Make(r, hunks(r)).Comments[0].Body
	if !strings.Contains(body, "``````suggestion\n        privileged: false # ````` \n``````\n") {
		t.Errorf("the fence can be broken out of:\n%s", body)
	}
}

func TestDeletionIsAnEmptySuggestion(t *testing.T) {
	r := report(1)
	f := r.Files["k8s/pod-0.yaml"]
	r.Findings[0].Fix.Edits = []source.Edit{{Range: f.LineRange(6, 6)}}
	regroup(r)
	c := review.Make(r, hunks(r)).Comments[0]
	if c.Start != 6 || c.Line != 6 || !strings.Contains(c.Body, "\n```suggestion\n```\n") {
		t.Errorf("lines %d to %d:\n%s", c.Start, c.Line, c.Body)
	}
}

func TestLengthsStayWithinGitHubs(t *testing.T) {
	r := report(3000)
	for i := range r.Findings {
		r.Findings[i].Message = strings.Repeat("é", 4000)
	}
	regroup(r)
	rv := review.Make(r, hunks(r))
	if len(rv.Summary) > review.MaxSummary || len(rv.Title) > review.MaxTitle {
		t.Errorf("summary %d, title %d bytes", len(rv.Summary), len(rv.Title))
	}
	if !strings.Contains(rv.Summary, "more new findings do not fit here") {
		t.Error("the summary does not count what it leaves out")
	}
	if len(rv.Annotations) != review.MaxAnnotations || !strings.Contains(rv.Summary, "Annotations stand at the gravest 1000 alone.") {
		t.Errorf("%d annotations, and the summary says nothing of it", len(rv.Annotations))
	}
	for _, c := range rv.Comments {
		if len(c.Body) > review.MaxBody {
			t.Errorf("a comment of %d bytes", len(c.Body))
		}
	}
	for _, a := range rv.Annotations {
		if len(a.Message) > review.MaxMessage || len(a.Title) > review.MaxTitle {
			t.Errorf("an annotation of %d and %d bytes", len(a.Title), len(a.Message))
		}
	}
	for _, a := range rv.Actions {
		if len(a.Label) > 20 || len(a.Description) > 40 || len(a.Identifier) > 20 {
			t.Errorf("the action %+v is too long", a)
		}
	}
}

func TestConclusions(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*review.Report)
		want   review.Conclusion
	}{
		{"a new finding at the threshold", func(*review.Report) {}, review.Failure},
		{"below the threshold", func(r *review.Report) { r.Findings[0].Severity = rule.Medium }, review.Success},
		{"the threshold is none", func(r *review.Report) { r.Policy.FailOn = "none" }, review.Success},
		{"existing", func(r *review.Report) { r.Findings[0].State = engine.Existing }, review.Success},
		{"suppressed", func(r *review.Report) { r.Findings[0].State = engine.Suppressed }, review.Success},
		{"advice", func(r *review.Report) { r.Policy.Advise = true }, review.Neutral},
		{"nothing to review", func(r *review.Report) { *r = review.Report{Policy: r.Policy} }, review.Neutral},
		{"configuration", func(r *review.Report) { r.Policy.ConfigError = &source.Diagnostic{File: ".plimsoll.yml", Line: 2} }, review.ActionRequired},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := report(1)
			c.change(r)
			if got := review.Conclude(r); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestJSONSaysWhatTheContractSays(t *testing.T) {
	r := report(1)
	r.Diagnostics.Errorf("k8s/broken.yaml", 3, "no")
	var buf bytes.Buffer
	if err := review.JSON(&buf, r); err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(buf.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	f := doc["findings"].([]any)[0].(map[string]any)
	edit := f["fix"].(map[string]any)["edits"].([]any)[0].(map[string]any)
	for _, c := range []struct {
		what      string
		got, want any
	}{
		{"schema_version", doc["schema_version"], 1.0},
		{"conclusion", doc["summary"].(map[string]any)["conclusion"], "failure"},
		{"rule", f["rule"], "k8s/privileged-container"},
		{"file", f["file"], "k8s/pod-0.yaml"},
		{"start_line", f["start_line"], 6.0},
		{"end_line", f["end_line"], 6.0},
		{"new_text", edit["new_text"], "        privileged: false\n"},
		{"edit start", edit["start_line"], 6.0},
		{"edit end", edit["end_line"], 6.0},
		{"diagnostic", doc["diagnostics"].([]any)[0].(map[string]any)["line"], 3.0},
	} {
		if c.got != c.want {
			t.Errorf("%s is %v, want %v", c.what, c.got, c.want)
		}
	}
}

func TestTextShowsPlaceAndFix(t *testing.T) {
	var buf bytes.Buffer
	if err := review.Text(&buf, report(1), review.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `k8s/pod-0.yaml:6:21  critical  Container app of Pod p0 runs privileged  k8s/privileged-container
    5 │       securityContext:
    6 │         privileged: true
      │                     ^^^^ It owns the node.
  fix │ -        privileged: true
      │ +        privileged: false

1 new finding (1 critical) in 1 changed resource of 1 · 0.20 s
`
	if got := buf.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	r := report(1)
	f := source.NewFile("k8s/pod-0.yaml", []byte("env:\n  - name: TOKEN\n    value: s3cr3t-value\n  - name: X\n"))
	r.Files[f.Path] = f
	r.Findings[0].Rule.Sensitive = true
	r.Findings[0].Range = f.Range(26, 45)
	other := r.Findings[0]
	other.Rule = &rule.Rule{ID: "k8s/other", Why: "It is near."}
	other.Range, other.Fix = f.LineRange(2, 2), nil
	r.Findings[0].Fix = &fix.Fix{Title: "Take it away", Verified: true, Edits: []source.Edit{{Range: f.Range(26, 50)}}}
	r.Findings = append(r.Findings, other)
	// An edit that goes over the line of the secret has it in what it writes.
	over := *r
	other.Fix = &fix.Fix{Title: "Rename it", Verified: true, Edits: []source.Edit{
		{Range: f.Range(5, 49), New: "  - name: KEY\n    value: s3cr3t-value\n    x: y"}}}
	over.Findings = []review.Finding{r.Findings[0], other}
	for _, write := range []func(*bytes.Buffer) error{
		func(b *bytes.Buffer) error { return review.Text(b, r, review.TextOptions{Verbose: true}) },
		func(b *bytes.Buffer) error { return review.JSON(b, r) },
		func(b *bytes.Buffer) error { return review.SARIF(b, r, "1.0.0") },
		func(b *bytes.Buffer) error { return review.Markdown(b, r) },
		func(b *bytes.Buffer) error { return review.Text(b, &over, review.TextOptions{Verbose: true}) },
		func(b *bytes.Buffer) error { return review.Markdown(b, &over) },
	} {
		var buf bytes.Buffer
		if err := write(&buf); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(buf.String(), "s3cr") || !strings.Contains(buf.String(), "k8s/privileged-container") {
			t.Errorf("the secret is shown, or nothing is:\n%s", buf.String())
		}
	}
}

func TestSecretsNearAFindingAreNotShown(t *testing.T) {
	// No rule speaks of these: the lines do by themselves, and what stands below
	// the name that a finding is about belongs to it.
	text := "data:\n  A: |\n    first s3cr3t line\n\n    second s3cr3t line\n  DB_PASSWORD: hT9-s3cr3t-41zLm\n  B: x\n" +
		"  token: ghp_s3cr3tAbCdEfGhIjKlMnOpQrStUvWxYz0123\n  C: x\n" +
		"  key: |\n    -----BEGIN RSA PRIVATE KEY-----\n    MIIs3cr3tAbCdEfGhIjKlMnOpQr\n    -----END RSA PRIVATE KEY-----\n  D: x\n" +
		"args:\n- --password\n- s3cr3t\nE: x\n"
	r := report(1)
	f := source.NewFile("k8s/pod-0.yaml", []byte(text))
	r.Files[f.Path] = f
	first := r.Findings[0]
	first.Fix = nil
	r.Findings = nil
	for n := 1; n <= f.Lines(); n++ {
		at := first
		at.Range = f.LineRange(n, n)
		at.Rule = &rule.Rule{ID: "k8s/other", Why: "It is near.", Sensitive: n == 2 || n == 15}
		r.Findings = append(r.Findings, at)
	}
	var buf bytes.Buffer
	if err := review.Text(&buf, r, review.TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	if got := buf.String(); strings.Contains(got, "s3cr3t") || !strings.Contains(got, "B: x") || !strings.Contains(got, "E: x") {
		t.Errorf("a secret is shown, or more than that is hidden:\n%s", got)
	}
}

func TestTerminalGetsNoEscapeSequences(t *testing.T) {
	r := report(1)
	r.Findings[0].Message = "container \x1b[31mred\u202e runs privileged"
	var buf bytes.Buffer
	if err := review.Text(&buf, r, review.TextOptions{}); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(buf.String(), "\x1b\u202e") {
		t.Errorf("control characters reach the terminal: %q", buf.String())
	}
}

// One resource with many findings does not use up the comments of the others.
func TestBudgetIsOneCommentAResourceFirst(t *testing.T) {
	r := report(3)
	many := r.Findings[0]
	for i := range 5 {
		f := many
		f.Fingerprint = fingerprint(100 + i)
		f.Item = resource.Path{{Name: "spec"}, {Name: "containers"}, {Index: i + 1}}
		r.Findings = append([]review.Finding{f}, r.Findings...)
	}
	r.Policy.MaxComments = 3
	regroup(r)
	rv := review.Make(r, hunks(r))
	files := map[string]bool{}
	for _, c := range rv.Comments {
		files[c.Path] = true
	}
	if len(rv.Comments) != 3 || len(files) != 3 || len(rv.Annotations) != 5 {
		t.Errorf("%d comments on %d resources, %d annotations", len(rv.Comments), len(files), len(rv.Annotations))
	}
}
