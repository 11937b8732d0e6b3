package role

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

// Roles are all roles but [Unknown].
var Roles = []Role{
	Judge, Clerk, Plaintiff, PlaintiffAgent, Defendant, DefendantAgent, ThirdParty, Witness, Expert, Interpreter, Prosecutor,
}

// Parse returns the role of a name, [Unknown] included; ok is false for other names.
func Parse(name string) (r Role, ok bool) {
	for _, r := range append([]Role{Unknown}, Roles...) {
		if name == string(r) {
			return r, true
		}
	}
	return Unknown, false
}
