package review

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// The JSON report, schema version 1. Field by field as the contract gives it:
// what is released here is never renamed.
type (
	jsonReport struct {
		SchemaVersion int              `json:"schema_version"`
		Base          string           `json:"base"`
		Head          string           `json:"head"`
		Summary       jsonSummary      `json:"summary"`
		Resources     []jsonResource   `json:"resources"`
		Findings      []jsonFinding    `json:"findings"`
		Diagnostics   []jsonDiagnostic `json:"diagnostics"`
		NotEvaluated  []jsonUnknown    `json:"not_evaluated"`
		IfMerged      *jsonEffects     `json:"if_merged,omitempty"`
	}
	jsonSummary struct {
		New              int        `json:"new"`
		Existing         int        `json:"existing"`
		Fixed            int        `json:"fixed"`
		Suppressed       int        `json:"suppressed"`
		ResourcesChanged int        `json:"resources_changed"`
		ResourcesTotal   int        `json:"resources_total"`
		Conclusion       Conclusion `json:"conclusion"`
	}
	jsonResource struct {
		ID        string `json:"id"`
		Platform  string `json:"platform"`
		File      string `json:"file"`
		StartLine int    `json:"start_line"`
		EndLine   int    `json:"end_line"`
		Change    string `json:"change"`
	}
	jsonRange struct {
		File      string `json:"file"`
		StartLine int    `json:"start_line"`
		EndLine   int    `json:"end_line"`
	}
	jsonFinding struct {
		Rule        string           `json:"rule"`
		Severity    string           `json:"severity"`
		State       string           `json:"state"`
		Title       string           `json:"title"`
		Message     string           `json:"message"`
		Remediation string           `json:"remediation"`
		Write       string           `json:"write,omitempty"`
		DocsURL     string           `json:"docs_url"`
		Resource    string           `json:"resource"`
		Platform    string           `json:"platform"`
		Path        string           `json:"path"`
		File        string           `json:"file"`
		StartLine   int              `json:"start_line"`
		EndLine     int              `json:"end_line"`
		Origins     []jsonRange      `json:"origins"`
		Cause       string           `json:"cause,omitempty"`
		Removed     *jsonRange       `json:"removed,omitempty"`
		Fingerprint string           `json:"fingerprint"`
		Through     []string         `json:"through,omitempty"`
		Suppression *jsonSuppression `json:"suppression,omitempty"`
		Fix         *jsonFix         `json:"fix,omitempty"`
	}
	jsonSuppression struct {
		By      string `json:"by"`
		Tool    string `json:"tool,omitempty"`
		Reason  string `json:"reason"`
		Expires string `json:"expires,omitempty"`
	}
	jsonFix struct {
		Verified bool       `json:"verified"`
		Title    string     `json:"title,omitempty"`
		Review   string     `json:"review,omitempty"`
		Edits    []jsonEdit `json:"edits"`
	}
	jsonEdit struct {
		File      string `json:"file"`
		StartLine int    `json:"start_line"`
		EndLine   int    `json:"end_line"`
		NewText   string `json:"new_text"`
	}
	jsonDiagnostic struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Severity string `json:"severity"`
		Message  string `json:"message"`
	}
	jsonEffects struct {
		RulesOff        []string `json:"rules_off"`
		RulesOn         []string `json:"rules_on"`
		Looser          []string `json:"looser"`
		Stricter        []string `json:"stricter"`
		NewSuppressions int      `json:"new_suppressions"`
		HiddenFindings  int      `json:"hidden_findings"`
		Uncounted       string   `json:"uncounted,omitempty"`
		Error           string   `json:"error,omitempty"`
	}
	jsonUnknown struct {
		Rule     string `json:"rule"`
		Resource string `json:"resource"`
		Path     string `json:"path"`
		File     string `json:"file"`
		Line     int    `json:"line"`
		Why      string `json:"why"`
	}
)

func effectsJSON(e *Effects) *jsonEffects {
	if e == nil {
		return nil
	}
	list := func(s []string) []string { return append([]string{}, s...) }
	out := &jsonEffects{
		RulesOff: list(e.RulesOff), RulesOn: list(e.RulesOn), Looser: list(e.Loosened), Stricter: list(e.Tightened),
		NewSuppressions: e.Suppressions, HiddenFindings: e.Hidden, Uncounted: e.Uncounted,
	}
	if e.Broken != nil {
		out.Error = e.Broken.String()
	}
	return out
}

// JSON writes the report in schema version 1.
func JSON(w io.Writer, r *Report) error {
	c := count(r)
	out := jsonReport{
		SchemaVersion: 1, Base: r.Base, Head: r.Head,
		Summary: jsonSummary{
			New: c.New, Existing: c.Existing, Fixed: c.Fixed, Suppressed: c.Suppressed,
			ResourcesChanged: c.Changed, ResourcesTotal: c.Total, Conclusion: Conclude(r),
		},
		Resources: []jsonResource{}, Findings: []jsonFinding{}, Diagnostics: []jsonDiagnostic{}, NotEvaluated: []jsonUnknown{},
		IfMerged: effectsJSON(r.IfMerged),
	}
	for _, ch := range r.Changes {
		res := ch.Resource()
		out.Resources = append(out.Resources, jsonResource{
			ID: res.ID, Platform: res.Platform, File: res.Range.File,
			StartLine: res.Range.Start.Line, EndLine: res.Range.LastLine(), Change: string(ch.Kind),
		})
	}
	for _, f := range r.Findings {
		jf, err := jsonOf(r, f)
		if err != nil {
			return err
		}
		out.Findings = append(out.Findings, jf)
	}
	for _, d := range r.Diagnostics {
		msg := d.Message
		if d.NotEvaluated != "" {
			msg = d.NotEvaluated + ": " + msg
		}
		out.Diagnostics = append(out.Diagnostics, jsonDiagnostic{File: d.File, Line: d.Line, Severity: string(d.Level), Message: msg})
	}
	for _, u := range r.Unknown {
		out.NotEvaluated = append(out.NotEvaluated, jsonUnknown{
			Rule: u.Rule.ID, Resource: u.Resource.ID, Path: u.Path.String(), File: u.Range.File, Line: u.Range.Start.Line, Why: u.Why,
		})
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(out); err != nil {
		return fmt.Errorf("write the JSON report: %w", err)
	}
	return nil
}

func jsonOf(r *Report, f Finding) (jsonFinding, error) {
	out := jsonFinding{
		Rule: f.Rule.ID, Severity: string(f.Severity), State: string(f.State), Title: f.Rule.Title,
		Message: f.Message, Remediation: f.Rule.Remediation, Write: f.Write, DocsURL: docsURL(r, f),
		Resource: f.Resource.ID, Platform: f.Resource.Platform, Path: f.Path.String(),
		File: f.Range.File, StartLine: f.Range.Start.Line, EndLine: f.Range.LastLine(),
		Origins: []jsonRange{}, Fingerprint: f.Fingerprint, Through: f.Through,
	}
	if f.Cause != nil {
		out.Cause = f.Cause.ID
	}
	if at := lost(f); at.Start.Line > 0 {
		out.Removed = &jsonRange{File: at.File, StartLine: at.Start.Line, EndLine: at.LastLine()}
	}
	for _, o := range from(f) {
		out.Origins = append(out.Origins, jsonRange{File: o.File, StartLine: o.Start.Line, EndLine: o.LastLine()})
	}
	if s := f.Suppression; s != nil {
		out.Suppression = &jsonSuppression{By: s.By, Tool: s.Tool, Reason: s.Reason, Expires: s.Expires}
	}
	if f.Fix != nil {
		edits, err := LineEdits(r.Files, f.Fix.Edits)
		if err != nil {
			return out, err
		}
		out.Fix = &jsonFix{Verified: f.Fix.Verified, Title: f.Fix.Title, Review: f.Fix.Review, Edits: []jsonEdit{}}
		for _, e := range edits {
			out.Fix.Edits = append(out.Fix.Edits, jsonEdit{File: e.File, StartLine: e.Start, EndLine: e.End, NewText: e.New})
		}
	}
	return out, nil
}

// docsURL is the rule's page on the server, or its source's page in the docs.
func docsURL(r *Report, f Finding) string {
	if u := ruleURL(r, f.Rule.ID); u != "" {
		return u
	}
	if len(f.Rule.References) > 0 {
		return f.Rule.References[0]
	}
	return ""
}

// LineEdits turns byte edits in several files into whole-line edits, file by
// file in the order of the edits.
func LineEdits(files map[string]*source.File, edits []source.Edit) ([]source.LineEdit, error) {
	byFile := map[string][]source.Edit{}
	var order []string
	for _, e := range edits {
		if _, ok := byFile[e.Range.File]; !ok {
			order = append(order, e.Range.File)
		}
		byFile[e.Range.File] = append(byFile[e.Range.File], e)
	}
	var out []source.LineEdit
	for _, name := range order {
		f := files[name]
		if f == nil {
			return nil, fmt.Errorf("an edit of %s, which was not read", name)
		}
		lines, err := source.WholeLines(f, byFile[name])
		if err != nil {
			return nil, err
		}
		out = append(out, lines...)
	}
	return out, nil
}
