package githubsim

import (
	"encoding/base64"
	"path"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// maxCompareFiles is how many files GitHub lists in a comparison.
const maxCompareFiles = 300

func repositoryEndpoints() []endpoint {
	const r = "/repos/{owner}/{repo}"
	return []endpoint{
		{method: "GET", path: r, permission: "metadata", level: "read", handle: getRepository},
		{method: "GET", path: r + "/collaborators/{username}/permission", permission: "metadata", level: "read", handle: getPermission},
		{method: "GET", path: r + "/compare/{basehead...}", permission: "contents", level: "read", handle: compare},
		{method: "GET", path: r + "/contents/{path...}", permission: "contents", level: "read", handle: getContents},
		{method: "GET", path: r + "/git/trees/{tree_sha}", permission: "contents", level: "read", handle: getTree},
		{method: "GET", path: r + "/git/blobs/{file_sha}", permission: "contents", level: "read", handle: getBlob},
		{method: "GET", path: r + "/git/commits/{commit_sha}", permission: "contents", level: "read", handle: getGitCommit},
	}
}

func getRepository(c *call) (int, any, error) { return 200, c.s.fullRepositoryJSON(c.repo), nil }

func getPermission(c *call) (int, any, error) {
	a := c.s.accounts[strings.ToLower(c.r.PathValue("username"))]
	if a == nil {
		return 0, nil, notFound()
	}
	role := c.repo.permissionOf(a)
	permission := role
	switch role {
	case "maintain":
		permission = "write"
	case "triage":
		permission = "read"
	}
	user := c.s.accountJSON(a)
	user["role_name"] = role
	user["permissions"] = map[string]any{
		"pull": role != "none", "triage": role != "none" && role != "read",
		"push":     role == "write" || role == "maintain" || role == "admin",
		"maintain": role == "maintain" || role == "admin", "admin": role == "admin",
	}
	return 200, map[string]any{"permission": permission, "role_name": role, "user": user}, nil
}

// resolve finds the commit that a name stands for: a SHA, a branch, a full ref,
// HEAD, or owner:branch of a repository of the same network.
func (s *Server) resolve(r *repository, name string) (plumbing.Hash, bool) {
	if owner, rest, ok := strings.Cut(name, ":"); ok {
		for _, other := range s.repos {
			if other.objects == r.objects && strings.EqualFold(other.owner.Login, owner) {
				return s.resolve(other, rest)
			}
		}
		return plumbing.ZeroHash, false
	}
	if name == "" || name == "HEAD" {
		name = r.defaultBranch
	}
	for _, ref := range []string{"refs/heads/" + name, name, "refs/" + name, "refs/tags/" + name} {
		if h, ok := r.refs[plumbing.ReferenceName(ref)]; ok {
			return h, true
		}
	}
	if plumbing.IsHash(name) {
		h := plumbing.NewHash(name)
		if _, err := r.objects.commit(h); err == nil {
			return h, true
		}
	}
	return plumbing.ZeroHash, false
}

func compare(c *call) (int, any, error) {
	baseName, headName, ok := strings.Cut(c.r.PathValue("basehead"), "...")
	if !ok {
		return 0, nil, notFound()
	}
	base, okBase := c.s.resolve(c.repo, baseName)
	head, okHead := c.s.resolve(c.repo, headName)
	if !okBase || !okHead {
		return 0, nil, notFound()
	}
	o := c.repo.objects
	mb, ok, err := o.mergeBase(base, head)
	if err != nil {
		return 0, nil, err
	}
	if !ok {
		return 0, nil, &apiError{status: 404, message: "No common ancestor between " + baseName + " and " + headName + "."}
	}
	baseCommit, err := o.commit(base)
	if err != nil {
		return 0, nil, err
	}
	mergeBase, err := o.commit(mb)
	if err != nil {
		return 0, nil, err
	}
	ahead, err := o.between(base, head)
	if err != nil {
		return 0, nil, err
	}
	behind, err := o.between(head, base)
	if err != nil {
		return 0, nil, err
	}
	files, err := o.diffCommits(c.r.Context(), mb, head)
	if err != nil {
		return 0, nil, err
	}
	files = files[:min(len(files), maxCompareFiles)]
	status := "diverged"
	switch {
	case len(ahead) == 0 && len(behind) == 0:
		status = "identical"
	case len(behind) == 0:
		status = "ahead"
	case len(ahead) == 0:
		status = "behind"
	}
	html := c.s.baseURL + "/" + c.repo.fullName() + "/compare/" + baseName + "..." + headName
	out := map[string]any{
		"url": c.s.api("/repos/" + c.repo.fullName() + "/compare/" + baseName + "..." + headName), "html_url": html,
		"permalink_url": html, "diff_url": html + ".diff", "patch_url": html + ".patch",
		"base_commit": c.s.commitJSON(c.repo, baseCommit), "merge_base_commit": c.s.commitJSON(c.repo, mergeBase),
		"status": status, "ahead_by": len(ahead), "behind_by": len(behind), "total_commits": len(ahead),
		"commits": render(page(c, ahead), func(x *object.Commit) any { return c.s.commitJSON(c.repo, x) }),
	}
	// Files come with the first page alone.
	if n := c.r.URL.Query().Get("page"); n == "" || n == "1" {
		out["files"] = render(files, func(f FileDiff) any { return c.s.fileJSON(c.repo, head.String(), f) })
	}
	return 200, out, nil
}

func getContents(c *call) (int, any, error) {
	ref := c.r.URL.Query().Get("ref")
	h, ok := c.s.resolve(c.repo, ref)
	if !ok {
		return 0, nil, &apiError{status: 404, message: "No commit found for the ref " + ref}
	}
	name := strings.Trim(c.r.PathValue("path"), "/")
	tree, err := c.repo.objects.treeOf(h)
	if err != nil {
		return 0, nil, err
	}
	if ref == "" {
		ref = c.repo.defaultBranch
	}
	if name != "" {
		e, err := tree.FindEntry(name)
		if isNotFound(err) {
			return 0, nil, notFound()
		}
		if err != nil {
			return 0, nil, err
		}
		if e.Mode != filemode.Dir {
			return c.fileContents(name, ref, e)
		}
		if tree, err = tree.Tree(name); err != nil {
			return 0, nil, err
		}
	}
	out := []any{}
	for _, e := range tree.Entries {
		out = append(out, c.contentJSON(path.Join(name, e.Name), ref, &e))
	}
	return 200, out, nil
}

func (c *call) fileContents(name, ref string, e *object.TreeEntry) (int, any, error) {
	out := c.contentJSON(name, ref, e)
	switch e.Mode {
	case filemode.Submodule:
		out["submodule_git_url"] = ""
		return 200, out, nil
	}
	b, err := c.repo.objects.blob(e.Hash)
	if err != nil {
		return 0, nil, err
	}
	if c.wantsRaw() {
		return 200, rawBody(b), nil
	}
	if e.Mode == filemode.Symlink {
		out["target"] = string(b)
		return 200, out, nil
	}
	out["encoding"], out["content"] = "base64", wrapped(b)
	if len(b) > 1<<20 {
		// GitHub gives the content of files up to 1 MB.
		out["encoding"], out["content"] = "none", ""
	}
	return 200, out, nil
}

// wrapped encodes as GitHub does: base64 in lines of 60 characters.
func wrapped(b []byte) string {
	s := base64.StdEncoding.EncodeToString(b)
	var out strings.Builder
	for len(s) > 60 {
		out.WriteString(s[:60])
		out.WriteByte('\n')
		s = s[60:]
	}
	out.WriteString(s)
	if s != "" {
		out.WriteByte('\n')
	}
	return out.String()
}

func (c *call) contentJSON(name, ref string, e *object.TreeEntry) map[string]any {
	u := c.s.api("/repos/" + c.repo.fullName() + "/contents/" + name + "?ref=" + ref)
	git := c.s.api("/repos/" + c.repo.fullName() + "/git/blobs/" + e.Hash.String())
	html := c.s.baseURL + "/" + c.repo.fullName() + "/blob/" + ref + "/" + name
	kind := map[filemode.FileMode]string{filemode.Dir: "dir", filemode.Symlink: "symlink", filemode.Submodule: "submodule"}[e.Mode]
	if kind == "" {
		kind = "file"
	}
	var size int64
	if n, err := c.repo.objects.EncodedObjectSize(e.Hash); err == nil && kind != "dir" {
		size = n
	}
	return map[string]any{
		"type": kind, "size": size, "name": path.Base(name), "path": name, "sha": e.Hash.String(),
		"url": u, "git_url": git, "html_url": html, "download_url": html + "?raw=1",
		"_links": map[string]any{"self": u, "git": git, "html": html},
	}
}

// maxTreeEntries is how many entries GitHub lists of a recursive tree.
const maxTreeEntries = 100_000

func getTree(c *call) (int, any, error) {
	name := c.r.PathValue("tree_sha")
	h := plumbing.NewHash(name)
	if commit, ok := c.s.resolve(c.repo, name); ok {
		x, err := c.repo.objects.commit(commit)
		if err != nil {
			return 0, nil, err
		}
		h = x.TreeHash
	}
	tree, err := object.GetTree(c.repo.objects, h)
	if isNotFound(err) {
		return 0, nil, notFound()
	}
	if err != nil {
		return 0, nil, err
	}
	entries, truncated := []any{}, false
	git := c.s.api("/repos/" + c.repo.fullName() + "/git/")
	var walk func(prefix string, t *object.Tree) error
	walk = func(prefix string, t *object.Tree) error {
		for _, e := range t.Entries {
			if len(entries) == maxTreeEntries {
				truncated = true
				return nil
			}
			x := map[string]any{"path": prefix + e.Name, "mode": treeMode(e.Mode), "sha": e.Hash.String()}
			switch e.Mode {
			case filemode.Dir:
				x["type"], x["url"] = "tree", git+"trees/"+e.Hash.String()
			case filemode.Submodule:
				x["type"] = "commit"
			default:
				size, err := c.repo.objects.EncodedObjectSize(e.Hash)
				if err != nil {
					return err
				}
				x["type"], x["size"], x["url"] = "blob", size, git+"blobs/"+e.Hash.String()
			}
			entries = append(entries, x)
			if e.Mode == filemode.Dir && c.r.URL.Query().Get("recursive") != "" {
				sub, err := object.GetTree(c.repo.objects, e.Hash)
				if err != nil {
					return err
				}
				if err := walk(prefix+e.Name+"/", sub); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := walk("", tree); err != nil {
		return 0, nil, err
	}
	return 200, map[string]any{"sha": h.String(), "url": git + "trees/" + h.String(), "tree": entries, "truncated": truncated}, nil
}

func treeMode(m filemode.FileMode) string {
	s := strconv.FormatUint(uint64(m), 8)
	return strings.Repeat("0", max(0, 6-len(s))) + s
}

func getBlob(c *call) (int, any, error) {
	h := plumbing.NewHash(c.r.PathValue("file_sha"))
	b, err := c.repo.objects.blob(h)
	if isNotFound(err) {
		return 0, nil, notFound()
	}
	if err != nil {
		return 0, nil, err
	}
	if c.wantsRaw() {
		return 200, rawBody(b), nil
	}
	return 200, map[string]any{
		"sha": h.String(), "node_id": "B_" + h.String(), "size": len(b), "encoding": "base64", "content": wrapped(b),
		"url": c.s.api("/repos/" + c.repo.fullName() + "/git/blobs/" + h.String()),
	}, nil
}

func getGitCommit(c *call) (int, any, error) {
	x, err := c.repo.objects.commit(plumbing.NewHash(c.r.PathValue("commit_sha")))
	if isNotFound(err) {
		return 0, nil, notFound()
	}
	if err != nil {
		return 0, nil, err
	}
	return 200, c.s.gitCommitJSON(c.repo, x), nil
}
