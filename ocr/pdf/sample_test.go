package pdf

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/require"
)

// writer makes small PDF files (ISO 32000-1, 7.5), well or badly formed as a test needs them.
type writer struct {
	objects []string
}

// add appends an object and returns its number.
func (w *writer) add(body string) int {
	w.objects = append(w.objects, body)
	return len(w.objects)
}

func (w *writer) stream(dict, content string) int {
	return w.add(fmt.Sprintf("<< %s /Length %d >>\nstream\n%s\nendstream", dict, len(content), content))
}

func (w *writer) bytes(root int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(w.objects))
	for i, o := range w.objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root %d 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, root, xref)
	return b.Bytes()
}

// page is one page of a sample: its boxes and its drawing operators.
type page struct {
	box       string // MediaBox, default A6
	extra     string // further entries of the page dictionary
	content   string
	resources string
}

// a square of one inch at the page's top left corner, red
const redSquare = "1 0 0 rg 0 348 72 72 re f"

func sample(pages ...page) []byte {
	w := &writer{}
	return w.document(pages...)
}

func (w *writer) document(pages ...page) []byte {
	tree := w.add("")
	kids := make([]string, len(pages))
	for i, p := range pages {
		if p.box == "" {
			p.box = "0 0 298 420"
		}
		content := w.stream("", p.content)
		kids[i] = fmt.Sprintf("%d 0 R", w.add(fmt.Sprintf("<< /Type /Page /Parent %d 0 R /MediaBox [%s] /Contents %d 0 R /Resources << %s >> %s >>",
			tree, p.box, content, p.resources, p.extra)))
	}
	w.objects[tree-1] = fmt.Sprintf("<< /Type /Pages /Kids [%s] /Count %d >>", strings.Join(kids, " "), len(pages))
	return w.bytes(w.add(fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R >>", tree)))
}

// laughs is a page that draws 10^depth squares through forms that each draw the next ten times.
func laughs(depth int) []byte {
	w := &writer{}
	form := w.stream("/Type /XObject /Subtype /Form /BBox [0 0 298 420]", redSquare)
	for range depth {
		form = w.stream(fmt.Sprintf("/Type /XObject /Subtype /Form /BBox [0 0 298 420] /Resources << /XObject << /F %s >> >>", ref(form)),
			strings.Repeat("/F Do ", 10))
	}
	return w.document(page{content: "/F Do", resources: "/XObject << /F " + ref(form) + " >>"})
}

func encrypted(t *testing.T, content []byte, userPassword string) []byte {
	t.Helper()
	api.DisableConfigDir()
	var out bytes.Buffer
	require.NoError(t, api.Encrypt(bytes.NewReader(content), &out, model.NewAESConfiguration(userPassword, "owner", 256)))
	return out.Bytes()
}

func ref(object int) string { return fmt.Sprintf("%d 0 R", object) }
