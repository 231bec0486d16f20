package helm

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"path"
	"strings"
	"text/template"
	"time"

	"github.com/BurntSushi/toml"
	"github.com/Masterminds/sprig/v3"
	"github.com/gobwas/glob"
	"go.yaml.in/yaml/v3"
	"helm.sh/helm/v3/pkg/chart"
	yamljson "sigs.k8s.io/yaml"
)

// functions gives the functions of Helm's templates: sprig's without the
// environment, and Helm's own. include, tpl, required and fail belong to a
// rendering, which adds them. What would be another thing each time is always the same here,
// and what would ask a cluster or the network finds nothing.
func functions() template.FuncMap {
	f := sprig.TxtFuncMap()
	delete(f, "env")
	delete(f, "expandenv")
	for name, fn := range (template.FuncMap{
		"toYaml":        toYAML,
		"toYamlPretty":  toYAMLPretty,
		"fromYaml":      func(s string) map[string]any { return parsed(s, yamlUnmarshal) },
		"fromYamlArray": func(s string) []any { return parsedList(s, yamlUnmarshal) },
		"toJson":        toJSON,
		"fromJson":      func(s string) map[string]any { return parsed(s, json.Unmarshal) },
		"fromJsonArray": func(s string) []any { return parsedList(s, json.Unmarshal) },
		"toToml":        toTOML,
		"fromToml":      func(s string) map[string]any { return parsed(s, toml.Unmarshal) },
		"lookup":        func(string, string, string, string) (map[string]any, error) { return map[string]any{}, nil },
		"getHostByName": func(string) string { return "" },
		"now":           func() time.Time { return time.Unix(0, 0).UTC() },
		"ago":           func(any) string { return "0s" },
		"uuidv4":        func() string { return "00000000-0000-4000-8000-000000000000" },
		"randInt":       func(low, _ int) int { return low },
		"randAlphaNum":  same, "randAlpha": same, "randAscii": same, "randNumeric": same,
		"randBytes": func(n int) (string, error) {
			s, err := same(n)
			return base64.StdEncoding.EncodeToString([]byte(s)), err
		},
		"shuffle":                  func(s string) string { return s },
		"htpasswd":                 func(user, _ string) string { return user + ":" },
		"bcrypt":                   func(string) string { return "" },
		"derivePassword":           func(uint32, string, string, string, string) string { return "" },
		"encryptAES":               func(string, string) (string, error) { return "", nil },
		"genPrivateKey":            func(string) string { return "" },
		"genCA":                    func(string, int) (certificate, error) { return certificate{}, nil },
		"genCAWithKey":             func(string, int, string) (certificate, error) { return certificate{}, nil },
		"genSelfSignedCert":        func(string, []any, []any, int) (certificate, error) { return certificate{}, nil },
		"genSelfSignedCertWithKey": func(string, []any, []any, int, string) (certificate, error) { return certificate{}, nil },
		"genSignedCert":            func(string, []any, []any, int, certificate) (certificate, error) { return certificate{}, nil },
		"genSignedCertWithKey":     func(string, []any, []any, int, certificate, string) (certificate, error) { return certificate{}, nil },
		"buildCustomCert":          func(string, string) (certificate, error) { return certificate{}, nil },
	}) {
		f[name] = fn
	}
	return f
}

// anew are the functions whose value is another one with each release; what is
// made with them is not known.
var anew = map[string]bool{
	"now": true, "ago": true, "uuidv4": true, "randInt": true, "randAlphaNum": true, "randAlpha": true, "randAscii": true,
	"randNumeric": true, "randBytes": true, "shuffle": true, "htpasswd": true, "bcrypt": true, "derivePassword": true,
	"encryptAES": true, "genPrivateKey": true, "genCA": true, "genCAWithKey": true, "genSelfSignedCert": true,
	"genSelfSignedCertWithKey": true, "genSignedCert": true, "genSignedCertWithKey": true, "buildCustomCert": true, "lookup": true,
}

// certificate is what sprig's functions that make one give.
type certificate struct{ Cert, Key string }

// maxRandom bounds a random text, in bytes.
const maxRandom = 1 << 20

func same(n int) (string, error) { return strings.Repeat("x", min(max(n, 0), maxRandom)), nil }

func yamlUnmarshal(data []byte, v any) error { return yamljson.Unmarshal(data, v) }

func toYAML(v any) string {
	data, err := yamljson.Marshal(v)
	if err != nil {
		return "" // as Helm does
	}
	return strings.TrimSuffix(string(data), "\n")
}

func toYAMLPretty(v any) string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func toJSON(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}

func toTOML(v any) string {
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(v); err != nil {
		return err.Error()
	}
	return b.String()
}

// parsed gives a map, or one that says under Error why there is none.
func parsed(s string, unmarshal func([]byte, any) error) map[string]any {
	m := map[string]any{}
	if err := unmarshal([]byte(s), &m); err != nil {
		m["Error"] = err.Error()
	}
	return m
}

func parsedList(s string, unmarshal func([]byte, any) error) []any {
	a := []any{}
	if err := unmarshal([]byte(s), &a); err != nil {
		a = []any{err.Error()}
	}
	return a
}

// chartFiles is what .Files gives: the files of a chart that are no templates.
type chartFiles map[string][]byte

func filesOf(c *chart.Chart) chartFiles {
	out := make(chartFiles, len(c.Files))
	for _, f := range c.Files {
		out[f.Name] = f.Data
	}
	return out
}

// GetBytes gives a file's content, nothing where there is none.
func (f chartFiles) GetBytes(name string) []byte {
	if data, ok := f[name]; ok {
		return data
	}
	return []byte{}
}

// Get gives a file's content as text.
func (f chartFiles) Get(name string) string { return string(f.GetBytes(name)) }

// Glob gives the files whose names match.
func (f chartFiles) Glob(pattern string) chartFiles {
	g, err := glob.Compile(pattern, '/')
	if err != nil {
		g = glob.MustCompile("**")
	}
	out := chartFiles{}
	for name, data := range f {
		if g.Match(name) {
			out[name] = data
		}
	}
	return out
}

// AsConfig gives the files as the data of a ConfigMap.
func (f chartFiles) AsConfig() string {
	if f == nil {
		return ""
	}
	m := make(map[string]string, len(f))
	for name, data := range f {
		m[path.Base(name)] = string(data)
	}
	return toYAML(m)
}

// AsSecrets gives the files as the data of a Secret.
func (f chartFiles) AsSecrets() string {
	if f == nil {
		return ""
	}
	m := make(map[string]string, len(f))
	for name, data := range f {
		m[path.Base(name)] = base64.StdEncoding.EncodeToString(data)
	}
	return toYAML(m)
}

// Lines gives the lines of a file.
func (f chartFiles) Lines(name string) []string {
	if len(f[name]) == 0 {
		return []string{}
	}
	s := strings.TrimSuffix(string(f[name]), "\n")
	return strings.Split(s, "\n")
}
