package rule

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
)

func TestSchemaIsTheOneInTheDocuments(t *testing.T) {
	want, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../docs/rule.schema.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/rule.schema.json is stale (%v): go run ./cmd/plimsoll rules schema > docs/rule.schema.json", err)
	}
}

// TestSchemaAgreesWithTheParser holds that what the parser takes the schema
// takes, and that it refuses what it should.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	data, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(SchemaURL, doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile(SchemaURL)
	if err != nil {
		t.Fatal(err)
	}
	valid := func(text string) error {
		var v any
		if err := yaml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		v, err = jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(v)
	}
	if _, ds := Parse("a.yaml", []byte(whole)); len(ds) > 0 {
		t.Fatal(ds)
	}
	if err := valid(whole); err != nil {
		t.Errorf("the schema refuses a rule: %v", err)
	}
	for _, change := range [][2]string{
		{"severity: critical", "severty: critical"}, {"severity: critical", "severity: fatal"}, {"theme: privileged-containers", "theme: other"},
		{"platform: kubernetes", "platform: kuberntes"}, {"    at: sec", "    att: sec"}, {"      title: Set", "      tilte: Set"},
		{"  - pass: |", "  - pas: |"}, {"https://example.com/a", "http://example.com/a"}, {"id: k8s/privileged-container", "id: privileged"},
	} {
		bad := strings.Replace(whole, change[0], change[1], 1)
		if bad == whole {
			t.Fatalf("%q is not in the rule", change[0])
		}
		if r, _ := Parse("a.yaml", []byte(bad)); r != nil || valid(bad) == nil {
			t.Errorf("%q is taken", change[1])
		}
	}
}
