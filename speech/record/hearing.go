package record

// Kind is what a hearing is, and so which template its document has.
type Kind string

// The kinds. The zero value counts as [Trial].
const (
	Trial     Kind = "trial"     // 庭审笔录
	Mediation Kind = "mediation" // 调解笔录
	Minutes   Kind = "minutes"   // 会议纪要
)

// Case is what is known about the hearing before anybody speaks; it fills the document's head. Every field may be empty.
type Case struct {
	Kind      Kind              `json:"kind,omitempty" yaml:"kind"`
	Number    string            `json:"number,omitempty" yaml:"number"` // （2019）京0491民初1234号
	Court     string            `json:"court,omitempty" yaml:"court"`
	Cause     string            `json:"cause,omitempty" yaml:"cause"` // 案由
	Title     string            `json:"title,omitempty" yaml:"title"` // of minutes: the meeting's
	Date      string            `json:"date,omitempty" yaml:"date"`   // of the hearing, YYYY-MM-DD
	Time      string            `json:"time,omitempty" yaml:"time"`   // of the day, as it shall be printed
	Place     string            `json:"place,omitempty" yaml:"place"`
	Parties   []Party           `json:"parties,omitempty" yaml:"parties"`
	Attendees []Attendee        `json:"attendees,omitempty" yaml:"attendees"` // the bench, the clerk, witnesses; of minutes: who is there
	Agenda    []AgendaItem      `json:"agenda,omitempty" yaml:"agenda"`       // numbered from 1 in this order
	Extra     map[string]string `json:"extra,omitempty" yaml:"extra"`         // anything else for the head, by its printed name
}

// Party is a party to the case.
type Party struct {
	Role            Role             `json:"role,omitempty" yaml:"role"`
	Name            string           `json:"name" yaml:"name"`
	Details         string           `json:"details,omitempty" yaml:"details"` // address, date of birth and so on, as it shall be printed
	Representatives []Representative `json:"representatives,omitempty" yaml:"representatives"`
}

// Representative speaks for a party.
type Representative struct {
	Name    string `json:"name" yaml:"name"`
	Title   string `json:"title,omitempty" yaml:"title"`     // 委托诉讼代理人, 法定代表人
	Details string `json:"details,omitempty" yaml:"details"` // law firm and so on, as it shall be printed
}

// Attendee is somebody else who is there.
type Attendee struct {
	Role   Role   `json:"role,omitempty" yaml:"role"`
	Name   string `json:"name" yaml:"name"`
	Title  string `json:"title,omitempty" yaml:"title"` // 审判长, 审判员, 人民陪审员, 书记员
	Absent bool   `json:"absent,omitempty" yaml:"absent"`
}

// AgendaItem is a point of the agenda.
type AgendaItem struct {
	Title     string `json:"title" yaml:"title"`
	Presenter string `json:"presenter,omitempty" yaml:"presenter"`
	Decision  string `json:"decision,omitempty" yaml:"decision"` // of minutes: what was resolved
}
