// Package gitrepo gives the two sides of a change as file trees: commits of a
// local repository and its working tree, and commits of a remote of which it
// fetches only what is read. No git program is needed.
//
// Trees of commits hold files as they were committed: content filters are not
// run and a pointer of Git LFS is read as the text that it is. Symbolic links
// are listed with fs.ModeSymlink and can't be opened (fs.ErrNotExist);
// submodules, and names that are no valid fs.ValidPath, are not there at all.
package gitrepo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-git/go-git/v5/plumbing"
)

// Modes of tree entries, as git writes them.
const (
	modeTree      = 0o040000
	modeFile      = 0o100644
	modeExec      = 0o100755
	modeSymlink   = 0o120000
	modeSubmodule = 0o160000
	modeType      = 0o170000
)

// maxDepth bounds how deep folders may lie within each other.
const maxDepth = 128

// ErrTooLarge is in the chain of errors about something that exceeds a bound.
var ErrTooLarge = errors.New("is too large")

// entry is one line of a tree.
type entry struct {
	name string
	mode uint32
	hash plumbing.Hash
}

func (e entry) isTree() bool    { return e.mode&modeType == modeTree }
func (e entry) isRegular() bool { return e.mode&modeType == modeFile&modeType }

// fileMode gives the mode in the words of io/fs.
func (e entry) fileMode() fs.FileMode {
	switch e.mode & modeType {
	case modeTree:
		return fs.ModeDir | 0o755
	case modeSymlink:
		return fs.ModeSymlink | 0o777
	}
	if e.mode&0o100 != 0 {
		return 0o755
	}
	return 0o644
}

// parseTree reads a tree object. Entries come sorted by name; submodules and
// names that no file system of ours can hold are left out.
func parseTree(data []byte) ([]entry, error) {
	out := make([]entry, 0, len(data)/40)
	text := string(data) // one copy that all names share
	for at := 0; at < len(text); {
		space := strings.IndexByte(text[at:], ' ')
		if space <= 0 || space > 7 {
			return nil, errors.New("malformed tree: no mode")
		}
		mode, err := strconv.ParseUint(text[at:at+space], 8, 32)
		if err != nil {
			return nil, errors.New("malformed tree: mode is not octal")
		}
		at += space + 1
		end := strings.IndexByte(text[at:], 0)
		if end < 0 || len(text)-at-end-1 < len(plumbing.Hash{}) {
			return nil, errors.New("malformed tree: cut short")
		}
		e := entry{name: text[at : at+end], mode: uint32(mode)}
		at += end + 1
		at += copy(e.hash[:], text[at:])
		if e.isRegular() { // old trees have modes such as 100664
			e.mode = modeFile | e.mode&0o100>>6*0o111
		}
		if e.mode&modeType != modeSubmodule && validName(e.name) {
			out = append(out, e)
		}
	}
	byName := func(a, b entry) int { return strings.Compare(a.name, b.name) }
	if !slices.IsSortedFunc(out, byName) {
		slices.SortStableFunc(out, byName)
	}
	// Of a name that repeats the first counts.
	return slices.CompactFunc(out, func(a, b entry) bool { return a.name == b.name }), nil
}

func validName(s string) bool {
	return s != "" && s != "." && s != ".." && !strings.EqualFold(s, ".git") &&
		!strings.ContainsRune(s, '/') && utf8.ValidString(s)
}

// find gives an entry by name.
func find(entries []entry, name string) (entry, bool) {
	i, ok := slices.BinarySearchFunc(entries, name, func(e entry, s string) int { return strings.Compare(e.name, s) })
	if !ok {
		return entry{}, false
	}
	return entries[i], true
}

// commit is what we need of a commit object.
type commit struct {
	tree    plumbing.Hash
	parents []plumbing.Hash
	when    int64 // of the committer, seconds since 1970
}

func parseCommit(data []byte) (commit, error) {
	var c commit
	hasTree := false
	for line := range bytes.Lines(data) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		key, value, ok := bytes.Cut(line, []byte(" "))
		if !ok {
			break // the empty line before the message
		}
		switch string(key) {
		case "tree", "parent":
			h, ok := parseHash(string(value))
			if !ok {
				return c, fmt.Errorf("malformed commit: %s is not a SHA-1", key)
			}
			if string(key) == "parent" {
				c.parents = append(c.parents, h)
			} else {
				c.tree, hasTree = h, true
			}
		case "committer":
			// "Name <mail> 1700000000 +0100"
			if i := bytes.LastIndexByte(value, '>'); i >= 0 {
				if f := bytes.Fields(value[i+1:]); len(f) > 0 {
					c.when, _ = strconv.ParseInt(string(f[0]), 10, 64)
				}
			}
		}
	}
	if !hasTree {
		return c, errors.New("malformed commit: no tree")
	}
	return c, nil
}

// parseHash reads 40 hexadecimal digits.
func parseHash(s string) (plumbing.Hash, bool) {
	if len(s) != 40 {
		return plumbing.ZeroHash, false
	}
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
			return plumbing.ZeroHash, false
		}
	}
	return plumbing.NewHash(s), true
}

// objects gives trees and blobs by their hashes, from a local repository or
// from afar. Implementations are safe for concurrent use.
type objects interface {
	// tree gives the entries of a tree sorted by name.
	tree(ctx context.Context, h plumbing.Hash) ([]entry, error)
	blob(ctx context.Context, h plumbing.Hash) ([]byte, error)
	// size is the length of a blob.
	size(ctx context.Context, h plumbing.Hash) (int64, error)
	// needTrees says which trees will be asked for next.
	needTrees(ctx context.Context, hs []plumbing.Hash) error
	// needBlobs says which blobs are likely to be asked for; with now, they
	// are got at once.
	needBlobs(ctx context.Context, hs []plumbing.Hash, now bool) error
}
