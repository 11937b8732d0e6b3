package export

import (
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// node is an element of a parsed file.
type node struct {
	name  xml.Name
	attrs map[string]string // by local name
	kids  []*node
	text  string // outside of children
	whole string // with what is in children
}

// parse reads well-formed XML strictly.
func parse(content []byte) (*node, error) {
	if !utf8.Valid(content) {
		return nil, fmt.Errorf("not UTF-8")
	}
	d := xml.NewDecoder(strings.NewReader(string(content)))
	d.Strict = true
	var root *node
	var open []*node
	for {
		token, err := d.Token()
		if err == io.EOF {
			if len(open) > 0 || root == nil {
				return nil, fmt.Errorf("unfinished")
			}
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			n := &node{name: token.Name, attrs: map[string]string{}}
			seen := map[xml.Name]bool{}
			for _, a := range token.Attr {
				if seen[a.Name] {
					return nil, fmt.Errorf("<%s> has %s twice", n.name.Local, a.Name.Local)
				}
				seen[a.Name] = true
				n.attrs[a.Name.Local] = a.Value
			}
			if len(open) > 0 {
				parent := open[len(open)-1]
				parent.kids = append(parent.kids, n)
			} else if root == nil {
				root = n
			} else {
				return nil, fmt.Errorf("two roots")
			}
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, n := range open {
				n.whole += string(token)
			}
			if len(open) > 0 {
				open[len(open)-1].text += string(token)
			}
		}
	}
}

// all returns the elements of a name, in document order.
func (n *node) all(name string) []*node {
	var out []*node
	if n.name.Local == name {
		out = append(out, n)
	}
	for _, k := range n.kids {
		out = append(out, k.all(name)...)
	}
	return out
}

// The kinds of values that ALTO's schema knows, as far as we use them.
var altoTypes = map[string]func(string) bool{
	"string": func(string) bool { return true },
	"float": func(s string) bool {
		_, err := strconv.ParseFloat(s, 32)
		return err == nil && !strings.ContainsAny(s, "xXpP_")
	},
	"share":     func(s string) bool { v, err := strconv.ParseFloat(s, 32); return err == nil && v >= 0 && v <= 1 },
	"id":        regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9._]*$`).MatchString,
	"refs":      regexp.MustCompile(`^[A-Za-z_][-A-Za-z0-9._]*( [A-Za-z_][-A-Za-z0-9._]*)*$`).MatchString,
	"language":  regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`).MatchString,
	"direction": regexp.MustCompile(`^(ltr|rtl|ttb|btt)$`).MatchString,
	"char":      func(s string) bool { return utf8.RuneCountInString(s) == 1 },
	"chars3":    func(s string) bool { return utf8.RuneCountInString(s) <= 3 },
	"date":      regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$`).MatchString,
	"unit":      regexp.MustCompile(`^(pixel|mm10|inch1200)$`).MatchString,
	"category":  regexp.MustCompile(`^(contentGeneration|contentModification|preOperation|postOperation|other)$`).MatchString,
}

// altoRule is what ALTO 4.4 says of one element, written down from its published schema: the children, as a regular
// expression over their names each followed by a blank, and the attributes with their types ("!" for required ones).
type altoRule struct {
	children string
	attrs    map[string]string
	text     string // type of the text; "" for none
}

func attributes(list string) map[string]string {
	out := map[string]string{}
	for _, f := range strings.Fields(list) {
		name, kind, _ := strings.Cut(f, ":")
		out[name] = kind
	}
	return out
}

const (
	altoPlace  = " HEIGHT:float WIDTH:float HPOS:float VPOS:float"
	altoBlock  = "ID:id! STYLEREFS:refs TAGREFS:refs PROCESSINGREFS:refs ROTATION:float IDNEXT:refs CS:string" + altoPlace
	altoBlocks = `((TextBlock|Illustration|GraphicalElement|ComposedBlock) )*`
)

var altoRules = map[string]altoRule{
	"alto":                      {`(Description )?(Styles )?(Tags )?(ReadingOrder )?Layout `, attributes("SCHEMAVERSION:string schemaLocation:string xmlns:string xsi:string"), ""},
	"Description":               {`MeasurementUnit (sourceImageInformation )?(OCRProcessing )*(Processing )*`, nil, ""},
	"MeasurementUnit":           {``, nil, "unit"},
	"sourceImageInformation":    {`(fileName )?(fileIdentifier )*(documentIdentifier )*`, nil, ""},
	"fileName":                  {``, nil, "string"},
	"fileIdentifier":            {``, attributes("fileIdentifierLocation:string"), "string"},
	"Processing":                {`(processingCategory )?(processingDateTime )?(processingAgency )?(processingStepDescription )*(processingStepSettings )?(processingSoftware )?`, attributes("ID:id!"), ""},
	"processingCategory":        {``, nil, "category"},
	"processingDateTime":        {``, nil, "date"},
	"processingStepDescription": {``, nil, "string"},
	"processingStepSettings":    {``, nil, "string"},
	"processingSoftware":        {`(softwareCreator )?(softwareName )?(softwareVersion )?(applicationDescription )?`, nil, ""},
	"softwareName":              {``, nil, "string"},
	"softwareVersion":           {``, nil, "string"},
	"Layout":                    {`(Page )+`, attributes("STYLEREFS:refs"), ""},
	"Page": {`(TopMargin )?(LeftMargin )?(RightMargin )?(BottomMargin )?(PrintSpace )?`,
		attributes("ID:id! PHYSICAL_IMG_NR:float! HEIGHT:float WIDTH:float PROCESSINGREFS:refs PC:share ROTATION:float LANG:language"), ""},
	"TopMargin":     {`(Shape )?` + altoBlocks, attributes("ID:id STYLEREFS:refs PROCESSINGREFS:refs" + altoPlace), ""},
	"BottomMargin":  {`(Shape )?` + altoBlocks, attributes("ID:id STYLEREFS:refs PROCESSINGREFS:refs" + altoPlace), ""},
	"PrintSpace":    {`(Shape )?` + altoBlocks, attributes("ID:id STYLEREFS:refs PROCESSINGREFS:refs" + altoPlace), ""},
	"TextBlock":     {`(Shape )?(TextLine )*`, attributes(altoBlock + " LANG:language BASEDIRECTION:direction"), ""},
	"Illustration":  {`(Shape )?`, attributes(altoBlock + " TYPE:string"), ""},
	"ComposedBlock": {`(Shape )?` + altoBlocks, attributes(altoBlock + " TYPE:string"), ""},
	"TextLine": {`(Shape )?(String (SP )?)+(HYP )?`,
		attributes("ID:id STYLEREFS:refs TAGREFS:refs PROCESSINGREFS:refs BASELINE:string LANG:language CS:string BASEDIRECTION:direction" + altoPlace), ""},
	"Shape":   {`(Polygon|Ellipse|Circle) `, nil, ""},
	"Polygon": {``, attributes("POINTS:string!"), ""},
	"SP":      {``, attributes("ID:id" + altoPlace), ""},
	"String":  {`(Shape )?(ALTERNATIVE )*(Glyph )*`, attributes("ID:id CONTENT:string! WC:share CC:string CS:string LANG:language" + altoPlace), ""},
	"Glyph":   {`(Shape )?(Variant )*`, attributes("ID:id CONTENT:char! GC:share" + altoPlace), ""},
	"Variant": {``, attributes("CONTENT:chars3 VC:share"), ""},
}

// checkALTO holds a file to the rules: elements and their order, attributes and their types, and references.
func checkALTO(content []byte) error {
	root, err := parse(content)
	if err != nil {
		return err
	}
	if root.name.Local != "alto" {
		return fmt.Errorf("root <%s>", root.name.Local)
	}
	ids := map[string]bool{}
	var refs []string
	var check func(n *node) error
	check = func(n *node) error {
		rule, ok := altoRules[n.name.Local]
		if !ok || n.name.Space != "http://www.loc.gov/standards/alto/ns-v4#" {
			return fmt.Errorf("unknown element <%s> in %q", n.name.Local, n.name.Space)
		}
		var names strings.Builder
		for _, k := range n.kids {
			names.WriteString(k.name.Local + " ")
		}
		if !regexp.MustCompile(`^(?:` + rule.children + `)$`).MatchString(names.String()) {
			return fmt.Errorf("<%s> has children %q", n.name.Local, names.String())
		}
		if rule.text == "" && strings.TrimSpace(n.text) != "" || rule.text != "" && !altoTypes[rule.text](n.text) {
			return fmt.Errorf("<%s> has text %q", n.name.Local, n.text)
		}
		for name, value := range n.attrs {
			kind, ok := rule.attrs[name]
			if !ok {
				return fmt.Errorf("<%s> has an attribute %s", n.name.Local, name)
			}
			kind = strings.TrimSuffix(kind, "!")
			if !altoTypes[kind](value) {
				return fmt.Errorf("<%s %s=%q> is no %s", n.name.Local, name, value, kind)
			}
			switch kind {
			case "id":
				if ids[value] {
					return fmt.Errorf("two elements have the ID %s", value)
				}
				ids[value] = true
			case "refs":
				refs = append(refs, strings.Fields(value)...)
			}
		}
		for name, kind := range rule.attrs {
			if _, ok := n.attrs[name]; !ok && strings.HasSuffix(kind, "!") {
				return fmt.Errorf("<%s> lacks %s", n.name.Local, name)
			}
		}
		for _, k := range n.kids {
			if err := check(k); err != nil {
				return err
			}
		}
		return nil
	}
	if err := check(root); err != nil {
		return err
	}
	for _, r := range refs {
		if !ids[r] {
			return fmt.Errorf("no element has the ID %s", r)
		}
	}
	return nil
}

// The classes of hOCR 1.2 that we write, and the properties that each may and must have in its title.
var hocrProperties = map[string]string{
	"ocr_page":   `^image "[^";]*"; bbox 0 0 \d+ \d+; ppageno \d+$`,
	"ocr_image":  `^bbox \d+ \d+ \d+ \d+$`,
	"ocr_carea":  `^bbox \d+ \d+ \d+ \d+$`,
	"ocr_table":  `^bbox \d+ \d+ \d+ \d+$`,
	"ocr_header": `^bbox \d+ \d+ \d+ \d+$`,
	"ocr_footer": `^bbox \d+ \d+ \d+ \d+$`,
	"ocr_par":    `^bbox \d+ \d+ \d+ \d+$`,
	"ocr_line":   `^bbox \d+ \d+ \d+ \d+(; textangle [0-9.]+)?; x_size [0-9.]+; x_conf [0-9.]+$`,
	"ocrx_word":  `^bbox \d+ \d+ \d+ \d+; x_wconf \d+$`,
	"ocrx_cinfo": `^bbox \d+ \d+ \d+ \d+; x_bboxes \d+ \d+ \d+ \d+; x_confs [0-9.]+$`,
}

// hocrInside says which class an element of a class stands in.
var hocrInside = map[string]string{
	"ocr_page": "", "ocr_image": "ocr_page", "ocr_carea": "ocr_page", "ocr_table": "ocr_page", "ocr_header": "ocr_page", "ocr_footer": "ocr_page",
	"ocr_par": "ocr_carea ocr_table ocr_header ocr_footer", "ocr_line": "ocr_par", "ocrx_word": "ocr_line", "ocrx_cinfo": "ocrx_word",
}

// checkHOCR holds a file to XHTML as far as it is used, and to hOCR's classes, their nesting and properties.
func checkHOCR(content []byte) error {
	root, err := parse(content)
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	declared := map[string]bool{}
	for _, m := range root.all("meta") {
		if m.attrs["name"] == "ocr-capabilities" {
			for _, c := range strings.Fields(m.attrs["content"]) {
				declared[c] = true
			}
		}
	}
	var check func(n *node, within string) error
	check = func(n *node, within string) error {
		if n.name.Space != "http://www.w3.org/1999/xhtml" || !strings.Contains(" html head title meta body div p span ", " "+n.name.Local+" ") {
			return fmt.Errorf("element <%s> in %q", n.name.Local, n.name.Space)
		}
		if class, ok := n.attrs["class"]; ok {
			property, known := hocrProperties[class]
			if !known || !declared[class] {
				return fmt.Errorf("class %q", class)
			}
			if !regexp.MustCompile(property).MatchString(n.attrs["title"]) {
				return fmt.Errorf("%s has the title %q", class, n.attrs["title"])
			}
			if allowed := hocrInside[class]; !strings.Contains(" "+allowed+" ", " "+within+" ") {
				return fmt.Errorf("%s inside %q", class, within)
			}
			if strings.HasPrefix(n.attrs["title"], "bbox") {
				f := strings.Fields(strings.NewReplacer(";", "").Replace(n.attrs["title"]))
				for i := 1; i <= 2; i++ {
					low, _ := strconv.Atoi(f[i])
					high, _ := strconv.Atoi(f[i+2])
					if low > high {
						return fmt.Errorf("%s has the box %q", class, n.attrs["title"])
					}
				}
			}
			if class == "ocr_line" && len(n.kids) == 0 {
				return fmt.Errorf("a line without words")
			}
			within = class
		}
		if id, ok := n.attrs["id"]; ok {
			if ids[id] || !altoTypes["id"](id) {
				return fmt.Errorf("id %q", id)
			}
			ids[id] = true
		}
		for _, k := range n.kids {
			if err := check(k, within); err != nil {
				return err
			}
		}
		return nil
	}
	return check(root, "")
}

// The checks are worth something only when they find what is wrong.
func TestChecksFindFaults(t *testing.T) {
	alto := altoOf(t, samplePage())
	require.NoError(t, checkALTO(alto))
	for name, change := range map[string][2]string{
		"element order":    {"<MeasurementUnit>pixel</MeasurementUnit>\n<sourceImageInformation>", "<sourceImageInformation></sourceImageInformation><MeasurementUnit>pixel</MeasurementUnit><sourceImageInformation>"},
		"unit":             {"pixel", "inch"},
		"missing ID":       {`<TextBlock ID="BLOCK_1_2"`, `<TextBlock`},
		"double ID":        {`BLOCK_1_2`, `BLOCK_1_3`},
		"dead reference":   {`PROCESSINGREFS="PROCESSING_1"`, `PROCESSINGREFS="PROCESSING_2"`},
		"number":           {`HPOS="100"`, `HPOS="left"`},
		"long glyph":       {`<Glyph CONTENT="民"`, `<Glyph CONTENT="民事"`},
		"attribute":        {`<PrintSpace`, `<PrintSpace BORDER="1"`},
		"space at the end": {`</TextLine>`, `<SP/><SP/></TextLine>`},
		"not XML":          {`&amp;`, `&`},
	} {
		bad := strings.Replace(string(alto), change[0], change[1], 1)
		require.NotEqual(t, string(alto), bad, name)
		require.Error(t, checkALTO([]byte(bad)), name)
	}
	hocr := hocrOf(t, samplePage())
	require.NoError(t, checkHOCR(hocr))
	for name, change := range map[string][2]string{
		"class":    {`class="ocr_par"`, `class="ocr_paragraph"`},
		"property": {`; x_wconf 80`, ``},
		"nesting":  {`class="ocr_line"`, `class="ocrx_word"`},
		"id":       {`id="par_1_1_1"`, `id="page_1"`},
		"not XML":  {`<body>`, `<body><br>`},
	} {
		bad := strings.Replace(string(hocr), change[0], change[1], 1)
		require.NotEqual(t, string(hocr), bad, name)
		require.Error(t, checkHOCR([]byte(bad)), name)
	}
}
