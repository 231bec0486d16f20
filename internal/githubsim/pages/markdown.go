package pages

import (
	"bytes"
	"html"
	"html/template"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// renderNodes draws what GitHub draws in its own way: suggestions as a small
// diff, and the few HTML tags that comments use; all other HTML is shown as
// text.
type renderNodes struct {
	old []string // the lines that a suggestion would replace
}

func (r renderNodes) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindFencedCodeBlock, r.fencedCode)
	reg.Register(ast.KindHTMLBlock, r.htmlBlock)
	reg.Register(ast.KindRawHTML, r.rawHTML)
}

func (r renderNodes) fencedCode(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.FencedCodeBlock)
	code := linesOf(block, source)
	var b strings.Builder
	if string(block.Language(source)) == "suggestion" {
		b.WriteString(`<div class="suggestion" role="group" aria-label="Suggested change"><p class="label">Suggested change</p><pre class="lines">`)
		for _, l := range r.old {
			b.WriteString(`<span class="del"><i>-</i>` + html.EscapeString(l) + "\n</span>")
		}
		for l := range strings.Lines(code) {
			b.WriteString(`<span class="add"><i>+</i>` + html.EscapeString(strings.TrimRight(l, "\r\n")) + "\n</span>")
		}
		b.WriteString("</pre></div>")
	} else {
		b.WriteString("<pre><code>" + html.EscapeString(code) + "</code></pre>")
	}
	_, err := w.WriteString(b.String())
	return ast.WalkSkipChildren, err
}

func linesOf(n ast.Node, source []byte) string {
	var b bytes.Buffer
	lines := n.Lines()
	for i := range lines.Len() {
		s := lines.At(i)
		b.Write(s.Value(source))
	}
	return b.String()
}

func (r renderNodes) htmlBlock(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	block := n.(*ast.HTMLBlock)
	raw := linesOf(block, source)
	if block.HasClosure() {
		raw += string(block.ClosureLine.Value(source))
	}
	_, err := w.WriteString(allowedHTML(raw))
	return ast.WalkSkipChildren, err
}

func (r renderNodes) rawHTML(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	if !entering {
		return ast.WalkContinue, nil
	}
	var b bytes.Buffer
	segments := n.(*ast.RawHTML).Segments
	for i := range segments.Len() {
		s := segments.At(i)
		b.Write(s.Value(source))
	}
	_, err := w.WriteString(allowedHTML(b.String()))
	return ast.WalkSkipChildren, err
}

var (
	commentPattern = regexp.MustCompile(`(?s)<!--.*?-->`)
	allowedTag     = regexp.MustCompile(`&lt;(/?(?:details|summary|br|sub|sup|kbd))\s*/?&gt;`)
)

// allowedHTML drops comments, keeps a few tags without their attributes, and
// turns all else into text.
func allowedHTML(raw string) string {
	return allowedTag.ReplaceAllString(html.EscapeString(commentPattern.ReplaceAllString(raw, "")), "<$1>")
}

// markdown draws a comment; old are the lines that a suggestion in it would
// replace.
func markdown(body string, old []string) template.HTML {
	md := goldmark.New(
		goldmark.WithExtensions(extension.GFM),
		goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(renderNodes{old: old}, 1))),
	)
	var b bytes.Buffer
	if err := md.Convert([]byte(body), &b); err != nil {
		return template.HTML("<pre>" + html.EscapeString(body) + "</pre>")
	}
	// goldmark escapes text, and HTML in it has gone through allowedHTML.
	return template.HTML(b.String())
}

func markdownPlain(body string) template.HTML { return markdown(body, nil) }

// suggestionOf gives the text of the first suggestion of a comment.
func suggestionOf(body string) (string, bool) {
	source := []byte(body)
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(source))
	var found string
	var ok bool
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if block, is := n.(*ast.FencedCodeBlock); is && entering && string(block.Language(source)) == "suggestion" {
			found, ok = linesOf(block, source), true
			return ast.WalkStop, nil
		}
		return ast.WalkContinue, nil
	})
	return found, ok && err == nil
}
