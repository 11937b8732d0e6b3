package tesseract

/*
#cgo CXXFLAGS: -std=c++17 -O2 -fopenmp
#cgo LDFLAGS: -ltesseract -llept -fopenmp
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/otiai10/gosseract/v2"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// Tesseract's parameters that gosseract has no names for.
const (
	pageSegmentationMode gosseract.SettableVariable = "tessedit_pageseg_mode"
	choiceMode           gosseract.SettableVariable = "lstm_choice_mode"
)

// errCanceled is the outcome of a page whose cancel flag was raised.
var errCanceled = errors.New("recognition canceled")

// initialising serialises gosseract's initialisation, which redirects the process's stderr while it lasts (about 0.2 s
// per instance) and therefore must not run twice at once.
var initialising sync.Mutex

// client is one Tesseract instance with its languages loaded. It may only be used by one goroutine at a time.
type client struct {
	tess   *gosseract.Client
	handle unsafe.Pointer // tesseract::TessBaseAPI*, owned by tess
	layout ocr.Layout
	choice bool
}

// newClient loads the languages (Tesseract's names) from dir. About 0.2 s and 60 MB.
func newClient(dir string, languages []string) (*client, error) {
	tess := gosseract.NewClient()
	c := &client{tess: tess, layout: ocr.LayoutAuto}
	if err := c.initialise(dir, languages); err != nil {
		return nil, errors.Join(fmt.Errorf("start Tesseract for %s: %w", strings.Join(languages, "+"), err), c.close())
	}
	return c, nil
}

func (c *client) initialise(dir string, languages []string) error {
	field := reflect.ValueOf(c.tess).Elem().FieldByName("api")
	if !field.IsValid() || field.Kind() != reflect.UnsafePointer {
		return errors.New("this gosseract release keeps its instance elsewhere")
	}
	c.handle = field.UnsafePointer()
	if err := c.tess.SetTessdataPrefix(dir); err != nil {
		return err
	}
	if err := c.tess.SetLanguage(languages...); err != nil {
		return err
	}
	// Tesseract comments on every odd page on stderr.
	if err := c.tess.SetVariable(gosseract.DEBUG_FILE, os.DevNull); err != nil {
		return err
	}
	if err := c.tess.SetVariable(pageSegmentationMode, segmentation(c.layout)); err != nil {
		return err
	}
	// gosseract initialises only when it is given a picture to read, and its SetPageSegMode before that is lost: a blank
	// one does.
	if err := c.tess.SetImageFromBytes(blankPicture()); err != nil {
		return err
	}
	initialising.Lock()
	defer initialising.Unlock()
	C.cs_silence()
	_, err := c.tess.Text()
	return err
}

// blankPicture is a white 32x32 portable graymap.
func blankPicture() []byte {
	return []byte("P5 32 32 255\n" + strings.Repeat("\xff", 32*32))
}

// segmentation maps a layout to Tesseract's page segmentation mode.
func segmentation(l ocr.Layout) string {
	switch l {
	case ocr.LayoutColumn:
		return "4"
	case ocr.LayoutBlock:
		return "6"
	case ocr.LayoutLine:
		return "7"
	case ocr.LayoutWord:
		return "8"
	case ocr.LayoutSparse:
		return "11"
	default:
		return "3"
	}
}

// configure sets what differs from the page before.
func (c *client) configure(o ocr.Options) error {
	if o.Layout != c.layout {
		if err := c.tess.SetVariable(pageSegmentationMode, segmentation(o.Layout)); err != nil {
			return err
		}
		c.layout = o.Layout
	}
	if choice := o.Candidates > 0; choice != c.choice {
		mode := 0
		if choice {
			mode = 2 // candidates per character, from the network's own output
		}
		if err := c.tess.SetVariable(choiceMode, strconv.Itoa(mode)); err != nil {
			return err
		}
		c.choice = choice
	}
	return nil
}

// setPicture copies the page's pixels into the instance.
func (c *client) setPicture(page *imaging.Raster, dpi int) error {
	var message [256]C.char
	status := C.cs_set_picture(c.handle, (*C.uint8_t)(unsafe.SliceData(page.Pix)), C.int(page.Width), C.int(page.Height),
		C.int(dpi), &message[0], C.int(len(message)))
	if status != C.CS_OK {
		return errors.New(C.GoString(&message[0]))
	}
	return nil
}

// recognize reads the picture set before, width by height pixels. It looks at canceled between words; layout analysis
// before the first word does not.
func (c *client) recognize(width, height, candidates int, canceled *cancelFlag) (ocr.Page, error) {
	var message [256]C.char
	var out C.cs_page
	switch C.cs_recognize(c.handle, C.int(candidates), canceled.c, &out, &message[0], C.int(len(message))) {
	case C.CS_OK:
		defer C.cs_page_free(&out)
		return assemble(&out, width, height), nil
	case C.CS_CANCELED:
		return ocr.Page{}, errCanceled
	default:
		return ocr.Page{}, errors.New(C.GoString(&message[0]))
	}
}

// close frees the instance; further calls do nothing.
func (c *client) close() error {
	if c.tess == nil {
		return nil
	}
	err := c.tess.Close()
	c.tess, c.handle = nil, nil
	return err
}

// cancelFlag is an integer that Tesseract polls. It lies in C memory because Tesseract keeps its address for as long as
// a page runs.
type cancelFlag struct{ c *C.int32_t }

func newCancelFlag() *cancelFlag {
	return &cancelFlag{c: (*C.int32_t)(C.calloc(1, 4))}
}

func (f *cancelFlag) set(on bool) {
	var v int32
	if on {
		v = 1
	}
	atomic.StoreInt32((*int32)(unsafe.Pointer(f.c)), v)
}

func (f *cancelFlag) free() { C.free(unsafe.Pointer(f.c)) }

// singleThread keeps Tesseract's OpenMP regions on the calling thread: splitting them over few cores makes a page 4 to 11
// times slower, and the environment variable for it is read only at process start.
func singleThread() { C.cs_single_thread() }
