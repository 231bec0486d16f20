package githubsim

import (
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

// ServedFields gives the fields of every type that GraphQL serves, made from a
// repository with one of everything.
func ServedFields() map[string][]string {
	s, err := New(Options{})
	if err != nil {
		panic(err)
	}
	app, err := s.AddApp(AppOptions{})
	if err != nil {
		panic(err)
	}
	if _, err := s.CreateRepository(RepositoryOptions{Owner: "acme", Name: "shop", Files: map[string]string{"dir/a": "a\n"}}); err != nil {
		panic(err)
	}
	inst, err := s.Install(app.ID, "acme", InstallOptions{})
	if err != nil {
		panic(err)
	}
	in := s.installations[inst]
	r := s.repos["acme/shop"]
	g := &graph{s: s, token: s.newToken(in, in.permissions, nil), app: app, actor: app.Bot}
	head := r.refs["refs/heads/main"]
	p := &pull{repo: r, headRepo: r, author: app.Bot, PullRequest: PullRequest{BaseRef: "main", HeadRef: "main", HeadSHA: head.String(), BaseSHA: head.String()}}
	c := &ReviewComment{ID: 2, InReplyTo: 1, Author: app.Bot}
	th := &Thread{ID: 1, ResolvedBy: app.Bot, Comments: []*ReviewComment{c}}
	p.threads = []*Thread{th}
	run := &CheckRun{Annotations: []Annotation{{}}}
	tree, err := r.objects.treeOf(head)
	if err != nil {
		panic(err)
	}
	entries, err := g.entries(r, tree.Hash)
	if err != nil {
		panic(err)
	}
	file, err := r.objects.edit(plumbing.ZeroHash, map[string]Entry{"a": {Content: "a\n"}}, nil)
	if err != nil {
		panic(err)
	}
	blob, err := r.objects.putBlob([]byte("a\n"))
	if err != nil {
		panic(err)
	}
	out := map[string][]string{}
	for _, v := range []any{
		g.query(), g.mutation(), g.repository(r), g.ref(r, "refs/heads/main"), g.gitObject(r, head), g.gitObject(r, file), g.gitObject(r, blob),
		entries.([]any)[0], g.suite(r, &CheckSuite{}), g.run(r, run), g.appNode(app.ID), g.account(app.Bot), g.pull(p),
		g.thread(p, th), g.reviewComment(p, th, c), g.issueComment(p, &IssueComment{Author: app.Bot}), g.review(p, &Review{Author: app.Bot}),
	} {
		n := v.(node)
		name := n["__typename"].(string)
		for field := range n {
			out[name] = append(out[name], field)
		}
		slices.Sort(out[name])
	}
	return out
}
