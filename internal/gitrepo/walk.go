package gitrepo

import (
	"bytes"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"golang.org/x/sync/errgroup"
)

// maxNormalised bounds a file whose line endings are looked at, in bytes.
const maxNormalised = 32 << 20

// walk finds the untracked files that are not ignored, a level of folders at a
// time. Repositories within this one are left out.
func (w *workTree) walk(ctx context.Context) error {
	type folder struct {
		path  string
		scope *ignoreScope
	}
	level := []folder{{"", w.rootScope()}}
	for depth := 0; len(level) > 0; depth++ {
		if depth > maxDepth {
			return fmt.Errorf("the working tree is more than %d folders deep: it %w", maxDepth, ErrTooLarge)
		}
		var mu sync.Mutex
		var next []folder
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(max(4, runtime.GOMAXPROCS(0)))
		for _, d := range level {
			g.Go(func() error {
				if gctx.Err() != nil {
					return context.Cause(gctx)
				}
				files, dirs, scope, err := w.list(d.path, d.scope)
				if err != nil {
					return err
				}
				if len(files)+len(dirs) == 0 {
					return nil
				}
				mu.Lock()
				defer mu.Unlock()
				for name, mode := range files {
					w.untracked[name] = entry{name: filepath.Base(name), mode: mode}
				}
				for _, name := range dirs {
					next = append(next, folder{name, scope})
				}
				if len(w.untracked) > maxUntracked {
					return fmt.Errorf("there are more than %d untracked files; have git ignore them", maxUntracked)
				}
				return nil
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		level = next
	}
	for name := range w.untracked {
		for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
			if w.found[name[:i]] {
				break
			}
			w.found[name[:i]] = true
		}
	}
	return nil
}

// list gives the untracked files of one folder that count, the folders to look
// into, and the rules that hold there.
func (w *workTree) list(dir string, scope *ignoreScope) (files map[string]uint32, dirs []string, _ *ignoreScope, err error) {
	f, err := os.Open(filepath.Join(w.root, filepath.FromSlash(dir)))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) && !w.folders[dir] {
			return nil, nil, scope, nil
		}
		return nil, nil, scope, err
	}
	entries, err := f.ReadDir(-1)
	f.Close()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, scope, err
	}
	for _, e := range entries {
		switch {
		case e.Name() == ".git" && dir != "" && !w.folders[dir]:
			return nil, nil, scope, nil // a repository of its own
		case e.Name() == ".gitignore" && e.Type().IsRegular():
			data, err := readSmall(filepath.Join(w.root, filepath.FromSlash(join(dir, ".gitignore"))))
			if err != nil {
				return nil, nil, scope, err
			}
			if rules := parseIgnore(data); len(rules) > 0 {
				scope = &ignoreScope{above: scope, dir: dir, rules: rules}
			}
		}
	}
	for _, e := range entries {
		if strings.EqualFold(e.Name(), ".git") {
			continue
		}
		name := join(dir, e.Name())
		switch {
		case e.IsDir():
			if !w.submodules[name] && fs.ValidPath(name) && !scope.ignored(name, true) {
				dirs = append(dirs, name)
			}
		case e.Type().IsRegular() || e.Type()&fs.ModeSymlink != 0:
			if _, ok := w.tracked[name]; ok || !fs.ValidPath(name) || scope.ignored(name, false) {
				continue
			}
			mode := uint32(modeFile)
			if e.Type()&fs.ModeSymlink != 0 {
				mode = modeSymlink
			} else if info, err := e.Info(); err == nil {
				mode = w.gitMode(info.Mode(), modeFile)
			}
			if files == nil {
				files = map[string]uint32{}
			}
			files[name] = mode
		}
	}
	return files, dirs, scope, nil
}

// rootScope has the rules that stand outside of the working tree: the user's
// own and, above them, those of the repository's info/exclude.
func (w *workTree) rootScope() *ignoreScope {
	var scope *ignoreScope
	add := func(file string) {
		if file == "" {
			return
		}
		data, err := readSmall(file)
		if err != nil {
			return // git, too, does without
		}
		if rules := parseIgnore(data); len(rules) > 0 {
			scope = &ignoreScope{above: scope, rules: rules}
		}
	}
	add(w.repo.userIgnores())
	add(filepath.Join(w.repo.commonDir, "info", "exclude"))
	return scope
}

// userIgnores gives the file of the user's own rules: core.excludesFile or the
// default place.
func (l *Local) userIgnores() string {
	home, _ := os.UserHomeDir()
	if file := l.setting("core", "excludesfile"); file != "" {
		if rest, ok := strings.CutPrefix(file, "~/"); ok {
			return filepath.Join(home, rest)
		}
		if !filepath.IsAbs(file) {
			return filepath.Join(l.workTree, file)
		}
		return file
	}
	if dir := os.Getenv("XDG_CONFIG_HOME"); dir != "" {
		return filepath.Join(dir, "git", "ignore")
	}
	if home == "" {
		return ""
	}
	return filepath.Join(home, ".config", "git", "ignore")
}

// hash gives the blob hash of a file or link. A file that differs from want in
// its line endings alone has want's: that is no change of what it says.
func (w *workTree) hash(full string, mode uint32, size int64, want plumbing.Hash) (plumbing.Hash, error) {
	if mode&modeType == modeSymlink {
		target, err := os.Readlink(full)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		return blobHash([]byte(filepath.ToSlash(target))), nil
	}
	f, err := os.Open(full)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer f.Close()
	if size > maxNormalised {
		h := sha1.New()
		h.Write([]byte("blob " + strconv.FormatInt(size, 10) + "\x00"))
		if _, err := io.Copy(h, f); err != nil {
			return plumbing.ZeroHash, err
		}
		return plumbing.Hash(h.Sum(nil)), nil
	}
	data, err := io.ReadAll(io.LimitReader(f, maxNormalised+1))
	if err != nil {
		return plumbing.ZeroHash, err
	}
	raw := blobHash(data)
	if raw == want || !bytes.Contains(data, []byte("\r\n")) || bytes.IndexByte(data, 0) >= 0 {
		return raw, nil
	}
	if lf := blobHash(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))); lf == want || w.options.normalise {
		return lf, nil
	}
	return raw, nil
}

func blobHash(data []byte) plumbing.Hash {
	h := sha1.New()
	h.Write([]byte("blob " + strconv.Itoa(len(data)) + "\x00"))
	h.Write(data)
	return plumbing.Hash(h.Sum(nil))
}

// readAtMost reads a file, giving up past a number of bytes.
func readAtMost(fsys fs.FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = ErrTooLarge
	}
	return data, err
}
