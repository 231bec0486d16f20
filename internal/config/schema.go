package config

import (
	"bytes"
	"encoding/json"

	"github.com/plimsoll-iac/plimsoll/internal/rule"
)

// SchemaURL is where editors find the schema of a repository's configuration.
const SchemaURL = "https://raw.githubusercontent.com/plimsoll-iac/plimsoll/main/docs/plimsoll.schema.json"

// Schema is the JSON Schema of a repository's configuration, for editors. The
// parser is the authority: what it takes, the schema takes.
func Schema() ([]byte, error) {
	type object = map[string]any
	text := func(about string) object { return object{"type": "string", "description": about} }
	flag := func(about string, def bool) object {
		return object{"type": "boolean", "default": def, "description": about}
	}
	words := func(about, def string, list ...string) object {
		o := object{"enum": list, "description": about}
		if def != "" {
			o["default"] = def
		}
		return o
	}
	// One text alone is a list of one.
	texts := func(about string, item object) object {
		return object{"description": about, "oneOf": []any{item, object{"type": "array", "items": item}}}
	}
	var severities []string
	for _, s := range rule.Severities() {
		severities = append(severities, string(s))
	}
	thresholds := append(append([]string{}, severities...), "none")
	ruleID := object{"type": "string", "pattern": "^[a-z0-9-]+/[a-z0-9-]+$"}
	pattern := object{"type": "string", "minLength": 1}
	locks := object{"anyOf": []any{object{"enum": append(lockable(), "paths")}, object{"type": "string", "pattern": "^rules\\.[a-z0-9-]+/[a-z0-9-]+$"}}}
	properties := object{
		"version":       object{"enum": []any{1, "1"}, "description": "Version of this file's form."},
		"mode":          words("enforce fails the check on new findings at or above fail_on; advise never fails it.", ModeEnforce, ModeEnforce, ModeAdvise),
		"profile":       texts("Which rules are used.", object{"enum": Profiles()}),
		"fail_on":       words("Lowest severity of a new finding that fails the check.", "high", thresholds...),
		"comment_on":    words("Lowest severity that gets an inline comment; the rest stand in the check run.", "medium", thresholds...),
		"review_drafts": flag("Give drafts their inline comments at once.", false),
		"max_comments":  object{"type": "integer", "minimum": 0, "maximum": maxComments, "default": 20, "description": "Inline comments of one review, the gravest first."},
		"paths": object{
			"type": "object", "additionalProperties": false, "description": "Which files count: some include pattern matches and no exclude pattern does.",
			"properties": object{"include": texts("Patterns of paths from the root.", pattern), "exclude": texts("Patterns of paths from the root.", pattern)},
		},
		"rules": object{
			"type": "object", "description": "Changes single rules, by id.", "propertyNames": ruleID,
			"additionalProperties": object{"type": "object", "additionalProperties": false, "properties": object{
				"enabled": object{"type": "boolean", "description": "Whether the rule is used, whatever the profile."}, "severity": words("The severity of its findings here.", "", severities...),
			}},
		},
		"suppress": object{
			"type": "array", "description": "Findings that somebody answers for.",
			"items": object{"type": "object", "additionalProperties": false, "required": []string{"rule", "reason"}, "properties": object{
				"rule": ruleID, "paths": texts("Patterns of paths; left out: everywhere.", pattern),
				"reason": text("Why they may stay."), "expires": object{"type": "string", "pattern": `^\d{4}-\d{2}-\d{2}$`, "description": "The last day on which it counts."},
			}},
		},
		"extra_rules": texts("Folders of further rules, read from the base commit.", pattern),
		"terraform": object{
			"type": "object", "additionalProperties": false, "description": "How Terraform is read.",
			"properties": object{"var_files": texts("Patterns of files of variables that are named on the command line: one environment each.", pattern)},
		},
		"helm": object{
			"type": "object", "additionalProperties": false, "description": "How charts are rendered.",
			"properties": object{
				"values":       texts("Patterns of values files beside those that are found: one environment each.", pattern),
				"kube_version": object{"type": []string{"string", "number"}, "description": "Version of Kubernetes that charts are rendered for, as in 1.34."},
				"namespace":    object{"type": "string", "pattern": namespaceName.String(), "description": "Namespace that charts are released into; left out, it is not known."},
			},
		},
		"inline_suppressions": words("base: a suppression in a comment counts once merged; head: at once.", InlineBase, InlineBase, InlineHead),
		"compatibility": object{
			"type": "object", "additionalProperties": false, "description": "What is taken over from other tools.",
			"properties": object{"suppressions": flag("Suppressions that were written for other tools count for the rules that mean the same.", true)},
		},
		"sarif_upload": flag("Upload the findings to code scanning too.", false),
		"locked":       texts("Keys that layers above this one may only make stricter.", locks),
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaURL,
		"title": "Plimsoll's configuration of a repository", "description": "The file .plimsoll.yml at the root of a repository, or of an organisation's .github repository.",
		"type": []string{"object", "null"}, "additionalProperties": false, "properties": properties,
	})
	return b.Bytes(), err
}
