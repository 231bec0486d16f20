package helm

import "bytes"

// renderer renders the templates of a release and tells where what they write
// comes from.
type renderer struct {
	r     *release
	marks *marker
	with  *set // with marks; nil where that cannot be
	plain *set // without; nil before it is needed
	once  *once
}

func (r *release) renderer() *renderer {
	trees, marks := r.marked()
	x := &renderer{r: r, marks: marks, once: &once{r: r, marks: marks.trees, known: map[string]knownTree{}}}
	x.with, _ = newSet(trees) // what is wrong with the trees shows without marks
	for _, t := range r.templates {
		if bytes.ContainsRune(t.file.Data, markRune) {
			x.once = nil // somebody's text looks like a mark
		}
	}
	return x
}

// render renders one template. Where nothing in it can look at a mark, the
// rendering with marks is the one without them as well.
func (x *renderer) render(t *tpl) (text string, events []event, err error) {
	if x.with != nil && x.once != nil && !x.once.tree(t.name).looks {
		if marked, err := x.with.execute(t); err == nil && !x.with.within {
			text, events := strip(marked)
			return text, events, nil
		}
	}
	if x.plain == nil {
		if x.plain, err = newSet(x.r.trees); err != nil {
			return "", nil, err
		}
	}
	if text, err = x.plain.execute(t); err != nil || x.with == nil {
		return text, nil, err
	}
	if marked, err := x.with.execute(t); err == nil {
		stripped, found := strip(marked)
		events = align(stripped, text, found)
	}
	return text, events, nil
}
