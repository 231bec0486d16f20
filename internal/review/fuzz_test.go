package review

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzComment: whatever a repository calls its things, a marker reads back as it
// was written, code spans and prose hold no mention, HTML or line break, and a
// fence is not closed from within.
func FuzzComment(f *testing.F) {
	for _, s := range []string{"", "a`b``c", "<!-- plimsoll: " + strings.Repeat("a", 32) + " -->", "@octo/team #1 <b> | https://x.example", "```\n````suggestion", "\u202e\x1b[31m\r\n"} {
		f.Add(s)
	}
	own := strings.Repeat("0a", 16)
	f.Fuzz(func(t *testing.T, s string) {
		body := prose(s) + " " + code(s) + "\n\n" + Marker([]string{own}) + "\n"
		if got := ParseMarkers(body); len(got) != 1 || got[0] != own {
			t.Errorf("markers %v in %q", got, body)
		}
		for _, got := range ParseMarkers(s) {
			if len(got) != 32 {
				t.Errorf("a fingerprint of %d digits from %q", len(got), s)
			}
		}
		text := escape(s)
		if strings.ContainsAny(text, "<>\n\r") || strings.Contains(text, "://") {
			t.Errorf("escape(%q) = %q", s, text)
		}
		for i := range len(text) {
			if (text[i] == '@' || text[i] == '#') && !strings.HasPrefix(text[i+1:], "\u200b") {
				t.Errorf("a mention or reference can form in %q", text)
			}
		}
		if strings.ContainsAny(code(s), "\n\r") {
			t.Errorf("code(%q) breaks its line", s)
		}
		block := strings.Split(strings.TrimSuffix(fenced("suggestion", s), "\n"), "\n")
		fence := strings.TrimSuffix(block[0], "suggestion")
		for _, line := range block[1 : len(block)-1] {
			if strings.HasPrefix(strings.TrimLeft(line, " "), fence) {
				t.Errorf("the fence %q is closed by %q", fence, line)
			}
		}
		if c := cut(s, 20); len(c) > 20 || utf8.ValidString(s) && !utf8.ValidString(c) {
			t.Errorf("cut(%q) = %q", s, c)
		}
	})
}
