package gitrepo

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

// object is one object with its content.
type object struct {
	kind plumbing.ObjectType
	data []byte
}

func (o object) hash() plumbing.Hash { return plumbing.ComputeHash(o.kind, o.data) }

// packLimits bounds what a pack may hold.
type packLimits struct {
	objects  int
	blob     int64 // bytes of one blob or commit
	tree     int64 // bytes of one tree
	inflated int64 // bytes of all objects
}

func (l packLimits) of(kind plumbing.ObjectType) int64 {
	if kind == plumbing.TreeObject {
		return l.tree
	}
	return max(l.blob, 0)
}

// pack is what came in one pack, by the hashes of the contents: an object that
// is not what it was asked for as is not found. large has the blobs that were
// passed over for their size.
type pack struct {
	objects map[plumbing.Hash]object
	large   map[plumbing.Hash]int64
}

// packed is an object of a pack under way.
type packed struct {
	object
	ok       bool
	offset   int64
	base     int64         // offset of the base of a delta
	baseHash plumbing.Hash // or its hash
	delta    []byte
}

// readPack reads a whole pack, bounded by limits. go-git's scanner takes it
// apart; its parser would keep the deltas unbounded, so they are resolved here.
func readPack(r io.Reader, limits packLimits) (*pack, error) {
	scanner := packfile.NewScanner(r)
	_, count, err := scanner.Header()
	if err != nil {
		return nil, packError(err)
	}
	if int64(count) > int64(limits.objects) {
		return nil, fmt.Errorf("a pack of %d objects %w: at most %d are taken", count, ErrTooLarge, limits.objects)
	}
	out := &pack{objects: map[plumbing.Hash]object{}, large: map[plumbing.Hash]int64{}}
	var all []*packed
	total := int64(0)
	for range count {
		header, err := scanner.NextObjectHeader()
		if err != nil {
			return nil, packError(err)
		}
		if total += header.Length; header.Length < 0 || total > limits.inflated {
			return nil, fmt.Errorf("the content of a pack %w: at most %d bytes are taken", ErrTooLarge, limits.inflated)
		}
		p := &packed{offset: header.Offset}
		limit := limits.of(header.Type)
		switch header.Type {
		case plumbing.OFSDeltaObject:
			p.base, limit = header.OffsetReference, max(limits.blob, limits.tree)
		case plumbing.REFDeltaObject:
			p.base, p.baseHash, limit = -1, header.Reference, max(limits.blob, limits.tree)
		case plumbing.CommitObject, plumbing.TreeObject, plumbing.BlobObject, plumbing.TagObject:
			p.kind = header.Type
		default:
			return nil, fmt.Errorf("%w: an object of unknown type", errProtocol)
		}
		if header.Length > limit {
			hasher := plumbing.NewHasher(header.Type, header.Length)
			if _, _, err := scanner.NextObject(hasher); err != nil {
				return nil, packError(err)
			}
			if !header.Type.IsDelta() {
				out.large[hasher.Sum()] = header.Length
			}
			continue
		}
		// A header may lie about the length: the buffer grows with what comes.
		buf := bytes.NewBuffer(make([]byte, 0, min(header.Length, 64<<10)))
		n, _, err := scanner.NextObject(buf)
		if err != nil {
			return nil, packError(err)
		}
		if n != header.Length {
			return nil, fmt.Errorf("%w: an object is shorter than it says", errProtocol)
		}
		if header.Type.IsDelta() {
			p.delta = buf.Bytes()
		} else {
			p.data, p.ok = buf.Bytes(), true
		}
		all = append(all, p)
	}
	if _, err := scanner.Checksum(); err != nil {
		return nil, packError(err)
	}
	return out, resolveDeltas(all, out, limits, total)
}

// packError tells a malformed pack from a transport that failed.
func packError(err error) error {
	var refused *refusedError
	if errors.As(err, &refused) || errors.Is(err, ErrTooLarge) || errors.Is(err, errProtocol) {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: the pack ends early", errProtocol)
	}
	return fmt.Errorf("%w: %w", errProtocol, err)
}

// resolveDeltas completes the objects that are told as a difference to others.
// One whose base did not come is left out.
func resolveDeltas(all []*packed, out *pack, limits packLimits, total int64) error {
	byOffset := make(map[int64]*packed, len(all))
	children := map[*packed][]*packed{}
	waiting := map[plumbing.Hash][]*packed{} // by the hash of their base
	var ready []*packed
	for _, p := range all {
		byOffset[p.offset] = p
		switch {
		case p.ok:
			ready = append(ready, p)
		case p.base < 0:
			waiting[p.baseHash] = append(waiting[p.baseHash], p)
		default:
			if b := byOffset[p.base]; b != nil {
				children[b] = append(children[b], p)
			}
		}
	}
	// Each object is completed once, its deltas after it: a loop cannot be.
	for len(ready) > 0 {
		p := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		h := p.hash()
		out.objects[h] = p.object
		below := append(children[p], waiting[h]...)
		delete(waiting, h)
		for _, c := range below {
			size, ok := deltaSize(c.delta)
			if !ok {
				return fmt.Errorf("%w: a malformed delta", errProtocol)
			}
			if size > limits.of(p.kind) {
				continue // its hash is not known: it counts as not sent
			}
			if total += size; total > limits.inflated {
				return fmt.Errorf("the content of a pack %w: at most %d bytes are taken", ErrTooLarge, limits.inflated)
			}
			data, err := packfile.PatchDelta(p.data, c.delta)
			if err != nil {
				return packError(err)
			}
			c.kind, c.data, c.ok, c.delta = p.kind, data, true, nil
			ready = append(ready, c)
		}
	}
	return nil
}

// deltaSize reads from the head of a delta how long its result is.
func deltaSize(delta []byte) (int64, bool) {
	_, rest, ok := leb128(delta)
	if !ok {
		return 0, false
	}
	n, _, ok := leb128(rest)
	return n, ok
}

func leb128(b []byte) (v int64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 8; i++ {
		v |= int64(b[i]&0x7f) << (7 * i)
		if b[i]&0x80 == 0 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
