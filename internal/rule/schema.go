package rule

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// SchemaURL is where editors find the schema of a rule file.
const SchemaURL = "https://raw.githubusercontent.com/plimsoll-iac/plimsoll/main/docs/rule.schema.json"

// selectionNames lists the selections that have a name, by platform.
func selectionNames() string {
	var out []string
	for _, p := range Platforms() {
		if names := slices.Sorted(maps.Keys(Selections(p))); len(names) > 0 {
			out = append(out, p+" "+strings.Join(names, ", "))
		}
	}
	return strings.Join(out, "; ")
}

// Schema is the JSON Schema of a rule file, for editors. The parser is the
// authority: what the schema takes, the parser may still refuse (an expression
// that does not compile, an example without a platform).
func Schema() ([]byte, error) {
	type object = map[string]any
	text := func(about string) object {
		return object{"type": "string", "minLength": 1, "description": about}
	}
	words := func(about string, list []string) object { return object{"enum": list, "description": about} }
	// One text alone is a list of one, and a number is the text that it is written as.
	scalar := object{"type": []string{"string", "number"}}
	several := []any{scalar, object{"type": "array", "minItems": 1, "items": scalar}}
	texts := func(about string) object { return object{"anyOf": several, "description": about} }
	lists := func(about string) object {
		return object{"type": "object", "additionalProperties": object{"anyOf": several}, "description": about}
	}
	closed := func(about string, required []string, properties object) object {
		return object{"type": "object", "additionalProperties": false, "required": required, "properties": properties, "description": about}
	}
	var severities []string
	for _, s := range Severities() {
		severities = append(severities, string(s))
	}
	settings := func(about string) object {
		return object{"type": "object", "minProperties": 1, "description": about}
	}
	fix := closed("How to mend one violation; proven each time before it is shown.", []string{}, object{
		"title": text("One line, imperative: what the fix does."), "review": text("What a person should check before applying it."),
		"set": settings("Paths, relative to the item, and the values they are to have."), "append": settings("Paths of lists and the items to add."),
		"delete": texts("Paths of settings to take away."),
		"write":  words("Puts the check's block behind the resource, as one of its own.", []string{"beside"}),
	})
	check := closed("How one platform can violate the rule.", []string{"platform", "fail", "message"}, object{
		"platform":    words("What the check is for.", Platforms()),
		"kinds":       texts("Kinds of resources: Deployment, rbac.authorization.k8s.io/ClusterRole, aws_eks_cluster. Left out: all."),
		"each":        text("A selection or a path ending in [*]; left out: the resource once. Selections: " + selectionNames() + "."),
		"links":       texts("Kinds of resources beside its own that the condition looks at with linked(kind)."),
		"equivalents": texts("Those ids of the rule's equivalents that mean this check alone, and others that name them: a suppression by one reaches no other check."),
		"fail":        text("CEL: true means violation."), "at": text("Path of the setting, relative to the item; it may be missing."),
		"message": text("One sentence without a full stop; {{ CEL }} in it is replaced."),
		"write":   text("A block that shows what to write where no fix can do it, in the platform's language; {{ CEL }} in it is replaced by values."), "fix": fix,
	})
	example := closed("A violation, its mended form, or something that passes.", []string{}, object{
		"platform": words("Needed where the rule has checks for several platforms.", Platforms()),
		"format":   text("What the example is written in, where that is not its platform's own format."),
		"file":     text("The file's name, where it matters."), "fail": text("Gives a finding."),
		"fixed": text("What the fix makes of fail, byte for byte."), "pass": text("Gives none."),
	})
	array := func(item object, most int, about string) object {
		return object{"type": "array", "minItems": 1, "maxItems": most, "items": item, "description": about}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(object{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SchemaURL,
		"title": "A rule of Plimsoll", "type": "object", "additionalProperties": false,
		"required": []string{"id", "title", "severity", "theme", "why", "remediation", "checks"},
		"properties": object{
			"id":       object{"type": "string", "pattern": idForm.String(), "description": "<area>/<kebab-case-name>, after the thing at risk."},
			"title":    text("What is wrong, without a full stop."),
			"severity": words("By what happens if nobody acts.", severities),
			"profile":  words("The smallest profile that has the rule.", Profiles()),
			"theme":    words("Which of the nine themes it belongs to.", Themes()),
			"why":      text("Why it matters, in one or two sentences."), "remediation": text("What to do, in one or two sentences."),
			"references": object{"type": "array", "minItems": 1, "items": object{"type": "string", "pattern": "^https://"}, "description": "Documentation that the rule stands on."},
			"compliance": lists("Controls by standard: pss, cis-kubernetes, owasp-k8s, nsa."), "equivalents": lists("Rules of other tools that mean the same; suppressions for them count here."),
			"covers": texts("Rows of the project's list of checks."),
			"over":   texts("Rules that say nothing of a setting where this one has a finding that is no less grave."),
			"checks": array(check, maxChecks, "One for each way a platform can violate the rule."), "examples": array(example, maxExamples, "They are the rule's tests: plimsoll rules test FILE."),
		},
	})
	return b.Bytes(), err
}
