package xmlrpc_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/leasehold/leasehold/wire/xmlrpc"
)

// with is a call with one parameter, as its peer wrote the value.
func with(value string) []byte {
	return []byte(`<?xml version="1.0"?><methodCall xmlns:ex="http://ws.apache.org/xmlrpc/namespaces/extensions"><methodName>m</methodName><params><param>` +
		value + `</param></params></methodCall>`)
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write(data)
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func date(s string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return at
}

// Every spelling that some stack in the field writes.
func TestReadsLiberally(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, value string
		want        xmlrpc.Value
	}{
		{"typed string", `<value><string>a b </string></value>`, xmlrpc.String("a b ")},
		{"untyped string of Apache", `<value> a </value>`, xmlrpc.String(" a ")},
		{"empty untyped string", `<value></value>`, xmlrpc.String("")},
		{"empty value element of XMLRPC::Lite", `<value />`, xmlrpc.String("")},
		{"empty string element of npm", `<value><string/></value>`, xmlrpc.String("")},
		{"white space alone is a string", "<value> \n</value>", xmlrpc.String(" \n")},
		{"CDATA after text", `<value><string>abc<![CDATA[<d>]]>e</string></value>`, xmlrpc.String("abc<d>e")},
		{"CDATA untyped", `<value><![CDATA[<d>]]></value>`, xmlrpc.String("<d>")},
		{"references", `<value>&lt;&#233;&#x1F600;&amp;</value>`, xmlrpc.String("<é\U0001F600&")},
		{"i4", `<value><i4>-2147483648</i4></value>`, xmlrpc.Int(-1 << 31)},
		{"int with plus and blanks", "<value>\n <int> +7 </int>\r\n</value>", xmlrpc.Int(7)},
		{"int with zeros in front", `<value><int>007</int></value>`, xmlrpc.Int(7)},
		{"int over 32 bits of npm and davexmlrpc", `<value><i4>3000000000</i4></value>`, xmlrpc.Long(3000000000)},
		{"i8", `<value><i8>5</i8></value>`, xmlrpc.Long(5)},
		{"ex:i8", `<value><ex:i8>-9223372036854775808</ex:i8></value>`, xmlrpc.Long(-1 << 63)},
		{"ex:i2", `<value><ex:i2>9</ex:i2></value>`, xmlrpc.Int(9)},
		{"boolean", `<value><boolean>1</boolean></value>`, xmlrpc.Bool(true)},
		{"boolean in words of davexmlrpc", `<value><boolean>false</boolean></value>`, xmlrpc.Bool(false)},
		{"double", `<value><double>-12.5</double></value>`, xmlrpc.Double(-12.5)},
		{"double with an exponent of Java", `<value><double>1.0E300</double></value>`, xmlrpc.Double(1e300)},
		{"ex:float", `<value><ex:float>0.5</ex:float></value>`, xmlrpc.Double(0.5)},
		{"base64 in lines of xmlrpc-c", "<value>\r\n<base64>\r\nAQID\r\nBA==\r\n</base64></value>", xmlrpc.Base64([]byte{1, 2, 3, 4})},
		{"base64 with a reference of PHP", "<value><base64>AQIDBA==&#10;</base64></value>", xmlrpc.Base64([]byte{1, 2, 3, 4})},
		{"empty base64", `<value><base64></base64></value>`, xmlrpc.Base64(nil)},
		{"date", `<value><dateTime.iso8601>20200102T03:04:05</dateTime.iso8601></value>`, xmlrpc.Date(date("2020-01-02T03:04:05Z"))},
		{"nil", `<value><nil/></value>`, xmlrpc.Value{}},
		{"ex:nil", `<value><ex:nil></ex:nil></value>`, xmlrpc.Value{}},
		{"array", `<value><array><data><value>a</value><value><i4>1</i4></value></data></array></value>`, xmlrpc.Array(xmlrpc.String("a"), xmlrpc.Int(1))},
		{"array with line ends", "<value><array>\n<data>\n</data>\n</array></value>", xmlrpc.Array()},
		{"array without data", `<value><array/></value>`, xmlrpc.Array()},
		{"struct", `<value><struct><member><name>a</name><value>1</value></member></struct></value>`,
			xmlrpc.Struct(xmlrpc.Member{Name: "a", Value: xmlrpc.String("1")})},
		{"struct, value first", `<value><struct> <member><value>1</value> <name>a</name></member></struct></value>`,
			xmlrpc.Struct(xmlrpc.Member{Name: "a", Value: xmlrpc.String("1")})},
		{"struct with an empty name", `<value><struct><member><name></name><value/></member></struct></value>`,
			xmlrpc.Struct(xmlrpc.Member{Value: xmlrpc.String("")})},
		{"empty struct", `<value><struct/></value>`, xmlrpc.Struct()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, body := range [][]byte{with(tt.value), zip(t, with(tt.value))} {
				c, err := xmlrpc.ParseCall(body, xmlrpc.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				if c.Method != "m" || len(c.Params) != 1 || !c.Params[0].Equal(tt.want) {
					t.Fatalf("got %+v, want %+v", c, tt.want)
				}
			}
		})
	}
}

func TestReadsDates(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text, want string
		zoned      bool
	}{
		{"20200102T03:04:05", "2020-01-02T03:04:05Z", false},
		{"19980717T140855", "1998-07-17T14:08:55Z", false},
		{"2020-01-02T03:04:05", "2020-01-02T03:04:05Z", false},
		{"20200102T03:04:05Z", "2020-01-02T03:04:05Z", true},
		{"20200102T03:04:05+0200", "2020-01-02T01:04:05Z", true},
		{"20200102T03:04:05+02", "2020-01-02T01:04:05Z", true},
		{"2020-01-02T03:04:05.250Z", "2020-01-02T03:04:05.25Z", true},
		{"2020-01-02T03:04:05-02:30", "2020-01-02T05:34:05Z", true},
		{" 20200102T03:04:05\n", "2020-01-02T03:04:05Z", false},
	} {
		for _, element := range []string{"dateTime.iso8601", "ex:dateTime"} {
			c, err := xmlrpc.ParseCall(with("<value><"+element+">"+tt.text+"</"+element+"></value>"), xmlrpc.Limits{})
			if err != nil {
				t.Fatalf("%q: %v", tt.text, err)
			}
			at, zoned, ok := c.Params[0].Date()
			if !ok || zoned != tt.zoned || !at.Equal(date(tt.want)) {
				t.Errorf("%q: got %v, %v, %v", tt.text, at, zoned, ok)
			}
		}
	}
}

// What a whole document may look like.
func TestReadsDocuments(t *testing.T) {
	t.Parallel()
	call := `<methodCall><methodName> a.b/c:d-e </methodName></methodCall>`
	for _, doc := range []string{
		call,
		"\r\n\t" + `<?xml version="1.0"?>` + "\n" + call,
		"\uFEFF" + call,
		`<?xml version="1.0" encoding="us-ascii"?>` + call,
		`<?xml version='1.0' encoding = 'utf-8'?>` + strings.Replace(call, "</methodName>", "</methodName> <params/>", 1),
		strings.Replace(call, "</methodName>", "</methodName><params>\n</params>\n", 1),
	} {
		c, err := xmlrpc.ParseCall([]byte(doc), xmlrpc.Limits{})
		if err != nil || c.Method != "a.b/c:d-e" || len(c.Params) != 0 {
			t.Errorf("%q: %+v, %v", doc, c, err)
		}
	}
	latin := "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><methodResponse><params><param><value>caf\xe9 \xa4</value></param></params></methodResponse>"
	v, err := xmlrpc.ParseAnswer([]byte(latin), xmlrpc.Limits{})
	if s, ok := v.Text(); err != nil || !ok || s != "café ¤" {
		t.Errorf("ISO-8859-1: %q, %v", s, err)
	}
	v, err = xmlrpc.ParseAnswer([]byte(`<methodResponse><params/></methodResponse>`), xmlrpc.Limits{})
	if err != nil || !v.IsNil() {
		t.Errorf("an answer without a value: %+v, %v", v, err)
	}
}

func TestReadsFaults(t *testing.T) {
	t.Parallel()
	for doc, want := range map[string]xmlrpc.Fault{
		`<fault><value><struct><member><name>faultCode</name><value><int>4</int></value></member><member><name>faultString</name><value>no</value></member></struct></value></fault>`:              {Code: 4, Text: "no"},
		`<fault><value><struct><member><name>faultString</name><value><base64>Y2Fmw6k=</base64></value></member><member><name>faultCode</name><value>-3</value></member></struct></value></fault>`: {Code: -3, Text: "café"},
		`<fault ><value><struct/></value></fault>`: {},
	} {
		_, err := xmlrpc.ParseAnswer([]byte("<methodResponse>"+doc+"</methodResponse>"), xmlrpc.Limits{})
		var f *xmlrpc.Fault
		if !errors.As(err, &f) || *f != want {
			t.Errorf("%s: %v", doc, err)
		}
	}
	// The word in a text is no fault.
	v, err := xmlrpc.ParseAnswer([]byte(`<methodResponse><params><param><value><![CDATA[<fault></fault>]]></value></param></params></methodResponse>`), xmlrpc.Limits{})
	if s, _ := v.Text(); err != nil || s != "<fault></fault>" {
		t.Errorf("%q, %v", s, err)
	}
}

// What is refused, with the code that its sender is told.
func TestRefuses(t *testing.T) {
	t.Parallel()
	nested := func(n int, open, close string) string {
		return `<value>` + strings.Repeat(open+"<value>", n) + strings.Repeat("</value>"+close, n) + `</value>`
	}
	long := strings.Repeat("x", 2<<20+1)
	half := zip(t, with("<value>"+long[:4096]+"</value>"))
	for _, tt := range []struct {
		name string
		body []byte
		code int32
	}{
		{"nothing", nil, xmlrpc.NotWellFormed},
		{"no XML", []byte("GET / HTTP/1.1"), xmlrpc.NotWellFormed},
		{"cut short", with("<value>")[:80], xmlrpc.NotWellFormed},
		{"entity of a document type", []byte(`<!DOCTYPE m [<!ENTITY x "y">]><methodCall/>`), xmlrpc.NotWellFormed},
		{"unknown encoding", []byte(`<?xml version="1.0" encoding="utf-16"?><methodCall/>`), xmlrpc.NotWellFormed},
		{"octets that are not US-ASCII", []byte(`<?xml version="1.0" encoding="us-ascii"?><methodCall><methodName>é</methodName></methodCall>`), xmlrpc.NotWellFormed},
		{"zip cut short", half[:len(half)/2], xmlrpc.NotWellFormed},
		{"zip of nothing", []byte{0x1f, 0x8b}, xmlrpc.NotWellFormed},
		{"zip with a wrong sum", append(append([]byte{}, half[:len(half)-8]...), 0, 0, 0, 0, 0, 0, 0, 0), xmlrpc.NotWellFormed},
		{"bomb", zip(t, make([]byte, 64<<20)), xmlrpc.NotACall},
		{"too long", append(with("<value/>"), make([]byte, 4<<20)...), xmlrpc.NotACall},
		{"string of 10 MB", with("<value>" + strings.Repeat("x", 10<<20) + "</value>"), xmlrpc.NotACall},
		{"string over the limit", with("<value>" + long + "</value>"), xmlrpc.NotACall},
		{"arrays too deep", with(nested(33, "<array><data>", "</data></array>")), xmlrpc.NotACall},
		{"arrays far too deep", with(nested(100_000, "<array><data>", "</data></array>")), xmlrpc.NotACall},
		{"structs too deep", with(nested(33, "<struct><member><name>n</name>", "</member></struct>")), xmlrpc.NotACall},
		{"too many elements", with("<value><array><data>" + strings.Repeat("<value/>", 200_001) + "</data></array></value>"), xmlrpc.NotACall},
		{"another root", []byte(`<methodResponse/>`), xmlrpc.NotACall},
		{"another namespace", []byte(`<methodCall xmlns="urn:x"><methodName>m</methodName></methodCall>`), xmlrpc.NotACall},
		{"no method", []byte(`<methodCall><params/></methodCall>`), xmlrpc.NotACall},
		{"bad method", []byte(`<methodCall><methodName>a&lt;b</methodName></methodCall>`), xmlrpc.NotACall},
		{"three children", []byte(`<methodCall><methodName>m</methodName><params/><params/></methodCall>`), xmlrpc.NotACall},
		{"param without a value", with(""), xmlrpc.NotACall},
		{"param with two values", with("<value/><value/>"), xmlrpc.NotACall},
		{"bad base64", with("<value><base64>AQ!=</base64></value>"), xmlrpc.NotACall},
		{"base64 cut short", with("<value><base64>AQI</base64></value>"), xmlrpc.NotACall},
		{"two members of one name", with("<value><struct><member><name>a</name><value/></member><member><name>a</name><value/></member></struct></value>"), xmlrpc.NotACall},
		{"two of many members", with("<value><struct>" + strings.Repeat("<member><name>a</name><value/></member>", 20) + "</struct></value>"), xmlrpc.NotACall},
		{"member without a value", with("<value><struct><member><name>a</name></member></struct></value>"), xmlrpc.NotACall},
		{"member with two names", with("<value><struct><member><name>a</name><name>b</name></member></struct></value>"), xmlrpc.NotACall},
		{"int of words", with("<value><int>seven</int></value>"), xmlrpc.NotACall},
		{"empty int", with("<value><int/></value>"), xmlrpc.NotACall},
		{"int over 64 bits", with("<value><i8>9223372036854775808</i8></value>"), xmlrpc.NotACall},
		{"int with an element", with("<value><int>1<b/></int></value>"), xmlrpc.NotACall},
		{"boolean of 2", with("<value><boolean>2</boolean></value>"), xmlrpc.NotACall},
		{"double that is none", with("<value><double>NaN</double></value>"), xmlrpc.NotACall},
		{"double in hexadecimal", with("<value><double>0x1p4</double></value>"), xmlrpc.NotACall},
		{"double too large", with("<value><double>1e999</double></value>"), xmlrpc.NotACall},
		{"date that is none", with("<value><dateTime.iso8601>yesterday</dateTime.iso8601></value>"), xmlrpc.NotACall},
		{"date of no calendar", with("<value><dateTime.iso8601>20200230T00:00:00</dateTime.iso8601></value>"), xmlrpc.NotACall},
		{"nil with content", with("<value><nil>x</nil></value>"), xmlrpc.NotACall},
		{"two types", with("<value><int>1</int><int>1</int></value>"), xmlrpc.NotACall},
		{"text beside a type", with("<value>x<int>1</int></value>"), xmlrpc.NotACall},
		{"unknown type", with("<value><number>1</number></value>"), xmlrpc.NotACall},
		{"serialized Java object", with("<value><ex:serializable>rO0A</ex:serializable></value>"), xmlrpc.NotACall},
		{"text in a struct", with("<value><struct>x</struct></value>"), xmlrpc.NotACall},
		{"text in data", with("<value><array><data>x</data></array></value>"), xmlrpc.NotACall},
		{"item that is no value", with("<value><array><data><int>1</int></data></array></value>"), xmlrpc.NotACall},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := xmlrpc.ParseCall(tt.body, xmlrpc.Limits{})
			var e *xmlrpc.Error
			if !errors.As(err, &e) || e.Code != tt.code {
				t.Fatalf("got %v, want code %d", err, tt.code)
			}
			if c.Method != "" || c.Params != nil {
				t.Errorf("refused, and still %+v", c)
			}
			if f := e.Fault(); f.Code != tt.code || len(f.Text) > 300 {
				t.Errorf("fault %+v", f)
			}
		})
	}
	if _, err := xmlrpc.ParseCall(with(nested(32, "<array><data>", "</data></array>")), xmlrpc.Limits{}); err != nil {
		t.Errorf("as deep as the limit: %v", err)
	}
	for _, doc := range []string{`<methodResponse/>`, `<methodResponse><params><param><value/></param><param><value/></param></params></methodResponse>`,
		`<methodResponse><fault><value>broken</value></fault></methodResponse>`, `<html><value/></html>`} {
		if v, err := xmlrpc.ParseAnswer([]byte(doc), xmlrpc.Limits{}); !errors.As(err, new(*xmlrpc.Error)) {
			t.Errorf("%s: %+v, %v", doc, v, err)
		}
	}
}

// Numbers as peers without 64 bits send them.
func TestNumber(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		v    xmlrpc.Value
		want int64
		ok   bool
	}{
		{xmlrpc.Int(-5), -5, true}, {xmlrpc.Long(1 << 40), 1 << 40, true}, {xmlrpc.String("1700000000000"), 1700000000000, true},
		{xmlrpc.Double(1.7e12), 1700000000000, true}, {xmlrpc.Double(1.5), 0, false}, {xmlrpc.Double(1e18), 0, false},
		{xmlrpc.String("1e3"), 0, false}, {xmlrpc.String(""), 0, false}, {xmlrpc.Bool(true), 0, false}, {xmlrpc.Value{}, 0, false},
	} {
		if n, ok := tt.v.Number(); ok != tt.ok || n != tt.want && ok {
			t.Errorf("%+v: %d, %v", tt.v, n, ok)
		}
	}
}

func TestBase64KeepsOctets(t *testing.T) {
	t.Parallel()
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	c, err := xmlrpc.ParseCall(with("<value><base64>"+base64.StdEncoding.EncodeToString(all)+"</base64></value>"), xmlrpc.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := c.Params[0].Octets(); !ok || !bytes.Equal(got, all) {
		t.Errorf("got %x", got)
	}
}
