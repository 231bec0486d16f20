package gitrepo

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Git's protocol version 2 (gitprotocol-v2(5)), as far as fetching needs it.
// go-git speaks version 0, whose advertisement of references alone takes
// megabytes in a repository with many pull requests.

// Kinds of packet lines.
const (
	pktData = iota
	pktFlush
	pktDelim
	pktEnd
)

const (
	// maxPkt is the longest payload of a packet line.
	maxPkt = 65516
	// maxLines bounds the lines in front of a pack and of an advertisement.
	maxLines = 10_000
	// maxServerText bounds what is told of a server's own words.
	maxServerText = 200
)

// errProtocol says that an answer is not what the protocol asks for.
var errProtocol = errors.New("the git server's answer is malformed")

// refusedError is the server's refusal of a request, in its own words.
type refusedError struct{ text string }

func (e *refusedError) Error() string { return "the git server refused: " + e.text }

// newRefused keeps the beginning of a server's message, without characters
// that could do something to a terminal or a log.
func newRefused(text []byte) error {
	s := strings.ToValidUTF8(string(text[:min(len(text), maxServerText)]), "?")
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
	return &refusedError{strings.TrimSpace(s)}
}

// pktReader reads packet lines.
type pktReader struct {
	r   *bufio.Reader
	buf [maxPkt]byte
}

func newPktReader(r io.Reader) *pktReader { return &pktReader{r: bufio.NewReaderSize(r, 16<<10)} }

// next gives the next line. The payload is valid until the next call.
func (p *pktReader) next() (kind int, payload []byte, err error) {
	var head [4]byte
	if _, err := io.ReadFull(p.r, head[:]); err != nil {
		return 0, nil, cutShort(err)
	}
	n, err := strconv.ParseUint(string(head[:]), 16, 16)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: no packet line", errProtocol)
	}
	switch n {
	case 0:
		return pktFlush, nil, nil
	case 1:
		return pktDelim, nil, nil
	case 2:
		return pktEnd, nil, nil
	case 3:
		return 0, nil, fmt.Errorf("%w: no packet line", errProtocol)
	}
	if n -= 4; n > maxPkt {
		return 0, nil, fmt.Errorf("%w: a packet line is too long", errProtocol)
	}
	if _, err := io.ReadFull(p.r, p.buf[:n]); err != nil {
		return 0, nil, cutShort(err)
	}
	return pktData, p.buf[:n], nil
}

// text gives the next line without its line break; ERR lines are errors.
func (p *pktReader) text() (kind int, line string, err error) {
	kind, payload, err := p.next()
	if err != nil {
		return kind, "", err
	}
	if msg, ok := bytes.CutPrefix(payload, []byte("ERR ")); ok {
		return kind, "", newRefused(msg)
	}
	return kind, strings.TrimSuffix(string(payload), "\n"), nil
}

// cutShort names an unexpected end; errors of the transport stay what they are.
func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: it ends early", errProtocol)
	}
	return err
}

// capabilities is what a server offers.
type capabilities struct {
	v2     bool
	filter bool
	sha1   bool // objects are named by SHA-1
}

// parseAdvertisement reads the answer to info/refs.
func parseAdvertisement(r io.Reader) (capabilities, error) {
	p := newPktReader(r)
	caps := capabilities{sha1: true}
	var kind int
	_, line, err := p.text()
	if err == nil && strings.HasPrefix(line, "# service=") {
		// Older and some present servers put this part in front.
		if kind, _, err = p.text(); err == nil && kind != pktFlush {
			return caps, fmt.Errorf("%w: no flush behind the service", errProtocol)
		}
		_, line, err = p.text()
	}
	if err != nil {
		return caps, err
	}
	if line != "version 2" {
		return caps, nil // an older protocol, told by what it begins with
	}
	caps.v2 = true
	for range maxLines {
		kind, line, err = p.text()
		if err != nil {
			return caps, err
		}
		if kind != pktData {
			return caps, nil
		}
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "fetch":
			for _, f := range strings.Fields(value) {
				caps.filter = caps.filter || f == "filter"
			}
		case "object-format":
			caps.sha1 = value == "sha1"
		}
	}
	return caps, fmt.Errorf("%w: too many capabilities", errProtocol)
}

// fetchRequest is one fetch command.
type fetchRequest struct {
	wants  []plumbing.Hash
	filter string // "" for none
	depth  int    // 0 for none
	agent  string
}

func pkt(b *bytes.Buffer, line string) { fmt.Fprintf(b, "%04x%s\n", len(line)+5, line) }

func (f fetchRequest) encode() []byte {
	var b bytes.Buffer
	pkt(&b, "command=fetch")
	pkt(&b, "agent="+f.agent)
	pkt(&b, "object-format=sha1")
	b.WriteString("0001")
	pkt(&b, "no-progress")
	pkt(&b, "ofs-delta")
	if f.depth > 0 {
		pkt(&b, "deepen "+strconv.Itoa(f.depth))
	}
	if f.filter != "" {
		pkt(&b, "filter "+f.filter)
	}
	for _, h := range f.wants {
		pkt(&b, "want "+h.String())
	}
	pkt(&b, "done")
	b.WriteString("0000")
	return b.Bytes()
}

// encodeListRefs asks for the references that begin with a prefix.
func encodeListRefs(agent, prefix string) []byte {
	var b bytes.Buffer
	pkt(&b, "command=ls-refs")
	pkt(&b, "agent="+agent)
	pkt(&b, "object-format=sha1")
	b.WriteString("0001")
	pkt(&b, "ref-prefix "+prefix)
	b.WriteString("0000")
	return b.Bytes()
}

// parseRef finds one reference in the answer to ls-refs.
func parseRef(r io.Reader, name string) (plumbing.Hash, bool, error) {
	p := newPktReader(r)
	for range maxLines {
		kind, line, err := p.text()
		if err != nil {
			return plumbing.ZeroHash, false, err
		}
		if kind != pktData {
			return plumbing.ZeroHash, false, nil
		}
		if f := strings.Fields(line); len(f) >= 2 && f[1] == name {
			h, ok := parseHash(f[0])
			return h, ok, nil
		}
	}
	return plumbing.ZeroHash, false, fmt.Errorf("%w: too many references", errProtocol)
}

// packStream reads the answer to a fetch up to its pack and gives the pack's
// bytes.
func packStream(r io.Reader) (io.Reader, error) {
	p := newPktReader(r)
	for range maxLines {
		kind, line, err := p.text()
		if err != nil {
			return nil, err
		}
		switch {
		case kind == pktData && line == "packfile":
			return &sideband{p: p}, nil
		case kind == pktFlush || kind == pktEnd:
			return nil, fmt.Errorf("%w: no pack", errProtocol)
		}
		// Other sections (acknowledgments, shallow-info) tell nothing that is
		// needed.
	}
	return nil, fmt.Errorf("%w: too many lines before the pack", errProtocol)
}

// sideband gives the bytes of the first band of a multiplexed stream.
type sideband struct {
	p    *pktReader
	rest []byte
	err  error
}

func (s *sideband) Read(b []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.err != nil {
			return 0, s.err
		}
		kind, payload, err := s.p.next()
		switch {
		case err != nil:
			s.err = err
		case kind != pktData:
			s.err = io.EOF
		case len(payload) == 0:
		case payload[0] == 1:
			s.rest = payload[1:]
		case payload[0] == 2: // progress
		case payload[0] == 3:
			s.err = newRefused(payload[1:])
		default:
			s.err = fmt.Errorf("%w: band %d", errProtocol, payload[0])
		}
	}
	n := copy(b, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}
