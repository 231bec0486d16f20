// Command trim keeps of GitHub's descriptions (the packages of .ci/npm) what
// the tests need: of the OpenAPI description the endpoints that the simulated
// GitHub serves with the schemas that they use, which loads in a hundredth of
// the time of the whole.
//
//	trim NODE_MODULES OUT
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/githubsim"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: trim NODE_MODULES OUT")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "trim:", err)
		os.Exit(1)
	}
}

func run(from, to string) error {
	octokit := filepath.Join(from, "@octokit")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := trimOpenAPI(filepath.Join(octokit, "openapi/generated/api.github.com.json"), filepath.Join(to, "openapi.json")); err != nil {
		return err
	}
	for name, source := range map[string]string{
		"schema.graphql": "graphql-schema/schema.graphql",
		"webhooks.json":  "webhooks-schemas/schema.json",
		"examples.json":  "webhooks-examples/api.github.com/index.json",
	} {
		b, err := os.ReadFile(filepath.Join(octokit, source))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func trimOpenAPI(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var doc map[string]any
	if err := json.Unmarshal(b, &doc); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	all, _ := doc["paths"].(map[string]any)
	components, _ := doc["components"].(map[string]any)
	paths := map[string]any{}
	for _, template := range githubsim.Endpoints() {
		method, path, _ := strings.Cut(template, " ")
		item, _ := all[path].(map[string]any)
		operation, ok := item[strings.ToLower(method)].(map[string]any)
		if !ok {
			return fmt.Errorf("GitHub describes no %s", template)
		}
		kept, _ := paths[path].(map[string]any)
		if kept == nil {
			kept = map[string]any{}
			paths[path] = kept
		}
		kept[strings.ToLower(method)] = operation
	}
	used := map[string]any{}
	if err := follow(paths, components, used); err != nil {
		return err
	}
	for _, item := range paths {
		for _, operation := range item.(map[string]any) {
			closeBody(operation.(map[string]any))
		}
	}
	out, err := json.Marshal(map[string]any{
		"openapi": doc["openapi"], "info": doc["info"], "paths": paths, "components": used,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(to, out, 0o644)
}

// follow copies every component that v refers to, and what those refer to.
func follow(v any, components, used map[string]any) error {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			if err := follow(item, components, used); err != nil {
				return err
			}
		}
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			parts := strings.Split(ref, "/")
			if len(parts) != 4 || parts[1] != "components" {
				return fmt.Errorf("reference %s", ref)
			}
			group, _ := components[parts[2]].(map[string]any)
			target, ok := group[parts[3]]
			if !ok {
				return fmt.Errorf("reference %s leads nowhere", ref)
			}
			kept, _ := used[parts[2]].(map[string]any)
			if kept == nil {
				kept = map[string]any{}
				used[parts[2]] = kept
			}
			if _, seen := kept[parts[3]]; seen {
				return nil
			}
			loosen(parts[3], target)
			kept[parts[3]] = target
			return follow(target, components, used)
		}
		eitherAccount(v)
		for key, item := range v {
			if key == "examples" || key == "example" {
				delete(v, key)
				continue
			}
			if err := follow(item, components, used); err != nil {
				return err
			}
		}
	}
	return nil
}

// eitherAccount mends a description by which the account of an installation is a
// user and an enterprise at once.
func eitherAccount(schema map[string]any) {
	account, _ := schema["account"].(map[string]any)
	if all, ok := account["allOf"].([]any); ok && len(all) == 2 {
		account["anyOf"] = all
		delete(account, "allOf")
	}
}

// loosen mends what GitHub describes more narrowly than it answers: the place
// of an outdated comment is null.
func loosen(name string, schema any) {
	if name != "pull-request-review-comment" && name != "review-comment" {
		return
	}
	m, _ := schema.(map[string]any)
	properties, _ := m["properties"].(map[string]any)
	for _, key := range []string{"line", "original_line", "position"} {
		if p, ok := properties[key].(map[string]any); ok {
			p["nullable"] = true
		}
	}
}

// closeBody forbids members of a request's body that GitHub does not describe:
// GitHub ignores them, and a client that sends one has misspelt it.
func closeBody(operation map[string]any) {
	body, _ := operation["requestBody"].(map[string]any)
	content, _ := body["content"].(map[string]any)
	for _, media := range content {
		m, _ := media.(map[string]any)
		closeSchema(m["schema"])
	}
}

func closeSchema(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for _, alternative := range []string{"oneOf", "anyOf", "allOf", "$ref"} {
		if _, ok := m[alternative]; ok {
			return
		}
	}
	properties, ok := m["properties"].(map[string]any)
	if _, open := m["additionalProperties"]; ok && !open {
		m["additionalProperties"] = false
	}
	for _, p := range properties {
		closeSchema(p)
	}
	closeSchema(m["items"])
}
