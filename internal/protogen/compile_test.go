package protogen

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"
)

func sources(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return root
}

const header = "syntax = \"proto3\";\npackage sample.v1;\noption go_package = \"example.invalid/sample\";\n"

func TestImportsComeFromLinkedPackagesAndAreMarked(t *testing.T) {
	root := sources(t, map[string]string{
		"sample/v1/a.proto": header + `
			import "google/api/annotations.proto";
			import "sample/v1/b.proto";
			message Request {}
			service S { rpc Do(Request) returns (Answer) { option (google.api.http) = { get: "/v1/do" }; } }`,
		"sample/v1/b.proto": header + "// What comes back.\nmessage Answer {}",
	})
	c, err := Compile(t.Context(), root)
	require.NoError(t, err)
	require.Len(t, c.Sources, 2)

	path := filepath.Join(root, "image.binpb")
	require.NoError(t, c.WriteDescriptors(path))
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	var set descriptorpb.FileDescriptorSet
	require.NoError(t, proto.Unmarshal(b, &set))
	seen := map[string]bool{}
	for _, f := range set.File {
		for _, dep := range f.Dependency {
			assert.True(t, seen[dep], "%s comes before its import %s", f.GetName(), dep)
		}
		seen[f.GetName()] = true
		source := filepath.Dir(f.GetName()) == "sample/v1"
		assert.Equal(t, source, len(f.ProtoReflect().GetUnknown()) == 0, "%s: marked as import or not", f.GetName())
		assert.Equal(t, source, len(f.GetSourceCodeInfo().GetLocation()) > 0, "%s: comments", f.GetName())
	}
	assert.True(t, seen["google/protobuf/descriptor.proto"], "imports of imports are missing")
}

func TestMistakesAreNamedByFileAndLine(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"syntax":       {header + "message {", "a.proto:4:9"},
		"type":         {header + "message M { Absent a = 1; }", "a.proto:4:13"},
		"import":       {header + "import \"no/such.proto\";", "a.proto:4:8: no/such.proto is neither a source nor in a linked Go package"},
		"unknown rule": {header + "import \"buf/validate/validate.proto\";\nmessage M { string s = 1 [(buf.validate.field).nosuch = 1]; }", "a.proto:5:"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Compile(t.Context(), sources(t, map[string]string{"a.proto": c.text}))
			assert.ErrorContains(t, err, c.want)
		})
	}
	_, err := Compile(t.Context(), t.TempDir())
	assert.ErrorContains(t, err, "no .proto file below")
}
