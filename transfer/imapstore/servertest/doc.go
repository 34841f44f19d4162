// Package servertest runs real IMAP servers for tests and judges mailboxes
// independently of the engine.
//
//   - StartDovecot, StartCyrus and StartCourier run a server on loopback with a
//     private configuration; each skips the test where it is not installed.
//   - NewCorpus makes a mailbox full of difficult messages and names, Fill puts it
//     on a server, and Edit changes a server as a second client would.
//   - Snapshot reads a whole account and Diff says in what two accounts differ.
//   - Relay records the commands that reach a server.
//
// The package has an IMAP client of its own, which shares nothing with the one
// under test, so a mistake there cannot hide itself here.
package servertest
