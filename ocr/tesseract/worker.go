package tesseract

import (
	"errors"
	"runtime"
	"slices"
	"strings"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// job is one page on its way through the pool.
type job struct {
	page      *imaging.Raster
	options   ocr.Options
	languages []string
	taken     chan struct{} // closed when a worker no longer needs the page's pixels
	done      chan struct{} // closed when result or err is set

	flag   *cancelFlag // the worker's, while it runs this job; guarded by Pool.mu
	result ocr.Page
	err    error
}

// worker owns its Tesseract instances. They live on one thread, because OpenMP's settings belong to a thread.
type worker struct {
	pool    *Pool
	flag    *cancelFlag
	clients []loaded // most recently used first

	warmUps []chan<- error // guarded by Pool.mu
	idle    bool           // guarded by Pool.mu
}

type loaded struct {
	languages string
	*client
}

// run serves until the pool is closed. It never unlocks its thread, so that Go ends the thread with it rather than reuse
// one whose OpenMP is tamed.
func (w *worker) run() {
	runtime.LockOSThread()
	singleThread()
	w.flag = newCancelFlag()
	defer w.flag.free()
	defer w.closeAll()
	for {
		j, warmUps, ok := w.next()
		if !ok {
			return
		}
		for _, done := range warmUps {
			_, err := w.client(w.pool.languages)
			done <- err
		}
		if j == nil {
			continue
		}
		result, err := w.serve(j)
		w.finish(j, result, err)
	}
}

// next waits for work; ok is false when there will be none.
func (w *worker) next() (j *job, warmUps []chan<- error, ok bool) {
	p := w.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	w.idle = true
	for len(p.waiting) == 0 && len(w.warmUps) == 0 && !p.closed {
		p.wake.Wait()
	}
	w.idle = false
	warmUps, w.warmUps = w.warmUps, nil
	if len(p.waiting) > 0 {
		j, p.waiting = p.waiting[0], p.waiting[1:]
		w.flag.set(false)
		j.flag = w.flag
	}
	return j, warmUps, j != nil || len(warmUps) > 0
}

func (w *worker) serve(j *job) (ocr.Page, error) {
	taken := false
	release := func() {
		if !taken {
			taken = true
			close(j.taken)
		}
	}
	defer release()

	c, err := w.client(j.languages)
	if err != nil {
		return ocr.Page{}, backend(err)
	}
	width, height := j.page.Width, j.page.Height
	err = c.configure(j.options)
	if err == nil {
		err = c.setPicture(j.page, j.options.DPI)
	}
	release()
	var result ocr.Page
	if err == nil {
		result, err = c.recognize(width, height, j.options.Candidates, w.flag)
	}
	switch {
	case err == nil:
		return result, nil
	case errors.Is(err, errCanceled):
		return ocr.Page{}, &pipeline.Failure{Reason: pipeline.Canceled, Model: modelID, Err: err}
	}
	// An instance that failed once is not trusted with the next page.
	w.pool.log.Warn("Tesseract failed on a page; its instance is replaced", "languages", strings.Join(j.languages, "+"), "error", err)
	return ocr.Page{}, backend(errors.Join(err, w.drop(0)))
}

func (w *worker) finish(j *job, result ocr.Page, err error) {
	w.pool.mu.Lock()
	defer w.pool.mu.Unlock()
	j.flag = nil
	j.result, j.err = result, err
	close(j.done)
}

// client returns the instance for the languages and puts it first; the least recently used one goes when there are too
// many.
func (w *worker) client(languages []string) (*client, error) {
	key := strings.Join(languages, "+")
	if i := slices.IndexFunc(w.clients, func(l loaded) bool { return l.languages == key }); i >= 0 {
		l := w.clients[i]
		w.clients = slices.Insert(slices.Delete(w.clients, i, i+1), 0, l)
		return l.client, nil
	}
	if len(w.clients) >= w.pool.instances {
		if err := w.drop(len(w.clients) - 1); err != nil {
			return nil, err
		}
	}
	c, err := newClient(w.pool.dir, languages)
	if err != nil {
		return nil, err
	}
	w.clients = slices.Insert(w.clients, 0, loaded{key, c})
	return c, nil
}

func (w *worker) drop(i int) error {
	err := w.clients[i].close()
	w.clients = slices.Delete(w.clients, i, i+1)
	return err
}

func (w *worker) closeAll() {
	for len(w.clients) > 0 {
		if err := w.drop(0); err != nil {
			w.pool.log.Warn("close Tesseract instance", "error", err)
		}
	}
}

func backend(err error) error {
	return &pipeline.Failure{Reason: pipeline.Backend, Model: modelID, Err: err}
}
