package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func newKey(t *testing.T) (pkcs1, pkcs8 string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func ecKey(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// environment looks variables up in a map.
func environment(m map[string]string) func(string) (string, bool) {
	return func(k string) (string, bool) { v, ok := m[k]; return v, ok }
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// with gives the least environment that loads, changed by pairs.
func with(key string, pairs ...string) map[string]string {
	m := map[string]string{varAppID: "7", varPrivateKey: key, varWebhookSecret: "s3cret-of-the-hook"}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

func TestLoadDefaults(t *testing.T) {
	key, _ := newKey(t)
	got, err := Load(environment(with(key)), "")
	if err != nil {
		t.Fatal(err)
	}
	if got.GitHub.PrivateKey.Reveal() != key || got.GitHub.WebhookSecret.Reveal() != "s3cret-of-the-hook" {
		t.Error("a secret is not what was given")
	}
	if got.Workers < 1 {
		t.Errorf("%d workers", got.Workers)
	}
	want := Server{
		GitHub: GitHub{
			AppID: 7, URL: "https://github.com", APIURL: "https://api.github.com", GraphQLURL: "https://api.github.com/graphql",
			PrivateKey: got.GitHub.PrivateKey, WebhookSecret: got.GitHub.WebhookSecret,
		},
		Listen: ":8080", DataDir: "./data", NATS: NATS{Replicas: 1}, Workers: got.Workers,
		Log: Log{Level: slog.LevelInfo, Format: "json"},
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLoadDerivesURLs(t *testing.T) {
	key, _ := newKey(t)
	tests := []struct {
		name                  string
		pairs                 []string
		url, api, graphql, pu string
	}{
		{"github.com", []string{varGitHubURL, "https://GitHub.com/"}, "https://GitHub.com", "https://api.github.com", "https://api.github.com/graphql", ""},
		{"enterprise", []string{varGitHubURL, "https://ghe.example/"}, "https://ghe.example", "https://ghe.example/api/v3", "https://ghe.example/api/graphql", ""},
		{"loopback", []string{varGitHubURL, "http://127.0.0.1:3000", varPublicURL, "http://localhost:8080/"}, "http://127.0.0.1:3000", "http://127.0.0.1:3000/api/v3", "http://127.0.0.1:3000/api/graphql", "http://localhost:8080"},
		{"IPv6 loopback", []string{varGitHubURL, "http://[::1]:1"}, "http://[::1]:1", "http://[::1]:1/api/v3", "http://[::1]:1/api/graphql", ""},
		{"said outright", []string{varGitHubURL, "https://g.example", varAPIURL, "https://a.example/v3/", varGraphQLURL, "https://a.example/g"}, "https://g.example", "https://a.example/v3", "https://a.example/g", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Load(environment(with(key, tt.pairs...)), "")
			if err != nil {
				t.Fatal(err)
			}
			have := []string{got.GitHub.URL, got.GitHub.APIURL, got.GitHub.GraphQLURL, got.PublicURL}
			if diff := cmp.Diff([]string{tt.url, tt.api, tt.graphql, tt.pu}, have); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLoadErrorsNameVariableAndRemedy(t *testing.T) {
	key, _ := newKey(t)
	empty := write(t, "empty", "\n")
	tests := []struct {
		name  string
		pairs []string
		want  string
	}{
		{"no id", []string{varAppID, ""}, "PLIMSOLL_GITHUB_APP_ID: not set; give the App's id, a number on its settings page"},
		{"no key", []string{varPrivateKey, ""}, "PLIMSOLL_GITHUB_PRIVATE_KEY: not set; give the file that GitHub let you download, for example with PLIMSOLL_GITHUB_PRIVATE_KEY_FILE"},
		{"no secret", []string{varWebhookSecret, ""}, "PLIMSOLL_GITHUB_WEBHOOK_SECRET: not set; give the webhook secret that the App was set up with"},
		{"bad id", []string{varAppID, "x"}, "PLIMSOLL_GITHUB_APP_ID: not a number; give the App's id as its settings page shows it"},
		{"negative id", []string{varAppID, "-1"}, "PLIMSOLL_GITHUB_APP_ID: not a number; give the App's id as its settings page shows it"},
		{"no PEM", []string{varPrivateKey, "hunter2"}, "PLIMSOLL_GITHUB_PRIVATE_KEY: not a PEM block; give the file that GitHub let you download, or use PLIMSOLL_GITHUB_PRIVATE_KEY_FILE"},
		{"PEM of something else", []string{varPrivateKey, "-----BEGIN X-----\nAAAA\n-----END X-----\n"}, "PLIMSOLL_GITHUB_PRIVATE_KEY: not a private key in PKCS#1 or PKCS#8; give the file that GitHub let you download"},
		{"elliptic key", []string{varPrivateKey, ecKey(t)}, "PLIMSOLL_GITHUB_PRIVATE_KEY: not an RSA key; give the file that GitHub let you download"},
		{"value and file", []string{varWebhookSecret + "_FILE", "/x"}, "PLIMSOLL_GITHUB_WEBHOOK_SECRET: set together with PLIMSOLL_GITHUB_WEBHOOK_SECRET_FILE; keep one of them"},
		{"no such file", []string{varWebhookSecret, "", varWebhookSecret + "_FILE", "/no/such"}, "PLIMSOLL_GITHUB_WEBHOOK_SECRET_FILE: cannot be read (/no/such: no such file or directory); give the path of a file that this user can read"},
		{"empty file", []string{varWebhookSecret, "", varWebhookSecret + "_FILE", empty}, `PLIMSOLL_GITHUB_WEBHOOK_SECRET_FILE: "` + empty + `" is empty; give the file that holds the secret`},
		{"plain http", []string{varGitHubURL, "http://ghe.example"}, "PLIMSOLL_GITHUB_URL: http is taken for loopback hosts alone; use https"},
		{"looks like loopback", []string{varGitHubURL, "http://127.0.0.1.example"}, "PLIMSOLL_GITHUB_URL: http is taken for loopback hosts alone; use https"},
		{"credentials in it", []string{varAPIURL, "https://u:p@ghe.example"}, "PLIMSOLL_GITHUB_API_URL: has credentials, a query or a fragment; give scheme, host and path alone"},
		{"another scheme", []string{varGraphQLURL, "ftp://x.example"}, "PLIMSOLL_GITHUB_GRAPHQL_URL: not an https URL; give one such as https://github.com"},
		{"no URL", []string{varPublicURL, "plimsoll.example"}, "PLIMSOLL_PUBLIC_URL: not a URL; give one such as https://github.com"},
		{"bad address", []string{varListen, "8080"}, "PLIMSOLL_LISTEN: not an address to listen on; give host:port, for example :8080"},
		{"bad port", []string{varListen, ":99999"}, "PLIMSOLL_LISTEN: not an address to listen on; give host:port, for example :8080"},
		{"bad NATS URL", []string{varNATSURL, "nats://a,http://b"}, "PLIMSOLL_NATS_URL: not a list of nats:// URLs; give nats://host:4222, several separated by commas"},
		{"bad replicas", []string{varNATSURL, "nats://a", varNATSReplicas, "2"}, "PLIMSOLL_NATS_REPLICAS: must be 1, 3 or 5"},
		{"replicas of nothing", []string{varNATSReplicas, "3"}, "PLIMSOLL_NATS_REPLICAS: set without PLIMSOLL_NATS_URL; give the cluster's URL, or remove it"},
		{"no such CA", []string{varNATSURL, "nats://a", varNATSCA, "/no/such"}, `PLIMSOLL_NATS_CA_FILE: no such file as "/no/such"; give the path of one that can be read`},
		{"no workers", []string{varWorkers, "0"}, "PLIMSOLL_WORKERS: must be a whole number from 1 to 256"},
		{"bad level", []string{varLogLevel, "loud"}, "PLIMSOLL_LOG_LEVEL: must be debug, info, warn or error"},
		{"bad format", []string{varLogFormat, "xml"}, "PLIMSOLL_LOG_FORMAT: must be text or json"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Load(environment(with(key, tt.pairs...)), "")
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func indent(s, by string) string {
	return by + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+by) + "\n"
}

func TestLoadFileAndVariableWins(t *testing.T) {
	pkcs1, pkcs8 := newKey(t)
	secretFile := write(t, "secret", "from-a-file\r\n")
	file := write(t, "plimsoll.yml", `github:
  app_id: 12
  private_key: |
`+indent(pkcs8, "    ")+`  webhook_secret_file: `+secretFile+`
  url: https://ghe.example
listen: 127.0.0.1:9
public_url: https://p.example
data_dir: /var/lib/plimsoll
nats: {url: "nats://a:1,tls://b:2", replicas: 3}
workers: 4
log: {level: debug, format: text}
`)
	got, err := Load(environment(map[string]string{varWorkers: "9", varPrivateKey: strings.ReplaceAll(pkcs1, "\n", `\n`)}), file)
	if err != nil {
		t.Fatal(err)
	}
	want := Server{
		GitHub: GitHub{
			AppID: 12, PrivateKey: NewSecret(pkcs1), WebhookSecret: NewSecret("from-a-file"),
			URL: "https://ghe.example", APIURL: "https://ghe.example/api/v3", GraphQLURL: "https://ghe.example/api/graphql",
		},
		Listen: "127.0.0.1:9", PublicURL: "https://p.example", DataDir: "/var/lib/plimsoll",
		NATS:    NATS{URL: NewSecret("nats://a:1,tls://b:2"), Replicas: 3},
		Workers: 9, Log: Log{Level: slog.LevelDebug, Format: "text"},
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestLoadFileErrors(t *testing.T) {
	key, _ := newKey(t)
	secretFile := write(t, "secret", "x")
	tests := []struct{ name, in, want string }{
		{"unknown key", "listn: x\n", `FILE:1: unknown key "listn"; did you mean "listen"?`},
		{"unknown key below", "github:\n  app: x\n", `FILE:2: unknown key "github.app"; did you mean "github.app_id"?`},
		{"a list", "listen: []\n", "FILE:1: listen must be a text, not a list"},
		{"a section that is none", "log: debug\n", "FILE:1: log must be a mapping of names to values, not a text"},
		{"a bad value", "workers: many\n", "PLIMSOLL_WORKERS (workers in FILE:1): must be a whole number from 1 to 256"},
		{"broken", "a: [\n", "FILE:1: not valid YAML: did not find expected node content"},
		{"twice", "github:\n  webhook_secret: y\n  webhook_secret_file: " + secretFile + "\n", "PLIMSOLL_GITHUB_WEBHOOK_SECRET (github.webhook_secret_file in FILE:3): given both as a value and as a file; keep one of them"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, "p.yml", tt.in)
			_, err := Load(environment(with(key)), file)
			if want := strings.ReplaceAll(tt.want, "FILE", file); err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
	if _, err := Load(environment(with(key)), "/no/such.yml"); err == nil || err.Error() != "--config: cannot be read (/no/such.yml: no such file or directory)" {
		t.Errorf("missing file: %v", err)
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	key, _ := newKey(t)
	s, err := Load(environment(with(key, varNATSURL, "nats://u:s3cret-of-nats@h")), "")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&b, verb+"\n", s)
		fmt.Fprintf(&b, verb+"\n", &s.GitHub.WebhookSecret)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		slog.New(h).Info("settings", "all", s, "one", s.GitHub.WebhookSecret, "github", s.GitHub)
	}
	if err := json.NewEncoder(&b).Encode(s); err != nil {
		t.Fatal(err)
	}
	out := b.String()
	hexed := fmt.Sprintf("%x", "s3cret")
	for _, bad := range []string{"s3cret", hexed, "BEGIN", fmt.Sprintf("%x", "BEGIN")} {
		if strings.Contains(out, bad) {
			t.Errorf("%q is in the output", bad)
		}
	}
	if !strings.Contains(out, redacted) {
		t.Error("the placeholder is not in the output")
	}
}

func FuzzLoadFile(f *testing.F) {
	f.Add([]byte("github: {app_id: 1}\nlog: {level: debug}\n"))
	f.Add([]byte("github:\n  url: http://127.0.0.1\nnats: null\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "p.yml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		// Files that name further files are for the table tests.
		if bytes.Contains(data, []byte("_file")) {
			return
		}
		_, err := Load(environment(nil), path)
		if err == nil {
			t.Fatal("loaded without a key")
		}
		if strings.ContainsAny(err.Error(), "\n\r") {
			t.Errorf("more than one line: %q", err)
		}
	})
}
