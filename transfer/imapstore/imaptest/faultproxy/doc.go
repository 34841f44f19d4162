// Package faultproxy is a TCP proxy on loopback that puts faults between an IMAP
// client and any IMAP server: connections that are cut, reset or stall at a
// chosen octet or command, answers that are lost after their command took
// effect, refusals, latency, and capabilities the server seems to lack.
//
// It understands commands, answers and literals in both directions, so the
// "third APPEND" is the third one also when the client pipelines, and a message
// that contains the text of a command does not count as one. It reads plain text
// only: behind STARTTLS or COMPRESS it passes octets on and counts nothing (hide
// the capabilities).
//
// A fault that never struck makes a test that proves nothing: see
// [Proxy.Unfired] and [Start].
package faultproxy
