package githubsim

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// git over HTTP, protocol version 2, for fetching: ls-refs and fetch with
// wanted SHAs, depth and filters. Pushing is not served.

const (
	flushPacket = "0000"
	delimPacket = "0001"
	maxSideband = 65515 // bytes of data in one packet, as git itself sends
)

func (s *Server) serveGit(x *exchange) {
	name, service, ok := strings.Cut(strings.TrimPrefix(x.r.URL.Path, "/"), ".git/")
	x.Template = "git " + service
	s.mu.Lock()
	t, authErr := s.tokenOf(bearer(x.r))
	if authErr != nil {
		s.mu.Unlock()
		x.header.Set("WWW-Authenticate", `Basic realm="GitHub"`)
		x.plain(http.StatusUnauthorized, "Invalid username or token. Password authentication is not supported for Git operations.")
		return
	}
	x.InstallationID = t.installation.id
	r := s.repos[strings.ToLower(name)]
	if !ok || r == nil {
		s.mu.Unlock()
		x.plain(http.StatusNotFound, "Repository not found.")
		return
	}
	if err := t.may(r, "contents", "read"); err != nil {
		s.mu.Unlock()
		x.plain(err.status, "Repository not found.")
		return
	}
	g := &gitSession{objects: r.objects, opts: s.opts.Git, refs: map[plumbing.ReferenceName]plumbing.Hash{}}
	for name, h := range r.refs {
		g.refs[name] = h
	}
	g.head = plumbing.NewBranchReferenceName(r.defaultBranch)
	s.mu.Unlock()

	if !strings.Contains(x.r.Header.Get("Git-Protocol"), "version=2") {
		x.plain(http.StatusBadRequest, "Only git protocol version 2 is served.")
		return
	}
	x.header.Set("Cache-Control", "no-cache, max-age=0, must-revalidate")
	switch {
	case x.Method == http.MethodGet && service == "info/refs" && x.r.URL.Query().Get("service") == "git-upload-pack":
		x.header.Set("Content-Type", "application/x-git-upload-pack-advertisement")
		x.Status = http.StatusOK
		g.advertise(&x.out)
	case x.Method == http.MethodPost && service == "git-upload-pack":
		body, err := x.gitBody()
		if err != nil {
			x.plain(http.StatusBadRequest, err.Error())
			return
		}
		x.header.Set("Content-Type", "application/x-git-upload-pack-result")
		x.Status = http.StatusOK
		command, err := g.run(&x.out, body)
		x.Template = "git-upload-pack " + command
		if err != nil {
			x.out.Reset()
			packet(&x.out, "ERR upload-pack: %v", err)
		}
	case strings.Contains(service, "receive-pack"), x.r.URL.Query().Get("service") == "git-receive-pack":
		x.plain(http.StatusForbidden, "Pushing is not served.")
	default:
		x.plain(http.StatusNotFound, "Not Found")
	}
}

func (x *exchange) plain(status int, text string) {
	x.Status = status
	x.header.Set("Content-Type", "text/plain; charset=utf-8")
	x.out.WriteString(text + "\n")
}

func (x *exchange) gitBody() ([]byte, error) {
	if x.r.Header.Get("Content-Encoding") != "gzip" {
		return x.body, nil
	}
	z, err := gzip.NewReader(bytes.NewReader(x.body))
	if err != nil {
		return nil, err
	}
	return readBody(z)
}

type gitSession struct {
	objects *objectStore
	refs    map[plumbing.ReferenceName]plumbing.Hash
	head    plumbing.ReferenceName
	opts    GitOptions
}

// packet writes one packet. Writing to a bytes.Buffer does not fail.
func packet(w *bytes.Buffer, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(w, "%04x%s", len(text)+4, text)
}

func (g *gitSession) advertise(w *bytes.Buffer) {
	packet(w, "# service=git-upload-pack\n")
	w.WriteString(flushPacket)
	packet(w, "version 2\n")
	packet(w, "agent=git/github-sim\n")
	packet(w, "ls-refs=unborn\n")
	if g.opts.NoFilter {
		packet(w, "fetch=shallow\n")
	} else {
		packet(w, "fetch=shallow filter\n")
	}
	packet(w, "server-option\n")
	packet(w, "object-format=sha1\n")
	w.WriteString(flushPacket)
}

// parsePackets splits a request into its lines; the delimiter is the line "\x01".
func parsePackets(b []byte) ([]string, error) {
	var out []string
	for len(b) > 0 {
		if len(b) < 4 {
			return nil, errors.New("truncated packet")
		}
		n, err := strconv.ParseUint(string(b[:4]), 16, 16)
		if err != nil {
			return nil, errors.New("bad packet length")
		}
		switch {
		case n == 0:
			return out, nil
		case n == 1:
			out = append(out, "\x01")
			b = b[4:]
		case n < 4 || int(n) > len(b):
			return nil, errors.New("bad packet length")
		default:
			out = append(out, strings.TrimSuffix(string(b[4:n]), "\n"))
			b = b[n:]
		}
	}
	return out, nil
}

func (g *gitSession) run(w *bytes.Buffer, body []byte) (command string, err error) {
	lines, err := parsePackets(body)
	if err != nil {
		return "", err
	}
	i := slices.Index(lines, "\x01")
	args := []string{}
	if i >= 0 {
		args = lines[i+1:]
		lines = lines[:i]
	}
	for _, l := range lines {
		if c, ok := strings.CutPrefix(l, "command="); ok {
			command = c
		}
	}
	switch command {
	case "ls-refs":
		g.listRefs(w, args)
		return command, nil
	case "fetch":
		return command, g.fetch(w, args)
	}
	return command, fmt.Errorf("unknown command %q", command)
}

func (g *gitSession) listRefs(w *bytes.Buffer, args []string) {
	var prefixes []string
	for _, a := range args {
		if p, ok := strings.CutPrefix(a, "ref-prefix "); ok {
			prefixes = append(prefixes, p)
		}
	}
	wanted := func(name string) bool {
		return len(prefixes) == 0 || slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
	}
	if h, ok := g.refs[g.head]; ok && wanted("HEAD") {
		if slices.Contains(args, "symrefs") {
			packet(w, "%s HEAD symref-target:%s\n", h, g.head)
		} else {
			packet(w, "%s HEAD\n", h)
		}
	}
	var names []string
	for name := range g.refs {
		names = append(names, string(name))
	}
	slices.Sort(names)
	for _, name := range names {
		if wanted(name) {
			packet(w, "%s %s\n", g.refs[plumbing.ReferenceName(name)], name)
		}
	}
	w.WriteString(flushPacket)
}

// fetchRequest is what a client asks of fetch.
type fetchRequest struct {
	wants, haves []plumbing.Hash
	shallow      map[plumbing.Hash]bool // where the client's history is cut
	depth        int                    // 0: all
	treeDepth    int                    // -1: no limit
	blobLimit    int64                  // -1: no limit; 0: none
	done         bool
}

func (g *gitSession) parseFetch(args []string) (*fetchRequest, error) {
	q := &fetchRequest{treeDepth: -1, blobLimit: -1, shallow: map[plumbing.Hash]bool{}}
	for _, a := range args {
		key, value, _ := strings.Cut(a, " ")
		switch key {
		case "want", "have", "shallow":
			if !plumbing.IsHash(value) {
				return nil, fmt.Errorf("bad object name %q", value)
			}
			h := plumbing.NewHash(value)
			switch key {
			case "want":
				q.wants = append(q.wants, h)
			case "have":
				q.haves = append(q.haves, h)
			case "shallow":
				q.shallow[h] = true
			}
		case "deepen":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 {
				return nil, fmt.Errorf("bad depth %q", value)
			}
			q.depth = n
		case "filter":
			if err := q.setFilter(value); err != nil || g.opts.NoFilter {
				return nil, errors.Join(err, fmt.Errorf("filter %q is not supported", value))
			}
		case "done":
			q.done = true
		case "thin-pack", "no-progress", "include-tag", "ofs-delta", "sideband-all", "wait-for-done":
		default:
			return nil, fmt.Errorf("unexpected line %q", key)
		}
	}
	return q, nil
}

func (q *fetchRequest) setFilter(spec string) error {
	switch kind, value, _ := strings.Cut(spec, ":"); {
	case spec == "blob:none":
		q.blobLimit = 0
	case kind == "tree":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return fmt.Errorf("bad tree depth %q", value)
		}
		q.treeDepth = n
	case kind == "blob" && strings.HasPrefix(value, "limit="):
		value = strings.TrimPrefix(value, "limit=")
		unit := int64(1)
		switch {
		case strings.HasSuffix(value, "k"):
			unit, value = 1<<10, strings.TrimSuffix(value, "k")
		case strings.HasSuffix(value, "m"):
			unit, value = 1<<20, strings.TrimSuffix(value, "m")
		}
		n, err := strconv.ParseInt(value, 10, 32)
		if err != nil || n < 0 {
			return fmt.Errorf("bad blob limit %q", value)
		}
		q.blobLimit = n * unit
	default:
		return fmt.Errorf("unknown filter %q", spec)
	}
	return nil
}

func (g *gitSession) fetch(w *bytes.Buffer, args []string) error {
	q, err := g.parseFetch(args)
	if err != nil {
		return err
	}
	for _, h := range q.wants {
		if g.objects.HasEncodedObject(h) != nil || g.opts.NoSHAInWant && !g.isTip(h) {
			return fmt.Errorf("not our ref %s", h)
		}
	}
	if !q.done {
		packet(w, "acknowledgments\n")
		var common int
		for _, h := range q.haves {
			if g.objects.HasEncodedObject(h) == nil {
				common++
				packet(w, "ACK %s\n", h)
			}
		}
		if common == 0 {
			packet(w, "NAK\n")
			w.WriteString(flushPacket)
			return nil
		}
		packet(w, "ready\n")
		w.WriteString(delimPacket)
	}
	sel := &selection{objects: g.objects, q: q, known: map[plumbing.Hash]bool{}, depth: map[plumbing.Hash]int{}}
	if err := sel.run(); err != nil {
		return err
	}
	if q.depth > 0 {
		packet(w, "shallow-info\n")
		for _, h := range sel.cut {
			packet(w, "shallow %s\n", h)
		}
		for _, h := range sel.uncut {
			packet(w, "unshallow %s\n", h)
		}
		w.WriteString(delimPacket)
	}
	packet(w, "packfile\n")
	side := &sideband{w: w}
	if _, err := packfile.NewEncoder(side, g.objects, false).Encode(sel.out, 0); err != nil {
		return err
	}
	side.flush()
	w.WriteString(flushPacket)
	return nil
}

func (g *gitSession) isTip(h plumbing.Hash) bool {
	for _, tip := range g.refs {
		if tip == h {
			return true
		}
	}
	return false
}

// sideband packs what is written into packets of band 1.
type sideband struct {
	w   *bytes.Buffer
	buf []byte
}

func (s *sideband) Write(b []byte) (int, error) {
	s.buf = append(s.buf, b...)
	for len(s.buf) >= maxSideband {
		packet(s.w, "\x01%s", s.buf[:maxSideband])
		s.buf = s.buf[maxSideband:]
	}
	return len(b), nil
}

func (s *sideband) flush() {
	if len(s.buf) > 0 {
		packet(s.w, "\x01%s", s.buf)
	}
}

// selection finds the objects that a fetch gets.
type selection struct {
	objects *objectStore
	q       *fetchRequest
	known   map[plumbing.Hash]bool // what the client has
	depth   map[plumbing.Hash]int  // trees and blobs taken, at their least depth
	out     []plumbing.Hash
	taken   map[plumbing.Hash]bool
	// cut are commits sent without their parents; uncut those that were cut at
	// the client and are no longer.
	cut, uncut []plumbing.Hash
}

func (s *selection) run() error {
	s.taken = map[plumbing.Hash]bool{}
	for _, h := range s.q.haves {
		if err := s.markKnown(h); err != nil {
			return err
		}
	}
	type step struct {
		hash  plumbing.Hash
		depth int
	}
	var commits []step
	for _, h := range s.q.wants {
		obj, err := s.objects.EncodedObject(plumbing.AnyObject, h)
		if err != nil {
			return err
		}
		switch obj.Type() {
		case plumbing.CommitObject:
			commits = append(commits, step{h, 1})
		case plumbing.TreeObject:
			// A wanted tree comes whatever the filter; what is below it, by depth.
			s.take(h)
			if err := s.below(h, 0); err != nil {
				return err
			}
		default:
			s.take(h)
		}
	}
	seen := map[plumbing.Hash]bool{}
	for len(commits) > 0 {
		c := commits[0]
		commits = commits[1:]
		if seen[c.hash] {
			continue
		}
		seen[c.hash] = true
		commit, err := s.objects.commit(c.hash)
		if err != nil {
			return err
		}
		ends := s.q.depth > 0 && c.depth >= s.q.depth && len(commit.ParentHashes) > 0
		if ends && !s.q.shallow[c.hash] {
			s.cut = append(s.cut, c.hash)
		}
		if !ends && s.q.depth > 0 && s.q.shallow[c.hash] {
			s.uncut = append(s.uncut, c.hash)
		}
		if !s.known[c.hash] {
			s.take(c.hash)
			if err := s.tree(commit.TreeHash, 0); err != nil {
				return err
			}
		} else if s.q.depth == 0 {
			continue
		}
		if !ends {
			for _, p := range commit.ParentHashes {
				commits = append(commits, step{p, c.depth + 1})
			}
		}
	}
	return nil
}

func (s *selection) take(h plumbing.Hash) {
	if !s.taken[h] && !s.known[h] {
		s.taken[h] = true
		s.out = append(s.out, h)
	}
}

// tree takes a tree at a depth, and what is below it.
func (s *selection) tree(h plumbing.Hash, depth int) error {
	if s.q.treeDepth >= 0 && depth >= s.q.treeDepth || s.known[h] {
		return nil
	}
	if d, ok := s.depth[h]; ok && (d <= depth || s.q.treeDepth < 0) {
		return nil
	}
	s.depth[h] = depth
	s.take(h)
	return s.below(h, depth)
}

func (s *selection) below(h plumbing.Hash, depth int) error {
	t, err := object.GetTree(s.objects, h)
	if err != nil {
		return err
	}
	for _, e := range t.Entries {
		switch e.Mode {
		case filemode.Dir:
			if err := s.tree(e.Hash, depth+1); err != nil {
				return err
			}
		case filemode.Submodule:
		default:
			if s.q.treeDepth >= 0 && depth+1 >= s.q.treeDepth {
				continue
			}
			if s.q.blobLimit >= 0 {
				size, err := s.objects.EncodedObjectSize(e.Hash)
				if err != nil {
					return err
				}
				if size >= s.q.blobLimit {
					continue
				}
			}
			s.take(e.Hash)
		}
	}
	return nil
}

// markKnown notes a commit that the client has, with its history and trees, as
// far as the client's own shallow cuts.
func (s *selection) markKnown(h plumbing.Hash) error {
	commit, err := s.objects.commit(h)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	queue := []*object.Commit{commit}
	for len(queue) > 0 {
		c := queue[0]
		queue = queue[1:]
		if s.known[c.Hash] {
			continue
		}
		s.known[c.Hash] = true
		if err := s.markTree(c.TreeHash); err != nil {
			return err
		}
		if s.q.shallow[c.Hash] {
			continue
		}
		for _, p := range c.ParentHashes {
			pc, err := s.objects.commit(p)
			if err != nil {
				return err
			}
			queue = append(queue, pc)
		}
	}
	return nil
}

func (s *selection) markTree(h plumbing.Hash) error {
	// A client with a filter may lack what its trees name: only commits count.
	if s.known[h] || s.q.treeDepth >= 0 {
		return nil
	}
	s.known[h] = true
	t, err := object.GetTree(s.objects, h)
	if err != nil {
		return err
	}
	for _, e := range t.Entries {
		switch {
		case e.Mode == filemode.Dir:
			if err := s.markTree(e.Hash); err != nil {
				return err
			}
		case e.Mode != filemode.Submodule && s.q.blobLimit < 0:
			s.known[e.Hash] = true
		}
	}
	return nil
}
