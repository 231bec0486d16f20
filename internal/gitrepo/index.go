package gitrepo

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// go-git's decoder of the index reads field by field through reflection, drops
// the shape of the cached tree and refuses an index without checksum
// (index.skipHash) or with sparse folders; this one takes 50,000 entries in a
// few milliseconds.

// errIndex says that the index cannot be used; the caller does without.
var (
	errIndex      = errors.New("the index cannot be decoded")
	errIndexShort = fmt.Errorf("%w: cut short", errIndex)
)

// indexEntry is a tracked path with what git saw of its file when it last
// looked.
type indexEntry struct {
	path string
	stat fileStat
	hash plumbing.Hash
	mode uint32
	// stage is not 0 for the sides of a merge conflict.
	stage        uint8
	intentToAdd  bool
	skipWorktree bool // sparse: meant to be absent from the working tree
}

// fileStat is what tells that a file was touched. Fields that are 0 on either
// side do not count, beside the size.
type fileStat struct {
	size               uint32 // modulo 2^32, as git keeps it
	mtimeSec, mtimeNsc uint32
	ctimeSec, ctimeNsc uint32
	inode              uint32
}

// gitIndex is the decoded index: entries sorted by path.
type gitIndex struct {
	entries []indexEntry
	// trees has the hash of each folder whose tracked files are all as in the
	// object of that hash; the root is "".
	trees map[string]cachedTree
}

type cachedTree struct {
	hash    plumbing.Hash
	entries int
}

const (
	indexHeader = 12
	entryHeader = 62
)

// decodeIndex reads versions 2 to 4 of the index. A split index is refused.
func decodeIndex(data []byte) (*gitIndex, error) {
	if len(data) < indexHeader+sha1.Size || string(data[:4]) != "DIRC" {
		return nil, fmt.Errorf("%w: no header", errIndex)
	}
	version, count := binary.BigEndian.Uint32(data[4:]), binary.BigEndian.Uint32(data[8:])
	if version < 2 || version > 4 {
		return nil, fmt.Errorf("%w: version %d", errIndex, version)
	}
	body, sum := data[:len(data)-sha1.Size], data[len(data)-sha1.Size:]
	if !bytes.Equal(sum, make([]byte, sha1.Size)) { // zeros: index.skipHash
		if got := sha1.Sum(body); !bytes.Equal(got[:], sum) {
			return nil, fmt.Errorf("%w: wrong checksum", errIndex)
		}
	}
	if int64(count)*entryHeader > int64(len(body)) {
		return nil, errIndexShort
	}
	x := &gitIndex{entries: make([]indexEntry, 0, count), trees: map[string]cachedTree{}}
	text := string(body) // one copy that all paths share
	at := indexHeader
	last := ""
	for range count {
		e, next, err := decodeEntry(text, at, version, last)
		if err != nil {
			return nil, err
		}
		x.entries = append(x.entries, e)
		last, at = e.path, next
	}
	return x, x.decodeExtensions(text, at)
}

func be32(s string) uint32 {
	return uint32(s[0])<<24 | uint32(s[1])<<16 | uint32(s[2])<<8 | uint32(s[3])
}

func decodeEntry(text string, at int, version uint32, last string) (e indexEntry, next int, err error) {
	if len(text)-at < entryHeader {
		return e, 0, errIndexShort
	}
	h := text[at:]
	e.stat = fileStat{
		ctimeSec: be32(h), ctimeNsc: be32(h[4:]), mtimeSec: be32(h[8:]), mtimeNsc: be32(h[12:]),
		inode: be32(h[20:]), size: be32(h[36:]),
	}
	e.mode = be32(h[24:])
	copy(e.hash[:], h[40:60])
	flags := uint16(h[60])<<8 | uint16(h[61])
	e.stage = uint8(flags>>12) & 3
	pos := at + entryHeader
	if flags&0x4000 != 0 {
		if len(text)-pos < 2 {
			return e, 0, errIndexShort
		}
		more := uint16(text[pos])<<8 | uint16(text[pos+1])
		e.intentToAdd, e.skipWorktree = more&(1<<13) != 0, more&(1<<14) != 0
		pos += 2
	}
	if version == 4 {
		strip, n := offsetVarint(text[pos:])
		if n == 0 || strip > uint64(len(last)) {
			return e, 0, errIndexShort
		}
		pos += n
		end := strings.IndexByte(text[pos:], 0)
		if end < 0 {
			return e, 0, errIndexShort
		}
		e.path = last[:len(last)-int(strip)] + text[pos:pos+end]
		return e, pos + end + 1, nil
	}
	end := strings.IndexByte(text[pos:], 0)
	if end < 0 {
		return e, 0, errIndexShort
	}
	e.path = text[pos : pos+end]
	size := pos + end - at
	next = at + (size/8+1)*8 // one to eight NULs
	if next > len(text) {
		return e, 0, errIndexShort
	}
	return e, next, nil
}

// offsetVarint reads git's variable-width number; n is 0 when it is none.
func offsetVarint(s string) (v uint64, n int) {
	for n < len(s) && n < 9 {
		b := s[n]
		n++
		v = v<<7 | uint64(b&0x7f)
		if b&0x80 == 0 {
			return v, n
		}
		v++
	}
	return 0, 0
}

func (x *gitIndex) decodeExtensions(text string, at int) error {
	for at < len(text) {
		if len(text)-at < 8 {
			return errIndexShort
		}
		name, size := text[at:at+4], int64(be32(text[at+4:]))
		at += 8
		if size > int64(len(text)-at) {
			return errIndexShort
		}
		content := text[at : at+int(size)]
		at += int(size)
		switch {
		case name == "TREE":
			x.decodeTrees(content)
		case name == "sdir": // sparse folders, which stand among the entries
		case name[0] < 'A' || name[0] > 'Z':
			return fmt.Errorf("%w: it needs the extension %q", errIndex, name)
		}
	}
	return nil
}

// decodeTrees reads the cached trees. They only save time, so a malformed one
// ends the reading without an error.
func (x *gitIndex) decodeTrees(s string) {
	type folder struct {
		path string
		left int // subfolders still to come
	}
	var stack []folder
	for s != "" {
		name, rest, ok := strings.Cut(s, "\x00")
		if !ok {
			return
		}
		line, rest, ok := strings.Cut(rest, "\n")
		count, subs, ok2 := strings.Cut(line, " ")
		entries, err := strconv.Atoi(count)
		below, err2 := strconv.Atoi(subs)
		if !ok || !ok2 || err != nil || err2 != nil || below < 0 {
			return
		}
		full := name
		for len(stack) > 0 && stack[len(stack)-1].left == 0 {
			stack = stack[:len(stack)-1]
		}
		if len(stack) > 0 {
			top := &stack[len(stack)-1]
			top.left--
			if top.path != "" {
				full = top.path + "/" + name
			}
		} else if name != "" {
			return
		}
		if len(stack) > maxDepth {
			return
		}
		stack = append(stack, folder{full, below})
		if entries >= 0 {
			var t cachedTree
			if len(rest) < len(t.hash) {
				return
			}
			copy(t.hash[:], rest)
			t.entries = entries
			x.trees[full] = t
			rest = rest[len(t.hash):]
		}
		s = rest
	}
}
