//go:build browser

package server

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestBrowserSetUp does what a person does, with the policies of the pages in
// force: a form that goes to GitHub, and the way back.
func TestBrowserSetUp(t *testing.T) {
	x := newSetting(t)
	ctx := tab(t)
	do := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatal(err)
		}
	}
	do(chromedp.EmulateViewport(390, 844), chromedp.Navigate(x.begin), chromedp.WaitVisible(chromedp.CSS("#go")))
	if wide, err := chromedp.Run(ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`)); err != nil || wide > 390 {
		t.Errorf("the form is %d px wide on a phone of 390, %v", wide, err)
	}
	do(chromedp.SendKeys(chromedp.CSS("#organisation"), "acme"), chromedp.Click(chromedp.CSS("input[value=full]")), chromedp.Click(chromedp.CSS("#go")),
		chromedp.WaitVisible(`//h1[contains(., "Make the App on GitHub")]`), chromedp.Click(chromedp.CSS("#go")),
		chromedp.WaitVisible(`//h1[contains(., "The App is made")]`), chromedp.WaitVisible(chromedp.CSS("#install")))
	if !soon(t, "the set-up ends", 30*time.Second, x.ended) {
		t.Error("the credentials are not said to be there")
	}
	if _, err := os.Stat(filepath.Join(x.cfg.DataDir, "github", "app-id")); err != nil {
		t.Error(err)
	}
}

// tab opens a browser that ends with the test.
func tab(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("the set-up is tested in Chromium: install it (apt-get install chromium): %v", err)
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
