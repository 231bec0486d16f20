package kustomize

import (
	"bytes"
	"path"
	"strings"
	"unicode"

	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// dataFile is a file that a generator puts in.
type dataFile struct {
	entry *resource.Node
	file  *source.File
	env   bool // lines of names and values; else a value as a whole
}

// datum is where a value of a generator is written.
type datum struct {
	at    source.Range
	entry *resource.Node // that names the file; nil for a literal
}

// where gives the places of a generator's values by their keys.
func (g *generator) where() map[string]datum {
	if g.places != nil {
		return g.places
	}
	g.places = map[string]datum{}
	for _, it := range itemsOf(g.n.Get("literals")) {
		if name, _, ok := strings.Cut(it.Str(), "="); ok {
			g.places[name] = datum{at: it.Range}
		}
	}
	for _, f := range g.files {
		if !f.env {
			key, _, ok := strings.Cut(f.entry.Str(), "=")
			if !ok {
				key = path.Base(f.entry.Str())
			}
			g.places[key] = wholeOf(f)
			continue
		}
		for n := 1; n <= f.file.Lines(); n++ {
			start, text := envLine(f.file, n)
			switch name, _, ok := strings.Cut(text, "="); {
			case strings.HasPrefix(text, "#"):
				at := f.file.Range(start, start+len(text))
				g.comments = append(g.comments, resource.Comment{Text: strings.TrimSpace(strings.TrimLeft(text, "#")), Range: at})
			case ok:
				g.places[name] = datum{f.file.Range(start, start+len(text)), f.entry}
			}
		}
	}
	return g.places
}

// envLine gives a line of a file of variables as kustomize takes it, without
// white space in front, and where it begins.
func envLine(f *source.File, n int) (start int, text string) {
	start = f.LineStart(n)
	line := []byte(strings.TrimSuffix(f.Line(n), "\r"))
	cut := len(line)
	if n == 1 {
		line = bytes.TrimPrefix(line, []byte("\ufeff"))
	}
	line = bytes.TrimLeftFunc(line, unicode.IsSpace)
	return start + cut - len(line), string(line)
}

// wholeOf is where a value stands that is a file: on its line, where it is no
// more than one, else the entry that names it.
func wholeOf(f dataFile) datum {
	if text := strings.TrimRight(string(f.file.Data), "\r\n"); text != "" && !strings.Contains(text, "\n") {
		return datum{f.file.Range(0, len(text)), f.entry}
	}
	return datum{at: f.entry.Range}
}
