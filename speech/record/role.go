package record

import "github.com/courtsense/courtsense/speech/role"

// Role is somebody's part in the hearing; the zero value is "not given".
type Role = role.Role
