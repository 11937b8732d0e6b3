package api

import _ "embed"

// OpenAPI is the OpenAPI 2.0 description of the calls that are also served as JSON over HTTP.
//
//go:embed openapi.json
var OpenAPI []byte
