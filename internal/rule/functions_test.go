package rule

import (
	"encoding/base64"
	"strings"
	"testing"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"

	"github.com/plimsoll-iac/plimsoll/internal/iam"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

func TestNetworks(t *testing.T) {
	tests := []struct {
		cidr         string
		open, public bool
	}{
		{"0.0.0.0/0", true, true},
		{"::/0", true, true},
		{" 0.0.0.0/0 ", true, true},
		{"0.0.0.0/1", true, true},
		{"128.0.0.0/1", true, true},
		{"8000::/1", true, true},
		{"0.0.0.0/2", false, true},
		{"8.8.8.8/32", false, true},
		{"8.8.8.8", false, true},
		{"2001:4860::/32", false, true},
		{"10.0.0.0/8", false, false},
		{"10.1.2.3", false, false},
		{"192.168.1.0/24", false, false},
		{"172.16.0.0/12", false, false},
		{"172.16.0.0/11", false, true},
		{"100.64.3.0/24", false, false},
		{"fd00::/8", false, false},
		{"fe80::1%eth0", false, false},
		{"::ffff:10.0.0.0/104", false, false},
		{"::ffff:8.8.8.8", false, true},
		{"127.0.0.1/32", false, false},
		{"not a network", false, false},
		{"", false, false},
	}
	for _, tt := range tests {
		if got := openToWorld(tt.cidr); got != tt.open {
			t.Errorf("%q: open to the world %t", tt.cidr, got)
		}
		if got := publicCIDR(tt.cidr); got != tt.public {
			t.Errorf("%q: public %t", tt.cidr, got)
		}
	}
}

func TestParseImage(t *testing.T) {
	const sum = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	tests := []struct {
		in   string
		want Image
		name string
	}{
		{"nginx", Image{"docker.io", "library/nginx", "", ""}, "docker.io/library/nginx"},
		{"nginx:1.27", Image{"docker.io", "library/nginx", "1.27", ""}, "docker.io/library/nginx"},
		{"nginx@" + sum, Image{"docker.io", "library/nginx", "", sum}, "docker.io/library/nginx"},
		{"nginx:1.27@" + sum, Image{"docker.io", "library/nginx", "1.27", sum}, "docker.io/library/nginx"},
		{"bitnami/redis", Image{"docker.io", "bitnami/redis", "", ""}, "docker.io/bitnami/redis"},
		{"index.docker.io/library/nginx:1", Image{"docker.io", "library/nginx", "1", ""}, "docker.io/library/nginx"},
		{"ghcr.io/a/b/c:v1", Image{"ghcr.io", "a/b/c", "v1", ""}, "ghcr.io/a/b/c"},
		{"localhost/app", Image{"localhost", "app", "", ""}, "localhost/app"},
		{"localhost:5000/app:2", Image{"localhost:5000", "app", "2", ""}, "localhost:5000/app"},
		{"registry:5000/app", Image{"registry:5000", "app", "", ""}, "registry:5000/app"},
		{"REGISTRY/app", Image{"REGISTRY", "app", "", ""}, "REGISTRY/app"},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:latest", Image{"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "app", "latest", ""}, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app"},
		{"[::1]:5000/app", Image{"[::1]:5000", "app", "", ""}, "[::1]:5000/app"},
		{"${REGISTRY}/app:${TAG}", Image{Repository: "${REGISTRY}/app:${TAG}"}, "${REGISTRY}/app:${TAG}"},
		{"", Image{}, ""},
	}
	for _, tt := range tests {
		got := ParseImage(tt.in)
		if got != tt.want || got.Name() != tt.name {
			t.Errorf("%q: got %+v, %s", tt.in, got, got.Name())
		}
	}
}

func TestLooksSecret(t *testing.T) {
	// Parts of the values below are put together here so that no scanner takes
	// this file for a leak.
	join := func(parts ...string) string { return strings.Join(parts, "") }
	tests := []struct {
		name, value string
		want        bool
	}{
		{"DB_PASSWORD", "s3cr3tPa55", true},
		{"dbPassword", "hunter2!", true},
		{"password", "Tr0ub4dor&3", true},
		{"API_KEY", "9f86d081884c7d659a2feaa0c55ad015", true},
		{"aws_secret_access_key", join("wJalrXUtnFEMI", "K7MDENGbPxRfiCYzzzzKEY9"), true},
		{"authToken", "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA", true},
		{"ANY", join("AKIA", "IOSFODNN7ABCDEFG"), true},
		{"ANY", join("gh", "p_", strings.Repeat("a1B2", 9)), true},
		{"ANY", join("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE"), true},
		{"ANY", base64.StdEncoding.EncodeToString([]byte(join("-----BEGIN ", "PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7"))), true},
		{"ANY", base64.StdEncoding.EncodeToString([]byte(join("-----BEGIN OPENSSH ", "PRIVATE KEY-----\r\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAA"))), true},
		{"ANY", base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQG")), false},
		{"ANY", base64.StdEncoding.EncodeToString([]byte(join("-----BEGIN ", "PRIVATE KEY-----\n..."))), false},
		{"DATABASE_URL", "postgres://app:s3cr3t@db/app", true},
		{"ANY", join("xoxb-", "123456789012-abcdefghijkl"), true},
		// names alone never
		{"DB_PASSWORD", "", false},
		{"DB_PASSWORD", "password", false},
		{"SECRET_NAME", "9f86d081884c7d659a2feaa0c55ad015", false},
		{"DB_PASSWORD_FILE", "Xy12345678", false},
		{"SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:x", false},
		{"TOKEN_TTL", "3600seconds1A", false},
		{"PUBLIC_KEY", "9f86d081884c7d659a2feaa0c55ad015", false},
		{"SSH_KEY_ID", "9f86d081884c7d659a2feaa0c55ad015", false},
		{"passwordPolicy", "Strong123", false},
		{"COMPASS", "s3cr3tPa55", false},
		{"MONKEY", "9f86d081884c7d659a2feaa0c55ad015", false},
		{"DB_PASSWORD", "h7x/q2k9w1", true},
		{"SESSION_SECRET", "3f9a0c/8b1e77d2/44", true},
		// placeholders and references
		{"DB_PASSWORD_SECRET", "prod/shop/db-password-1", false},
		{"DB_PASSWORD", "changeme", false},
		{"DB_PASSWORD", "ChangeMe123!", false},
		{"DB_PASSWORD", "${DB_PASSWORD}", false},
		{"DB_PASSWORD", "$DB_PASSWORD", false},
		{"DB_PASSWORD", "$(DB_PASSWORD)", false},
		{"DB_PASSWORD", "<your password>", false},
		{"DB_PASSWORD", "{{ .Values.password }}", false},
		{"DB_PASSWORD", "%DB_PASSWORD%", false},
		{"DB_PASSWORD", "xxxxxxxx", false},
		{"DB_PASSWORD", "********", false},
		{"DB_PASSWORD", "vault:secret/data/db#Password1", false},
		{"DB_PASSWORD", "/run/secrets/db1", false},
		{"API_TOKEN", "ENC[AES256_GCM,data:abc123def456]", false},
		{"API_TOKEN", "https://example.com/token/abc123DEF456", false},
		{"AWS_ACCESS_KEY_ID", join("AKIA", "IOSFODNN7EXAMPLE"), false},
		{"DATABASE_URL", "postgres://app:${PASSWORD}@db/app", false},
		{"DATABASE_URL", "postgres://db:5432/app", false},
		{"", "9f86d081884c7d659a2feaa0c55ad015", false},
		{"IMAGE", "app@sha256:9f86d081884c7d659a2feaa0c55ad015", false},
		{"CLIENT_SECRET", "my-client-secret", false},
		{"password", "a sentence with Spaces 1", false},
		// forms of issuers
		{"ANY", join("gl", "pat-", strings.Repeat("Ab1", 8)), true},
		{"ANY", join("github", "_pat_", strings.Repeat("aB3d", 5), "_", strings.Repeat("xY1z", 14)), true},
		{"ANY", join("GOCSPX", "-", strings.Repeat("aB3d", 7)), true},
		{"ANY", join("abc8Q", "~", strings.Repeat("xY1z", 8)), true},
		{"ANY", join("dckr_", "pat_", strings.Repeat("aB3d", 7)), true},
		{"ANY", join("sk_", "live_", strings.Repeat("aB3d", 6)), true},
		{"ANY", join("sk_", "test_", strings.Repeat("aB3d", 6)), false},
		{"ANY", join("hf", "_", strings.Repeat("abCDe", 7)[:34]), true},
		{"ANY", join("https://hooks.slack.com", "/services/T0123ABCD/B0123ABCD/", strings.Repeat("aB3d", 6)), true},
		{"ANY", join("-----BEGIN PGP ", "PRIVATE KEY BLOCK-----"), true},
		{"ANY", "ghp_" + strings.Repeat("x", 40), false},
		{"ANY", join("first ", "AKIA", "IOSFODNN7EXAMPLE then ", "AKIA", "IOSFODNN7ABCDEFG"), true},
		// texts with settings in them
		{"application.properties", "spring.datasource.url=jdbc:x\nspring.datasource.password=hT9-wq!41zLm\n", true},
		{"application.properties", "spring.datasource.password=${DB_PASSWORD}\n", false},
		{".env", "LEVEL=info\nexport API_TOKEN=9f86d081884c7d659a2feaa0c55ad015\n", true},
		{"config.yaml", "db:\n  host: db\n  password: \"hT9-wq!41zLm\"\n", true},
		{"config.yaml", "db:\n  passwordSecretRef: db-password-1\n  password_file: /run/secrets/db1\n", false},
		{"config.json", `{"db": {"host": "db", "password": "hT9-wq!41zLm"}}`, true},
		{"config.json", `{"db": {"password": "<your password>"}}`, false},
		{"config.toml", "[db]\npassword = 'hT9-wq!41zLm' # changed in May\n", true},
		{"start.sh", "#!/bin/sh\nexport PGPASSWORD=hT9-wq41zLm\npsql -h db\n", true},
		{"web.config", "<configuration>\n  <add connectionString=\"Server=db;User Id=sa;Password=hT9-wq41zLm;\" />\n</configuration>\n", true},
		{"DB", "Host=db;Username=api;Pwd=hT9-wq41zLm", true},
		{"web.config", "<a>\n  <add connectionString=\"Server=db;User Id=sa;Password=${DB_PASSWORD};\" />\n</a>\n", false},
		{"web.config", "<a>\n  <add connectionString=\"Server=db;Integrated Security=true;\" />\n</a>\n", false},
		{"start.sh", "#!/bin/sh\nTOKEN=$(cat /run/secrets/token1)\nexec api\n", false},
		{"app.py", "password = os.getenv(\"DB_PASSWORD1\")\n", false},
		{"nginx.conf", "location / {\n  proxy_pass http://api:8080;\n  auth_basic \"Password 1 please\";\n}\n", false},
		{"config.json", `{"db":{"host":"db","password":"hT9-wq41zLm"}}`, true},
		{"config.json", `{"list":["a"],"token":{"issuer":"https://id.example.com"}}`, false},
		{"README", "The password: ask the team 24 hours before\n", false},
		{"JAVA_OPTS", "-Xmx512m -Ddb.password=hT9-wq!41zLm", true},
		{"", "--db-password=hT9-wq!41zLm", true},
		{"", "--db-password-file=/run/secrets/db1", false},
		{"", "--password=$(DB_PASSWORD)", false},
		{"", "curl -H 'Accept: application/json' http://api:8080/v1?limit=100", false},
	}
	for _, tt := range tests {
		if got := LooksSecret(tt.name, tt.value); got != tt.want {
			t.Errorf("%s=%s: got %t", tt.name, tt.value, got)
		}
	}
}

func TestWildcardMatch(t *testing.T) {
	tests := []struct {
		pattern, s string
		want       bool
	}{
		{"*", "iam:PassRole", true},
		{"iam:*", "iam:passrole", true},
		{"IAM:Pass*", "iam:PassRole", true},
		{"iam:Pass?ole", "iam:PassRole", true},
		{"iam:*Role", "iam:PassRole", true},
		{"iam:*Role*", "iam:PassRole", true},
		{"iam:PassRole", "iam:PassRoles", false},
		{"s3:*", "iam:PassRole", false},
		{"iam:?", "iam:", false},
		{"", "", true},
		{"", "a", false},
		{"**a**", "bab", true},
		{strings.Repeat("*a", 1000), strings.Repeat("a", 20_000) + "b", false},
	}
	for _, tt := range tests {
		if got := iam.Match(tt.pattern, tt.s); got != tt.want {
			t.Errorf("%.20s on %.20s: got %t", tt.pattern, tt.s, got)
		}
	}
}

func TestFunctionsInConditions(t *testing.T) {
	item := tree(fields{
		"open", []any{"10.0.0.0/8", "0.0.0.0/0"},
		"closed", []any{"10.0.0.0/8"},
		"half", []any{"10.0.0.0/8", unknown("var.cidr")},
		"unknown", unknown("var.cidrs"),
		"actions", []any{"s3:GetObject", "iam:*"},
		"image", "ghcr.io/a/b:v1",
		"env", []any{fields{"name", "DB_PASSWORD", "value", "s3cr3tPa55"}, fields{"name", "MODE", "value", "debug"}},
	})
	tests := []struct{ expr, want string }{
		{`open_to_world(it.open)`, "yes"},
		{`open_to_world(it.closed)`, "no"},
		{`open_to_world(it.half)`, "var.cidr"},
		{`open_to_world(it.unknown)`, "var.cidrs"},
		{`open_to_world(it.?missing)`, "no"},
		{`open_to_world("0.0.0.0/0")`, "yes"},
		{`open_to_world(["::/0"])`, "yes"},
		{`open_to_world(["10.0.0.0/8", "::/0"] + it.closed)`, "yes"},
		{`open_to_world(3)`, "no"},
		{`it.open[0].cidr_public()`, "no"},
		{`it.open.cidr_public()`, "yes"},
		{`it.half.cidr_public()`, "var.cidr"},
		{`iam_match(it.actions, "iam:PassRole")`, "yes"},
		{`iam_match("s3:*", "iam:PassRole")`, "no"},
		{`iam_match(it.unknown, "iam:PassRole")`, "var.cidrs"},
		{`image(it.image).registry == "ghcr.io" && image(it.image).tag == "v1" && image(it.image).digest == ""`, "yes"},
		{`image(it.image).name == "ghcr.io/a/b" && image(it.image).repository == "a/b"`, "yes"},
		{`image(it.unknown).tag == ""`, "var.cidrs"},
		{`image(it.open).tag == ""`, "no"},
		{`it.env.exists(e, secretish(e.name, e.?value))`, "yes"},
		{`secretish(it.env[1].name, it.env[1].value)`, "no"},
		{`secretish("DB_PASSWORD", it.unknown)`, "var.cidrs"},
		{`secretish("DB_PASSWORD", it.?missing)`, "no"},
	}
	in := &Input{It: item, Object: item}
	for _, limited := range []bool{false, true} {
		for _, tt := range tests {
			r := &Rule{ID: "t/t", Limited: limited, Checks: []Check{{Platform: resource.Kubernetes, Fail: tt.expr, Message: "m"}}}
			p, err := r.Program(0)
			if err != nil {
				t.Errorf("%s: %v", tt.expr, err)
				continue
			}
			got := "no"
			if out := p.Fail(in); out.Unknown {
				got = out.Why
			} else if out.Violated {
				got = "yes"
			}
			if got != tt.want {
				t.Errorf("%s: got %s, want %s", tt.expr, got, tt.want)
			}
		}
	}
}

func TestLimits(t *testing.T) {
	items := make([]any, 1000)
	for i := range items {
		items[i] = "0.0.0.0/8"
	}
	in := &Input{It: tree(fields{"l", items})}
	costly := `it.l.exists(a, it.l.exists(b, it.l.exists(c, a + b + c == "x")))`
	r := &Rule{ID: "t/t", Limited: true, Checks: []Check{{Platform: resource.Kubernetes, Fail: costly, Message: "m"}}}
	p, err := r.Program(0)
	if err != nil {
		t.Fatal(err)
	}
	if out := p.Fail(in); !out.Unknown || !strings.Contains(out.Why, "cost limit") {
		t.Errorf("got %+v", out)
	}
	own := &Rule{ID: "t/t", Limited: true, Checks: []Check{{
		Platform: resource.Kubernetes, Message: "m", Fail: `it.l.exists(a, it.l.exists(b, open_to_world(it.l)))`,
	}}}
	if p, err = own.Program(0); err != nil {
		t.Fatal(err)
	}
	if out := p.Fail(in); !out.Unknown {
		t.Errorf("our own functions are not counted: %+v", out)
	}
	for name, expr := range map[string]string{
		"depth": strings.Repeat("(", 300) + "true" + strings.Repeat(")", 300),
		"size":  strings.Repeat("true && ", 2000) + "true",
		"regex": `it.a.matches("(")`,
	} {
		bad := &Rule{ID: "t/t", Checks: []Check{{Platform: resource.Kubernetes, Fail: expr, Message: "m"}}}
		if ds := bad.Check(); len(ds) == 0 {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := jsonTree(strings.Repeat("[", 100) + strings.Repeat("]", 100)); err == nil {
		t.Error("deep JSON is accepted")
	}
	if _, err := jsonTree(`{} {}`); err == nil {
		t.Error("two JSON documents are accepted")
	}
	if n, err := jsonTree(`{"a": 1, "a": 2}`); err != nil || len(n.Fields) != 1 || n.Fields[0].Node.Value != int64(2) {
		t.Error("the last of repeated names does not count")
	}
}

func TestMessages(t *testing.T) {
	long := strings.Repeat("é", 500)
	in := &Input{
		It: tree(fields{
			"name", "app", "n", 3, "f", 1.5, "b", true, "l", []any{"a", 2, []any{"x"}}, "m", fields{"k", "v", "o", "p"},
			"long", long, "bad", "a`b\nc\x1b[31m\u202e", "u", unknown("var.x"), "arn", known("arn:", ":iam::aws:policy/A"), "hole", known("", ""), "many", []any{1, 2, 3, 4, 5, 6, 7, 8, 9},
		}),
		Resource: &resource.Resource{Kind: "Pod", Name: "p"},
	}
	tests := []struct{ template, want string }{
		{"plain", "plain"},
		{"container `{{ it.name }}` of {{ resource.kind }} {{resource.name}}", "container `app` of Pod p"},
		{"{{ it.n }} {{ it.f }} {{ it.b }} {{ null }} {{ 3u }}", "3 1.5 true null 3"},
		{"{{ it.l }}; {{ it.m }}; {{ it.many }}", "a, 2, x; k, o; 1, 2, 3, 4, 5, 6, 7, 8, …"},
		{"{{ it.missing }}, {{ it.?missing }}, {{ it.?name }}, {{ it.u }}", "(not set), (not set), app, (not known yet)"},
		{"{{ it.arn }}, {{ it.?arn }}, {{ it.hole }}, {{ it.arn.lowerAscii() }}", "arn:…:iam::aws:policy/A, arn:…:iam::aws:policy/A, (not known yet), (not known yet)"},
		{"{{ it.bad }}!", "a'b c [31m !"},
		{`{{ {"a": {"b": "}}"}}.a.b }} {{ "}}" }}`, "}} }}"},
		{"{{ it.n > 2 ? 'many' : 'few' }}", "many"},
		{"{{ it.long }}", strings.Repeat("é", 99) + "…"},
		{strings.Repeat("{{ it.long }}", 4), strings.Repeat(strings.Repeat("é", 99)+"…", 2) + strings.Repeat("é", 99) + "…"},
		{"} { a }} b", "} { a }} b"},
	}
	for _, tt := range tests {
		tpl, err := ParseTemplate(tt.template, false)
		if err != nil {
			t.Errorf("%s: %v", tt.template, err)
			continue
		}
		if got := tpl.Render(in); got != tt.want {
			t.Errorf("%.60s: got %q, want %q", tt.template, got, tt.want)
		}
	}
	for _, bad := range []string{"{{", "{{ it.a", "{{ }}", "{{ it. }}", "{{ nope }}", `{{ "a }}`, strings.Repeat("{{ it }}", 17), strings.Repeat("a", 3000)} {
		if _, err := ParseTemplate(bad, false); err == nil {
			t.Errorf("%.40q is accepted", bad)
		}
	}
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"a {{ it.name }} b", "{{ {'a': '}}'}.a }}", "{{", "{{ it.s + it.s }}", "{{ [it, it] }}", "\xff{{ it.s }}"} {
		f.Add(s, "v`\n")
	}
	f.Fuzz(func(t *testing.T, template, value string) {
		tpl, err := ParseTemplate(template, true)
		if err != nil {
			return
		}
		got := tpl.Render(&Input{It: tree(fields{"name", "n", "s", value})})
		if n := utf8.RuneCountInString(got); n > maxMessage {
			t.Errorf("%d characters", n)
		}
	})
}

func FuzzLooksSecret(f *testing.F) {
	f.Add("DB_PASSWORD", "s3cr3tPa55")
	f.Add("", "\xff")
	f.Fuzz(func(t *testing.T, name, value string) {
		if LooksSecret(name, value) && strings.TrimSpace(value) == "" {
			t.Error("nothing is taken for a secret")
		}
		ParseImage(value)
		openToWorld(value)
		publicCIDR(value)
	})
}

func TestStandsIn(t *testing.T) {
	for value, want := range map[string]bool{
		"": true, "changeme": true, "<password>": true, "${PASSWORD}": true, "xxxxxxxx": true, "aaaa": true,
		"Y2hhbmdlbWU=": true, "PHlvdXItdG9rZW4+": true, // <your-token>
		"YWRtaW4=": false, "aFQ5LXdxITQxekxt": false, "hT9-wq41zLm": false,
		base64.StdEncoding.EncodeToString([]byte("postgres://shop:hT9-wq41zLm@db.example.com/shop")): false,
		base64.StdEncoding.EncodeToString([]byte("two words, changeme")):                             false,
	} {
		if got := standsIn(types.String(value)); got != types.Bool(want) {
			t.Errorf("%q: %v", value, got)
		}
	}
}
