//go:build browser

package main

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBrowserDemo does what a person does on the demonstration's page, with the
// App itself behind it: each click goes through webhook, queue, git and API.
func TestBrowserDemo(t *testing.T) {
	d := newDemo(t)
	if err := d.open(); err != nil {
		t.Fatal(err)
	}
	s := d.sample.Load()
	first := d.reviewed(t, s.FullName, s.HeadSHA)
	ctx := tab(t)
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	head := func() string {
		t.Helper()
		p, err := d.sim.Pull(s.FullName, s.Number)
		if err != nil {
			t.Fatal(err)
		}
		return p.HeadSHA
	}
	do(chromedp.Navigate(d.url()), chromedp.WaitVisible(chromedp.CSS(`a[href$="/rules/k8s/privileged-container"]`)))

	// Apply suggestion: the branch has the mended text, and the review of it
	// has one finding less to tell.
	all, _ := d.threads(t)
	do(chromedp.Click(chromedp.CSS(`form[action$="/apply"] button`)),
		chromedp.WaitVisible(`//span[@class="message" and contains(., "Apply suggestion")]`))
	applied := head()
	run := d.reviewed(t, s.FullName, applied)
	if applied == s.HeadSHA || run.Title == first.Title {
		t.Errorf("after the suggestion the head is %s and the title %q", applied, run.Title)
	}
	if n, resolved := d.threads(t); n != all || resolved != 1 {
		t.Errorf("%d threads of which %d resolved, want %d and 1", n, resolved, all)
	}

	// Push a fix: the prepared commit.
	do(chromedp.Navigate(d.url()), chromedp.Click(chromedp.CSS(`form[action$="/push-fix"] button`)),
		chromedp.WaitVisible(`//span[@class="message" and contains(., "Fix what the review found")]`))
	pushed := head()
	if run = d.reviewed(t, s.FullName, pushed); pushed == applied || strings.Contains(run.Summary, "k8s/rbac-wildcard") {
		t.Errorf("after the fix the head is %s:\n%s", pushed, run.Summary)
	}

	// Rescan: the command is answered with a reaction, nothing is said again.
	before, _ := d.threads(t)
	do(chromedp.Navigate(d.url()), chromedp.Click(chromedp.CSS(`form[action$="/rescan"] button`)))
	wait, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := d.sim.Wait(wait, func() bool {
		for _, c := range d.sim.Comments(s.FullName, s.Number) {
			for _, r := range c.Reactions {
				if r.Content == "+1" || r.Content == "confused" {
					return true
				}
			}
		}
		return false
	}); err != nil {
		t.Fatalf("the rescan is not answered: %v", err)
	}
	if n, _ := d.threads(t); n != before {
		t.Errorf("%d threads after the rescan, want %d", n, before)
	}
}

// tab opens a browser that ends with the test.
func tab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("the demonstration is tested in Chromium: install it (apt-get install chromium): %v", err)
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	alloc, endBrowser := chromedp.NewExecAllocator(t.Context(), options...)
	page, endPage := chromedp.NewContext(alloc)
	ctx, endTime := context.WithTimeout(page, time.Minute)
	// The browser starts with the page's context, not with the limited one.
	if err := chromedp.Do(page, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		endTime()
		endPage()
		endBrowser()
	})
	return ctx
}
