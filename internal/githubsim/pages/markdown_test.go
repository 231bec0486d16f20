package pages

import (
	"regexp"
	"strings"
	"testing"
)

func TestMarkdown(t *testing.T) {
	for _, tt := range []struct{ name, body, want string }{
		{"emphasis and code", "**a** `b`", "<p><strong>a</strong> <code>b</code></p>\n"},
		{"script", "a <script>alert(1)</script>", "<p>a &lt;script&gt;alert(1)&lt;/script&gt;</p>\n"},
		{"script block", "<script>\nalert(1)\n</script>", "&lt;script&gt;\nalert(1)\n&lt;/script&gt;"},
		{"attributes", "<details open onclick=\"x\">", "&lt;details open onclick=&#34;x&#34;&gt;"},
		{"comment", "a\n\n<!-- plimsoll: 00 -->", "<p>a</p>\n"},
		{"link to script", "[a](javascript:alert(1))", "<p><a href=\"\">a</a></p>\n"},
		{"image", "![a](http://x/y.png)", "<p><img src=\"http://x/y.png\" alt=\"a\"></p>\n"},
		{"code in HTML", "```html\n<b>\n```", "<pre><code>&lt;b&gt;\n</code></pre>"},
		{"suggestion", "```suggestion\nnew <b>\n```", `<div class="suggestion" role="group" aria-label="Suggested change"><p class="label">Suggested change</p><pre class="lines">` +
			`<span class="del"><i>-</i>old &amp;` + "\n" + `</span><span class="add"><i>+</i>new &lt;b&gt;` + "\n</span></pre></div>"},
	} {
		if got := string(markdown(tt.body, []string{"old &"})); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestSuggestionOf(t *testing.T) {
	for body, want := range map[string]string{
		"a\n\n```suggestion\nx\n  y\n```\n":                       "x\n  y\n",
		"````suggestion\n```\ninner\n```\n````":                   "```\ninner\n```\n",
		"```suggestion\n```":                                      "",
		"> ```suggestion\n> quoted\n> ```\n":                      "quoted\n",
		"```suggestion\nfirst\n```\n\n```suggestion\nsecond\n```": "first\n",
	} {
		if got, ok := suggestionOf(body); !ok || got != want {
			t.Errorf("%q: %q %v, want %q", body, got, ok, want)
		}
	}
	for _, body := range []string{"", "```yaml\na: 1\n```", "`suggestion`"} {
		if got, ok := suggestionOf(body); ok {
			t.Errorf("%q: %q", body, got)
		}
	}
}

var (
	tagPattern = regexp.MustCompile(`<([a-zA-Z][a-zA-Z0-9]*)([^>]*)>`)
	safeTags   = " p strong em del code pre a img ul ol li h1 h2 h3 h4 h5 h6 blockquote hr br table thead tbody tr th td input details summary sub sup kbd div span i "
)

// Whatever a comment says, the page gets tags of a short list without handlers.
func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{
		"<img src=x onerror=alert(1)>", "<details><summary>a</summary>\n\nb\n</details>", "[x](data:text/html,a)", "<a href='javascript:x'>",
		"<!-- a --> <scr<!-- -->ipt>", "<scr<!-- -->ipt>alert(1)</script>", "| a |\n|---|\n| <b> |", "```suggestion\n</pre><script>\n```", "<\x00script>", "&lt;script&gt;",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 4000 {
			return
		}
		html := string(markdown(body, []string{body}))
		for _, m := range tagPattern.FindAllStringSubmatch(html, -1) {
			if !strings.Contains(safeTags, " "+strings.ToLower(m[1])+" ") {
				t.Errorf("tag %s in %q of %q", m[0], html, body)
			}
			// Attributes are quoted, so that a handler in one has no space and = outside quotes.
			bare := regexp.MustCompile(`"[^"]*"`).ReplaceAllString(m[2], `""`)
			if strings.Contains(strings.ToLower(bare), " on") {
				t.Errorf("handler in %s of %q", m[0], body)
			}
		}
		lower := strings.ToLower(html)
		if strings.Contains(lower, `href="javascript:`) || strings.Contains(lower, `href="data:text`) {
			t.Errorf("script in a link: %q of %q", html, body)
		}
	})
}
