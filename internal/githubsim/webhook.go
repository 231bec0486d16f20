package githubsim

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Delivery is one attempt to deliver a webhook.
type Delivery struct {
	ID             int64
	GUID           string // X-GitHub-Delivery, the same for redeliveries
	AppID          int64
	Event, Action  string
	InstallationID int64
	RepositoryID   int64
	Redelivery     bool
	Payload        []byte
	Delivered      time.Time
	Duration       time.Duration
	StatusCode     int    // of the answer; 0 when there was none
	Status         string // OK, or the reason why not
	Done           bool   // attempted; the fields above are final
	RequestHeader  map[string]string
	ResponseBody   string
}

// OK says whether the receiver took the delivery.
func (d Delivery) OK() bool { return d.StatusCode >= 200 && d.StatusCode < 300 }

// dispatcher delivers webhooks one after the other, in the order of their
// events, and keeps a log.
type dispatcher struct {
	ctx    context.Context
	client *http.Client
	clock  func() time.Time

	mu      sync.Mutex
	all     []*Delivery
	queue   []posting
	running bool
	paused  bool
	idle    chan struct{} // closed while nothing waits or is on its way
	runner  sync.WaitGroup
}

type posting struct {
	d           *Delivery
	url, secret string
	hookID      int64
}

func newDispatcher(ctx context.Context, client *http.Client, clock func() time.Time) *dispatcher {
	idle := make(chan struct{})
	close(idle)
	return &dispatcher{ctx: ctx, client: client, clock: clock, idle: idle}
}

// enqueue delivers a payload to an App that has a webhook address.
func (q *dispatcher) enqueue(d *Delivery, app *App) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.all = append(q.all, d)
	d.Delivered = q.clock().UTC()
	if app.WebhookURL == "" {
		d.Done, d.Status = true, "no webhook address"
		return
	}
	q.queue = append(q.queue, posting{d: d, url: app.WebhookURL, secret: app.WebhookSecret, hookID: app.hookID})
	if len(q.queue) == 1 && !q.running {
		q.idle = make(chan struct{})
	}
	q.start()
}

// start runs the queue unless it runs already. q.mu is held.
func (q *dispatcher) start() {
	if q.running || q.paused || len(q.queue) == 0 || q.ctx.Err() != nil {
		return
	}
	q.running = true
	q.runner.Go(q.run)
}

func (q *dispatcher) run() {
	for {
		q.mu.Lock()
		if len(q.queue) == 0 || q.paused || q.ctx.Err() != nil {
			q.running = false
			if len(q.queue) == 0 {
				close(q.idle)
			}
			q.mu.Unlock()
			return
		}
		p := q.queue[0]
		q.queue = q.queue[1:]
		payload := p.d.Payload
		header := p.header()
		q.mu.Unlock()

		began := time.Now()
		code, status, body := q.post(p.url, header, payload)
		q.mu.Lock()
		p.d.Duration = time.Since(began)
		p.d.StatusCode, p.d.Status, p.d.ResponseBody, p.d.Done = code, status, body, true
		p.d.RequestHeader = header
		q.mu.Unlock()
	}
}

func (p posting) header() map[string]string {
	h := map[string]string{
		"Accept":                                 "*/*",
		"Content-Type":                           "application/json",
		"User-Agent":                             "GitHub-Hookshot/5a7c2e1",
		"X-GitHub-Delivery":                      p.d.GUID,
		"X-GitHub-Event":                         p.d.Event,
		"X-GitHub-Hook-ID":                       strconv.FormatInt(p.hookID, 10),
		"X-GitHub-Hook-Installation-Target-ID":   strconv.FormatInt(p.d.AppID, 10),
		"X-GitHub-Hook-Installation-Target-Type": "integration",
	}
	if p.secret != "" {
		h["X-Hub-Signature-256"] = Sign(p.secret, p.d.Payload)
	}
	return h
}

// Sign gives the X-Hub-Signature-256 of a payload.
func Sign(secret string, payload []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write(payload)
	return "sha256=" + hex.EncodeToString(m.Sum(nil))
}

func (q *dispatcher) post(url string, header map[string]string, payload []byte) (code int, status, body string) {
	req, err := http.NewRequestWithContext(q.ctx, http.MethodPost, url, bytes.NewReader(payload))
	if err != nil {
		return 0, "invalid address", ""
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := q.client.Do(req)
	if err != nil {
		return 0, "failed to connect to host", ""
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err := resp.Body.Close(); err != nil {
		return 0, "failed to read the answer", ""
	}
	if err != nil {
		return 0, "failed to read the answer", ""
	}
	status = "OK"
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		status = fmt.Sprintf("Invalid HTTP Response: %d", resp.StatusCode)
	}
	return resp.StatusCode, status, string(b)
}

// wait returns when no delivery is on its way; those that wait may stay.
func (q *dispatcher) wait() { q.runner.Wait() }

func (q *dispatcher) list(appID int64) []Delivery {
	q.mu.Lock()
	defer q.mu.Unlock()
	var out []Delivery
	for _, d := range q.all {
		if d.AppID == appID && d.Done {
			out = append(out, *d)
		}
	}
	return out
}

func (q *dispatcher) find(appID, id int64) (Delivery, bool) {
	for _, d := range q.list(appID) {
		if d.ID == id {
			return d, true
		}
	}
	return Delivery{}, false
}

func (q *dispatcher) redeliver(id int64, app *App, d Delivery) {
	d.ID, d.Redelivery, d.Done = id, true, false
	d.StatusCode, d.Status, d.ResponseBody, d.Duration = 0, "", "", 0
	q.enqueue(&d, app)
}

// Deliveries gives every attempted delivery of an App, oldest first.
func (s *Server) Deliveries(appID int64) []Delivery { return s.hooks.list(appID) }

// Redeliver attempts a delivery once more, with the same GUID.
func (s *Server) Redeliver(appID, deliveryID int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d, ok := s.hooks.find(appID, deliveryID)
	if !ok || s.apps[appID] == nil {
		return fmt.Errorf("githubsim: no delivery %d of App %d", deliveryID, appID)
	}
	s.hooks.redeliver(s.id(), s.apps[appID], d)
	return nil
}

// WaitDelivered returns when every event so far has been attempted. What the
// receiver does after its answer is its own business.
func (s *Server) WaitDelivered(ctx context.Context) error {
	s.hooks.mu.Lock()
	idle := s.hooks.idle
	s.hooks.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-s.hooks.ctx.Done():
		return errors.New("githubsim: closed before every delivery was attempted")
	case <-ctx.Done():
		return fmt.Errorf("githubsim: wait for deliveries: %w", context.Cause(ctx))
	}
}

// PauseDeliveries holds deliveries back until ResumeDeliveries; the one on its
// way is finished.
func (s *Server) PauseDeliveries() {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.paused = true
}

// ResumeDeliveries delivers what was held back.
func (s *Server) ResumeDeliveries() {
	s.hooks.mu.Lock()
	defer s.hooks.mu.Unlock()
	s.hooks.paused = false
	s.hooks.start()
}

func (d Delivery) json() map[string]any {
	out := map[string]any{
		"id": d.ID, "guid": d.GUID, "delivered_at": d.Delivered.Format("2006-01-02T15:04:05.000Z"),
		"redelivery": d.Redelivery, "duration": d.Duration.Seconds(), "status": d.Status,
		"status_code": d.StatusCode, "event": d.Event, "action": nullable(d.Action),
		"installation_id": nil, "repository_id": nil, "throttled_at": nil,
	}
	if d.InstallationID != 0 {
		out["installation_id"] = d.InstallationID
	}
	if d.RepositoryID != 0 {
		out["repository_id"] = d.RepositoryID
	}
	return out
}

func (d Delivery) fullJSON() map[string]any {
	out := d.json()
	out["url"] = ""
	out["request"] = map[string]any{"headers": d.RequestHeader, "payload": json.RawMessage(d.Payload)}
	out["response"] = map[string]any{"headers": map[string]any{}, "payload": d.ResponseBody}
	return out
}

// deliver sends an event to an installation's App, if it subscribes to it.
// s.mu is held.
func (s *Server) deliver(in *installation, event, action string, r *repository, sender *Account, payload map[string]any) {
	if !in.app.subscribes(event) || sender == nil {
		return
	}
	body := maps.Clone(payload)
	if action != "" {
		body["action"] = action
	}
	body["sender"] = s.accountJSON(sender)
	d := &Delivery{
		ID: s.id(), GUID: newGUID(), AppID: in.app.ID, Event: event, Action: action, InstallationID: in.id,
	}
	if r != nil {
		d.RepositoryID = r.id
		body["repository"] = s.repositoryJSON(r)
		if event == "push" {
			body["repository"] = s.pushRepositoryJSON(r)
		}
		body["installation"] = map[string]any{"id": in.id, "node_id": nodeID("MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9u", in.id)}
		if r.owner.Type == "Organization" {
			body["organization"] = s.organizationJSON(r.owner)
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		s.log.Error("webhook payload", "event", event, "err", err)
		return
	}
	d.Payload = b
	s.hooks.enqueue(d, in.app)
}

// subscribes says whether an App gets an event; an installation's own events
// come to every App, the events of checks with the permission.
func (a *App) subscribes(event string) bool {
	switch event {
	case "installation", "installation_repositories":
		return true
	case "check_run", "check_suite":
		return allows(a.Permissions, "checks", "write")
	}
	return slices.Contains(a.Events, event)
}

func newGUID() string {
	var b [16]byte
	// crypto/rand.Read never fails.
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
