package protogen

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/pluginpb"
)

// plugin is a protoc plugin among go.mod's tools.
type plugin struct {
	tool      string
	parameter string
	rename    map[string]string // names of generated files that are written under another
}

func plugins(openapiConfig string) []plugin {
	return []plugin{
		{tool: "protoc-gen-go", parameter: "paths=source_relative"},
		{tool: "protoc-gen-go-grpc", parameter: "paths=source_relative"},
		{tool: "protoc-gen-grpc-gateway", parameter: "paths=source_relative"},
		{
			tool: "protoc-gen-openapiv2",
			parameter: "allow_merge=true,merge_file_name=openapi,openapi_naming_strategy=simple,openapi_configuration=" +
				openapiConfig,
			rename: map[string]string{"openapi.swagger.json": "openapi.json"},
		},
	}
}

// Generate runs the plugins and writes what they make below out. The working folder must be inside the module, whose
// go.mod names the plugins' versions.
func (c *Contract) Generate(ctx context.Context, out string) error {
	for _, p := range plugins(filepath.Join(c.root, "openapi.yaml")) {
		if err := c.generate(ctx, p, out); err != nil {
			return fmt.Errorf("%s: %w", p.tool, err)
		}
	}
	return nil
}

// generate runs one plugin over the contract and writes its files below out.
func (c *Contract) generate(ctx context.Context, p plugin, out string) error {
	req := &pluginpb.CodeGeneratorRequest{
		FileToGenerate: c.names,
		Parameter:      proto.String(p.parameter),
		ProtoFile:      c.files,
	}
	for _, f := range c.files {
		if c.isSource(f.GetName()) {
			req.SourceFileDescriptors = append(req.SourceFileDescriptors, f)
		}
	}
	in, err := proto.Marshal(req)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", p.tool)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	raw, err := cmd.Output()
	if err != nil {
		return err
	}
	var resp pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(raw, &resp); err != nil {
		return fmt.Errorf("its answer: %w", err)
	}
	if resp.Error != nil {
		return errors.New(resp.GetError())
	}
	for _, f := range resp.File {
		name := f.GetName()
		if to, ok := p.rename[name]; ok {
			name = to
		}
		if !filepath.IsLocal(name) {
			return fmt.Errorf("it names a file outside the output folder: %q", name)
		}
		path := filepath.Join(out, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(f.GetContent()), 0o644); err != nil {
			return err
		}
	}
	return nil
}
