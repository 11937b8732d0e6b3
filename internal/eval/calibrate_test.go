package eval

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/vision/calibration"
	"github.com/courtsense/courtsense/vision/face"
)

func TestNamesTellWhoIsOnAPicture(t *testing.T) {
	for name, want := range map[string]string{
		"Li_Na_0001.jpg": "Li_Na", "li-na/photo.jpg": "li-na", "court/li-na/0001.png": "court/li-na", "photo.jpg": "", "0001.jpg": "", "_1.jpg": "",
	} {
		got, ok := PersonOf(name)
		assert.Equal(t, want, got, name)
		assert.Equal(t, want != "", ok, name)
	}
}

func TestAFifthOfThePeopleIsKeptAside(t *testing.T) {
	kept := 0
	for i := range 5000 {
		if CalibrationPerson(fmt.Sprintf("Person_%d", i)) {
			kept++
		}
	}
	assert.InDelta(t, 1000, kept, 120)
	// The training's own rule, in Python: hashlib.sha256(name.encode()).digest()[0] % 5 == 0.
	assert.True(t, CalibrationPerson("Abdullatif_Sener") && CalibrationPerson("Ahmet_Demir"))
	assert.False(t, CalibrationPerson("Aaron_Peirsol") || CalibrationPerson("Abdullah"))
}

// crowded is a folder of people who are a colour each, with two pictures of nearly that colour.
func crowded(t *testing.T, people int) map[string]any {
	t.Helper()
	files := map[string]any{"black_0001.png": colour(t, 0, 0, 0), "nobody.png": colour(t, 9, 9, 9)}
	for i := range people {
		b, g, r := byte(37*i%250+3), byte(91*i%250+3), byte(53*i%250+3)
		files[fmt.Sprintf("p%02d_0001.png", i)] = colour(t, b, g, r)
		files[fmt.Sprintf("p%02d_0002.png", i)] = colour(t, b, g, r+2)
	}
	return files
}

func coloured(t *testing.T) Face {
	t.Helper()
	detector, err := face.NewDetector(oneFace{}, models.Entry{ID: "one", Family: models.FamilyYuNet, Parameters: models.Parameters{"strides": []any{8}}})
	require.NoError(t, err)
	embedder, err := face.NewEmbedder(colours{}, models.Entry{ID: "colours", Family: models.FamilyEmbedding})
	require.NoError(t, err)
	return Face{Detector: detector, Embedder: embedder, Images: imaging.DefaultLimits()}
}

func TestPeopleOfAFolderCalibrate(t *testing.T) {
	dir := folder(t, crowded(t, 40))
	f := coloured(t)
	c, problems, err := f.Calibrate(t.Context(), dir, nil)
	require.NoError(t, err)
	assert.Equal(t, 40, c.Data.People)
	assert.Equal(t, 80, c.Data.Pictures)
	assert.EqualValues(t, 40*39/2, c.Data.PeoplePairs)
	assert.Equal(t, 2, c.Data.Left)
	require.Len(t, problems, 2)
	assert.Equal(t, "nobody.png", problems[0].File)
	assert.Equal(t, Problem{"black_0001.png", "no face was found"}, problems[1])

	c, _, err = f.Calibrate(t.Context(), dir, func(person string) bool { return person < "p25" })
	require.NoError(t, err)
	assert.Equal(t, 25, c.Data.People)
	_, _, err = f.Calibrate(t.Context(), dir, func(person string) bool { return person < "p05" })
	require.ErrorContains(t, err, "at least")
	_, _, err = f.Calibrate(t.Context(), t.TempDir(), nil)
	require.ErrorContains(t, err, "holds no pictures")
}

func TestPromisesAreHeldAgainstTheFolder(t *testing.T) {
	f := coloured(t)
	known, _, err := f.Calibrate(t.Context(), folder(t, crowded(t, 60)), nil)
	require.NoError(t, err)
	known.Model, known.Data.Name = calibration.Model{ID: "colours", SHA256: strings.Repeat("ab", 32)}, "sixty colours"
	files := crowded(t, 45)
	files[PairsFile] = "left,right,same\n"
	for i := range 45 {
		files[PairsFile] = fmt.Sprintf("%sp%02d_0001.png,p%02d_0002.png,1\np%02d_0001.png,p%02d_0002.png,0\n", files[PairsFile], i, i, i, (i+1)%45)
	}
	f.Calibration = known
	r, err := f.Folder(t.Context(), folder(t, files))
	require.NoError(t, err)
	require.NotNil(t, r.Promises)
	assert.Equal(t, "sixty colours: 1,770 pairs of 60 people", r.Promises.MeasuredOn)
	assert.Equal(t, 45, r.Promises.People)
	require.Len(t, r.Promises.At, 3)
	for _, at := range r.Promises.At {
		_, err := known.Threshold(at.FMR)
		assert.Equal(t, err == nil, at.Supported)
		if at.Supported {
			assert.Less(t, at.Factor, 3.0, "%v", at)
			assert.Zero(t, at.FNMR.Value, "two pictures of one colour are alike")
		}
	}
	var text bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	assert.Contains(t, text.String(), "sixty colours")
	assert.Contains(t, text.String(), "fairness")
}
