package githubsim

import (
	"errors"
	"strings"

	"golang.org/x/tools/txtar"
)

// Sample is a repository with a pull request, as LoadTxtar made it.
type Sample struct {
	FullName string
	Number   int    // of the pull request
	Branch   string // of its head
	HeadSHA  string
	BaseSHA  string
	// Fix are the files below fix/ of the archive: the prepared push.
	Fix map[string]string
}

// SampleOptions says where LoadTxtar puts a sample.
type SampleOptions struct {
	Owner, Name string
	Public      bool
	Branch      string // of the head; "" is change
	Title, Body string // "" takes them from the archive's comment
	Author      string // login; "" is the owner
	Draft       bool
}

// LoadTxtar makes a repository and a pull request from an archive: files below
// base/ are the default branch, those below head/ the pull request's whole
// tree, those below fix/ what the prepared push writes. The first line of the
// archive's comment is the title, the rest the body. Other files are ignored.
func (s *Server) LoadTxtar(archive []byte, o SampleOptions) (Sample, error) {
	a := txtar.Parse(archive)
	base, head := map[string]string{}, map[string]string{}
	out := Sample{FullName: o.Owner + "/" + o.Name, Branch: o.Branch, Fix: map[string]string{}}
	for _, f := range a.Files {
		for prefix, files := range map[string]map[string]string{"base/": base, "head/": head, "fix/": out.Fix} {
			if name, ok := strings.CutPrefix(f.Name, prefix); ok {
				files[name] = string(f.Data)
			}
		}
	}
	if len(base) == 0 || len(head) == 0 {
		return Sample{}, errors.New("githubsim: the archive needs files below base/ and head/")
	}
	if out.Branch == "" {
		out.Branch = "change"
	}
	title, body, _ := strings.Cut(strings.TrimSpace(string(a.Comment)), "\n")
	if o.Title == "" {
		o.Title, o.Body = title, strings.TrimSpace(body)
	}
	if o.Title == "" {
		o.Title = "Change " + o.Name
	}
	var err error
	if out.BaseSHA, err = s.CreateRepository(RepositoryOptions{Owner: o.Owner, Name: o.Name, Public: o.Public, Files: base}); err != nil {
		return Sample{}, err
	}
	p := Push{Branch: out.Branch, Message: o.Title, Author: o.Author, Files: map[string]string{}}
	for name, content := range head {
		if old, ok := base[name]; !ok || old != content {
			p.Files[name] = content
		}
	}
	for name := range base {
		if _, ok := head[name]; !ok {
			p.Delete = append(p.Delete, name)
		}
	}
	if out.HeadSHA, err = s.Push(out.FullName, p); err != nil {
		return Sample{}, err
	}
	out.Number, err = s.OpenPull(out.FullName, NewPull{
		Title: o.Title, Body: o.Body, Author: o.Author, Head: out.Branch, Draft: o.Draft,
	})
	return out, err
}

// FixPush gives the prepared push of a sample, false when it has none.
func (x Sample) FixPush() (Push, bool) {
	if len(x.Fix) == 0 {
		return Push{}, false
	}
	return Push{Branch: x.Branch, Message: "Fix what the review found", Files: x.Fix}, true
}
