//go:build browser

package pages_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// screenshots names a folder to keep what the browser saw.
const screenshots = "PLIMSOLL_SCREENSHOTS"

func browser(t *testing.T, script bool) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("the pages are tested in Chromium: install it (apt-get install chromium): %v", err)
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir())}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
		"disable-component-update", "disable-sync", "hide-scrollbars", "disable-dev-shm-usage",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	alloc, cancelAlloc := chromedp.NewExecAllocator(t.Context(), options...)
	// The browser lives as long as this context; the time limit is for the rest.
	tab, cancelTab := chromedp.NewContext(alloc)
	if _, err := chromedp.Call(tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !script}); err != nil {
		t.Fatal(err)
	}
	ctx, cancelTime := context.WithTimeout(tab, time.Minute)
	t.Cleanup(func() {
		cancelTime()
		cancelTab()
		cancelAlloc()
	})
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

func get[T any](t *testing.T, ctx context.Context, action chromedp.Action[T]) T {
	t.Helper()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv(screenshots)
	if dir == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), get(t, ctx, chromedp.FullScreenshot(100)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func scheme(value string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: value}},
		})
		return err
	})
}

// A person reads the pull request, applies a suggestion and sees it applied;
// what then happens elsewhere comes onto the open page by itself.
func TestBrowserAppliesASuggestion(t *testing.T) {
	v := newSite(t)
	ctx := browser(t, true)
	do(t, ctx, chromedp.EmulateViewport(1280, 900), scheme("light"), chromedp.Navigate(v.URL()+v.path+"/files"))
	text := get(t, ctx, chromedp.Text(chromedp.CSS("main")))
	for _, want := range []string{"privileged: true", "Container app runs privileged", "Apply suggestion", "Pod shares the node's network"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	shoot(t, ctx, "files-light")
	do(t, ctx, chromedp.Navigate(v.URL()+v.path))
	shoot(t, ctx, "conversation-light")
	do(t, ctx,
		chromedp.Click(chromedp.CSS(`form[action$="/apply"] button`)),
		chromedp.WaitVisible(`//span[@class="message" and contains(., "Apply suggestion to k8s/api.yaml")]`),
		chromedp.WaitNotPresent(chromedp.CSS(`form[action$="/apply"]`)),
	)
	content, err := v.File("harbour/shop", "change", "k8s/api.yaml")
	if err != nil || !strings.Contains(content, "            privileged: false\n") {
		t.Errorf("after the click: %v\n%s", err, content)
	}
	// The new head waits for its check; then it comes by itself.
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`.side .waiting`)))
	pr, err := v.Pull("harbour/shop", 1)
	if err != nil {
		t.Fatal(err)
	}
	v.bot.send("/repos/harbour/shop/check-runs", map[string]any{
		"name": "plimsoll", "head_sha": pr.HeadSHA, "status": "completed", "conclusion": "success",
		"output": map[string]any{"title": "No new findings, 1 fixed", "summary": "Clean."},
	})
	do(t, ctx, chromedp.WaitVisible(`//aside//p[contains(., "No new findings, 1 fixed")]`))
	shoot(t, ctx, "conversation-applied")
}

// Without script the same works through forms.
func TestBrowserWithoutScript(t *testing.T) {
	v := newSite(t)
	ctx := browser(t, false)
	do(t, ctx, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(v.URL()+v.path+"/files"),
		chromedp.Click(chromedp.CSS(`form[action$="/push-fix"] button`)),
		chromedp.WaitNotPresent(chromedp.CSS(`form[action$="/apply"]`)))
	content, err := v.File("harbour/shop", "change", "k8s/api.yaml")
	if err != nil || strings.Contains(content, "hostNetwork") {
		t.Errorf("after the push: %v\n%s", err, content)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(`form[action$="/rescan"] button`)))
	if err := v.Wait(ctx, func() bool { return len(v.Comments("harbour/shop", 1)) > 0 }); err != nil {
		t.Fatal(err)
	}
	if c := v.Comments("harbour/shop", 1); len(c) != 1 || c[0].Body != "/plimsoll rescan" {
		t.Errorf("comments: %+v", c)
	}
}

// Every page is readable in light and dark, on a desk and on a phone, without
// scrolling sideways.
func TestBrowserLooks(t *testing.T) {
	v := newSite(t)
	ctx := browser(t, true)
	grounds := map[string]string{}
	for _, mode := range []string{"light", "dark"} {
		for _, width := range []int64{390, 1280} {
			for name, path := range map[string]string{"list": "/", "conversation": v.path, "files": v.path + "/files", "checks": v.path + "/checks"} {
				do(t, ctx, chromedp.EmulateViewport(width, 844), scheme(mode), chromedp.Navigate(v.URL()+path))
				wide := get(t, ctx, chromedp.Evaluate[int64](`document.documentElement.scrollWidth`))
				ground := get(t, ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).backgroundColor`))
				ink := get(t, ctx, chromedp.Evaluate[string](`getComputedStyle(document.body).color`))
				if wide > width {
					t.Errorf("%s, %s: %d px wide on a screen of %d", name, mode, wide, width)
				}
				if ground == ink {
					t.Errorf("%s, %s: text in the colour of the ground", name, mode)
				}
				grounds[mode] = ground
				if width == 390 || mode == "dark" {
					shoot(t, ctx, name+"-"+mode+"-"+map[int64]string{390: "phone", 1280: "desk"}[width])
				}
			}
		}
	}
	if grounds["light"] == grounds["dark"] {
		t.Errorf("light and dark have the same ground %s", grounds["light"])
	}
}
