package projection

import (
	"fmt"
	"slices"
	"strings"
)

// form is how a setting of the written tree is one of the projected tree.
type form uint8

const (
	plain  form = iota // a value as it is
	single             // an object, or the one block that stands for it
	many               // a list, or the blocks that stand for its items
	inline             // an object whose settings are its parent's
)

// setting is one setting of a type under the two names that it has.
type setting struct {
	from, to string
	form     form
	rare     bool // the provider may not have it: never written where it is not there
	conv     string
	typ      string
	of       *object // the type of that name, for all forms but plain
}

// object is what is known of the settings of one type.
type object struct {
	settings []*setting
	byFrom   map[string]*setting
	// open says that settings which the table does not name are taken as well.
	open bool
	// nested says that objects are written as nested blocks of Terraform.
	nested bool
}

// kind is what a written kind is projected to.
type kind struct {
	apiVersion, name string
	namespaced       bool
	typ              string
	of               *object
}

// schema is a table of types, as the text files of this room hold it.
type schema struct {
	kinds map[string]*kind
	types map[string]*object
}

// parseSchema reads a table. rename gives the projected name of a setting that
// the table gives one name alone; nested says that objects are written as blocks.
func parseSchema(text string, rename func(string) string, nested bool) (*schema, error) {
	s := &schema{kinds: map[string]*kind{}, types: map[string]*object{}}
	var current *object
	for i, line := range strings.Split(text, "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0][0] == '#':
		case fields[0] == "kind":
			if err := s.addKind(line); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
		case line[0] != ' ':
			open := len(fields) == 2 && fields[1] == "+"
			if len(fields) != 1 && !open || s.types[fields[0]] != nil {
				return nil, fmt.Errorf("line %d: %q starts no new type", i+1, line)
			}
			current = &object{byFrom: map[string]*setting{}, open: open, nested: nested}
			s.types[fields[0]] = current
		case current == nil:
			return nil, fmt.Errorf("line %d: settings of no type", i+1)
		default:
			for _, word := range fields {
				c := parseSetting(word, rename)
				if current.byFrom[c.from] != nil {
					return nil, fmt.Errorf("line %d: %s is named twice", i+1, c.from)
				}
				current.byFrom[c.from] = c
				current.settings = append(current.settings, c)
			}
		}
	}
	return s, s.resolve()
}

func (s *schema) addKind(line string) error {
	left, right, _ := strings.Cut(line, " : ")
	to := strings.Fields(right)
	if len(to) != 4 || to[2] != "namespaced" && to[2] != "cluster" {
		return fmt.Errorf("a kind has a version, a name, a scope and a type")
	}
	for _, from := range strings.Fields(left)[1:] {
		if s.kinds[from] != nil {
			return fmt.Errorf("%s is named twice", from)
		}
		s.kinds[from] = &kind{apiVersion: to[0], name: to[1], namespaced: to[2] == "namespaced", typ: to[3]}
	}
	return nil
}

// parseSetting reads one word of a table.
func parseSetting(word string, rename func(string) string) *setting {
	c := &setting{}
	word, typ, typed := strings.Cut(word, "=")
	if typed {
		c.typ, c.form = typ, single
		switch word[len(word)-1] {
		case '*':
			c.form, word = many, word[:len(word)-1]
		case '!':
			c.form, word = inline, word[:len(word)-1]
		}
	}
	word, c.conv, _ = strings.Cut(word, ":")
	word, c.rare = strings.CutSuffix(word, "?")
	from, to, renamed := strings.Cut(word, ">")
	if !renamed {
		to = rename(from)
	}
	c.from, c.to = from, to
	return c
}

// resolve finds the types that kinds and settings name.
func (s *schema) resolve() error {
	used := map[*object]bool{}
	find := func(name string) (*object, error) {
		o := s.types[name]
		if o == nil {
			return nil, fmt.Errorf("there is no type %s", name)
		}
		used[o] = true
		return o, nil
	}
	var err error
	for _, k := range s.kinds {
		if k.of, err = find(k.typ); err != nil {
			return err
		}
	}
	for _, o := range s.types {
		for _, c := range o.settings {
			if c.form == plain {
				continue
			}
			if c.of, err = find(c.typ); err != nil {
				return err
			}
		}
	}
	for name, o := range s.types {
		if !used[o] {
			return fmt.Errorf("nothing is of the type %s", name)
		}
	}
	return nil
}

// target finds the setting that has the name in the projected tree, after the
// inline settings that lead to it. Of several the one that there says is
// written is meant, and else the first.
func (o *object) target(name string, there func(from string) bool) []*setting {
	var found []*setting
	for _, c := range o.settings {
		switch {
		case c.form == inline:
			if in := c.of.target(name, func(string) bool { return false }); in != nil && (found == nil || there(c.from)) {
				found = slices.Insert(in, 0, c)
			}
		case c.to == name && there(c.from):
			return []*setting{c}
		case c.to == name && found == nil && !c.rare:
			found = []*setting{c}
		}
	}
	return found
}

// camel gives the camel case of a snake-case name.
func camel(s string) string {
	var b strings.Builder
	up := false
	for _, c := range s {
		switch {
		case c == '_':
			up = true
		case up && 'a' <= c && c <= 'z':
			b.WriteRune(c - 'a' + 'A')
			up = false
		default:
			b.WriteRune(c)
			up = false
		}
	}
	return b.String()
}
