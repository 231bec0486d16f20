package bootstrap

import (
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/shell"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// file gives a file of the tree, nil where it cannot be read.
func (x *expansion) file(name string) *source.File {
	f, ok := x.opened[name]
	if ok {
		return f
	}
	if len(x.opened) > 10_000 {
		return nil
	}
	if data, err := load(x.unit.FS, name, x.unit.MaxFileSize); err == nil {
		f = source.NewFile(name, data)
	}
	x.opened[name] = f
	return f
}

// textAt finds where the text s of a node is written: byte for byte where a
// file says it as it is, by lines where indentation or interpolations are
// between, else the node.
func (x *expansion) textAt(n *resource.Node, s string) shell.Text {
	s = x.apart(n, s)
	best := alignment{whole: n.Range}
	for i, r := range append([]source.Range{n.Range}, n.Origins...) {
		f := x.file(r.File)
		if f == nil || r.End.Byte > len(f.Data) || r.Len() <= 0 {
			continue
		}
		a := align(f, r, s)
		if i > 0 && a.matched > 0 {
			a.whole = r
		}
		if a.matched > best.matched {
			best = a
		}
		if best.matched == best.count && best.count > 0 {
			break
		}
	}
	if best.whole.IsZero() {
		best.whole = n.Range
	}
	if best.lines == nil {
		return shell.Text{S: s, At: func(int, int) source.Range { return best.whole }}
	}
	return shell.Text{S: s, At: best.at}
}

// apart puts what is not known in front of a line that the source has as a line
// of its own (a directive of a template, whose line breaks are cut) on a line
// apart.
func (x *expansion) apart(n *resource.Node, s string) string {
	if !strings.Contains(s, shell.Gap) {
		return s
	}
	written := map[string]bool{}
	for _, r := range append([]source.Range{n.Range}, n.Origins...) {
		if f := x.file(r.File); f != nil && r.End.Byte <= len(f.Data) && len(written) < 10_000 {
			for line := range strings.Lines(f.Text(r)) {
				written[strings.TrimSpace(line)] = true
			}
		}
	}
	var b strings.Builder
	for line := range strings.Lines(s) {
		rest := strings.TrimLeft(line, " \t")
		if after := strings.TrimPrefix(rest, shell.Gap); after != rest && strings.TrimSpace(after) != "" && written[strings.TrimSpace(after)] {
			b.WriteString(shell.Gap + "\n")
			line = after
		}
		b.WriteString(line)
	}
	return b.String()
}

// alignment maps the lines of a text to those of a file.
type alignment struct {
	f              *source.File
	whole          source.Range // what is said of lines that were not found
	starts         []int        // of the lines, in the text
	size           int
	lines          []line
	matched, count int
}

// line is where a line of the text stands.
type line struct {
	found      bool
	start, end int // in the file, of the source's line without its indentation
	// prefix and suffix are how many bytes at the start and at the end say the
	// same in both.
	prefix, suffix int
	length         int // of the text's line
}

// align looks for the lines of s in a range of a file, in order.
func align(f *source.File, r source.Range, s string) alignment {
	a := alignment{f: f, whole: r, size: len(s)}
	src := f.Data[r.Start.Byte:r.End.Byte]
	if !strings.Contains(s, "\n") || strings.Contains(string(src), s) {
		if i := strings.Index(string(src), s); i >= 0 && s != "" {
			at := r.Start.Byte + i
			a.starts = []int{0}
			a.lines = []line{{found: true, start: at, end: at + len(s), prefix: len(s), suffix: len(s), length: len(s)}}
			a.matched, a.count = 1, 1
		}
		return a
	}
	type span struct{ start, end int }
	var from []span
	for at := r.Start.Byte; at < r.End.Byte; {
		end := at
		for end < r.End.Byte && f.Data[end] != '\n' {
			end++
		}
		from = append(from, span{at, end})
		at = end + 1
	}
	next := 0
	offset := 0
	for text := range strings.Lines(s) {
		t := strings.TrimRight(text, "\r\n")
		l := line{length: len(t)}
		a.starts = append(a.starts, offset)
		offset += len(text)
		if strings.TrimSpace(t) == "" {
			a.lines = append(a.lines, l)
			if next < len(from) && strings.TrimSpace(string(f.Data[from[next].start:from[next].end])) == "" {
				next++
			}
			continue
		}
		a.count++
		const window = 64
		for j := next; j < len(from) && j < next+window; j++ {
			raw := strings.TrimRight(string(f.Data[from[j].start:from[j].end]), "\r")
			if i := len(raw) - len(t); i >= 0 && raw[i:] == t && strings.TrimSpace(raw[:i]) == "" {
				l = line{found: true, start: from[j].start + i, end: from[j].start + len(raw), prefix: len(t), suffix: len(t), length: len(t)}
				next = j + 1
				break
			}
			if !strings.ContainsAny(raw, "$%") {
				continue
			}
			// What is put into a line makes it another one; its ends stay.
			lead := len(t) - len(strings.TrimLeft(t, " \t"))
			body := strings.TrimLeft(raw, " \t")
			at := from[j].start + len(raw) - len(body)
			p, q := common(t[lead:], body)
			if j == next && p == 0 && q < 3 || j > next && (p < 4 || 2*(p+q) < len(t)-lead) {
				continue
			}
			l = line{found: true, start: at - lead, end: from[j].start + len(raw), prefix: p + lead, suffix: q, length: len(t)}
			next = j + 1
			break
		}
		if l.found {
			a.matched++
		}
		a.lines = append(a.lines, l)
	}
	if a.matched*2 < a.count {
		a.lines, a.matched = nil, 0
	}
	return a
}

// common counts the bytes that two texts have in common at their starts and at
// their ends.
func common(a, b string) (prefix, suffix int) {
	for prefix < len(a) && prefix < len(b) && a[prefix] == b[prefix] {
		prefix++
	}
	for suffix < len(a)-prefix && suffix < len(b)-prefix && a[len(a)-1-suffix] == b[len(b)-1-suffix] {
		suffix++
	}
	return prefix, suffix
}

func (a *alignment) lineOf(i int) int {
	lo, hi := 0, len(a.starts)-1
	for lo < hi {
		mid := (lo + hi + 1) / 2
		if a.starts[mid] <= i {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return lo
}

// offset gives where a byte of a line stands; exact is false where only its line
// is known.
func (a *alignment) offset(n, i int) (at int, exact bool) {
	l := a.lines[n]
	col := i - a.starts[n]
	switch {
	case col <= l.prefix:
		return min(l.start+col, l.end), true
	case col >= l.length-l.suffix:
		return min(l.end-(l.length-min(col, l.length)), l.end), true
	}
	return l.start, false
}

// at gives the place of the bytes [start, end) of the text.
func (a *alignment) at(start, end int) source.Range {
	if len(a.starts) == 0 {
		return a.whole
	}
	first := a.lineOf(start)
	last := first
	if end > start {
		last = a.lineOf(end - 1)
	}
	for first <= last && !a.lines[first].found { // blank lines
		if first++; first <= last {
			start = a.starts[first]
		}
	}
	if first > last {
		return a.whole
	}
	for last > first && !a.lines[last].found {
		last--
		end = a.starts[last] + a.lines[last].length
	}
	from, exact := a.offset(first, start)
	to, sure := a.offset(last, max(end, start))
	if !exact || !sure {
		from, to = a.lines[first].start, a.lines[last].end
	}
	if l := a.lines[first]; from < l.start {
		from = l.start
	}
	return a.f.Range(max(from, 0), max(from, to))
}
