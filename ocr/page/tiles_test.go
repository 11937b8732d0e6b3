package page

import (
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/courtsense/courtsense/pipeline/imaging"
)

func defaultTiling() tiling {
	return tiling{tile: 96, cell: 16, stride: 3, apart: 5, size: 672, least: 560, noise: 16, bright: 112, cap: 32, floor: 36, first: 4, more: 5, half: 3}
}

// hashed is a picture of lines of random blocks that the training's own code can draw as well.
func hashed(width, height int) *imaging.Raster {
	return each(imaging.NewRaster(width, height), func(xx, yy int, px []byte) {
		x, y := uint64(xx), uint64(yy)
		a := (x/3*2654435761 + y/3*40503*7) & 0xffffffff
		a = (a ^ a>>13) * 2246822519 & 0xffffffff
		v := byte(a >> 16)
		if y/24%2 != 0 || x <= uint64(width/9) || x >= uint64(width*7/9) || (x/90+y/48)%5 == 0 {
			v = 250
		}
		px[0], px[1], px[2] = v, v, v
	})
}

// The numbers were printed by the training's tiles.py for the same pictures: places of the first nine tiles, and the sums of
// their and the halved ones' grey levels.
func TestTilesAreTheTrainings(t *testing.T) {
	for _, c := range []struct {
		width, height, toWidth, toHeight int
		places                           [][2]int
		sums                             []int
	}{
		{1240, 1754, 565, 799, [][2]int{{240, 528}, {96, 48}, {192, 240}, {192, 0}, {288, 48}, {336, 480}, {336, 240}, {192, 96}, {144, 480}}, []int{1815268, 1818382, 1809832, 1799716, 1828535, 1808218, 1821738, 1869905, 1815382, 1839615, 1843795, 1843932}},
		{500, 300, 500, 300, [][2]int{{240, 192}, {192, 0}, {96, 0}, {48, 96}, {288, 0}, {144, 192}, {144, 96}, {288, 96}, {336, 192}}, []int{1747998, 1731852, 1726344, 1804749, 1804761, 1839258, 1924704, 1940967, 1999113, 1816871, 2062725}},
		{60, 40, 96, 96, [][2]int{{0, 0}}, []int{2304000}},
		{3000, 200, 2603, 174, [][2]int{{1200, 48}, {384, 48}, {1584, 48}, {816, 48}, {912, 0}, {1296, 0}, {528, 0}, {1680, 0}, {1920, 48}}, []int{1668832, 1664016, 1650569, 1656899, 1680500, 1668099, 1677875, 1675987, 1705590}},
		{700, 701, 672, 672, [][2]int{{192, 192}, {384, 336}, {384, 576}, {96, 240}, {288, 144}, {144, 480}, {144, 0}, {288, 384}, {432, 48}}, []int{1725791, 1734571, 1767841, 1714089, 1709001, 1727789, 1702921, 1719386, 1731670, 1824893, 1816484, 1819522}},
	} {
		t.Run(fmt.Sprintf("%dx%d", c.width, c.height), func(t *testing.T) {
			tl, r := defaultTiling(), hashed(c.width, c.height)
			g := tl.reduced(r)
			require.Equal(t, [2]int{c.toWidth, c.toHeight}, [2]int{g.width, g.height})
			require.Equal(t, c.places, tl.places(tl.contrast(g), 9))
			first, more := tl.tiles(r)
			require.Len(t, first, min(4, len(c.places)))
			var sums []int
			buf := make([]float32, 96*96)
			for _, p := range append(first, more...) {
				p.copyTo(buf, 96)
				sum := 0
				for _, v := range buf {
					sum += int(v)
				}
				sums = append(sums, sum)
			}
			require.Len(t, sums, len(c.sums))
			for i, want := range c.sums {
				assert.InDelta(t, want, sums[i], 96, "tile %d", i) // rounding of a half, in a hundredth of the pixels
			}
		})
	}
}

// Reduced pixels are means of what they cover.
func TestReducedKeepsTheMean(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 1500).Draw(t, "width"), rapid.IntRange(1, 1500).Draw(t, "height")
		r := static(w, h, rapid.Uint64().Draw(t, "seed"))
		tl := defaultTiling()
		tl.size = rapid.IntRange(96, 400).Draw(t, "size")
		g := tl.reduced(r)
		if g.width < tl.tile || g.height < tl.tile || len(g.pix) != g.width*g.height {
			t.Fatalf("%dx%d with %d bytes", g.width, g.height, len(g.pix))
		}
		scale := float64(tl.size) / math.Sqrt(float64(w)*float64(h))
		if scale >= 1 || float64(min(w, h))*scale < float64(tl.tile)+1 {
			return // padded: some pixels count more often
		}
		var want, got float64
		for i := 0; i < len(r.Pix); i += 3 {
			want += float64(imaging.Luma(r.Pix[i], r.Pix[i+1], r.Pix[i+2]))
		}
		for _, v := range g.pix {
			got += float64(v)
		}
		if want, got = want/float64(w*h), got/float64(len(g.pix)); math.Abs(want-got) > 0.6 {
			t.Fatalf("mean %v became %v", want, got)
		}
	})
}

func TestPlacesAreInsideAndApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, h := rapid.IntRange(1, 900).Draw(t, "width"), rapid.IntRange(1, 900).Draw(t, "height")
		tl := defaultTiling()
		g := tl.reduced(static(w, h, rapid.Uint64().Draw(t, "seed")))
		at := tl.places(tl.contrast(g), 9)
		if len(at) < 1 || len(at) > 9 {
			t.Fatalf("%d places", len(at))
		}
		for i, p := range at {
			if p[0] < 0 || p[1] < 0 || p[0]+tl.tile > g.width || p[1]+tl.tile > g.height {
				t.Fatalf("place %v is outside of %dx%d", p, g.width, g.height)
			}
			for _, q := range at[:i] {
				if max(p[0]-q[0], q[0]-p[0]) < 80 && max(p[1]-q[1], q[1]-p[1]) < 80 {
					t.Fatalf("%v and %v overlap too much", p, q)
				}
			}
		}
	})
}

func TestDivisorFollowsTheArea(t *testing.T) {
	for _, c := range []struct{ width, height, want int }{
		{1240, 1754, 2}, {1754, 1240, 2}, {1000, 1000, 1}, {1120, 1120, 2}, {2481, 3508, 4}, {4961, 7016, 8}, {40000, 30000, 8}, {1, 1, 1}, {30000, 1, 1},
	} {
		assert.Equal(t, c.want, defaultTiling().divisor(c.width, c.height), "%+v", c)
	}
}

func BenchmarkTiles(b *testing.B) {
	for name, r := range map[string]*imaging.Raster{"whole": newSheet(1240, 1754).draw(), "reduced": newSheet(620, 877).draw()} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				defaultTiling().tiles(r)
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/1e3/float64(b.N), "ms/page")
		})
	}
}
