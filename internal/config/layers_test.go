package config

import (
	"strings"
	"testing"
)

func parsed(t *testing.T, name, text string) Layer {
	t.Helper()
	r, ds, err := ParseRepository(name, []byte(text), nil)
	if err != nil || len(ds) > 0 {
		t.Fatalf("%s: %v %v", name, err, ds)
	}
	return Layer{Name: name, Repository: r}
}

const lockedOrg = `mode: enforce
fail_on: medium
profile: default
paths: {exclude: ["**/testdata/**"]}
rules:
  k8s/host-path: {severity: high}
locked: [mode, fail_on, profile, paths, suppress, inline_suppressions, rules.k8s/host-path, rules.k8s/cpu-limits, max_comments]
`

func TestLockedKeysAreOnlyMadeStricter(t *testing.T) {
	for text, want := range map[string]string{ // → a part of the diagnostic, "" for none
		"mode: advise":               ".plimsoll.yml:1: mode is locked by acme/.github/.plimsoll.yml and stays enforce",
		"mode: enforce":              "",
		"fail_on: high":              "fail_on is locked by acme/.github/.plimsoll.yml and stays medium",
		"fail_on: none":              "stays medium",
		"fail_on: low":               "",
		"profile: strict":            "profile is locked",
		"profile: [strict, default]": "",
		"paths: {exclude: [\"**/testdata/**\", \"infra/**\"]}":                    "paths.exclude is locked",
		"paths: {exclude: []}":                                                    "",
		"paths: {include: [\"infra/**\"]}":                                        "paths.include is locked",
		"inline_suppressions: head":                                               "inline_suppressions is locked",
		"max_comments: 5":                                                         "max_comments is locked",
		"max_comments: 50":                                                        "",
		"rules: {k8s/host-path: {enabled: false}}":                                "rules.k8s/host-path is locked",
		"rules: {k8s/host-path: {severity: low}}":                                 "rules.k8s/host-path is locked",
		"rules: {k8s/host-path: {severity: critical}}":                            "",
		"rules: {k8s/cpu-limits: {severity: high}}":                               "rules.k8s/cpu-limits is locked",
		"rules: {k8s/cpu-limits: {severity: critical}}":                           "",
		"rules: {k8s/cpu-limits: {enabled: true}}":                                "",
		"rules: {k8s/cpu-limits: {enabled: false}}":                               "rules.k8s/cpu-limits is locked",
		"rules: {k8s/latest-tag: {enabled: false}}":                               "",
		"suppress: [{rule: k8s/host-path, reason: why}]":                          "suppress is locked",
		"comment_on: critical":                                                    "",
		"review_drafts: false":                                                    "",
		"locked: [comment_on]\ncomment_on: low":                                   "",
		"# a repository cannot unlock\nlocked: []\nmode: advise\nfail_on: high\n": ".plimsoll.yml:3: mode is locked",
	} {
		org := parsed(t, "acme/.github/.plimsoll.yml", lockedOrg)
		m, _, ds := Lay(Layer{Repository: Defaults()}, org, parsed(t, ".plimsoll.yml", text))
		var got string
		for _, d := range ds {
			got += d.String() + "\n"
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
		if m.Mode != ModeEnforce || m.FailOn == "high" || m.FailOn == "none" || len(m.Suppress) > 0 {
			t.Errorf("%s: loosened: %+v", text, m)
		}
	}
}

func TestCommandLineIsFree(t *testing.T) {
	org := parsed(t, "acme/.github/.plimsoll.yml", lockedOrg)
	m, _, ds := Lay(Layer{Repository: Defaults()}, org, Layer{Name: "flags", Free: true, Repository: Repository{FailOn: "none"}})
	if m.FailOn != "none" || len(ds) > 0 {
		t.Errorf("fail_on %s, %v", m.FailOn, ds)
	}
}

func TestOriginsNameLayerAndLine(t *testing.T) {
	org := parsed(t, "acme/.github/.plimsoll.yml", lockedOrg)
	_, origins, _ := Lay(Layer{Name: "defaults", Repository: Defaults()}, org,
		parsed(t, ".plimsoll.yml", "comment_on: low\nrules:\n  k8s/latest-tag: {enabled: false}\nsarif_upload: true\n"))
	byKey := map[string]Origin{}
	for _, o := range origins {
		byKey[o.Key] = o
	}
	for key, want := range map[string]Origin{
		"mode":                 {Value: "enforce", Layer: org.Name, Locked: org.Name},
		"comment_on":           {Value: "low", Layer: ".plimsoll.yml"},
		"review_drafts":        {Value: "false", Layer: "defaults"},
		"rules.k8s/host-path":  {Value: "severity: high", Layer: org.Name, Locked: org.Name},
		"rules.k8s/latest-tag": {Value: "enabled: false", Layer: ".plimsoll.yml"},
		"sarif_upload":         {Value: "true", Layer: ".plimsoll.yml"},
	} {
		got := byKey[key]
		if got.Value != want.Value || got.Layer != want.Layer || got.Locked != want.Locked {
			t.Errorf("%s: %+v, want %+v", key, got, want)
		}
	}
	if at := byKey["rules.k8s/latest-tag"].Place; at.File != ".plimsoll.yml" || at.Start.Line != 3 {
		t.Errorf("the rule is set at %v", at)
	}
}
