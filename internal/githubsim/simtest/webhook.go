package simtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const webhookSchema = "https://plimsoll.invalid/webhooks.json"

// webhookCompiler is shared, and is not safe for concurrent use.
type webhookCompiler struct {
	mu      sync.Mutex
	c       *jsonschema.Compiler
	defined map[string]bool
}

var webhooks = sync.OnceValues(func() (*webhookCompiler, error) {
	b, err := description("webhooks.json")
	if err != nil {
		return nil, err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	// The library knows no operators in templates: {/sha} is no error.
	c.RegisterFormat(&jsonschema.Format{Name: "uri-template", Validate: func(any) error { return nil }})
	if err := c.AddResource(webhookSchema, doc); err != nil {
		return nil, err
	}
	out := &webhookCompiler{c: c, defined: map[string]bool{}}
	m, _ := doc.(map[string]any)
	definitions, _ := m["definitions"].(map[string]any)
	for name := range definitions {
		out.defined[name] = true
	}
	return out, nil
})

// CheckWebhook says what is wrong with the payload of an event, by GitHub's
// schemas.
func CheckWebhook(event string, payload []byte) error {
	w, err := webhooks()
	if err != nil {
		return err
	}
	var head struct {
		Action string `json:"action"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return err
	}
	name := event + "$" + head.Action
	if head.Action == "" {
		name = event + "$event"
	}
	if !w.defined[name] {
		return fmt.Errorf("GitHub describes no event %s with the action %q", event, head.Action)
	}
	w.mu.Lock()
	schema, err := w.c.Compile(webhookSchema + "#/definitions/" + name)
	w.mu.Unlock()
	if err != nil {
		return err
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(payload))
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// WebhookExamples gives real payloads of an event.
func WebhookExamples(event string) ([]json.RawMessage, error) {
	b, err := description("examples.json")
	if err != nil {
		return nil, err
	}
	var all []struct {
		Name     string            `json:"name"`
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, err
	}
	for _, e := range all {
		if e.Name == event {
			return e.Examples, nil
		}
	}
	return nil, fmt.Errorf("no examples of %s", event)
}
