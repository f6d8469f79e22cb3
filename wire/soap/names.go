package soap

// Namespaces of the protocol (wire contract 1.4, 1.8).
const (
	// ServicesNS is the namespace of wrapper elements, and of nothing else.
	ServicesNS = "http://orca/shirako/proxies/soapaxis2/services"
	// EnvelopeNS is SOAP 1.1.
	EnvelopeNS = "http://schemas.xmlsoap.org/soap/envelope/"
	// FaultNS is the namespace of fault codes, with its trailing slash.
	FaultNS = "http://geni-orca.renci.org/"

	envelope12NS = "http://www.w3.org/2003/05/soap-envelope"
	schemaNS     = "http://www.w3.org/2001/XMLSchema-instance"
)
