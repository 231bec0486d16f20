package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

func TestSchemaIsTheOneInTheDocuments(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/plimsoll.schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/plimsoll.schema.json is stale (%v): go run ./cmd/plimsoll config schema > docs/plimsoll.schema.json", err)
	}
}

// The keys that the parser takes are those of the schema, at every level.
func TestSchemaHasTheParsersKeys(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Properties map[string]struct {
			Properties           map[string]any
			AdditionalProperties any
			Items                struct{ Properties map[string]any }
		}
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	p := repositoryParser{}
	if diff := cmp.Diff(slices.Sorted(slices.Values(p.keys())), slices.Sorted(maps.Keys(schema.Properties))); diff != "" {
		t.Errorf("keys:\n%s", diff)
	}
	var doc map[string]any
	if err := yaml.Unmarshal([]byte(full), &doc); err != nil {
		t.Fatal(err)
	}
	for key := range doc {
		if _, ok := schema.Properties[key]; !ok {
			t.Errorf("the example of every key has %q, the schema has not", key)
		}
	}
	for _, c := range []struct {
		from string
		keys map[string]any
		has  any
	}{
		{"paths", schema.Properties["paths"].Properties, doc["paths"]},
		{"suppress", schema.Properties["suppress"].Items.Properties, doc["suppress"].([]any)[0]},
	} {
		for key := range c.has.(map[string]any) {
			if c.keys[key] == nil {
				t.Errorf("%s.%s is not in the schema", c.from, key)
			}
		}
	}
}
