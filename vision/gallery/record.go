package gallery

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/courtsense/courtsense/vision/gallery/search"
)

// recordVersion begins every record before encryption. Numbers are unsigned varints, times Unix seconds as such, texts and
// arrays have their length before them, floats are IEEE 754 little-endian.
const recordVersion = 1

var errRecord = errors.New("the record can't be parsed")

// manifest is what a gallery's record says of it.
type manifest struct {
	spec               GallerySpec // its name stands in the clear and is bound by the associated data
	created            time.Time
	persons, templates int
	setKey             []byte
	set                element // of all persons and templates
}

func (m manifest) encode() []byte {
	b := []byte{recordVersion}
	b = appendText(b, m.spec.DisplayName)
	b = appendText(b, m.spec.Model.ID)
	b = appendText(b, m.spec.Model.SHA256)
	b = binary.AppendUvarint(b, uint64(m.spec.Model.Dimensions))
	b = binary.AppendUvarint(b, uint64(m.spec.Retention))
	b = binary.AppendUvarint(b, uint64(m.spec.MaxPersons))
	b = appendTime(b, m.created)
	b = binary.AppendUvarint(b, uint64(m.persons))
	b = binary.AppendUvarint(b, uint64(m.templates))
	b = append(b, m.setKey...)
	return append(b, m.set[:]...)
}

func parseManifest(name string, b []byte) (manifest, error) {
	r := recordReader{rest: b}
	r.version()
	m := manifest{spec: GallerySpec{Name: name}}
	m.spec.DisplayName = r.text()
	m.spec.Model = ModelRef{ID: r.text(), SHA256: r.text(), Dimensions: r.count(maxDimensions)}
	m.spec.Retention = time.Duration(r.number(math.MaxInt64))
	m.spec.MaxPersons = r.count(math.MaxInt)
	m.created = r.time()
	m.persons, m.templates = r.count(math.MaxInt), r.count(math.MaxInt)
	m.setKey = slices.Clone(r.bytes(keyBytes))
	copy(m.set[:], r.bytes(len(m.set)))
	if err := r.end(); err != nil {
		return manifest{}, err
	}
	if err := m.spec.validate(); err != nil {
		return manifest{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	return m, nil
}

// personRecord is what is kept of a person beside templates.
type personRecord struct {
	id                string
	labels            map[string]string
	created, enrolled time.Time
}

func (p personRecord) encode() []byte {
	b := []byte{recordVersion}
	b = appendText(b, p.id)
	b = appendTime(b, p.created)
	b = appendTime(b, p.enrolled)
	b = binary.AppendUvarint(b, uint64(len(p.labels)))
	for _, k := range slices.Sorted(maps.Keys(p.labels)) {
		b = appendText(b, k)
		b = appendText(b, p.labels[k])
	}
	return pad(b)
}

func parsePerson(b []byte) (personRecord, error) {
	r := recordReader{rest: b}
	r.version()
	p := personRecord{id: r.text(), created: r.time(), enrolled: r.time()}
	if n := r.count(maxLabels); n > 0 {
		p.labels = make(map[string]string, n)
		for range n {
			k := r.text()
			p.labels[k] = r.text()
		}
	}
	if err := r.end(); err != nil {
		return personRecord{}, err
	}
	if !personID.MatchString(p.id) {
		return personRecord{}, fmt.Errorf("%w: its id is none", errRecord)
	}
	if err := validateLabels(p.labels); err != nil {
		return personRecord{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	return p, nil
}

// templateRecord is one template, and why it may be kept.
type templateRecord struct {
	created          time.Time
	quality          int
	purpose, consent string
	vector           []float32
}

func (t templateRecord) encode() []byte {
	b := make([]byte, 0, 4*len(t.vector)+len(t.purpose)+len(t.consent)+32+slotStep)
	b = append(b, recordVersion)
	b = appendTime(b, t.created)
	b = binary.AppendUvarint(b, uint64(t.quality))
	b = appendText(b, t.purpose)
	b = appendText(b, t.consent)
	b = binary.AppendUvarint(b, uint64(len(t.vector)))
	for _, v := range t.vector {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return pad(b)
}

func parseTemplate(b []byte, dimensions int) (templateRecord, error) {
	r := recordReader{rest: b}
	r.version()
	t := templateRecord{created: r.time(), quality: r.count(100), purpose: r.text(), consent: r.text()}
	n := r.count(maxDimensions)
	raw := r.bytes(4 * n)
	if err := r.end(); err != nil {
		return templateRecord{}, err
	}
	t.vector = make([]float32, n)
	for i := range t.vector {
		t.vector[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	if err := search.CheckVector(t.vector, dimensions); err != nil {
		return templateRecord{}, fmt.Errorf("%w: %w", errRecord, err)
	}
	return t, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// appendTime keeps seconds since 1970; the zero time is 0.
func appendTime(b []byte, t time.Time) []byte {
	return binary.AppendUvarint(b, uint64(max(t.Unix(), 0)))
}

// recordReader takes a record apart. After the first thing that is not right it gives zeros.
type recordReader struct {
	rest []byte
	err  error
}

func (r *recordReader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %w", errRecord, fmt.Errorf(format, args...))
	}
	r.rest = nil
}

func (r *recordReader) version() {
	if v := r.bytes(1); len(v) == 1 && v[0] != recordVersion {
		r.fail("it has version %d, this program knows %d", v[0], recordVersion)
	}
}

func (r *recordReader) number(most uint64) uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || v > most {
		r.fail("a number is missing or above %d", most)
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *recordReader) count(most int) int { return int(r.number(uint64(most))) }

// bytes returns n bytes, or n zeros when there are fewer.
func (r *recordReader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail("it ends early")
		return make([]byte, n)
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// maxText bounds a text: 256 characters of UTF-8.
const maxText = 1024

func (r *recordReader) text() string { return string(r.bytes(r.count(maxText))) }

// maxTime is the last second of the year 9999.
const maxTime = 253402300799

func (r *recordReader) time() time.Time {
	if s := r.number(maxTime); s != 0 {
		return time.Unix(int64(s), 0).UTC()
	}
	return time.Time{}
}

// end accepts nothing behind the record but the zeros that fill its slot.
func (r *recordReader) end() error {
	if r.err == nil && (len(r.rest) >= slotStep || slices.ContainsFunc(r.rest, func(b byte) bool { return b != 0 })) {
		r.fail("%d bytes are too many", len(r.rest))
	}
	return r.err
}
