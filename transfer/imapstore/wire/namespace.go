package wire

// Namespace is a prefix of folder names and the delimiter below it (RFC 2342).
type Namespace struct {
	Prefix string
	Delim  string // one octet; empty: NIL
}

// Namespaces are the personal ones, and those of other users and of everybody.
type Namespaces struct{ Personal, Other, Shared []Namespace }

// namespaceCommand asks for the namespaces; a server without NAMESPACE has one
// without prefix, whose delimiter LIST tells.
func (c *Conn) namespaceCommand() *command {
	if c.caps.Has("NAMESPACE") {
		return newCommand("NAMESPACE")
	}
	return newCommand(`LIST "" ""`)
}

func firstOctet(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	return string(b[:1])
}

// namespaces reads one of the three lists of NAMESPACE.
func (s *response) namespaces() []Namespace {
	var out []Namespace
	if !s.accept('(') {
		s.skipValue()
		return nil
	}
	s.items(func() {
		if !s.accept('(') {
			s.skipValue()
			return
		}
		prefix, _ := s.value()
		delim, _ := s.value()
		s.items(s.skipValue) // extensions
		out = append(out, Namespace{string(prefix), firstOctet(delim)})
	})
	return out
}
