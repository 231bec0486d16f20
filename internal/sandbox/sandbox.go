// Package sandbox runs readers of hostile input in child processes of the same
// program. A child limits itself before it reads anything: memory, processor
// time, stack, no files, no network, no programs, no environment. The files of
// a unit come to it over a pipe, as it asks for them, and the resources go back
// over another. A child that dies, whatever killed it, is one unit that was not
// evaluated, with the cause; the program goes on.
//
// Readers know nothing of this: Pool.Reader gives a format.Reader in front of
// one that the children have. The program must call IsChild first thing in
// main, and Serve where it says so.
package sandbox

import (
	"cmp"
	"context"
	"errors"
	"path"
	"runtime"
	"sync"
	"time"

	"github.com/plimsoll-iac/plimsoll/internal/format"
	"github.com/plimsoll-iac/plimsoll/internal/resource"
	"github.com/plimsoll-iac/plimsoll/internal/source"
)

// DefaultMemory is what a child may take up, in bytes of data. 128 MB is the
// least that works.
const DefaultMemory = 512 << 20

// Options bounds the children. A zero field has its default.
type Options struct {
	Memory    int64         // bytes of one child's data: DefaultMemory
	Timeout   time.Duration // for one unit, without the time that its files take to come: 20 s
	MaxAnswer int           // bytes of what a unit is read into, encoded: 64 MB
	MaxFiles  int64         // bytes of files that one unit may read: 256 MB
	Children  int           // that read at once: number of CPUs
	// Warm is how many children are kept ready that have read nothing yet. 0
	// starts one only when a unit is to be read.
	Warm int
}

// Bounds on the life of one child.
const (
	maxUnits = 500              // that it reads
	maxBusy  = 60 * time.Second // that it may have read for and still be used again
	cpuLimit = 5 * time.Minute  // of processor time, after which the system ends it
)

// Pool keeps children. It is safe for concurrent use.
type Pool struct {
	opt   Options
	slots chan struct{}

	mu     sync.Mutex
	fresh  []*process // that have read nothing
	idle   []*process // that have read for their tenant, the last used at the end
	coming int        // fresh ones that are being started
	closed bool
}

// New gives a pool. It starts children only where they are to be kept warm.
func New(o Options) *Pool {
	o.Memory = cmp.Or(o.Memory, DefaultMemory)
	o.Timeout = cmp.Or(o.Timeout, 20*time.Second)
	o.MaxAnswer = cmp.Or(o.MaxAnswer, 64<<20)
	o.MaxFiles = cmp.Or(o.MaxFiles, 256<<20)
	o.Children = cmp.Or(o.Children, runtime.GOMAXPROCS(0))
	p := &Pool{opt: o, slots: make(chan struct{}, o.Children)}
	p.refill()
	return p
}

// Close ends the children that are not reading; those that are end with their
// unit. The pool can still be used: it then keeps no child.
func (p *Pool) Close() {
	p.mu.Lock()
	all := append(p.fresh, p.idle...)
	p.fresh, p.idle, p.closed = nil, nil, true
	p.mu.Unlock()
	for _, c := range all {
		c.kill()
	}
}

// Confinement says what holds a child here: "seccomp, landlock, memory" where
// the system has it all. It starts a child to find out.
func (p *Pool) Confinement() (string, error) {
	c, err := p.take("")
	if err != nil {
		return "", err
	}
	if err := c.greet(); err != nil {
		c.kill()
		return "", err
	}
	p.give(c)
	return c.held, nil
}

// Reader gives the children's reader of a format.
func (p *Pool) Reader(name string) format.Reader { return pooled{p, name} }

// pooled is a reader that has a child read.
type pooled struct {
	pool   *Pool
	format string
}

// Read implements format.Reader. What no child could read is one diagnostic
// with the cause.
func (r pooled) Read(ctx context.Context, u format.Unit) ([]*resource.Resource, source.Diagnostics) {
	if len(u.Files) == 0 {
		return nil, nil
	}
	u.Format = r.format
	rs, ds, why := r.pool.read(ctx, u)
	if why != "" {
		return nil, source.Diagnostics{{
			File: place(u), Level: source.LevelError, Message: "was not evaluated: " + why, NotEvaluated: name(u),
		}}
	}
	return rs, ds
}

// place is the file that a unit is known by.
func place(u format.Unit) string {
	if len(u.Files) == 1 {
		return u.Files[0]
	}
	for _, f := range u.Files {
		if path.Dir(f) == u.Dir && path.Base(f) == "Chart.yaml" {
			return f
		}
	}
	return u.Dir
}

func name(u format.Unit) string {
	n := u.Dir
	if len(u.Files) == 1 {
		n = u.Files[0]
	}
	if u.Variant != "" {
		n += " with " + u.Variant
	}
	return n
}

// read has a child read a unit; why is "" where it did. A child that was idle
// may have been ended by the system meanwhile: if it dies without a word, a new
// one tries once more.
func (p *Pool) read(ctx context.Context, u format.Unit) (rs []*resource.Resource, ds source.Diagnostics, why string) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return nil, nil, "the reading was stopped"
	}
	tenant := format.Tenant(ctx)
	for {
		if ctx.Err() != nil {
			return nil, nil, "the reading was stopped"
		}
		c, err := p.take(tenant)
		if err != nil {
			return nil, nil, "no reader could be started: " + clean(reason(err).Error())
		}
		was := c.ready
		answer, spoke, err := c.read(ctx, u)
		if err == nil {
			rs, ds, err = decodeResult(answer)
		}
		if err == nil {
			c.tenant = tenant
			p.give(c)
			return rs, ds, ""
		}
		why = c.cause(err)
		if spoke || !was || ctx.Err() != nil || errors.Is(err, errTimeout) {
			return nil, nil, why
		}
	}
}

// take gives the tenant's own child, a fresh one, or starts one.
func (p *Pool) take(tenant string) (*process, error) {
	p.mu.Lock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		if c := p.idle[i]; c.tenant == tenant {
			p.idle = append(p.idle[:i], p.idle[i+1:]...)
			p.mu.Unlock()
			return c, nil
		}
	}
	if n := len(p.fresh); n > 0 {
		c := p.fresh[n-1]
		p.fresh = p.fresh[:n-1]
		p.mu.Unlock()
		p.refill()
		return c, nil
	}
	p.mu.Unlock()
	c, err := start(&p.opt)
	p.refill()
	return c, err
}

// give takes back a child that has done well.
func (p *Pool) give(c *process) {
	if c.units >= maxUnits || c.busy > maxBusy {
		c.kill()
		return
	}
	p.mu.Lock()
	var out *process
	switch {
	case p.closed:
		out = c
	case c.units == 0:
		p.fresh = append(p.fresh, c)
	default:
		p.idle = append(p.idle, c)
		if len(p.idle) > p.opt.Children {
			out = p.idle[0]
			p.idle = append(p.idle[:0], p.idle[1:]...)
		}
	}
	p.mu.Unlock()
	if out != nil {
		out.kill()
	}
}

// refill starts fresh children in the background until as many are warm as
// should be.
func (p *Pool) refill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.closed && len(p.fresh)+p.coming < p.opt.Warm {
		p.coming++
		go func() {
			c, err := start(&p.opt)
			p.mu.Lock()
			p.coming--
			keep := err == nil && !p.closed
			if keep {
				p.fresh = append(p.fresh, c)
			}
			p.mu.Unlock()
			if err == nil && !keep {
				c.kill()
			}
		}()
	}
}
