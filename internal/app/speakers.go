package app

import (
	"context"
	"errors"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/service"
	"github.com/courtsense/courtsense/models"
	"github.com/courtsense/courtsense/speech/speaker"
)

// speakers loads the model that tells voices apart; missing says why there is none.
func (a *App) speakers(ctx context.Context) (id string, missing, fatal error) {
	c := a.cfg.Speech.Speakers
	if c.Model == none {
		return "", errors.New("speech.speakers.model is none"), nil
	}
	return a.activate(ctx, models.TaskSpeakerEmbedding, "", c.Model, "speech.speakers.model")
}

// Speakers is the embedder of voices that the configuration chooses, for measuring it without a call's way in between.
func (a *App) Speakers(ctx context.Context) (*speaker.Embedder, *pb.ModelUse, error) {
	id, missing, err := a.speakers(ctx)
	if err = errors.Join(err, missing); err != nil {
		return nil, nil, err
	}
	m, err := a.engine.Model(id)
	if err != nil {
		return nil, nil, err
	}
	embedder, err := speaker.New(m, m.Entry())
	if err != nil {
		return nil, nil, err
	}
	return embedder, service.ModelUse(m.Identity(), models.TaskSpeakerEmbedding), nil
}
