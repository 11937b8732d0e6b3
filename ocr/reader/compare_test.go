package reader

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/ocr"
	"github.com/courtsense/courtsense/pipeline/imaging"
)

// engine gives the same page whatever it is shown.
type engine struct {
	page   ocr.Page
	err    error
	closed int
	seen   [2]int
}

func (e *engine) Recognize(_ context.Context, r *imaging.Raster, _ ocr.Options) (ocr.Page, error) {
	e.seen = [2]int{r.Width, r.Height}
	return e.page, e.err
}

func (e *engine) Close() error {
	e.closed++
	return nil
}

func line(text string, x, y, w, h float32) ocr.Line {
	return ocr.Line{Text: text, Polygon: ocr.Box{X: x, Y: y, W: w, H: h}.Polygon()}
}

func TestCompareSaysWhereEnginesDiffer(t *testing.T) {
	a := &engine{page: ocr.Page{Engine: "one", Lines: []ocr.Line{
		line("案号（2024）1", 10, 10, 200, 20), // the same but for the width of a bracket
		line("原告张三", 10, 50, 100, 20),
		line("借款1,000元 利息5%", 10, 90, 250, 20), // the other has it in two lines
		line("只有我", 10, 130, 60, 20),
	}}}
	b := &engine{page: ocr.Page{Engine: "two", Models: []string{"m"}, Lines: []ocr.Line{
		line("原告张二", 12, 51, 98, 20),
		line("案号(2024)1", 11, 11, 198, 19),
		line("借款1,000元", 10, 91, 120, 18),
		line("利息5%", 170, 91, 90, 18),
		line("只有他", 10, 170, 60, 20),
	}}}
	c, err := NewCompare(a, b)
	require.NoError(t, err)
	p, err := c.Recognize(background, paper(300, 200), ocr.Options{})
	require.NoError(t, err)
	assert.Equal(t, "one | two", p.Engine)
	assert.Equal(t, []string{"m"}, p.Models)
	assert.Len(t, p.Lines, 4)
	assert.Equal(t, []ocr.Difference{
		{Box: ocr.Box{X: 10, Y: 50, W: 100, H: 21}, Text: "原告张三", Other: "原告张二"},
		{Box: ocr.Box{X: 10, Y: 130, W: 60, H: 20}, Text: "只有我"},
		{Box: ocr.Box{X: 10, Y: 170, W: 60, H: 20}, Other: "只有他"},
	}, p.Differences)

	b.err = errors.New("out of order")
	_, err = c.Recognize(background, paper(300, 200), ocr.Options{})
	require.ErrorContains(t, err, "out of order")
	require.NoError(t, c.Close())
	assert.Equal(t, []int{1, 1}, []int{a.closed, b.closed})
	_, err = NewCompare(a, nil)
	require.Error(t, err)
}

// The second engine sees the page upright, and its lines are compared where they are on the original.
func TestComparingATurnedPage(t *testing.T) {
	a := &engine{page: ocr.Page{Rotation: 90, Lines: []ocr.Line{line("甲", 150, 20, 20, 100)}}}
	b := &engine{page: ocr.Page{Lines: []ocr.Line{line("甲", 20, 130, 100, 20)}}}
	c, err := NewCompare(a, b)
	require.NoError(t, err)
	p, err := c.Recognize(background, paper(300, 200), ocr.Options{})
	require.NoError(t, err)
	assert.Equal(t, [2]int{200, 300}, b.seen)
	assert.Empty(t, p.Differences)
}
