package benchmarks

import (
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/speech/number"
	"github.com/courtsense/courtsense/speech/record"
	"github.com/courtsense/courtsense/speech/role"
	"github.com/courtsense/courtsense/speech/statute"
	"github.com/courtsense/courtsense/speech/written"
)

// finals are what is said in a hearing: ordinary sentences, one with numbers, and a provision that is recited over two results.
var finals = []string{
	"现在开庭首先由原告陈述诉讼请求和事实理由",
	"请求判令被告归还借款三万五千元并支付自二零一九年八月十七日起的利息",
	"双方在去年三月签订了买卖合同被告收到货物以后一直没有付款我们多次催讨没有结果",
	"根据中华人民共和国民法典第五百七十七条当事人一方不履行合同义务或者履行合同义务不符合约定的",
	"应当承担继续履行采取补救措施或者赔偿损失等违约责任",
	"我没有收到这批货物合同上的签字不是我本人所写请求驳回原告的全部诉讼请求",
}

// BenchmarkFinal is what a final result costs after it was recognised: punctuation, numbers, statutes, the speaker's role, and the record, on the
// disk when it returns. COURTSENSE_BENCH_STATUTES names the index; without it there is none. "cpu-ms/op" is the time of all threads; bar 100,
// goal 30.
func BenchmarkFinal(b *testing.B) {
	cfg := conf.Default()
	cfg.Models.Dir, cfg.Speech.Recognition.Model, cfg.Speech.Writing.Statutes = b.TempDir(), "none", "none"
	a, err := app.New(b.Context(), cfg, app.Options{Parts: app.Speech, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(b, err)
	defer func() { require.NoError(b, a.Close()) }()
	punctuator, _, err := a.Speech().Punctuator()
	require.NoError(b, err)
	var index *statute.Index
	if path := os.Getenv("COURTSENSE_BENCH_STATUTES"); path != "" {
		index, err = statute.Open(path)
		require.NoError(b, err)
		defer index.Close()
	}
	for _, c := range []struct {
		name   string
		writer written.Writer
		keep   bool
	}{
		{"punctuation", written.Writer{Punctuator: punctuator}, false},
		{"numbers", written.Writer{Numbers: &number.Style{}}, false},
		{"statutes", written.Writer{Statutes: index}, false},
		{"all", written.Writer{Punctuator: punctuator, Numbers: &number.Style{}, Statutes: index}, true},
	} {
		b.Run(c.name, func(b *testing.B) {
			roles := role.NewAssigner(role.DefaultTable(), nil)
			stream := c.writer.NewStream()
			var feed *record.Feed
			if c.keep {
				store, err := record.Open(b.TempDir(), record.Options{Logger: slog.New(slog.DiscardHandler)})
				require.NoError(b, err)
				defer store.Close()
				r, err := store.Create(b.Context(), "bench", record.Case{}, record.Edit{Author: "bench"})
				require.NoError(b, err)
				defer r.Close()
				feed, err = r.Feed(b.Context(), record.FeedOptions{Channels: 1})
				require.NoError(b, err)
				defer feed.Close()
			}
			before, n := processorTime(), 0
			for b.Loop() {
				start := float64(n * 10)
				f := written.Final{Text: finals[n%len(finals)], Start: start, End: start + 9}
				t, err := stream.Write(b.Context(), f, "")
				require.NoError(b, err)
				if feed != nil {
					who, _ := roles.Hear(role.Turn{Speaker: []string{"S1", "S2"}[n%2], Start: f.Start, End: f.End, Text: f.Text})
					_, err := feed.Append(b.Context(), f.End, record.Turn{Text: t.Text, Spoken: f.Text, Start: f.Start, End: f.End, Role: who})
					require.NoError(b, err)
				}
				n++
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/1000/float64(b.N), "cpu-ms/op")
		})
	}
}
