package compose

import (
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// maxEnv bounds a file of variables.
const maxEnv = 64 << 10

// variables are those that the file .env beside a Compose file gives.
type variables map[string]assigned

type assigned struct {
	value string
	// open is set where the value is made of other variables.
	open bool
	at   source.Range
}

// variablesBeside reads the file of variables that Compose would take up for a
// Compose file; nil where there is none.
func variablesBeside(u *format.Unit, compose string) variables {
	name := path.Join(path.Dir(compose), ".env")
	if info, err := fs.Lstat(u.FS, name); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	h, err := u.FS.Open(name)
	if err != nil {
		return nil
	}
	defer h.Close()
	data, err := io.ReadAll(io.LimitReader(h, maxEnv+1))
	if err != nil || len(data) > maxEnv {
		return nil
	}
	f := source.NewFile(name, data)
	out := variables{}
	for i := 1; i <= f.Lines(); i++ {
		line := strings.TrimSpace(f.Line(i))
		key, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if key = strings.TrimSpace(key); !ok || key == "" || nameLen(key) != len(key) {
			continue
		}
		a := assigned{at: source.Range{File: name, Start: f.Pos(f.LineStart(i)), End: f.Pos(f.LineStart(i) + len(strings.TrimRight(f.Line(i), "\r\n")))}}
		a.value, a.open = unquote(strings.TrimSpace(value))
		out[key] = a
	}
	return out
}

// unquote gives the value that is written behind the equals sign of a variable;
// open says that it is not known.
func unquote(s string) (value string, open bool) {
	if s == "" {
		return "", false
	}
	if q := s[0]; q == '\'' || q == '"' {
		end := strings.IndexByte(s[1:], q)
		if end < 0 {
			return "", true // it goes on below
		}
		s = s[1 : 1+end]
		return s, q == '"' && strings.ContainsAny(s, `$\`)
	}
	if i := strings.Index(s, " #"); i >= 0 {
		s = strings.TrimSpace(s[:i])
	}
	return s, strings.Contains(s, "$")
}
