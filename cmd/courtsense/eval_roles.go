package main

import (
	"context"
	"os"
	"strings"

	"github.com/spf13/cobra"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/benchmarks"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/eval"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/speech"
	"github.com/courtsense/courtsense/speech/role"
)

func newEvalRolesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "roles DIR",
		Short: "Measure to whom the turns of hearings are given",
		Long: `Hears NAME.wav (.flac, .mp3, .opus, .ogg), a channel a seat, and compares with NAME.json: {"seats": [{"channel": 0, "role": "judge"}],
"turns": [{"role": "judge", "start": 1.2, "end": 4.5}]}. A turn is right when at least half of it, and more than in any other role, was
found in its own role. A segment of which less than half lies in turns of its role (half a second more at both ends) is spurious and
counts as one more wrong turn.

Where NAME.json has no seats, everybody shares one microphone: the speakers are told apart, and their roles by what they say. A turn's
role may stay open then, which is told apart from turns that were given to somebody else. models/training/speech/courtroom.py makes folders of both kinds.`,
		Example: `  courtsense eval roles hearings/
  courtsense eval roles hearings/ --set speech.roles.crosstalk=never --json`,
		Args: oneFolder,
	}
	f := addEvalFlags(cmd, "config", "set", "models", "device")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if f.score != "" || f.raw != "" {
			return usagef("eval roles has no --raw and --score")
		}
		return f.onSpeech(cmd, func(ctx context.Context, a *app.App, run eval.Run, s eval.Setting) (evalReport, error) {
			measure := eval.Roles{Run: run, ProcessorTime: benchmarks.ProcessorTime, Hear: func(ctx context.Context, path string, seats []eval.Seat) ([]eval.FoundTurn, float64, error) {
				return hearRoles(ctx, a.Speech(), path, seats)
			}}
			r, err := measure.Folder(ctx, args[0])
			r.Setting = s
			return r, err
		})
	}
	return cmd
}

// hearRoles is who speaks when in a recording of a hearing, by where they sit or by what they say, and how many seconds it has.
func hearRoles(ctx context.Context, s *service.Speech, path string, seats []eval.Seat) ([]eval.FoundTurn, float64, error) {
	config := &pb.RecognitionConfig{SeparateSpeakers: len(seats) == 0}
	at := map[int]eval.Seat{}
	for _, s := range seats {
		at[s.Channel] = s
		config.ChannelRoles = append(config.ChannelRoles, &pb.ChannelRole{
			Channel: int32(s.Channel), Role: pb.SpeakerRole(pb.SpeakerRole_value["SPEAKER_ROLE_"+strings.ToUpper(string(s.Role))]),
		})
	}
	segmenter, _, err := s.Segmenter(ctx, config, -1)
	if err != nil {
		return nil, 0, err
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer file.Close()
	var found []eval.FoundTurn
	var speakers []role.Change // of the found ones, without roles
	assigner := s.Assigner(config)
	summary, err := segmenter.Run(ctx, file, func(x speech.Result) error {
		if !x.Final {
			return nil
		}
		one := eval.FoundTurn{Role: at[x.Channel].Role, Start: x.Start, End: x.End, Overlap: x.Overlap}
		if assigner != nil {
			var changes []role.Change
			one.Role, changes = assigner.Hear(role.Turn{Channel: x.Channel, Speaker: x.Speaker, Start: x.Start, End: x.End, Text: x.Text})
			one.AtOnce = one.Role
			// As in a record, what becomes known of a speaker holds for what they said before.
			for _, c := range changes {
				for i := range found {
					if speakers[i].Channel == c.Channel && speakers[i].Speaker == c.Speaker {
						found[i].Role = c.Role
					}
				}
			}
		}
		found, speakers = append(found, one), append(speakers, role.Change{Channel: x.Channel, Speaker: x.Speaker})
		return nil
	})
	return found, summary.Duration.Seconds(), err
}
