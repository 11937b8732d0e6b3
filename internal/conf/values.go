package conf

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size in bytes, written with a binary (KiB, MiB, GiB) or decimal (kB, MB, GB) unit or as a plain number.
type Bytes int64

// Count is a number of things, written with k, M or G for thousands, millions and thousands of millions, or plainly.
type Count int64

// Duration is a span of time, written as Go does: 300ms, 30s, 5m, 8h.
type Duration time.Duration

type unit struct {
	suffix string
	factor float64
}

// Longer suffixes come first: "MiB" must not be read as "B".
var byteUnits = []unit{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1},
}

var countUnits = []unit{{"k", 1e3}, {"M", 1e6}, {"G", 1e9}}

func parseQuantity(text string, units []unit) (int64, error) {
	number, factor := strings.TrimSpace(text), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, factor = strings.TrimSpace(rest), u.factor
			break
		}
	}
	if factor == 1 {
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || n < 0 {
			return 0, errors.New("not a whole number with a known unit")
		}
		return n, nil
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f < 0 || math.IsNaN(f) || f*factor >= math.MaxInt64 {
		return 0, errors.New("not a number with a known unit")
	}
	return int64(math.Round(f * factor)), nil
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	n, err := parseQuantity(string(text), byteUnits)
	if err != nil {
		return fmt.Errorf("%q is no size: %w; write it like 32MiB, 500kB or 4096", clip(string(text)), err)
	}
	*b = Bytes(n)
	return nil
}

// String writes the size with the largest binary unit that divides it.
func (b Bytes) String() string {
	for _, u := range []unit{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if f := int64(u.factor); b != 0 && int64(b)%f == 0 {
			return strconv.FormatInt(int64(b)/f, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (c *Count) UnmarshalText(text []byte) error {
	n, err := parseQuantity(string(text), countUnits)
	if err != nil {
		return fmt.Errorf("%q is no number: %w; write it like 100M, 50k or 4096", clip(string(text)), err)
	}
	*c = Count(n)
	return nil
}

// String writes the number with the largest unit that divides it.
func (c Count) String() string {
	for _, u := range []unit{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if f := int64(u.factor); c != 0 && int64(c)%f == 0 {
			return strconv.FormatInt(int64(c)/f, 10) + u.suffix
		}
	}
	return strconv.FormatInt(int64(c), 10)
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil || v < 0 {
		return fmt.Errorf("%q is no span of time; write it with its unit, like 300ms, 30s, 5m or 8h", clip(string(text)))
	}
	*d = Duration(v)
	return nil
}

// Std returns d as the standard library's type.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// String writes d as short as it can be read back: 5m, not 5m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// clip keeps hostile or mistaken values from filling an error message.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "..."
	}
	return s
}
