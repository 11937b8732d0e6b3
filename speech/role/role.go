package role

import "slices"

// Role is a part in a hearing.
type Role string

// The roles. Unknown is also what the empty Role stands for.
const (
	Unknown        Role = "unknown"
	Judge          Role = "judge"
	Clerk          Role = "clerk"
	Plaintiff      Role = "plaintiff"
	PlaintiffAgent Role = "plaintiff_agent"
	Defendant      Role = "defendant"
	DefendantAgent Role = "defendant_agent"
	ThirdParty     Role = "third_party"
	Witness        Role = "witness"
	Expert         Role = "expert"
	Interpreter    Role = "interpreter"
	Prosecutor     Role = "prosecutor"
)

// Roles are all roles but [Unknown], in the API's order.
var Roles = []Role{
	Judge, Clerk, Plaintiff, PlaintiffAgent, Defendant, DefendantAgent, ThirdParty, Witness, Expert, Interpreter, Prosecutor,
}

// All lists the roles in the API's order, [Unknown] first.
func All() []Role { return append([]Role{Unknown}, Roles...) }

// Valid tells whether it is one of the roles, or not given.
func (r Role) Valid() bool { return !r.Told() || slices.Contains(Roles, r) }

// Told tells whether it names somebody's part.
func (r Role) Told() bool { return r != "" && r != Unknown }

// Parse returns the role of a name, [Unknown] included; ok is false for other names.
func Parse(name string) (r Role, ok bool) {
	if r = Role(name); name == "" || !r.Valid() {
		return Unknown, false
	}
	return r, true
}
