package statute_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/speech/statute"
)

// TestRecitalsGoOnOverResults: what is read aloud comes in several results, with characters that the recogniser was unsure of.
func TestRecitalsGoOnOverResults(t *testing.T) {
	x := opened(t)
	type result struct {
		heard, unsure, want string // unsure are the characters with a low confidence
	}
	for name, results := range map[string][]result{
		"named in the first, misheard in the second": {
			{"根据虚构借贷法的第三条借船人应当在出海前检查船底和", "", "根据虚构借贷法的第三条借船人应当在出海前检查船底和"},
			{"船翻发现破损的应当在十日内一书面醒是告知船主", "翻一醒是", "船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"what was lost between two results is in the second": {
			{"根据虚构借贷法第三条借船人应当在出海前检查船底和船帆发现破损的", "", "根据虚构借贷法第三条借船人应当在出海前检查船底和船帆，发现破损的，"},
			{"当在十日内以书面行事告知船主", "事", "应当在十日内以书面形式告知船主。"},
		},
		"the number is enough": {
			{"根据虚拟戒代法第三条借船人应当在出海前检查船底和船盘发现破损的", "盘", "根据虚拟戒代法第三条借船人应当在出海前检查船底和船帆，发现破损的，"},
		},
		"a whole sentence by itself": {
			{"借船人应当在出海前点查船底和船帆发现破损的应当在十日内以书面形式高知船主", "点高", "借船人应当在出海前检查船底和船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"heard badly, but all that was said": {
			{"借船人应等在出海前家查船里和床单发现破烂的应当在十日内以书本形式告知船主", "等家里床单烂本", "借船人应当在出海前检查船底和船帆，发现破损的，应当在十日内以书面形式告知船主。"},
		},
		"heard well, it is another text": {
			{"借船人应当在出海前点查船底和船帆发现破损的应当在十日内以书面形式高知船主", "", "借船人应当在出海前点查船底和船帆发现破损的应当在十日内以书面形式高知船主"},
		},
		"another number is another text": {
			{"借船人应当在出海前检查船底和船帆发现破损的应当在九日内以书面形式高知船主", "九高", "借船人应当在出海前检查船底和船帆发现破损的应当在九日内以书面形式高知船主"},
		},
		"other words stay": {
			{"我们去年一起出海捕鱼", "年", "我们去年一起出海捕鱼"}, {"后来他没有把船还给我", "", "后来他没有把船还给我"},
		},
	} {
		r := x.NewReader()
		for _, one := range results {
			var confidence []float32
			for _, c := range one.heard {
				sure := float32(.95)
				if strings.ContainsRune(one.unsure, c) {
					sure = .4
				}
				confidence = append(confidence, sure)
			}
			got, err := r.Snap(one.heard, statute.Options{Confidence: confidence})
			require.NoError(t, err)
			assert.Equal(t, one.want, got.Text, name)
			runes := []rune(got.Text)
			for _, q := range got.Quotations {
				require.True(t, 0 <= q.Start && q.Start < q.End && q.End <= len(runes), name)
				require.Equal(t, q.Spoken, string([]rune(one.heard)[q.SpokenStart:q.SpokenEnd]), name)
			}
		}
	}
}

// TestAReaderForgets: what was said long before does not slow a reader down.
func TestAReaderForgets(t *testing.T) {
	r := opened(t).NewReader()
	for range 200 {
		_, err := r.Snap("借船人应当在出海前检查船底和船帆发现破损的", statute.Options{})
		require.NoError(t, err)
	}
	r.Forget()
	got, err := r.Snap("应当在十日内以书面形式告知船主", statute.Options{})
	require.NoError(t, err)
	assert.Equal(t, "应当在十日内以书面形式告知船主。", got.Text)
}

func FuzzRead(f *testing.F) {
	x := opened(f)
	f.Add("根据虚构借贷法第三条借船人应当在出海前", "检查船底和船帆发现破损的应当在十日内")
	f.Add("第三条", "\xff第3条之一海上连续刮风超过15日的")
	f.Fuzz(func(t *testing.T, a, b string) {
		r := x.NewReader()
		for _, text := range []string{a, b, a} {
			confidence := make([]float32, len([]rune(text)))
			got, err := r.Snap(text, statute.Options{Confidence: confidence})
			require.NoError(t, err)
			n := len([]rune(text))
			last := 0
			for _, q := range got.Quotations {
				require.True(t, last <= q.SpokenStart && q.SpokenStart < q.SpokenEnd && q.SpokenEnd <= n)
				require.True(t, q.ArticleStart <= q.ArticleEnd && q.ArticleEnd <= len([]rune(q.Text)))
				last = q.SpokenEnd
			}
		}
	})
}
