// Package catalogue is an archive's record of what it holds, in one SQLite file:
// folders with their own UIDVALIDITY and UIDs, messages with origin, place, size, SHA-256 and
// dates, and which of them were there, with which flags, in which run.
//
// It decides nothing. Everything in it but history, roles and keywords beyond the first 26 can be found
// out from the archive's files again.
package catalogue
