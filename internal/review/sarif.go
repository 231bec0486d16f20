package review

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/engine"
	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// GitHub keeps 5,000 results of a run; sending more would drop some unseen.
// Source: code scanning's SARIF support page.
const maxResults = 5000

type (
	object = map[string]any
	array  = []any
)

// SARIF writes the new and existing findings of the head as SARIF 2.1.0, with
// fixes and fingerprints, gravest first; suppressed ones as suppressed results.
func SARIF(w io.Writer, r *Report, version string) error {
	index := map[string]int{}
	rules, results := array{}, array{}
	dropped := 0
	for _, f := range r.Findings {
		if f.State == engine.Fixed {
			continue
		}
		if len(results) == maxResults {
			dropped++
			continue
		}
		if _, ok := index[f.Rule.ID]; !ok {
			index[f.Rule.ID] = len(rules)
			rules = append(rules, sarifRule(r, f))
		}
		res, err := sarifResult(r, f, index[f.Rule.ID])
		if err != nil {
			return err
		}
		results = append(results, res)
	}
	notes := array{}
	for _, d := range r.Diagnostics {
		n := object{"level": string(d.Level), "message": object{"text": d.String()}}
		if d.File != "" {
			n["locations"] = array{object{"physicalLocation": object{
				"artifactLocation": object{"uri": uri(d.File), "uriBaseId": "%SRCROOT%"},
				"region":           object{"startLine": max(1, d.Line)},
			}}}
		}
		notes = append(notes, n)
	}
	if dropped > 0 {
		notes = append(notes, object{"level": "warning", "message": object{"text": fmt.Sprintf("%d further findings are left out: code scanning keeps %d of a run", dropped, maxResults)}})
	}
	doc := object{
		"$schema": "https://json.schemastore.org/sarif-2.1.0.json",
		"version": "2.1.0",
		"runs": array{object{
			"tool": object{"driver": object{
				"name": "Plimsoll", "semanticVersion": strings.TrimPrefix(version, "v"),
				"informationUri": "https://github.com/plimsoll-iac/plimsoll", "rules": rules,
			}},
			"columnKind":         "unicodeCodePoints",
			"originalUriBaseIds": object{"%SRCROOT%": object{"description": object{"text": "The repository's root"}}},
			"invocations":        array{object{"executionSuccessful": true, "toolExecutionNotifications": notes}},
			"results":            results,
		}},
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("write the SARIF report: %w", err)
	}
	return nil
}

func sarifRule(r *Report, f Finding) object {
	out := object{
		"id":                   f.Rule.ID,
		"name":                 f.Rule.ID,
		"shortDescription":     object{"text": f.Rule.Title},
		"fullDescription":      object{"text": f.Rule.Why},
		"help":                 object{"text": f.Rule.Why + " " + f.Rule.Remediation, "markdown": f.Rule.Why + "\n\n" + f.Rule.Remediation},
		"defaultConfiguration": object{"level": sarifLevel(f.Rule.Severity)},
		"properties": object{
			"tags":              array{"security", f.Rule.Theme},
			"precision":         "high",
			"security-severity": map[rule.Severity]string{rule.Critical: "9.5", rule.High: "8.0", rule.Medium: "5.5", rule.Low: "2.0"}[f.Severity],
		},
	}
	if u := docsURL(r, f); u != "" {
		out["helpUri"] = u
	}
	return out
}

func sarifLevel(s rule.Severity) string {
	switch s {
	case rule.Critical, rule.High:
		return "error"
	case rule.Medium:
		return "warning"
	}
	return "note"
}

func sarifResult(r *Report, f Finding, ruleIndex int) (object, error) {
	at := inHead(f)
	region := object{"startLine": max(1, at.Start.Line)}
	if at.Start.Line > 0 {
		region = object{
			"startLine": at.Start.Line, "startColumn": at.Start.Column,
			"endLine": at.End.Line, "endColumn": at.End.Column,
		}
	}
	res := object{
		"ruleId": f.Rule.ID, "ruleIndex": ruleIndex, "level": sarifLevel(f.Severity),
		"message": object{"text": plain(upperFirst(f.Message)+alsoThrough(f, asIs)) + ". " + plain(f.Rule.Remediation)},
		"locations": array{object{
			"physicalLocation": object{"artifactLocation": object{"uri": uri(at.File), "uriBaseId": "%SRCROOT%"}, "region": region},
			"logicalLocations": array{object{"fullyQualifiedName": f.Resource.ID, "kind": "resource"}},
		}},
		"partialFingerprints": object{"plimsoll/v1": f.Fingerprint},
	}
	switch f.State {
	case engine.New:
		res["baselineState"] = "new"
	case engine.Existing:
		res["baselineState"] = "unchanged"
	}
	var related array
	for i, o := range from(f) {
		related = append(related, object{"id": i + 1, "message": object{"text": comes(f) + " this place"}, "physicalLocation": object{
			"artifactLocation": object{"uri": uri(o.File), "uriBaseId": "%SRCROOT%"},
			"region":           object{"startLine": max(1, o.Start.Line)},
		}})
	}
	if related != nil {
		res["relatedLocations"] = related
	}
	if f.Suppression != nil {
		kind := "external"
		if f.Suppression.By == "inline" {
			kind = "inSource"
		}
		res["suppressions"] = array{object{"kind": kind, "status": "accepted", "justification": f.Suppression.Reason}}
	}
	if f.Fix != nil {
		fix, err := sarifFix(r, f)
		if err != nil {
			return nil, err
		}
		res["fixes"] = array{fix}
	}
	return res, nil
}

func sarifFix(r *Report, f Finding) (object, error) {
	edits, err := LineEdits(r.Files, f.Fix.Edits)
	if err != nil {
		return nil, err
	}
	byFile := map[string]array{}
	var order []string
	for _, e := range edits {
		if _, ok := byFile[e.File]; !ok {
			order = append(order, e.File)
		}
		byFile[e.File] = append(byFile[e.File], object{
			"deletedRegion":   object{"startLine": e.Start, "startColumn": 1, "endLine": e.End + 1, "endColumn": 1},
			"insertedContent": object{"text": e.New},
		})
	}
	var changes array
	for _, name := range order {
		changes = append(changes, object{"artifactLocation": object{"uri": uri(name), "uriBaseId": "%SRCROOT%"}, "replacements": byFile[name]})
	}
	return object{"description": object{"text": f.Fix.Title}, "artifactChanges": changes}, nil
}

// uri percent-encodes a repository path as SARIF's relative URI references
// want it.
func uri(path string) string {
	const keep = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/!$&'()*+,;=@"
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if strings.IndexByte(keep, path[i]) >= 0 {
			b.WriteByte(path[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", path[i])
		}
	}
	return b.String()
}
