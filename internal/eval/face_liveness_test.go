package eval

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLivenessRatesByKind(t *testing.T) {
	records := []LivenessRecord{
		{Kind: "screen", Verdict: "ATTACK", Score: 0.1}, {Kind: "screen", Verdict: "LIVE", Score: 0.9},
		{Kind: "live", Verdict: "LIVE", Score: 1}, {Kind: "live", Verdict: "ATTACK", Score: 0.2}, {Kind: "live", Verdict: "UNDECIDED"},
		{Kind: "live", Verdict: "LIVE", Score: 0.9}, {Kind: "live", Error: "torn", File: "live/a.jpg"},
		{Kind: "print", Verdict: "UNDECIDED"},
	}
	kinds, failures := scoreLiveness(records)
	require.Len(t, kinds, 3)
	assert.Equal(t, []string{"live", "print", "screen"}, []string{kinds[0].Kind, kinds[1].Kind, kinds[2].Kind})
	assert.Equal(t, 4, kinds[0].Pictures)
	assert.Equal(t, 1, kinds[0].Undecided)
	assert.InDelta(t, 1.0/3, kinds[0].Error.Value, 1e-9, "BPCER of the decided ones")
	assert.InDelta(t, 0.7, kinds[0].MeanScore, 1e-6)
	assert.InDelta(t, 0.5, kinds[2].Error.Value, 1e-9, "APCER: one attack in two taken for live")
	assert.Equal(t, []Problem{{"live/a.jpg", "torn"}}, failures)
	var out bytes.Buffer
	require.NoError(t, FaceLivenessReport{Threshold: 0.5, Kinds: kinds}.WriteText(&out))
	assert.Contains(t, out.String(), "none of 1 pictures could be decided")
	assert.Contains(t, out.String(), "APCER, screen")
}

func TestLivenessOfAFolderWithoutPictures(t *testing.T) {
	_, err := FaceLiveness{}.Folder(t.Context(), t.TempDir())
	require.ErrorContains(t, err, "live/")
}
