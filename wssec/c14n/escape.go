package c14n

// Octets that canonical form writes as references, in texts and in values of
// attributes (Canonical XML 2.3); the others have none.
var (
	textRefs = [256]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '\r': "&#xD;"}
	attrRefs = [256]string{'&': "&amp;", '<': "&lt;", '"': "&quot;", '\t': "&#x9;", '\n': "&#xA;", '\r': "&#xD;"}
)

// AppendText appends s as canonical character data (Canonical XML 2.3, text
// nodes). Octets that XML does not have are the caller's business.
func AppendText(dst []byte, s string) []byte { return escape(dst, s, &textRefs) }

// AppendAttr appends s as a canonical attribute value, without its quotes
// (Canonical XML 2.3, attribute nodes).
func AppendAttr(dst []byte, s string) []byte { return escape(dst, s, &attrRefs) }

func escape(dst []byte, s string, refs *[256]string) []byte {
	from := 0
	for i := range len(s) {
		if ref := refs[s[i]]; ref != "" {
			dst = append(dst, s[from:i]...)
			dst = append(dst, ref...)
			from = i + 1
		}
	}
	return append(dst, s[from:]...)
}
