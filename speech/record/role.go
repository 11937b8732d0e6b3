package record

import "slices"

// Role is somebody's part in the hearing: the API's SpeakerRole in lower case.
type Role string

// The roles. The zero value is "not given".
const (
	RoleUnknown        Role = "unknown" // it could not be told
	RoleJudge          Role = "judge"
	RoleClerk          Role = "clerk"
	RolePlaintiff      Role = "plaintiff"
	RolePlaintiffAgent Role = "plaintiff_agent"
	RoleDefendant      Role = "defendant"
	RoleDefendantAgent Role = "defendant_agent"
	RoleThirdParty     Role = "third_party"
	RoleWitness        Role = "witness"
	RoleExpert         Role = "expert"
	RoleInterpreter    Role = "interpreter"
	RoleProsecutor     Role = "prosecutor"
)

var roles = []Role{
	RoleUnknown, RoleJudge, RoleClerk, RolePlaintiff, RolePlaintiffAgent, RoleDefendant, RoleDefendantAgent, RoleThirdParty, RoleWitness, RoleExpert,
	RoleInterpreter, RoleProsecutor,
}

// Roles lists the roles in the API's order.
func Roles() []Role { return slices.Clone(roles) }

// Valid tells whether it is one of [Roles], or not given.
func (r Role) Valid() bool { return r == "" || slices.Contains(roles, r) }

// told says whether it names somebody's part.
func (r Role) told() bool { return r != "" && r != RoleUnknown }
