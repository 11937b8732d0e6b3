package protogen

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/protoutil"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	// What the contract imports; each registers its descriptors.
	_ "buf.build/gen/go/bufbuild/protovalidate/protocolbuffers/go/buf/validate"
	_ "google.golang.org/genproto/googleapis/api/annotations"
	_ "google.golang.org/genproto/googleapis/rpc/status"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
)

// Contract is a set of compiled .proto files and everything that they import.
type Contract struct {
	// Sources are the files that were compiled, sorted; they carry their comments.
	Sources []protoreflect.FileDescriptor

	root  string
	names []string                            // paths of the sources below root, sorted
	files []*descriptorpb.FileDescriptorProto // sources and imports, imports before their importers
}

// Compile reads every .proto file below root.
func Compile(ctx context.Context, root string) (*Contract, error) {
	names, err := protoFiles(root)
	if err != nil {
		return nil, err
	}
	c := protocompile.Compiler{
		Resolver:       resolver(root),
		SourceInfoMode: protocompile.SourceInfoStandard,
		MaxParallelism: 1, // so that errors come in one order
	}
	results, err := c.Compile(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", root, err)
	}
	out := &Contract{root: root, names: names}
	seen := map[string]bool{}
	var add func(fd protoreflect.FileDescriptor)
	add = func(fd protoreflect.FileDescriptor) {
		if seen[fd.Path()] {
			return
		}
		seen[fd.Path()] = true
		for i := range fd.Imports().Len() {
			add(fd.Imports().Get(i).FileDescriptor)
		}
		out.files = append(out.files, protoutil.ProtoFromFileDescriptor(fd))
	}
	for _, r := range results {
		out.Sources = append(out.Sources, r)
		add(r)
	}
	return out, nil
}

func protoFiles(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".proto") {
			return err
		}
		rel, err := filepath.Rel(root, path)
		names = append(names, filepath.ToSlash(rel))
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no .proto file below %s", root)
	}
	sort.Strings(names)
	return names, nil
}

// resolver takes what lies below root from there, even where the same file is also linked in (in tests of the generated
// code), and everything else from the linked packages.
func resolver(root string) protocompile.Resolver {
	sources := &protocompile.SourceResolver{ImportPaths: []string{root}}
	return protocompile.ResolverFunc(func(path string) (protocompile.SearchResult, error) {
		if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(path))); err == nil {
			return sources.FindFileByPath(path)
		}
		return linked(path)
	})
}

// linked finds an import among the descriptors of the Go packages that this program is linked with.
func linked(path string) (protocompile.SearchResult, error) {
	fd, err := protoregistry.GlobalFiles.FindFileByPath(path)
	if err != nil {
		return protocompile.SearchResult{}, fmt.Errorf("%s is neither a source nor in a linked Go package: %w", path, err)
	}
	p := protodesc.ToFileDescriptorProto(fd)
	p.SourceCodeInfo = &descriptorpb.SourceCodeInfo{} // linked descriptors have no comments; plugins warn when it is nil
	return protocompile.SearchResult{Proto: p}, nil
}

// WriteDescriptors writes all files as one FileDescriptorSet, which is also a Buf image: protoc and Buf read it.
func (c *Contract) WriteDescriptors(path string) error {
	set := &descriptorpb.FileDescriptorSet{}
	for _, f := range c.files {
		f = proto.CloneOf(f)
		if !c.isSource(f.GetName()) {
			markImport(f)
		}
		set.File = append(set.File, f)
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(set)
	if err != nil {
		return err
	}
	return os.WriteFile(path, b, 0o644)
}

func (c *Contract) isSource(name string) bool {
	i := sort.SearchStrings(c.names, name)
	return i < len(c.names) && c.names[i] == name
}

// markImport sets buf_extension.is_import, by which Buf tells imports from files to check. Other readers skip the field.
func markImport(f *descriptorpb.FileDescriptorProto) {
	const bufExtension, isImport = 8042, 1
	inner := protowire.AppendVarint(protowire.AppendTag(nil, isImport, protowire.VarintType), 1)
	raw := protowire.AppendBytes(protowire.AppendTag(nil, bufExtension, protowire.BytesType), inner)
	f.ProtoReflect().SetUnknown(append(f.ProtoReflect().GetUnknown(), raw...))
}
