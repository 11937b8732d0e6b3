package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/app"
	"github.com/courtsense/courtsense/internal/conf"
	"github.com/courtsense/courtsense/internal/scene"
	"github.com/courtsense/courtsense/pipeline/imaging"
	"github.com/courtsense/courtsense/pipeline/imaging/codec"
	"github.com/courtsense/courtsense/vision/face"
)

// studio is the services in this process with galleries and a journal of its own, which are thrown away: people who are only
// there to be shown or measured must not get among those of the machine. Its owner calls Close.
type studio struct {
	*connection
	app *app.App
	dir string
}

const studioPurpose = "demonstration"

func openStudio(c *console, cfg conf.Config, change func(dir string, cfg *conf.Config, o *app.Options) error) (s *studio, start func(context.Context) error, err error) {
	dir, err := os.MkdirTemp("", "courtsense-gate-")
	if err != nil {
		return nil, nil, err
	}
	s = &studio{connection: &connection{}, dir: dir}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	cfg.Galleries.KeyFile = filepath.Join(dir, "key")
	cfg.Galleries.Path, cfg.Gate.Path = filepath.Join(dir, "galleries.db"), filepath.Join(dir, "gates.db")
	if err := os.WriteFile(cfg.Galleries.KeyFile, []byte("studio:"+base64.StdEncoding.EncodeToString(key)), 0o600); err != nil {
		return nil, nil, errors.Join(err, s.Close())
	}
	o := app.Options{Logger: c.logger(), Parts: app.Faces, Progress: func(step string) { c.status("%s ...", step) }}
	if change != nil {
		if err := change(dir, &cfg, &o); err != nil {
			return nil, nil, errors.Join(err, s.Close())
		}
	}
	return s, func(ctx context.Context) error {
		a, err := app.New(ctx, cfg, o)
		c.erase()
		if err != nil {
			return err
		}
		s.app = a
		session, err := a.InProcess()
		if err != nil {
			return errors.Join(err, a.Close())
		}
		s.connection = &connection{ClientConn: session.Conn(), notes: a.Notes(), close: []func() error{a.Close, session.Close}}
		return nil
	}, nil
}

// Close ends the services and deletes what they kept.
func (s *studio) Close() error {
	return errors.Join(s.connection.Close(), os.RemoveAll(s.dir))
}

func (s *studio) faces() pb.FaceServiceClient { return pb.NewFaceServiceClient(s.ClientConn) }

// gallery makes a gallery.
func (s *studio) gallery(ctx context.Context, name string) error {
	_, err := s.faces().CreateGallery(ctx, &pb.CreateGalleryRequest{Purpose: studioPurpose, GalleryId: name})
	return s.explain(err)
}

// enrol adds a person.
func (s *studio) enrol(ctx context.Context, gallery, person string, content []byte) error {
	_, err := s.faces().Enrol(ctx, &pb.EnrolRequest{
		Purpose: studioPurpose, Gallery: galleryName(gallery), PersonId: person, Image: &pb.Image{Content: content},
		Profile: pb.QualityProfile_QUALITY_PROFILE_GATE, AllowDuplicate: true,
	})
	return s.explain(err)
}

// head finds the main face of a portrait.
func (s *studio) head(ctx context.Context, content []byte) (scene.Head, error) {
	answer, err := s.faces().Detect(ctx, &pb.DetectRequest{Purpose: studioPurpose, Image: &pb.Image{Content: content}}, anySize)
	if err != nil {
		return scene.Head{}, s.explain(err)
	}
	picture, _, err := codec.Decode(ctx, content, imaging.DefaultLimits())
	if err != nil {
		return scene.Head{}, err
	}
	var found []face.Detection
	for _, f := range answer.GetFaces() {
		b := f.GetBox()
		found = append(found, face.Detection{Box: face.Box{X: b.GetX(), Y: b.GetY(), W: b.GetWidth(), H: b.GetHeight()}, Score: f.GetScore()})
	}
	i := face.Main(found, picture.Width, picture.Height)
	if i < 0 {
		return scene.Head{}, fmt.Errorf("no face was found")
	}
	return scene.NewHead(picture, found[i].Box), nil
}
