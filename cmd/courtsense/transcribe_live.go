package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"sync/atomic"

	"github.com/courtsense/courtsense/speech"
)

// live shows on a terminal what is being heard: the time, the level where a microphone is heard, and the end of the text, of
// which the words that no later interim result changes are bold.
func (c *console) live(s speech.Segment, stable int) {
	if !c.errTerm || c.verbose > 0 {
		return
	}
	head := fmt.Sprintf("%6.1f  ", s.End)
	if c.meter != nil {
		head += c.meter.bar() + "  "
	}
	if s.Channel > 0 {
		head += fmt.Sprintf("channel %d  ", s.Channel)
	}
	fmt.Fprintf(c.err, "\r\x1b[K%s%s", head, liveText(s.Words, stable, c.width()-1-len([]rune(head))))
}

// liveText is the end of a text, as much as fits into so many columns; the stable words are bold.
func liveText(words []speech.Word, stable, columns int) string {
	first, used := len(words), 0
	for first > 0 {
		w := columnsOf(words[first-1].Text)
		if used+w > columns {
			break
		}
		used += w
		first--
	}
	var sure, open strings.Builder
	for i, w := range words[first:] {
		to := &open
		if first+i < stable {
			to = &sure
		}
		if i > 0 && columnsOf(w.Text) == len(w.Text) && columnsOf(words[first+i-1].Text) == len(words[first+i-1].Text) {
			to.WriteByte(' ')
		}
		to.WriteString(w.Text)
	}
	if sure.Len() == 0 {
		return open.String()
	}
	return "\x1b[1m" + sure.String() + "\x1b[0m" + open.String()
}

// columnsOf is how many columns of a terminal a word takes, with the space before it if it has one.
func columnsOf(text string) int {
	n := 0
	for _, r := range text {
		if n++; r >= 0x2E80 {
			n++
		}
	}
	return n
}

// meter measures the level of 16-bit samples that are read through it.
type meter struct {
	r     io.Reader
	level atomic.Uint64 // bits of the root mean square of the latest read, 0..1
}

// Read implements io.Reader.
func (m *meter) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	sum := 0.
	for i := 0; i+1 < n; i += 2 {
		v := float64(int16(binary.LittleEndian.Uint16(b[i:]))) / (1 << 15)
		sum += v * v
	}
	if n > 1 {
		m.level.Store(math.Float64bits(math.Sqrt(sum / float64(n/2))))
	}
	return n, err
}

// bar draws the level from -60 to 0 dB of full scale.
func (m *meter) bar() string {
	const width = 12
	db := 20 * math.Log10(math.Float64frombits(m.level.Load())+1e-9)
	n := int(min(max((db+60)/60*width, 0), width))
	return "[" + strings.Repeat("#", n) + strings.Repeat(".", width-n) + "]"
}
