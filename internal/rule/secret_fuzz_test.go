package rule

import (
	"strings"
	"testing"
)

// FuzzSecretInText holds that any text is looked through without harm, and that
// what a text has is found wherever it stands on a line of its own.
func FuzzSecretInText(f *testing.F) {
	for _, s := range []string{"", "a=b", "password: x", "{\"a\":\"b\"}", "-----BEGIN", "https://a:b@c", "--x=y z", "export A='b", "\xff=\x00\n"} {
		f.Add("name", s)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		LooksSecret(name, text)
		if len(text) < 1<<10 && !strings.HasPrefix(strings.TrimSpace(text), "{") && !LooksSecret("", text+"\ndb.password=hT9-wq!41zLm\n") {
			t.Errorf("the secret below %q is not found", text)
		}
	})
}
