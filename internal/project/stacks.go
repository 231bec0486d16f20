package project

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/plimsoll-iac/plimsoll/internal/format/cloudformation"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
)

// A template of CloudFormation that a stack of another one is made of is judged
// through that one, with the parameters that it is given. Who nests a changed
// template is looked for in its folder and in those above it: a template names
// another by a path that goes down, as a rule.

const (
	stackFolders = 2   // folders above a changed template
	maxStackSeen = 200 // files of a folder that are looked into
)

var nestedTemplate = regexp.MustCompile(`(?m)(?:TemplateURL|Location)["']?\s*:\s*["']?([^\s"'{}]+\.(?:ya?ml|json|template))\b`)

// nests gives the templates in the tree that a template names.
func nests(name string, data []byte) []string {
	var out []string
	for _, m := range nestedTemplate.FindAllSubmatchIndex(data, -1) {
		to := string(data[m[2]:m[3]])
		if commented(data, m[2]) {
			continue
		}
		if !strings.Contains(to, "://") && !strings.HasPrefix(to, "/") {
			out = append(out, path.Join(path.Dir(name), to))
		}
	}
	return out
}

// reachStacks adds the templates that nest a changed one, on every side, and
// takes away those that are judged through others.
func reachStacks(ctx context.Context, look bool, sides ...*side) {
	parents := map[string][]string{} // of a scan, or of the sides together
	var files []string
	for _, s := range sides {
		for _, u := range s.units {
			if u.Format == resource.CloudFormation {
				files = append(files, u.Files...)
			}
		}
	}
	files = unique(files)
	if len(files) == 0 {
		return
	}
	seen := map[string]bool{}
	visit := func(s *side, f string) {
		for _, to := range nests(f, s.read(f)) {
			if !slices.Contains(parents[to], f) && to != f {
				parents[to] = append(parents[to], f)
			}
		}
	}
	for _, s := range sides {
		for _, f := range files {
			visit(s, f)
		}
		if look {
			for _, f := range files {
				s.templatesAbove(ctx, f, seen, visit)
			}
		}
	}
	roots := map[string]bool{}
	for _, f := range files {
		for _, r := range upTo(parents, f) {
			roots[r] = true
		}
	}
	for _, s := range sides {
		for r := range roots {
			if s.units[resource.CloudFormation+":"+r] != nil || !look {
				continue
			}
			if data := s.read(r); cloudformation.Sniff(data) {
				s.unit(resource.CloudFormation, r, path.Dir(r)).Files = []string{r}
			}
		}
		for _, f := range files {
			if !roots[f] && !s.named[f] {
				delete(s.units, resource.CloudFormation+":"+f)
			}
		}
	}
}

// upTo gives the templates that nest one and that nobody nests, the template
// itself where nobody does, or where they nest each other.
func upTo(parents map[string][]string, f string) []string {
	seen := map[string]bool{f: true}
	var out []string
	todo := []string{f}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if len(parents[at]) == 0 {
			out = append(out, at)
		}
		for _, p := range parents[at] {
			if !seen[p] {
				seen[p] = true
				todo = append(todo, p)
			}
		}
	}
	if len(out) == 0 {
		return []string{f}
	}
	return out
}

// templatesAbove visits the templates in the folder of a file and in those above.
func (s *side) templatesAbove(ctx context.Context, f string, seen map[string]bool, visit func(*side, string)) {
	dir := path.Dir(f)
	for range stackFolders + 1 {
		if key := dir + "\x00" + s.sideKey(); !seen[key] && ctx.Err() == nil {
			seen[key] = true
			names := s.filesIn(dir, func(r role) bool { return r == manifest })
			names = names[:min(len(names), maxStackSeen)]
			announce(s.fsys, names)
			for _, n := range names {
				if cloudformation.Sniff(s.read(n)) {
					visit(s, n)
				}
			}
		}
		if dir == "." {
			return
		}
		dir = path.Dir(dir)
	}
}

// sideKey tells the sides of a comparison apart.
func (s *side) sideKey() string {
	if s.quiet {
		return "base"
	}
	return "head"
}
