package rule

import (
	"strings"
	"testing"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestBlocks(t *testing.T) {
	named := func(s string) *resource.Node { return labelMap("name", s) }
	list := &resource.Node{Kind: resource.Map, Fields: []resource.Field{{Name: "name", Node: &resource.Node{Kind: resource.List, Items: []*resource.Node{
		{Kind: resource.String, Value: "a b"}, {Kind: resource.String, Value: "c"},
	}}}}}
	tests := []struct {
		language, block string
		object          *resource.Node
		want            string
	}{
		{LanguageHCL, `bucket = {{ it.name }}`, named(`a "${b}" %{c}\d`), `bucket = "a \"$${b}\" %%{c}\\d"`},
		{LanguageHCL, `bucket = {{ it.name }}`, list, `bucket = ["a b", "c"]`},
		{LanguageHCL, `tags = {{ it }}`, labelMap("name", "api", "a/b", "1"), `tags = { "a/b" = "1", name = "api" }`},
		{LanguageHCL, `resource "aws_s3_bucket" "{{ it.name }}" {}`, named("logs"), `resource "aws_s3_bucket" "logs" {}`},
		{LanguageHCL, `resource "aws_s3_bucket" "{{ it.name }}" {}`, named("a b"), ""},
		{LanguageHCL, `bucket = aws_s3_bucket.{{ it.name }}.id`, named("logs"), `bucket = aws_s3_bucket.logs.id`},
		{LanguageHCL, `bucket = aws_s3_bucket.{{ it.name }}.id`, named(`logs") + file("x`), ""},
		{LanguageHCL, `bucket = {{ it.name }}.id`, named("aws_s3_bucket.logs"), `bucket = aws_s3_bucket.logs.id`},
		{LanguageHCL, `arn = "${aws_s3_bucket.{{ it.name }}.arn}/*"`, named("logs"), `arn = "${aws_s3_bucket.logs.arn}/*"`},
		{LanguageHCL, `arn = "${aws_s3_bucket.{{ it.name }}.arn}/*"`, named("a-${b}"), ""},
		{LanguageHCL, `arn = "arn:aws:s3:::{{ it.name }}/*"`, named(`x"${y}`), `arn = "arn:aws:s3:::x\"$${y}/*"`},
		{LanguageHCL, `bucket = {{ it.name }}`, named("?"), ""},
		{LanguageYAML, `name: {{ it.name }}-deny`, named("api"), "name: api-deny"},
		{LanguageYAML, `name: {{ it.name }}-deny`, named("a: b"), ""},
		{LanguageYAML, `image: {{ it.name }}:VERSION`, named("registry.example.com:5000/api"), "image: registry.example.com:5000/api:VERSION"},
		{LanguageYAML, `image: {{ it.name }}:VERSION`, named("api:"), ""},
		{LanguageYAML, `a: {{ it.name }}`, named("512Mi"), "a: 512Mi"},
		{LanguageYAML, `a: {{ it.name }}`, named("/var/run"), "a: /var/run"},
		{LanguageYAML, `a: {{ it.name }}`, named("a:"), `a: "a:"`},
		{LanguageYAML, `a: {{ it.name }}`, named("12e3"), `a: "12e3"`},
		{LanguageYAML, `{{ it.name }}: 1`, named("1"), `"1": 1`},
		{LanguageYAML, `name: "{{ it.name }}-deny"`, named(`a": b`), `name: "a\": b-deny"`},
		{LanguageYAML, "# container {{ it.name }}\na: 1", named("10"), "# container 10\na: 1"},
		{LanguageYAML, "# container {{ it.name }}\na: 1", named("10\nb: 2"), ""},
		{LanguageYAML, "if: ${{ it.x }}\nname: {{ it.name }}", named("api"), "if: ${{ it.x }}\nname: api"},
		{LanguageYAML, `name: {{ it.name }}`, named("a```b"), ""},
		{LanguageDockerfile, `RUN {{ it.name }}`, named(`apk add --no-cache "curl"`), `RUN apk add --no-cache "curl"`},
		{LanguageDockerfile, `RUN {{ it.name }}`, list, `RUN a b c`},
		{LanguageDockerfile, `RUN {{ it.name }}`, named("a\nUSER root"), ""},
		{LanguageBash, `curl -fsSL {{ it.?other.orValue("x") }}`, named("?"), "curl -fsSL x"},
	}
	for _, tt := range tests {
		b, err := parseBlock(tt.block, tt.language, false)
		if err != nil {
			t.Fatalf("%s: %v", tt.block, err)
		}
		if got := b.fill(&Input{It: tt.object, Object: tt.object}); got != tt.want {
			t.Errorf("%s %q is filled as %q, not %q", tt.language, tt.block, got, tt.want)
		}
	}
	b, err := parseBlock("bucket = {{ it.name }}", LanguageHCL, false)
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{resource.Terraform: `bucket = "logs"`, resource.Kubernetes: ""} {
		if got := b.fill(&Input{It: named("logs"), Resource: &resource.Resource{Format: format}}); got != want {
			t.Errorf("%s: %q, not %q", format, got, want)
		}
	}
	for _, bad := range []string{"a: {{ it.name", "a: ${{ it.name", "a: {{ }}", "a: {{ nonsense( }}", strings.Repeat("a", maxBlock+1)} {
		if _, err := parseBlock(bad, LanguageYAML, false); err == nil {
			t.Errorf("%.40q is taken", bad)
		}
	}
}

func TestBlocksForSeveral(t *testing.T) {
	const text = `resource "aws_s3_bucket_logging" "{{ resource.name }}" {
  bucket = aws_s3_bucket.{{ resource.name }}.id
  key    = aws_kms_key.{{ resource.name }}.arn
}

resource "aws_kms_key" "{{ resource.name }}" {
  description = "aws_s3_bucket.{{ resource.name }}"
}`
	const part = `resource "aws_s3_bucket" "{{ resource.name }}" {
  peer = aws_endpoint.{{ resource.name }}.id
}

resource "aws_endpoint" "{{ resource.name }}" {
  name = aws_s3_bucket.{{ resource.name }}.id
}`
	for _, tt := range []struct {
		id, block string
		want      []string
	}{
		{"aws_s3_bucket.logs", text, []string{"{\n  bucket = aws_s3_bucket.logs.id\n"}},
		{"module.a[0].aws_s3_bucket.logs", text, []string{"{\n  bucket = aws_s3_bucket.logs.id\n"}},
		{"aws_s3_bucket.logs[1]", text, []string{
			"{\n  count = length(aws_s3_bucket.logs)\n\n  bucket = aws_s3_bucket.logs[count.index].id\n  key    = aws_kms_key.logs.arn\n}",
			"\" {\n  description = \"aws_s3_bucket.logs\"\n}"}},
		{`module.a["x"].aws_s3_bucket.logs["eu.west"]`, text, []string{"{\n  for_each = aws_s3_bucket.logs\n\n  bucket = aws_s3_bucket.logs[each.key].id\n"}},
		{"aws_s3_bucket.logs[0]", part, []string{
			"\"logs\" {\n  peer = aws_endpoint.logs[count.index].id\n}", "\"logs\" {\n  count = length(aws_s3_bucket.logs)\n\n  name = aws_s3_bucket.logs[count.index].id\n}"}},
	} {
		b, err := parseBlock(tt.block, LanguageHCL, false)
		if err != nil {
			t.Fatal(err)
		}
		got := b.fill(&Input{Resource: &resource.Resource{ID: tt.id, Kind: "aws_s3_bucket", Name: "logs", Format: resource.Terraform}})
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q is not in\n%s", tt.id, want, got)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	for _, tt := range []struct {
		check Check
		want  string
	}{
		{Check{Platform: resource.Kubernetes}, LanguageYAML},
		{Check{Platform: resource.Terraform}, LanguageHCL},
		{Check{Platform: resource.Dockerfile, Each: "commands"}, LanguageDockerfile},
		{Check{Platform: resource.NodeBootstrap, Each: "commands"}, LanguageBash},
		{Check{Platform: resource.NodeBootstrap, Kinds: []string{"CloudConfig"}}, LanguageYAML},
		{Check{Platform: resource.NodeBootstrap, Kinds: []string{"data.amazon-ami"}}, LanguageHCL},
	} {
		if got := tt.check.Language(); got != tt.want {
			t.Errorf("%+v: %s, not %s", tt.check, got, tt.want)
		}
	}
}

func TestBlockOfAPage(t *testing.T) {
	c := Check{Write: "name: {{ resource.name }}-deny\nlabels: {{ pod_template(object).?metadata.?labels }}\nif: ${{ x }}\nport: {{ it.?port.orValue(\"http\") }}\n"}
	if got, want := c.Block(), "name: <name>-deny\nlabels: <labels>\nif: ${{ x }}\nport: <port>"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}
