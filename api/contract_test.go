package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"buf.build/go/protovalidate"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	courtsensev1 "github.com/courtsense/courtsense/api/courtsense/v1"
	"github.com/courtsense/courtsense/internal/protogen"
)

const notServed = "Not served yet: "

// parsed is the contract compiled from its sources, whose descriptors carry the comments that generated Go has not.
var parsed = sync.OnceValues(func() (*protogen.Contract, error) {
	return protogen.Compile(context.Background(), ".")
})

func contract(t *testing.T) []protoreflect.FileDescriptor {
	t.Helper()
	c, err := parsed()
	require.NoError(t, err)
	return c.Sources
}

// visit calls f for every declaration of the contract.
func visit(files []protoreflect.FileDescriptor, f func(protoreflect.Descriptor)) {
	var messages func(protoreflect.MessageDescriptors)
	enums := func(list protoreflect.EnumDescriptors) {
		for i := range list.Len() {
			f(list.Get(i))
			for j := range list.Get(i).Values().Len() {
				f(list.Get(i).Values().Get(j))
			}
		}
	}
	messages = func(list protoreflect.MessageDescriptors) {
		for i := range list.Len() {
			m := list.Get(i)
			if m.IsMapEntry() {
				continue
			}
			f(m)
			for j := range m.Fields().Len() {
				f(m.Fields().Get(j))
			}
			for j := range m.Oneofs().Len() {
				if o := m.Oneofs().Get(j); !o.IsSynthetic() {
					f(o)
				}
			}
			enums(m.Enums())
			messages(m.Messages())
		}
	}
	for _, file := range files {
		messages(file.Messages())
		enums(file.Enums())
		for i := range file.Extensions().Len() {
			f(file.Extensions().Get(i))
		}
		for i := range file.Services().Len() {
			s := file.Services().Get(i)
			f(s)
			for j := range s.Methods().Len() {
				f(s.Methods().Get(j))
			}
		}
	}
}

func methods(files []protoreflect.FileDescriptor) []protoreflect.MethodDescriptor {
	var out []protoreflect.MethodDescriptor
	visit(files, func(d protoreflect.Descriptor) {
		if m, ok := d.(protoreflect.MethodDescriptor); ok {
			out = append(out, m)
		}
	})
	return out
}

func comment(d protoreflect.Descriptor) string {
	return strings.TrimSpace(d.ParentFile().SourceLocations().ByDescriptor(d).LeadingComments)
}

// generated finds the linked Go descriptor of a parsed one, whose options are typed.
func generated(t *testing.T, d protoreflect.Descriptor) protoreflect.Descriptor {
	t.Helper()
	g, err := protoregistry.GlobalFiles.FindDescriptorByName(d.FullName())
	require.NoError(t, err, "make proto was not run")
	return g
}

func TestGeneratedGoIsOfTheseSources(t *testing.T) {
	for _, file := range contract(t) {
		g, err := protoregistry.GlobalFiles.FindFileByPath(file.Path())
		require.NoError(t, err, "make proto was not run")
		want, got := protodesc.ToFileDescriptorProto(file), protodesc.ToFileDescriptorProto(g)
		want.SourceCodeInfo, got.SourceCodeInfo = nil, nil
		// By bytes: the parsed options hold their extensions as dynamic messages, the generated ones as Go types.
		marshal := proto.MarshalOptions{Deterministic: true}
		wantBytes, err := marshal.Marshal(want)
		require.NoError(t, err)
		gotBytes, err := marshal.Marshal(got)
		require.NoError(t, err)
		assert.True(t, string(wantBytes) == string(gotBytes), "%s: the generated Go is of another version; run make proto", file.Path())
	}
}

func TestEverythingIsDocumented(t *testing.T) {
	visit(contract(t), func(d protoreflect.Descriptor) {
		c := comment(d)
		assert.NotEmpty(t, c, "%s has no comment", d.FullName())
		assert.True(t, strings.HasSuffix(c, "."), "%s: the comment is not a sentence: %q", d.FullName(), c)
	})
}

func TestUnservedIsMarkedInCommentAndOption(t *testing.T) {
	options := 0
	visit(contract(t), func(d protoreflect.Descriptor) {
		var want bool
		switch g := generated(t, d).(type) {
		case protoreflect.MethodDescriptor:
			want = !MethodServed(g)
		case protoreflect.FieldDescriptor:
			want = marked(g, courtsensev1.E_FieldNotServedYet)
		case protoreflect.EnumValueDescriptor:
			want = marked(g, courtsensev1.E_ValueNotServedYet)
		}
		if want {
			options++
		}
		assert.Equal(t, want, strings.Contains(comment(d), notServed), "%s: comment and option differ", d.FullName())
	})
	assert.NotZero(t, options)
}

func TestEveryMethodIsReachableOverHTTPOrStreamsBothWays(t *testing.T) {
	seen := map[string]protoreflect.FullName{}
	for _, m := range methods(contract(t)) {
		route := route(t, m)
		if m.IsStreamingClient() {
			assert.Empty(t, route, "%s: the JSON mapping can't carry a client's stream", m.FullName())
			continue
		}
		require.NotEmpty(t, route, "%s has no google.api.http annotation", m.FullName())
		assert.Empty(t, seen[route], "%s has the same route: %s", m.FullName(), route)
		seen[route] = m.FullName()
	}
}

// route is a method's "VERB /path", empty when it has none.
func route(t *testing.T, m protoreflect.MethodDescriptor) string {
	t.Helper()
	rule, _ := proto.GetExtension(generated(t, m).Options(), annotations.E_Http).(*annotations.HttpRule)
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return "GET " + p.Get
	case *annotations.HttpRule_Post:
		return "POST " + p.Post
	case *annotations.HttpRule_Delete:
		return "DELETE " + p.Delete
	case nil:
		return ""
	default:
		require.Failf(t, "route of another kind", "%s: %T", m.FullName(), p)
		return ""
	}
}

func TestEveryAnswerCarriesProvenance(t *testing.T) {
	for _, m := range methods(contract(t)) {
		f := m.Output().Fields().ByName("provenance")
		require.NotNil(t, f, "%s answers %s", m.FullName(), m.Output().FullName())
		assert.EqualValues(t, "courtsense.v1.Provenance", f.Message().FullName())
		assert.Equal(t, 1, strings.Count(string(m.Output().FullName()), string(m.Name())), "%s: answer named otherwise", m.FullName())
	}
}

func TestEveryFaceCallNamesItsPurpose(t *testing.T) {
	n := 0
	for _, m := range methods(contract(t)) {
		if m.Parent().Name() != "FaceService" {
			continue
		}
		n++
		in := m.Input()
		if m.IsStreamingClient() {
			in = in.Fields().ByName("config").Message()
		}
		assert.NotNil(t, in.Fields().ByName("purpose"), in.FullName())
		assert.NotNil(t, in.Fields().ByName("consent_id"), in.FullName())
	}
	assert.NotZero(t, n)
}

func TestClientStreamsBeginWithTheirConfiguration(t *testing.T) {
	for _, m := range methods(contract(t)) {
		if !m.IsStreamingClient() {
			continue
		}
		o := m.Input().Oneofs().ByName("streaming_request")
		require.NotNil(t, o, m.Input().FullName())
		assert.EqualValues(t, "config", o.Fields().Get(0).Name(), m.Input().FullName())
		assert.Equal(t, o.Fields().Len(), m.Input().Fields().Len(), "%s has fields beside the oneof", m.Input().FullName())
	}
}

func TestListsHavePages(t *testing.T) {
	n := 0
	for _, m := range methods(contract(t)) {
		if !strings.HasPrefix(string(m.Name()), "List") {
			continue
		}
		n++
		assert.NotNil(t, m.Input().Fields().ByName("page_size"), m.FullName())
		assert.NotNil(t, m.Input().Fields().ByName("page_token"), m.FullName())
		assert.NotNil(t, m.Output().Fields().ByName("next_page_token"), m.FullName())
	}
	assert.NotZero(t, n)
}

func TestValidationRulesCompile(t *testing.T) {
	var all []protoreflect.MessageDescriptor
	visit(contract(t), func(d protoreflect.Descriptor) {
		if m, ok := d.(protoreflect.MessageDescriptor); ok {
			all = append(all, generated(t, m).(protoreflect.MessageDescriptor))
		}
	})
	v, err := protovalidate.New(protovalidate.WithMessageDescriptors(all...), protovalidate.WithDisableLazy())
	require.NoError(t, err)
	for _, m := range all {
		var violated *protovalidate.ValidationError
		if err := v.Validate(dynamicpb.NewMessage(m)); err != nil {
			assert.True(t, errors.As(err, &violated), "%s: a rule does not run: %v", m.FullName(), err)
		}
	}
}

func TestOpenAPIDescribesEveryRoute(t *testing.T) {
	var doc struct {
		Info  struct{ Title, Version string }
		Paths map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(OpenAPI, &doc))
	assert.Equal(t, "courtsense", doc.Info.Title)
	described := map[string]bool{}
	for _, verbs := range doc.Paths {
		for _, raw := range verbs {
			var op struct{ OperationID string }
			require.NoError(t, json.Unmarshal(raw, &op))
			described[op.OperationID] = true
		}
	}
	for _, m := range methods(contract(t)) {
		id := fmt.Sprintf("%s_%s", m.Parent().Name(), m.Name())
		assert.Equal(t, !m.IsStreamingClient(), described[id], id)
	}
}

// The tables of the documentation are made from the contract, so a row that is missing, wrong or left over fails.
func TestDocumentationTablesAreOfThisContract(t *testing.T) {
	page, err := os.ReadFile("../docs/api.md")
	require.NoError(t, err)
	var want []string
	visit(contract(t), func(d protoreflect.Descriptor) {
		switch g := generated(t, d).(type) {
		case protoreflect.MethodDescriptor:
			want = append(want, methodRow(t, g))
		case protoreflect.FieldDescriptor:
			if marked(g, courtsensev1.E_FieldNotServedYet) {
				want = append(want, fmt.Sprintf("| `%s.%s` | no |", g.Parent().Name(), g.Name()))
			}
		case protoreflect.EnumValueDescriptor:
			if marked(g, courtsensev1.E_ValueNotServedYet) {
				want = append(want, fmt.Sprintf("| `%s.%s` | no |", g.Parent().Name(), g.Name()))
			}
		}
	})
	var got []string
	for _, line := range strings.Split(string(page), "\n") {
		if strings.HasPrefix(line, "| `") && (strings.HasSuffix(line, " yes |") || strings.HasSuffix(line, " no |")) {
			got = append(got, line)
		}
	}
	assert.ElementsMatch(t, want, got, "docs/api.md: its tables must hold these rows:\n%s", strings.Join(want, "\n"))
}

func methodRow(t *testing.T, m protoreflect.MethodDescriptor) string {
	http, stream, served := "gRPC only", "unary", "no"
	if r := route(t, m); r != "" {
		http = "`" + r + "`"
	}
	switch {
	case m.IsStreamingClient() && m.IsStreamingServer():
		stream = "both ways"
	case m.IsStreamingServer():
		stream = "server"
	}
	if MethodServed(m) {
		served = "yes"
	}
	return fmt.Sprintf("| `%s.%s` | %s | %s | %s |", m.Parent().Name(), m.Name(), http, stream, served)
}
