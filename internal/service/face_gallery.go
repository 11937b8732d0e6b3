package service

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/server/rpcerror"
	"github.com/courtsense/courtsense/vision/gallery"
)

// Galleries opens the store of galleries on its first use, and returns it from then on. An error is about the configuration or
// the file, and the next call tries again.
type Galleries interface {
	Open(ctx context.Context) (*gallery.Store, error)
}

const (
	galleryPrefix = "galleries/"
	personInfix   = "/persons/"
)

func galleryID(name string) string { return strings.TrimPrefix(name, galleryPrefix) }

func personName(gallery, person string) string { return galleryPrefix + gallery + personInfix + person }

// galleryErrors are what a gallery's errors mean to a client. Those with a text of their own are about the server's files, whose
// places are not for clients: the log has the cause.
var galleryErrors = []struct {
	is     error
	code   codes.Code
	reason string
	text   string
}{
	{gallery.ErrNotFound, codes.NotFound, "NOT_FOUND", ""},
	{gallery.ErrExists, codes.AlreadyExists, "ALREADY_EXISTS", ""},
	{gallery.ErrNotEmpty, codes.FailedPrecondition, "GALLERY_NOT_EMPTY", ""},
	{gallery.ErrModelMismatch, codes.FailedPrecondition, "MODEL_MISMATCH", ""},
	{gallery.ErrLimit, codes.ResourceExhausted, "GALLERY_LIMIT", ""},
	{gallery.ErrFull, codes.ResourceExhausted, "STORAGE_FULL", "there is no room for the galleries on the disk, or galleries.max_bytes is reached; nothing that was acknowledged is lost"},
	{gallery.ErrWrongKey, codes.FailedPrecondition, "GALLERY_WRONG_KEY", "the galleries are encrypted with another key than the configured one: put theirs into galleries.key_file or COURTSENSE_GALLERY_KEY"},
	{gallery.ErrCorrupt, codes.DataLoss, "GALLERY_DAMAGED", "the galleries' file, or this gallery in it, is damaged: 'courtsense gallery check' on the server names what; restore a backup"},
	{gallery.ErrLocked, codes.Unavailable, "GALLERY_LOCKED", "another process has the galleries' file open: ask its server (--server), or give each process its own galleries.path"},
	{gallery.ErrReadOnly, codes.FailedPrecondition, "GALLERY_READ_ONLY", "the galleries' file (galleries.path) and its folder must exist and be writable by the server"},
	{gallery.ErrClosed, codes.Unavailable, rpcerror.ReasonDraining, "the galleries are being closed"},
	{gallery.ErrInvalid, codes.InvalidArgument, rpcerror.ReasonInvalidValue, ""},
}

// galleryError gives an error of the store its status; others stay as they are.
func galleryError(ctx context.Context, err error) error {
	var duplicate *gallery.DuplicateError
	if errors.As(err, &duplicate) {
		var names []string
		for _, c := range duplicate.Candidates {
			names = append(names, personName(duplicate.Gallery, c.Person.ID))
		}
		return rpcerror.New(codes.AlreadyExists, "DUPLICATE_PERSON",
			"the gallery holds somebody who looks like this person: "+strings.Join(names, ", ")+"; enrol under that name, or set allow_duplicate",
			rpcerror.Meta("persons", strings.Join(names, ",")))
	}
	for _, known := range galleryErrors {
		if !errors.Is(err, known.is) {
			continue
		}
		if known.text == "" {
			return rpcerror.New(known.code, known.reason, err.Error())
		}
		slog.WarnContext(ctx, "galleries can't be used", "reason", known.reason, "error", err)
		return rpcerror.New(known.code, known.reason, known.text)
	}
	return err
}

// store opens the galleries.
func (s *Face) store(ctx context.Context) (*gallery.Store, error) {
	if s.cfg.Galleries == nil {
		return nil, rpcerror.New(codes.FailedPrecondition, "GALLERIES_UNCONFIGURED",
			"this server keeps no galleries: they are only kept encrypted, and it has no key; make one with 'courtsense gallery keygen FILE', and name it in galleries.key_file or put it into COURTSENSE_GALLERY_KEY")
	}
	store, err := s.cfg.Galleries.Open(ctx)
	return store, galleryError(ctx, err)
}

// CreateGallery implements FaceService.
func (s *Face) CreateGallery(ctx context.Context, req *pb.CreateGalleryRequest) (*pb.CreateGalleryResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	store, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	model, err := s.embeddings.get(strings.TrimPrefix(req.GetGallery().GetModel(), modelName("")))
	if err != nil {
		return nil, err
	}
	spec := gallery.GallerySpec{
		Name: req.GetGalleryId(), DisplayName: req.GetGallery().GetDisplayName(), Model: model.ref(), Retention: s.cfg.Retention,
	}
	if r := req.GetGallery().GetRetention(); r != nil {
		spec.Retention = r.AsDuration()
	}
	made, err := store.CreateGallery(ctx, spec)
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	return &pb.CreateGalleryResponse{Gallery: galleryMessage(made), Provenance: ev.provenance()}, nil
}

// GetGallery implements FaceService.
func (s *Face) GetGallery(ctx context.Context, req *pb.GetGalleryRequest) (*pb.GetGalleryResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	store, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	g, err := store.Gallery(ctx, galleryID(req.GetName()))
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	return &pb.GetGalleryResponse{Gallery: galleryMessage(g), Provenance: ev.provenance()}, nil
}

// ListGalleries implements FaceService.
func (s *Face) ListGalleries(ctx context.Context, req *pb.ListGalleriesRequest) (*pb.ListGalleriesResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	store, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	page, next, err := store.ListGalleries(ctx, int(req.GetPageSize()), req.GetPageToken())
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	answer := &pb.ListGalleriesResponse{NextPageToken: next}
	for _, g := range page {
		answer.Galleries = append(answer.Galleries, galleryMessage(g))
	}
	answer.Provenance = ev.provenance()
	return answer, nil
}

// DeleteGallery implements FaceService.
func (s *Face) DeleteGallery(ctx context.Context, req *pb.DeleteGalleryRequest) (*pb.DeleteGalleryResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	store, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	receipt, err := store.DeleteGallery(ctx, galleryID(req.GetName()), req.GetForce())
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	return &pb.DeleteGalleryResponse{Receipt: receiptMessage(req.GetName(), receipt), Provenance: ev.provenance()}, nil
}

// Remove implements FaceService.
func (s *Face) Remove(ctx context.Context, req *pb.RemoveRequest) (*pb.RemoveResponse, error) {
	ctx, ev := gather(ctx)
	ev.why(req.GetPurpose(), req.GetConsentId())
	store, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	in, person, _ := strings.Cut(galleryID(req.GetName()), personInfix)
	receipt, err := store.Remove(ctx, in, person)
	if err != nil {
		return nil, galleryError(ctx, err)
	}
	return &pb.RemoveResponse{Receipt: receiptMessage(req.GetName(), receipt), Provenance: ev.provenance()}, nil
}

// galleryMessage of a gallery whose record is damaged has its name alone, as the store lists it.
func galleryMessage(g gallery.Gallery) *pb.Gallery {
	m := &pb.Gallery{Name: galleryPrefix + g.Name}
	if g.Model.ID == "" {
		return m
	}
	m.DisplayName, m.Model, m.CreateTime = g.DisplayName, modelName(g.Model.ID), timestamppb.New(g.Created)
	m.PersonCount, m.TemplateCount = int64(g.Persons), int64(g.Templates)
	if g.Retention > 0 {
		m.Retention = durationpb.New(g.Retention)
	}
	return m
}

func personMessage(in string, p gallery.Person) *pb.Person {
	return &pb.Person{Name: personName(in, p.ID), Labels: p.Labels, TemplateCount: int32(p.Templates)}
}

func receiptMessage(name string, r gallery.Receipt) *pb.DeletionReceipt {
	return &pb.DeletionReceipt{
		Name: name, Persons: int64(r.Persons), Templates: int64(r.Templates), DeleteTime: timestamppb.New(r.Time), RecordsSha256: r.RecordsSHA256, Signature: r.Signature,
	}
}
