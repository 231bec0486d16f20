package project

import "testing"

func TestSniff(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		want bool
	}{
		"manifest":              {"apiVersion: v1\nkind: Pod\n", true},
		"comments and document": {"# x\n---\n# y\nkind: Pod\napiVersion: v1\n", true},
		"second document":       {"a: 1\n---\napiVersion: v1\nkind: Pod\n", true},
		"CRLF and BOM":          {"\xef\xbb\xbfapiVersion: v1\r\nkind: Pod\r\n", true},
		"CR alone":              {"# x\rapiVersion: v1\rkind: Pod\r", true},
		"quoted keys":           {"\"apiVersion\": v1\n'kind' : Pod\n", true},
		"indented":              {"  apiVersion: v1\n  kind: Pod\n", true},
		"list of documents":     {"- apiVersion: v1\n  kind: Pod\n", true},
		"flow on one line":      {"{apiVersion: v1, kind: Pod}\n", true},
		"flow after the marker": {"--- {apiVersion: v1, kind: Pod}\n", true},
		"JSON":                  {"{\n \"kind\": \"Pod\",\n\t\"apiVersion\": \"v1\"\n}", true},
		"broken":                {"apiVersion: v1\nkind: {\n", true},
		"UTF-16":                {"\xff\xfea\x00p\x00i\x00V\x00e\x00r\x00s\x00i\x00o\x00n\x00:\x00 \x00v\x00\n\x00k\x00i\x00n\x00d\x00:\x00 \x00P\x00\n\x00", true},
		"empty":                 {"", false},
		"chart":                 {"apiVersion: v2\nname: x\n", false},
		"values":                {"deployment:\n  apiVersion: v1\nkind: x\n", false},
		"words":                 {"a: the apiVersion and the kind\n", false},
		"workflow":              {"on: push\njobs: {}\n", false},
		"binary":                {"\x00\x01\x02", false},
	} {
		if got := sniff([]byte(tt.text)); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzSniff(f *testing.F) {
	f.Add([]byte("apiVersion: v1\nkind: Pod\n"))
	f.Add([]byte(`{"apiVersion":"v1","kind":"Pod"}`))
	f.Add([]byte("- - apiVersion\n- kind"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if sniff(data) != sniff(append([]byte(nil), data...)) {
			t.Error("not the same twice")
		}
		if !sniff(append([]byte("apiVersion: v1\nkind: Pod\n"), data...)) {
			t.Error("a manifest in front is not seen")
		}
	})
}
