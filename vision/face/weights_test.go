package face

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/testinput"
	"github.com/courtsense/courtsense/pipeline"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/pipeline/imaging/draw"
)

// mainFace returns the detection that covers the middle of an LFW picture with a plausible size and arrangement.
func mainFace(faces []Detection) (Detection, bool) {
	for _, f := range faces {
		c, l := f.Box.Center(), f.Landmarks
		if c.X > 85 && c.X < 165 && c.Y > 85 && c.Y < 165 && f.Box.W > 50 && f.Box.W < 150 &&
			l[RightEye].X < l[LeftEye].X && l[RightMouthCorner].X < l[LeftMouthCorner].X && l[RightEye].Y < l[RightMouthCorner].Y {
			return f, true
		}
	}
	return Detection{}, false
}

func TestFindsTheMainFaceOfPortraits(t *testing.T) {
	for _, id := range served(t) {
		t.Run(id, func(t *testing.T) {
			x, entry := open(t, id)
			d, err := NewDetector(x, entry)
			require.NoError(t, err)
			pictures := portraits(t, 100, 15)
			found := 0
			for name, r := range pictures {
				faces, err := d.Detect(context.Background(), r, DetectOptions{})
				require.NoError(t, err)
				if _, ok := mainFace(faces); ok {
					found++
				} else {
					t.Logf("%s: %v", name, faces)
				}
			}
			t.Logf("main face found in %d of %d", found, len(pictures))
			floor := 99
			if entry.Embedded {
				floor = 95 // small weights that are always there; their card has the accuracy
			}
			assert.GreaterOrEqual(t, 100*found, floor*len(pictures))
		})
	}
}

func TestFindsNoFaceWhereThereIsNone(t *testing.T) {
	d, _ := yunet(t)
	rng := rand.New(rand.NewPCG(5, 6))
	pictures := map[string]*imaging.Raster{"one pixel": imaging.NewRaster(1, 1), "strip": imaging.NewRaster(10_000, 3)}
	for _, size := range [][2]int{{64, 64}, {640, 480}, {1240, 1754}} {
		name := fmt.Sprintf("%dx%d", size[0], size[1])
		blank, noise, page := imaging.NewRaster(size[0], size[1]), imaging.NewRaster(size[0], size[1]), imaging.NewRaster(size[0], size[1])
		for i := range noise.Pix {
			noise.Pix[i], page.Pix[i] = byte(rng.UintN(256)), 255
		}
		for y := 20; y < size[1]; y += 24 {
			require.NoError(t, draw.Label(page, 4, float64(y), "The court finds for the plaintiff in the sum of 35,000.00 yuan (Art. 120).", draw.White, 16))
		}
		pictures["blank "+name], pictures["noise "+name], pictures["page "+name] = blank, noise, page
	}
	for name, r := range pictures {
		faces, err := d.Detect(context.Background(), r, DetectOptions{})
		require.NoError(t, err)
		assert.Empty(t, faces, name)
	}
}

func TestFindsNoFaceInScans(t *testing.T) {
	dir := testinput.SharedData(t, "images/phototest.tif", "images/text_rec.jpg", "images/en.jpg", "images/gt_97.jpg", "images/text_vertical_words.png")
	d, _ := yunet(t)
	for _, name := range []string{"phototest.tif", "text_rec.jpg", "en.jpg", "gt_97.jpg", "text_vertical_words.png"} {
		b, err := os.ReadFile(filepath.Join(dir, "images", name))
		require.NoError(t, err)
		r, _, err := codec.Decode(context.Background(), b, imaging.DefaultLimits())
		require.NoError(t, err)
		faces, err := d.Detect(context.Background(), r, DetectOptions{})
		require.NoError(t, err)
		assert.Empty(t, faces, name)
	}
}

// TestCoordinatesAreThePictures shows one portrait small, large and off-centre in wide pictures.
func TestCoordinatesAreThePictures(t *testing.T) {
	d, _ := yunet(t)
	var portrait *imaging.Raster
	for _, r := range portraits(t, 1, 30) {
		portrait = r
	}
	faces, err := d.Detect(context.Background(), portrait, DetectOptions{})
	require.NoError(t, err)
	base, ok := mainFace(faces)
	require.True(t, ok)
	for _, c := range []struct{ width, height, side, x, y, maxSide int }{
		{1280, 720, 250, 900, 300, 0}, {1280, 960, 700, 10, 200, 0}, {10_000, 1200, 1100, 8800, 40, 0}, {500, 4000, 480, 10, 3400, 0}, {4000, 3000, 250, 2222, 1111, 1920},
	} {
		t.Run(fmt.Sprintf("%dx%d", c.width, c.height), func(t *testing.T) {
			r := imaging.NewRaster(c.width, c.height)
			small := imaging.Resize(portrait, c.side, c.side)
			for y := range c.side {
				copy(r.Row(c.y + y)[3*c.x:], small.Row(y))
			}
			faces, err := d.Detect(context.Background(), r, DetectOptions{MaxSide: c.maxSide})
			require.NoError(t, err)
			require.NotEmpty(t, faces)
			scale := float32(c.side) / 250
			want := Box{X: base.Box.X*scale + float32(c.x), Y: base.Box.Y*scale + float32(c.y), W: base.Box.W * scale, H: base.Box.H * scale}
			assert.Greater(t, faces[0].Box.IoU(want), float32(0.75), "%+v, want %+v", faces[0].Box, want)
			for i, p := range base.Landmarks {
				assert.InDelta(t, p.X*scale+float32(c.x), faces[0].Landmarks[i].X, float64(0.1*want.W))
				assert.InDelta(t, p.Y*scale+float32(c.y), faces[0].Landmarks[i].Y, float64(0.1*want.W))
			}
		})
	}
}

// TestNeighboursNeverChangeAResult detects in pictures that share batches, and compares with detecting them alone.
func TestNeighboursNeverChangeAResult(t *testing.T) {
	for _, id := range served(t) {
		t.Run(id, func(t *testing.T) { neighboursNeverChangeAResult(t, id) })
	}
}

func neighboursNeverChangeAResult(t *testing.T, id string) {
	x, entry := open(t, id)
	alone, err := NewDetector(x, entry)
	require.NoError(t, err)
	pictures := portraits(t, 24, 60)
	names := slices.Sorted(maps.Keys(pictures))
	want := map[string][]Detection{}
	for _, name := range names {
		faces, err := alone.Detect(context.Background(), pictures[name], DetectOptions{})
		require.NoError(t, err)
		want[name] = faces
	}
	counted := &counting{Executor: shared{x}}
	b := pipeline.NewBatcher(counted, pipeline.BatchConfig{Model: "face", MaxBatch: 8, MaxDelay: 20 * time.Millisecond, QueueLimit: 1000})
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	batched, err := NewDetector(b, entry)
	require.NoError(t, err)
	var wg sync.WaitGroup
	got := make([][]Detection, 3*len(names))
	errs := make([]error, len(got))
	for i := range got {
		wg.Go(func() {
			got[i], errs[i] = batched.Detect(context.Background(), pictures[names[i%len(names)]], DetectOptions{})
		})
	}
	wg.Wait()
	for i, faces := range got {
		require.NoError(t, errs[i])
		name := names[i%len(names)]
		require.Len(t, faces, len(want[name]), name)
		for k, f := range faces {
			assert.InDelta(t, want[name][k].Score, f.Score, 1e-5)
			assert.InDelta(t, want[name][k].Box.X, f.Box.X, 1e-3)
			assert.InDelta(t, want[name][k].Box.W, f.Box.W, 1e-3)
		}
	}
	t.Logf("%d pictures in %d runs, largest batch %d", len(got), counted.runs, counted.largest)
	assert.Greater(t, counted.largest, int64(1), "nothing was joined")
}

// shared keeps a batcher from closing an executor that the test owns.
type shared struct{ pipeline.Executor }

func (shared) Close() error { return nil }

type counting struct {
	pipeline.Executor
	mu      sync.Mutex
	runs    int
	largest int64
}

func (c *counting) Run(ctx context.Context, in pipeline.Tensors) (pipeline.Tensors, error) {
	c.mu.Lock()
	c.runs++
	c.largest = max(c.largest, in["input"].Shape[0])
	c.mu.Unlock()
	return c.Executor.Run(ctx, in)
}

// BenchmarkDetect times the whole of Detect against the bare model on a ready tensor of the same size, in one run.
func BenchmarkDetect(b *testing.B) {
	d, x := yunet(b)
	var portrait *imaging.Raster
	for _, r := range portraits(b, 1, 30) {
		portrait = r
	}
	ctx := context.Background()
	for _, size := range [][2]int{{250, 250}, {640, 480}, {1920, 1080}, {4000, 3000}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			r := imaging.Resize(portrait, size[0], size[1])
			spec := d.spec
			spec.Width, spec.Height = canvas(size[0], size[1], DefaultMaxSide, 32)
			buf := make([]float32, spec.Elements())
			_, err := imaging.ToTensor(buf, r, spec)
			require.NoError(b, err)
			in := pipeline.Tensors{"input": {Shape: []int64{1, 3, int64(spec.Height), int64(spec.Width)}, Float32: buf}}
			var bare, whole time.Duration
			for b.Loop() {
				t0 := time.Now()
				if _, err := x.Run(ctx, in); err != nil {
					b.Fatal(err)
				}
				t1 := time.Now()
				if _, err := d.Detect(ctx, r, DetectOptions{}); err != nil {
					b.Fatal(err)
				}
				bare += t1.Sub(t0)
				whole += time.Since(t1)
			}
			b.ReportMetric(float64(bare.Nanoseconds())/float64(b.N)/1e6, "ms-bare-model")
			b.ReportMetric(float64(whole)/float64(bare), "x-bare-model")
		})
	}
}
