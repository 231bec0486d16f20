package projection

import (
	"errors"
	"fmt"
	"strings"
)

// parseOutline reads a table: kinds, and below each type its settings, a line
// each with the place in the resource, the place in the object and what is done
// with the value:
//
//	kind GROUP KIND = TYPE SHAPE at.the.settings [if:…]
//	also GROUP KIND = TYPE SHAPE of.a.list[*].in.it
//	Shape
//	  to.a.setting  from.a.setting  words
//
// "also" names a resource that an object makes beside. "-" as a place is nothing that the object says, a place that begins with / is
// one in the whole object, [name=x] the item of a list. Words: block:Shape,
// each:Shape, texts:key and types say what the value is; absent:VALUE what
// leaving it out means ("?": nobody knows); if:PATH, if:PATH=VALUE, unless:… when
// the line counts; always that the block is there in any case; a=b what a text
// means. All others are conversions.
func parseOutline(text string) (*outline, error) {
	o := &outline{kinds: map[string][]*outlined{}, types: map[string]*shape{}}
	var current *shape
	for i, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		var err error
		switch {
		case len(f) == 0 || f[0][0] == '#':
		case f[0] == "kind" || f[0] == "also":
			err = o.addKind(f)
		case line[0] != ' ':
			if len(f) != 1 || o.types[f[0]] != nil {
				err = fmt.Errorf("%q starts no new type", line)
				break
			}
			current = &shape{}
			o.types[f[0]] = current
		case current == nil || len(f) < 2:
			err = errors.New("a setting has a type, and two places")
		default:
			var pl *placing
			if pl, err = parsePlacing(f); err == nil {
				current.places = append(current.places, pl)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return o, o.resolve()
}

func (o *outline) addKind(f []string) error {
	if len(f) < 7 || f[3] != "=" {
		return errors.New("a kind has a group, a name, what it makes, a type and a place")
	}
	k := &outlined{to: f[4], typ: f[5], at: strings.Split(f[6], "."), also: f[0] == "also"}
	for _, word := range f[7:] {
		c, ok := parseCondition(word)
		if !ok || k.when != nil {
			return fmt.Errorf("%s is no condition, or one too many", word)
		}
		k.when = c
	}
	name := f[1] + " " + f[2]
	for _, other := range o.kinds[name] {
		if other.when == nil && !k.also && !other.also {
			return fmt.Errorf("%s is named twice", name)
		}
	}
	o.kinds[name] = append(o.kinds[name], k)
	return nil
}

func parseCondition(word string) (*condition, bool) {
	how, what, ok := strings.Cut(word, ":")
	if !ok || what == "" || how != "if" && how != "unless" {
		return nil, false
	}
	c := &condition{not: how == "unless"}
	if i := strings.LastIndexByte(what, '='); i > strings.LastIndexByte(what, ']') {
		c.valued, c.is, what = true, what[i+1:], what[:i]
	}
	c.path = parsePlace(what)
	return c, true
}

func parsePlace(s string) []pathTo {
	out := []pathTo{}
	if s == "." {
		return out
	}
	for _, word := range strings.Split(s, ".") {
		step := pathTo{name: word}
		if name, item, ok := strings.Cut(strings.TrimSuffix(word, "]"), "["); ok {
			step.name = name
			step.by, step.is, _ = strings.Cut(item, "=")
		}
		out = append(out, step)
	}
	return out
}

func parsePlacing(f []string) (*placing, error) {
	pl := &placing{to: strings.Split(f[0], ".")}
	if from, root := strings.CutPrefix(f[1], "/"); from != "-" {
		pl.from, pl.root = parsePlace(from), root
	}
	for _, word := range f[2:] {
		how, what, tagged := strings.Cut(word, ":")
		c, conditional := parseCondition(word)
		from, to, means := strings.Cut(word, "=")
		switch {
		case conditional && pl.when == nil:
			pl.when = c
		case tagged && how == "block" && pl.form == asValue:
			pl.form, pl.typ = asBlock, what
		case tagged && how == "each" && pl.form == asValue:
			pl.form, pl.typ = asEach, what
		case tagged && how == "texts" && pl.form == asValue:
			pl.form, pl.key = asTexts, what
		case tagged && how == "absent" && pl.absent == "":
			pl.absent = what
		case word == "types" && pl.form == asValue:
			pl.form = asTypes
		case word == "always":
			pl.always = true
		case means && !tagged:
			pl.enum = append(pl.enum, [2]string{from, to})
		case outlineConversions[word].to != nil:
			pl.conv = append(pl.conv, word)
		default:
			return nil, fmt.Errorf("%s says nothing", word)
		}
	}
	if pl.from == nil && pl.absent == "" || pl.always && pl.form != asBlock {
		return nil, fmt.Errorf("%s has no value", f[0])
	}
	return pl, nil
}

// resolve finds the types that kinds and settings name.
func (o *outline) resolve() error {
	used := map[*shape]bool{}
	find := func(name string) (*shape, error) {
		s := o.types[name]
		if s == nil {
			return nil, fmt.Errorf("there is no type %s", name)
		}
		used[s] = true
		return s, nil
	}
	var err error
	for _, ks := range o.kinds {
		for _, k := range ks {
			if k.of, err = find(k.typ); err != nil {
				return err
			}
		}
	}
	for _, s := range o.types {
		for _, pl := range s.places {
			if pl.typ == "" {
				continue
			}
			if pl.of, err = find(pl.typ); err != nil {
				return err
			}
		}
	}
	for name, s := range o.types {
		if !used[s] {
			return fmt.Errorf("nothing is of the type %s", name)
		}
	}
	return nil
}
