package kubernetes

import (
	"bytes"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/format/yamltree"
)

// Sniff reports whether a file is likely to hold a manifest: its name ends in
// .yaml, .yml or .json, and one of its documents names both apiVersion and kind
// at its top level. Files for kustomize alone are none. It looks at lines, not
// at syntax, so that a manifest that does not parse is one too; it goes through
// the data once, and through no more of it than DefaultMaxFileSize.
func Sniff(file string, data []byte) bool {
	switch strings.ToLower(path.Ext(file)) {
	case ".yaml", ".yml", ".json":
	default:
		return false
	}
	data = data[:min(len(data), format.DefaultMaxFileSize)]
	for bytes.HasPrefix(data, yamltree.ByteOrderMark) {
		data = data[len(yamltree.ByteOrderMark):]
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return false
	}
	s := sniffer{indent: -1}
	for at := 0; at < len(data); {
		rest := data[at:]
		end := len(rest)
		if i := bytes.IndexByte(rest, '\n'); i >= 0 {
			end = i + 1
		}
		if mark := yamltree.Marker(rest, "---"); mark || yamltree.Marker(rest, "...") {
			if s.found() {
				return true
			}
			s = sniffer{indent: -1}
			at += 3
			if !mark || yamltree.ContentOf(rest, 3, end) < 0 {
				at += end - 3
			}
			continue
		}
		text := bytes.TrimLeft(rest[:end], " \t")
		if s.indent < 0 && len(text) > 0 && text[0] == '{' {
			at += end - len(text)
			at += s.flow(data[at:])
			if s.found() {
				return true
			}
			s = sniffer{indent: -1}
			continue
		}
		s.line(rest[:end])
		at += end
	}
	return s.found()
}

// sniffer looks at one document.
type sniffer struct {
	indent                      int // of the top level; -1 before its first line
	apiVersion, kind, kustomize bool
}

func (s *sniffer) found() bool { return s.apiVersion && s.kind && !s.kustomize }

// line looks at one line of a block map.
func (s *sniffer) line(line []byte) {
	text := bytes.TrimLeft(line, " ")
	indent := len(line) - len(text)
	if len(text) == 0 || s.indent >= 0 && indent != s.indent {
		return
	}
	switch text[0] {
	case '#', '\n', '\r', '%':
		return
	}
	s.indent = indent
	name, rest, ok := bytes.Cut(text, []byte(":"))
	if ok && (len(rest) == 0 || yamltree.White(rest, 0) > 0) {
		s.key(bytes.Trim(name, " \t\"'"), rest)
	}
}

func (s *sniffer) key(name, value []byte) {
	switch string(name) {
	case "apiVersion":
		s.apiVersion = true
		s.kustomize = bytes.HasPrefix(bytes.TrimLeft(value, " \t\"'"), []byte(kustomizeGroup+"/"))
	case "kind":
		s.kind = true
	}
}

// flow looks at the names of a map in braces: JSON, or YAML that looks like it.
// It gives how many bytes the map takes, at least 1.
func (s *sniffer) flow(data []byte) int {
	depth := 0
	start := -1 // of a word without quotes
	var name []byte
	for i := 0; i < len(data); i++ {
		switch c := data[i]; c {
		case '{', '[':
			depth++
			start, name = -1, nil
		case '}', ']':
			if depth--; depth <= 0 {
				return i + 1
			}
			start, name = -1, nil
		case ',':
			start, name = -1, nil
		case '"':
			end := i + 1
			for end < len(data) && data[end] != '"' {
				if data[end] == '\\' {
					end++
				}
				end++
			}
			name = data[i+1 : min(end, len(data))]
			start = -1
			i = end
		case ':':
			if start >= 0 {
				name = bytes.TrimSpace(data[start:i])
			}
			if depth == 1 && name != nil {
				s.key(name, data[i+1:])
			}
			if s.found() {
				return i + 1
			}
			start, name = -1, nil
		case '\n':
			if yamltree.Marker(data[i+1:], "---") {
				return i + 1
			}
		case ' ', '\t', '\r':
		default:
			if start < 0 {
				start = i
			}
		}
	}
	return len(data)
}
